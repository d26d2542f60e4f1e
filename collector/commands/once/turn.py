"""One turn: the service, which ends after its first telegram.

It has the service's files, locks and threads, and so its guarantees. What InfluxDB has not taken
when the turn ends is in the spool, and the next turn sends it with its own: a turn ends when
nothing waits any more, when InfluxDB does not take it now, or after `P1_REQUEST_SECONDS`.
"""

import time
from contextlib import suppress
from typing import Final

from collector.commands.output import counted
from collector.errors import CollectorError, LockedError, SourceError
from collector.service import former
from collector.service.ending import ended_by_signals
from collector.service.service import TICK_SECONDS, Service
from collector.settings.settings import Settings
from collector.spool.disk import Disk

COUNT_SECONDS: Final = 1.0


class Turn(Service):
    """A service that reads one telegram; `seconds` is how long it waits for one."""

    def __init__(self, settings: Settings, seconds: float) -> None:
        super().__init__(settings.model_copy(update={"share": None}))
        self._give_up_at = time.monotonic() + seconds
        self._done = False

    def outcome(self) -> str:
        """Say what became of the telegram, after `run`. Raises `CollectorError` if it is lost."""
        if not self._reader.counters.telegrams:
            trouble = self._reader.line.trouble
            words = trouble.message if trouble else f"no telegram came from `{self._place.text}`"
            raise SourceError(words, hint=trouble.hint if trouble else "run `p1-collector check`")
        if self._early.waits:
            return "read; it waits until this machine's clock is set, for the next run"
        totals = self._account.totals()
        if self._keeper.trouble:
            hint = "it waits in RAM, for the next run: mend the disk before the power goes"
            raise CollectorError(self._keeper.trouble, hint=hint)
        if totals.waiting:
            message = self._sender.delivery.message if self._sender else "no InfluxDB is set"
            why = f": {message}" if message else ""
            return f"read; {counted(totals.waiting, 'telegram')} waiting in the spool{why}"
        return "read and delivered; nothing waits"

    def _tell(self) -> None:
        """After each step of the reader: end once there is a telegram, or time is up."""
        super()._tell()
        read = bool(self._reader.counters.telegrams)
        if self._done or not (read or time.monotonic() >= self._give_up_at):
            return
        self._done = True
        if read:
            self._reader.finish()
            self._await_delivery()
        self.stopping.set()

    def _await_delivery(self) -> None:
        """Count what earlier turns left, as far as that takes a moment; then wait for InfluxDB."""
        until = time.monotonic() + COUNT_SECONDS
        with suppress(OSError):  # the keeper tells it
            while time.monotonic() < until and self._spool.count_one():
                pass
        until = time.monotonic() + self._settings.request_seconds
        while self._waits() and time.monotonic() < until and not self.stopping.is_set():
            self.stopping.wait(TICK_SECONDS)

    def _waits(self) -> bool:
        """Whether there is something that InfluxDB may take at once."""
        if self._settings.target is None or (self._sender and self._sender.delivery.message):
            return False
        spool = self._spool
        return bool(self._account.totals().waiting or spool.next(1))


def take(settings: Settings, seconds: float) -> str:
    """Take one turn, until SIGTERM at most; gives what became of it in words."""
    try:
        turn = Turn(settings, seconds)
    except LockedError as error:
        hint = "the service reads and stores every telegram by itself: `once` is for without it"
        raise LockedError(f"nothing was read: {error}", hint=hint) from error
    former.look_back(settings, Disk())
    with ended_by_signals(turn.stopping):
        crashed = turn.run()
    if crashed:
        raise CollectorError("a thread ended; the lines above say why")
    return turn.outcome()
