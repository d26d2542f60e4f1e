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

import errno
import faulthandler
import logging
import os
import resource
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final

from collector.delivery.announcing import Announcing
from collector.delivery.backoff import Backoff
from collector.delivery.sender import Sender
from collector.errors import CollectorError, SettingsError, UnknownSetting
from collector.p1.telegram import Policy
from collector.points import Memory, Points
from collector.reading.clock import Choice, Clock, HostClock
from collector.reading.line import Line
from collector.reading.reader import Reader, Rules
from collector.reading.sources import address
from collector.service import status
from collector.service.ending import ended_by_signals
from collector.service.lock import Lock
from collector.service.notify import Notifier
from collector.service.status import Status, collector_line, summary
from collector.settings.settings import Settings, load
from collector.spool.account import Account
from collector.spool.disk import Disk
from collector.spool.fault import advice, words
from collector.spool.handoff import Handoff
from collector.spool.hot import Hot, take_over
from collector.spool.keeper import Keeper, Limits
from collector.spool.record import Damage, Record, RecordId, new_run, numbering
from collector.spool.segment import first_second, segments
from collector.spool.spool import Directories, Spool

log: Final = logging.getLogger(__name__)

SEAL_SECONDS: Final = 5.0
OWN_STATE_SECONDS: Final = 60.0
STATUS_SECONDS: Final = 1.0
TICK_SECONDS: Final = 0.25
JOIN_SECONDS: Final = 0.7
NOTICE_SECONDS: Final = 0.1
"""How long the main thread may take to notice that all is to end."""

HEAD_START_SECONDS: Final = 5.0
"""How long the sender's imports wait for the port to be opened."""
UNUSABLE: Final = 78
"""sysexits.h EX_CONFIG: systemd does not restart on it."""

_MIB: Final = 1024 * 1024


class Service:
    """Everything that `p1-collector run` runs, made from the settings."""

    def __init__(self, settings: Settings) -> None:
        self.stopping = Event()
        self._crashed = False
        self._reading = Event()
        self._disk = Disk()
        self._settings = settings = _with_hot_directory(settings, self._disk)
        self._account = Account()
        self._handoff = Handoff()
        self._notifier = Notifier(os.environ)
        self._run = new_run()
        self._place = address(settings.source, settings.baud)
        self._locks = [Lock(settings.hot), *_spool_lock(settings, self._disk)]
        if self._place.fault and len(self._locks) == 1:
            message = f"neither source nor spool can be used: {self._place.fault}"
            raise SettingsError(message, hint=self._place.fault.hint)
        self._spool = Spool(Directories(settings.spool), self._account, self._disk)
        self._keeper = self._make_keeper()
        self._hot = self._make_hot()
        self._reader = self._make_reader()
        self._sender: Sender | None = None
        self._status = Status(
            site=settings.site,
            source=self._place.text,
            url=settings.influx_url,
            started=time.time(),
        )
        self._files = {"spool_bytes": 0, "hot_bytes": 0, "uncounted_segments": 0, "lag_s": 0}
        self._status_at = self._own_state_at = self._watchdog_at = 0.0

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
            self._measure()
        self._write_status("stopped")
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
                    self._measure()

    def _send(self) -> None:
        if (target := self._settings.target) is None:
            return
        self._reading.wait(HEAD_START_SECONDS)
        # 150 ms on a fast machine, seconds on a small one: after reading has begun.
        from collector.delivery.influx import Influx  # noqa: PLC0415

        influx = Influx(target, deadline=self._settings.request_seconds)
        self._sender = Sender(
            Announcing(influx, target),
            self._spool,
            self._handoff,
            self._account,
            self._keeper,
            stopping=self.stopping,
            monotonic=time.monotonic,
            backoff=Backoff(longest=self._settings.retry_seconds),
        )
        influx.meanwhile = self._sender.ahead.look
        self._sender.run()

    def say_no_influxdb(self) -> None:
        settings = self._settings
        if not settings.influx_url and settings.influx_token is None:  # else it is told already
            kept = settings.spool if len(self._locks) > 1 else settings.hot
            words = "no InfluxDB is set: readings are kept in `%s` (set `P1_INFLUX_URL`)"
            log.warning(words, kept)

    def _tell(self) -> None:
        """Say how it goes: to systemd, to the status file, once a minute to InfluxDB."""
        now = time.monotonic()
        if self._notifier.watchdog_seconds and now >= self._watchdog_at:
            self._watchdog_at = now + self._notifier.watchdog_seconds / 3
            self._notifier.send(WATCHDOG="1")
        if self._reader.last is not None:
            self._status.power(self._reader.last)
        if now < self._status_at:
            return
        self._status_at = now + STATUS_SECONDS
        facts = self._write_status()
        self._notifier.send(STATUS=summary(facts))
        if now >= self._own_state_at:
            self._own_state_at = now + OWN_STATE_SECONDS
            line = collector_line(facts)
            self._hot.append(Record(RecordId(self._run, 0), line.encode()))

    def _write_status(self, state: str | None = None) -> dict[str, Any]:
        facts = self._status.as_dict(
            self._reader,
            self._account,
            self._sender.delivery if self._sender else None,
            now=time.time(),
            files=self._files,
            trouble=self._keeper.trouble,
            state=state,
        )
        try:
            status.write(self._settings.hot / status.FILE_NAME, facts)
            memory = self._reader.points.memory.as_dict()
            status.write(self._settings.hot / status.MEMORY_NAME, memory)
        except OSError:
            # The hot directory says so itself; a missing status is the smaller loss.
            with suppress(OSError):
                self._disk.make_directory(self._settings.hot)
        return facts

    def _measure(self) -> None:
        """Look at the files: how much waits, and since when. The keeper's thread does it."""
        waiting = [*self._spool.waiting(), *segments(self._disk, self._settings.spool, ".open")]
        self._files = {
            "spool_bytes": sum(map(self._disk.size, waiting)),
            "hot_bytes": self._hot.size,
            "uncounted_segments": self._spool.uncounted,
            "lag_s": self._lag(waiting),
        }

    def _lag(self, waiting: list[Path]) -> int:
        """Give the age of the oldest record that waits, by its own time."""
        if waiting and (second := first_second(waiting[0])):
            return max(0, int(time.time()) - second)
        oldest = self._handoff.oldest()
        return int(time.monotonic() - oldest) if oldest is not None else 0

    def _make_keeper(self) -> Keeper:
        settings = self._settings
        return Keeper(
            self._spool,
            self._handoff,
            Limits(settings.spool_mib * _MIB, settings.free_mib * _MIB),
            keep_seconds=settings.keep_seconds,
            monotonic=time.monotonic,
        )

    def _make_hot(self) -> Hot:
        hot = Hot(
            self._settings.hot,
            self._handoff,
            self._account,
            limit=self._settings.hot_mib * _MIB,
            seal_seconds=min(SEAL_SECONDS, self._settings.keep_seconds / 2),
            monotonic=time.monotonic,
            disk=self._disk,
        )
        take_over(
            self._settings.hot,
            self._handoff,
            self._account,
            since=_since,
            keep_aside=self._keep_aside,
            disk=self._disk,
        )
        return hot

    def _keep_aside(self, damage: Damage) -> None:
        try:
            self._spool.prepare()
            self._spool.keep_aside(self._spool.next_number(), damage)
        except OSError as error:
            log.error("cannot keep damaged bytes aside: %s", error)

    def _make_reader(self) -> Reader:
        settings = self._settings
        line = Line(
            self._place,
            silence_seconds=settings.silence_seconds,
            monotonic=time.monotonic,
            pause=self.stopping.wait,
        )
        clock = Clock(
            Choice(settings.clock),
            live=self._place.live,
            tolerance_seconds=settings.clock_tolerance_seconds,
            wall=time.time,
            monotonic=time.monotonic,
            synchronised=HostClock(time.monotonic).synchronised,
        )
        memory = Memory.from_dict(status.read(settings.hot / status.MEMORY_NAME))
        points = Points(site=settings.site, meter=settings.meter, memory=memory)
        rules = Rules(
            Policy(settings.crc),
            settings.utc_offset_hours,
            settings.sample_seconds,
            settings.keys,
        )
        numbers = numbering(self._run)
        return Reader(line, clock, points, self._hot, numbers, rules, time.monotonic)


