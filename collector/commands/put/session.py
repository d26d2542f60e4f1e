"""One run of `put`: its files, one after the other, into the tray of the service or the inbox."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Final

from collector.commands.output import complain, counted
from collector.commands.put.lines import Rules, Series, Stream
from collector.commands.served import inbox_of, is_served, why_it_waits
from collector.errors import CollectorError
from collector.protocol import LineError
from collector.settings.settings import Settings
from collector.spool.disk import Disk
from collector.spool.inbox import BOUND, Inbox
from collector.spool.record import Record, RecordId, new_run, numbering
from collector.spool.segment import segments
from collector.spool.stock import TRAY

WAIT_SECONDS: Final = 1.0
REPORTED: Final = 100  # bad lines that are told one by one; the rest is counted
_TOGETHER: Final = 2_000
_BEFORE, _BEHIND = 60, 20  # so many characters are shown around what is wrong


@dataclass(slots=True)
class Session:
    """What all files of a run share; `bound` is how many bytes may wait in the inbox."""

    settings: Settings
    rules: Rules
    stopping: Event
    skip_bad: bool = False
    bound: int = BOUND
    wall: Callable[[], float] = time.time
    stored: int = 0
    bad: int = 0
    _said: str = ""
    _last: dict[Series, int] = field(default_factory=dict)
    _identities: Iterator[RecordId] = field(default_factory=lambda: numbering(new_run()))

    def run(self, streams: Sequence[Stream]) -> None:
        """Store what they hold. Raises `CollectorError` for bad lines, unless they are skipped."""
        if not self.skip_bad:
            self._check([stream for stream in streams if stream.ends])
        for stream in streams:
            number = 1
            for batch in stream.batches(self.stopping.is_set):
                lines = self._good(stream.name, number, batch)
                self._refuse()
                self._put(lines)
                number += len(batch)
        self._inbox(served=is_served(self.settings))  # that may have ended meanwhile

    def outcome(self) -> str:
        """Say what became of the lines."""
        where = "handed to the service"
        if not is_served(self.settings):
            where = "in the inbox; the service delivers them when it runs"
        rest = f", {self.bad} left out" if self.bad else ""
        return f"{counted(self.stored, 'line')} {where}{rest}"

    def _check(self, streams: Sequence[Stream]) -> None:
        """Read what can be read twice, before any of it is stored."""
        for stream in streams:
            start, number = stream.place, 1
            for batch in stream.batches(self.stopping.is_set):
                self._good(stream.name, number, batch)
                number += len(batch)
            stream.again(start)
        self._last.clear()
        self._refuse()

    def _refuse(self) -> None:
        if self.bad and not self.skip_bad:
            one = self.bad == 1
            what = "a line is" if one else f"{self.bad} lines are"
            before = counted(self.stored, "line")
            stored = f"only the {before} before" if self.stored else "nothing"
            hint = f"correct {'it' if one else 'them'}, or leave out what is bad with `--skip-bad`"
            raise CollectorError(f"{what} bad, {stored} stored", hint=hint)

    def _good(self, name: str, first: int, batch: Sequence[bytes]) -> list[bytes]:
        """Give the lines as they are stored; tells of those that cannot be."""
        good, now = [], self.wall()
        for series in [series for series, second in self._last.items() if second < now - 1]:
            del self._last[series]
        for number, line in enumerate(batch, first):
            try:
                stored = self.rules.in_seconds(line, now, self._last)
            except LineError as error:
                self._complain(f"{name}, line {number}: {error}", line, error.column)
            else:
                good += [stored] if stored else []
        return good

    def _complain(self, words: str, line: bytes, column: int) -> None:
        self.bad += 1
        if self.bad <= REPORTED:
            start = max(0, column - _BEFORE)
            shown = line.decode(errors="replace").strip(" \t\r")[start : column + _BEHIND]
            complain(f"{words}\n  {shown}\n  {'^':>{column - start}}")
        elif self.bad == REPORTED + 1:
            complain("more are bad, and only counted")

    def _put(self, lines: Sequence[bytes]) -> None:
        records = [Record(next(self._identities), line) for line in lines]
        for first in range(0, len(records), _TOGETHER):
            inbox = self._inbox(served=is_served(self.settings))
            self.stored += inbox.put(records[first : first + _TOGETHER], lambda: self._wait(inbox))  # noqa: B023

    def _inbox(self, *, served: bool) -> Inbox:
        """Give where lines go: beside the service into RAM, else to the disk, behind those."""
        tray = self.settings.hot / TRAY
        inbox = inbox_of(self.settings, bound=self.bound, tray=tray if served else None)
        if not served:
            for path in segments(Disk(), tray):
                inbox.take(path)
        return inbox

    def _wait(self, inbox: Inbox) -> None:
        """Wait for room. Raises `CollectorError` when the command is to end."""
        if (words := why_it_waits(self.settings, inbox)) != self._said:
            self._said = words
            complain(words)
        if self.stopping.wait(WAIT_SECONDS):
            what = f"{self.stored} lines stored, the last that came are not: {words}"
            raise CollectorError(what)
        if not is_served(self.settings):
            self._inbox(served=False)  # nobody else would empty the tray
