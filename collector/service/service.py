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
from threading import Event, Thread
from typing import Final

from collector.delivery.backoff import Backoff
from collector.delivery.sender import Sender
from collector.errors import LockedError, SettingsError
from collector.service import parts
from collector.service.lock import Lock
from collector.service.notify import Notifier
from collector.service.places import with_hot_directory
from collector.service.report import LOOK_SECONDS, Report
from collector.service.watch import Watch
from collector.settings.settings import Settings
from collector.spool.account import Account
from collector.spool.disk import Disk
from collector.spool.early import Early
from collector.spool.errands import PATIENCE_SECONDS, Errands
from collector.spool.fault import advice, words
from collector.spool.handoff import Handoff
from collector.spool.record import RecordId, new_run
from collector.spool.spool import Directories, Spool
from collector.spool.stock import TRAY

log: Final = logging.getLogger(__name__)

TICK_SECONDS: Final = 0.25
JOIN_SECONDS: Final = 0.7
FINISH_SECONDS: Final = 5.0  # how long the end waits for a slow card
HEAD_START_SECONDS: Final = 5.0  # how long the sender's imports wait for the port to be opened


class Service:
    """Everything that `p1-collector run` runs, made from the settings."""

    def __init__(self, settings: Settings) -> None:
        self.stopping = Event()
        self._crashed = False
        self._reading = Event()
        self._disk = Disk()
        self._watch = Watch(self._disk, settings.request_seconds)
        self._settings = settings = with_hot_directory(settings, self._disk)
        self._account = Account()
        self._handoff = Handoff()
        self._notifier = Notifier(os.environ)
        self._run = new_run()
        self._place = settings.place
        self._errands = Errands(PATIENCE_SECONDS)
        self._locks = [Lock(settings.hot)]
        try:
            self._errands.do(self._take_spool)
        except OSError as error:
            what = "cannot use the spool `%s`, readings stay in RAM: %s (%s)"
            log.error(what, settings.spool, words(error), advice(error))
        if self._place.fault and not self.has_spool:
            message = f"neither source nor spool can be used: {self._place.fault}"
            raise SettingsError(message, hint=self._place.fault.hint)
        rooms = Directories(settings.spool, settings.hot / TRAY)
        self._spool = Spool(rooms, self._account, self._disk)
        self._handoff.hurry = self._place.bell.ring
        self._keeper = parts.keeper(settings, self._spool, self._handoff)
        self._hot = parts.hot(settings, self._spool, self._handoff, self._account, self._errands)
        self._early = self._keeper.early = Early(settings.hot, self._spool, parts.boot())
        self._reader = parts.reader(
            settings, self._place, self._hot, self._early, self._account, self._run, self.stopping
        )
        self._sender: Sender | None = None
        self._report = Report(
            settings=settings,
            reader=self._reader,
            hot=self._hot,
            handoff=self._handoff,
            keeper=self._keeper,
            spool=self._spool,
            account=self._account,
            notifier=self._notifier,
            watch=self._watch,
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
        self.stopping.wait()
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
        self._place.bell.ring()
        for thread in threads[:2]:
            thread.join(JOIN_SECONDS)
        self._reader.finish()
        finishing = Thread(target=self._keeper.finish, name="finish", daemon=True)
        finishing.start()
        finishing.join(FINISH_SECONDS)
        if finishing.is_alive():
            log.error("the disk of the spool hangs, readings stay in RAM")
        self._reader.line.close()
        self._report.write("stopped")
        totals = self._account.totals()
        later = totals.waiting and self._settings.target
        then = ", they are delivered after the next start" if later else ""
        log.info("stopped: %d readings wait on the disk%s", totals.waiting, then)

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
        note_at = 0.0
        while not self.stopping.wait(self._keeper.pause):
            self._watch.keeper.beat()
            self._take_spool_late()
            self._keeper.tick()
            if time.monotonic() >= note_at:
                note_at = time.monotonic() + LOOK_SECONDS
                self._spool.note_oldest()

    def _take_spool(self) -> None:
        """Lock the spool; where there can be none, reading from RAM goes on without."""
        if not self.has_spool:
            self._disk.make_directory(self._settings.spool)
            self._locks.append(Lock(self._settings.spool))

    def _take_spool_late(self) -> None:
        """Lock a spool that could not be used at the start. Ends all if another process has it."""
        try:
            self._take_spool()
        except LockedError as error:
            log.error("%s (%s)", error, error.hint)
            self._crashed = True
            self.stopping.set()
        except OSError:
            pass  # the keeper says what is wrong with the disk

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
            errands=self._errands,
            beat=self._watch.sender.beat,
        )
        self._sender.tell_refused = self._reader.points.memory.refused
        self._report.delivery = self._sender.delivery
        influx.meanwhile = self._sender.backlog.look
        self._sender.run()

    def _tell(self) -> None:
        self._report.tell()