def run() -> int:
    """Run the service until SIGTERM or SIGINT; gives the exit status."""
    faulthandler.enable()
    # A crash leaves a stack in the log; a core dump would leave the token on the card.
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    settings, problems = load()
    for problem in problems:
        level = logging.WARNING if isinstance(problem, UnknownSetting) else logging.ERROR
        log.log(level, "%s (%s)", problem, problem.hint)
    try:
        service = Service(settings)
    except CollectorError as error:
        log.error("%s (%s)", error, error.hint)
        return UNUSABLE if isinstance(error, SettingsError) else 1
    service.say_no_influxdb()
    with ended_by_signals(service.stopping):
        return service.run()


def _with_hot_directory(settings: Settings, disk: Disk) -> Settings:
    """Make the hot directory, or the one that would be used if none were set.

    Raises `SettingsError` if there is no directory at all to put a reading in.
    """
    for chosen in (settings, settings.model_copy(update={"hot_dir": None})):
        try:
            _make_own(chosen.hot, disk)
        except OSError as error:
            what = "cannot use the hot directory `%s`: %s (%s)"
            log.error(what, chosen.hot, words(error), advice(error))
        else:
            return chosen
    raise SettingsError(
        f"cannot use the hot directory `{settings.hot}`, nor any other",
        hint="set `P1_HOT_DIR` to a directory in RAM that this user may write",
    )


def _make_own(directory: Path, disk: Disk) -> None:
    """Make a directory, and see that nobody else put it where everybody may (`/dev/shm`)."""
    disk.make_directory(directory)
    if not os.access(directory, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, "this user may not write there")
    theirs = directory.stat().st_uid != os.getuid()
    if theirs and directory.parent.stat().st_mode & stat.S_ISVTX:
        raise PermissionError(errno.EPERM, "it belongs to another user")


def _spool_lock(settings: Settings, disk: Disk) -> list[Lock]:
    """Lock the spool; where there can be none, reading from RAM goes on without."""
    try:
        disk.make_directory(settings.spool)
        return [Lock(settings.spool)]
    except OSError as error:
        what = "cannot use the spool `%s`, readings stay in RAM: %s (%s)"
        log.error(what, settings.spool, words(error), advice(error))
        return []


def _since(path: Path) -> float:
    """Say when the first record of a hot file was read, on the monotonic clock.

    Its last record is as old as the file says; the first is at most `SEAL_SECONDS` older. If the
    host's clock was set back meanwhile, nobody knows: then it counts as old.
    """
    age = time.time() - path.stat().st_mtime
    return time.monotonic() - age - SEAL_SECONDS if age >= 0 else 0.0
