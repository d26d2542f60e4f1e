"""The service: three threads and what connects them. This is the whole of the wiring.

=========  ==============================  =======================================================
thread     owns                            tells the others
=========  ==============================  =======================================================
reader     the port, the hot files,        sealed segments, through the handoff
           status and memory in RAM
keeper     the disk                        closed segments, by being in the spool's directory
sender     the network                     nothing: it removes what InfluxDB has
main       the start and the end           `stopping`
=========  ==============================  =======================================================

A hung server delays nobody, a slow card delays nobody. The end, within two seconds: the reader
seals what it has, the keeper brings it to the disk, and a request in flight is left to itself.
"""

import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from typing import Final

from collector.delivery.backoff import Backoff
from collector.delivery.sender import Sender
from collector.errors import SettingsError
from collector.reading.sources import address
from collector.service import parts
from collector.service.lock import Lock
from collector.service.notify import Notifier
from collector.service.places import spool_lock, with_hot_directory
from collector.service.report import STATUS_SECONDS, Report
from collector.settings.settings import Settings
from collector.spool.account import Account
from collector.spool.disk import Disk
from collector.spool.early import Early
from collector.spool.handoff import Handoff
from collector.spool.record import RecordId, new_run
from collector.spool.spool import Directories, Spool

log: Final = logging.getLogger(__name__)

TICK_SECONDS: Final = 0.25
JOIN_SECONDS: Final = 0.7
NOTICE_SECONDS: Final = 0.1
"""How long the main thread may take to notice that all is to end."""

HEAD_START_SECONDS: Final = 5.0
"""How long the sender's imports wait for the port to be opened."""


class Service:
    """Everything that `p1-collector run` runs, made from the settings."""

    def __init__(self, settings: Settings) -> None:
        self.stopping = Event()
        self._crashed = False
        self._reading = Event()
        self._disk = Disk()
        self._settings = settings = with_hot_directory(settings, self._disk)
        self._account = Account()
        self._handoff = Handoff()
        self._notifier = Notifier(os.environ)
        self._run = new_run()
        self._place = address(settings.source, settings.baud)
        self._locks = [Lock(settings.hot), *spool_lock(settings, self._disk)]
        if self._place.fault and not self.has_spool:
            message = f"neither source nor spool can be used: {self._place.fault}"
            raise SettingsError(message, hint=self._place.fault.hint)
        self._spool = Spool(Directories(settings.spool), self._account, self._disk)
        self._keeper = parts.keeper(settings, self._spool, self._handoff)
        self._hot = parts.hot(settings, self._spool, self._handoff, self._account)
        self._early = self._keeper.early = Early(settings.hot, self._spool, parts.boot())
        self._reader = parts.reader(
            settings, self._place, self._hot, self._early, self._account, self._run, self.stopping
        )
        self._sender: Sender | None = None
        self._report = Report(
            settings,
            reader=self._reader,
            hot=self._hot,
            handoff=self._handoff,
            keeper=self._keeper,
            spool=self._spool,
            account=self._account,
            notifier=self._notifier,
            own=RecordId(self._run, 0),
        )

    @property
    def has_spool(self) -> bool:
        return len(self._locks) > 1

    def run(self) -> int:
        """Work until `stopping` is set, or until a replayed file has been dealt with.

        A mistake in the program ends it too, with status 1: whoever started it starts it again.
        """
        threads = [
            Thread(target=self._watched, args=[work], name=work.__name__, daemon=True)
            for work in (self._read, self._keep, self._send)
        ]
        for thread in threads:
            thread.start()
        # Not for ever: a signal that came to another thread waits for this one to wake.
        while not self.stopping.wait(NOTICE_SECONDS):
            pass
        self._stop(threads)
        return 1 if self._crashed else 0

    def _watched(self, work: Callable[[], None]) -> None:
        """Do a thread's work; without one of them the others make no sense."""
        try:
            work()
        except Exception:
            log.exception("a mistake in the program ends it")  # first: the end would cut it off
            self._crashed = True
            self.stopping.set()

    def _stop(self, threads: list[Thread]) -> None:
        self._notifier.send(STOPPING="1")
        self._reading.set()
        self._handoff.wake()
        for thread in threads[:2]:
            thread.join(JOIN_SECONDS)
        self._reader.finish()
        self._keeper.finish()
        self._reader.line.close()
        with suppress(OSError):
            self._report.measure()
        self._report.write("stopped")
        totals = self._account.totals()
        later = totals.waiting and self._settings.target
        then = ", they are delivered after the next start" if later else ""
        log.info("stopped: %d records wait on the disk%s", totals.waiting, then)

    def _read(self) -> None:
        """Be the reader: the only thread that feeds the watchdog."""
        self._notifier.send(READY="1", STATUS="waiting for the meter")
        while not self.stopping.is_set():
            try:
                self._reader.step()
                self._reading.set()
                self._tell()
                while not self._place.live and self._hot.full and not self.stopping.is_set():
                    self._hot.tick()
                    self._tell()
                    self.stopping.wait(TICK_SECONDS)
            except EOFError:
                self._end_of_file()

    def _end_of_file(self) -> None:
        """End the program once all of a replayed file is delivered, or at least on the disk."""
        self._reader.finish()
        log.info("the file `%s` is read to its end", self._place.text)
        while not self.stopping.is_set():
            self._tell()
            if self._settings.target is None or not self._account.totals().waiting:
                self.stopping.set()
            self.stopping.wait(TICK_SECONDS)

    def _keep(self) -> None:
        measure_at = 0.0
        tick = min(TICK_SECONDS, self._settings.keep_seconds / 20)
        while not self.stopping.wait(tick):
            self._keeper.tick()
            if time.monotonic() >= measure_at:
                measure_at = time.monotonic() + STATUS_SECONDS
                with suppress(OSError):  # the keeper says what is wrong with the disk
                    self._report.measure()

    def _send(self) -> None:
        if (target := self._settings.target) is None:
            return
        self._reading.wait(HEAD_START_SECONDS)
        # 150 ms on a fast machine, seconds on a small one: after reading has begun.
        from collector.delivery.influx import Influx  # noqa: PLC0415

        influx = Influx(target, deadline=self._settings.request_seconds)
        self._sender = Sender(
            influx,
            self._spool,
            self._handoff,
            self._account,
            self._keeper,
            place=target.place,
            stopping=self.stopping,
            monotonic=time.monotonic,
            backoff=Backoff(longest=self._settings.retry_seconds),
        )
        self._sender.tell_refused = self._reader.points.memory.refused
        self._report.delivery = self._sender.delivery
        influx.meanwhile = self._sender.ahead.look
        self._sender.run()

    def _tell(self) -> None:
        self._report.tell()
