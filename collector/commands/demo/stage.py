"""The demo's stage: a meter, a serial line, a collector, an InfluxDB, and the end of them."""

import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import filterfalse
from pathlib import Path
from typing import Any, Final, Self

from collector.commands.demo.influxdb import Database, apply_dashboards, database
from collector.commands.demo.meter import Meter
from collector.commands.demo.process import Process
from collector.commands.demo.receiver import Receiver
from collector.commands.demo.view import View, best_view
from collector.commands.export.query import Asker, Period
from collector.commands.output import put
from collector.commands.show.command import read_status
from collector.commands.show.screen import Status
from collector.commands.spool import waiting
from collector.delivery.answer import Target, shown
from collector.errors import CollectorError
from collector.p1.telegram import Telegram
from collector.simulate.wire import Terminal
from collector.spool.spool import Directories

_LEAVES: Final = 0.25  # of the meter's time has gone when InfluxDB goes away
_RETURNS: Final = 0.67
_DRAIN: Final = 30.0  # seconds that the last readings may take to arrive
_REDRAW: Final = 0.25  # seconds
_LOOKS: Final = 10
_PAUSE: Final = 1.0  # seconds between these
_SITE: Final = "demo"
_PREFIX: Final = "p1-demo-"  # and the number of the demo's process
_OTHERS: Final = (
    *("P1_", "INFLUX", "NOTIFY_", "WATCHDOG_", "STATE_DIR", "RUNTIME_DIR", "CREDENTIALS_DIR"),
    "JOURNAL_STREAM",
)
_STARTING: Final = "starting the collector on the meter of a simulated household"
_DRAINING: Final = "the meter has stopped: waiting until the last readings are delivered"
_STAND_IN: Final = """\
There is no InfluxDB: P1_INFLUX_URL is not set, and no influxd is on the PATH. The demo has a
stand-in of its own, which takes and keeps readings as InfluxDB does, and has no graphs."""
_MEANWHILE: Final = """\
The meter is a simulated household's: its clock begins some minutes ago, and goes {speed:g} times
as fast as yours, so the lag that is shown is of its time."""
_HOW_TO_CONNECT: Final = """
to see the readings in an InfluxDB, set P1_INFLUX_URL (http://localhost:8086),
P1_INFLUX_TOKEN, P1_INFLUX_ORG and P1_INFLUX_BUCKET, and run the demo again"""
_HOW_TO_REMOVE: Final = """
the readings are in InfluxDB at {url}, in the bucket `{bucket}`, with the tag site={site};
to remove them:

curl '{url}/api/v2/delete?org={org}&bucket={bucket}' \\
  -H "Authorization: Token $P1_INFLUX_TOKEN" \\
  -d '{{"start": "2000-01-01T00:00:00Z", "stop": "2100-01-01T00:00:00Z",
       "predicate": "site=\\"{site}\\""}}'"""
Rows = Mapping[int, Mapping[str, Any]]
"""What is stored of `electricity`, by second: the value of each field."""


@dataclass(frozen=True, slots=True)
class Account:
    sent: int
    read: int
    delivered: int
    waiting: int
    rejected: int
    dropped: int
    damaged: int

    @classmethod
    def of(cls, status: Status, *, sent: int, waiting: int) -> Self:
        """After a run that found nothing when it began.

        `sent` is what the meter counted, `waiting` what is in the files: neither is taken from
        the collector, so that a telegram which it does not know of shows as lost.
        """
        names = ("read", "delivered", "rejected", "dropped", "damaged")
        return cls(sent=sent, waiting=waiting, **{n: status["counts"][n] for n in names})

    @property
    def kept(self) -> int:
        return self.waiting + self.rejected + self.dropped + self.damaged

    @property
    def lost(self) -> int:
        return self.sent - self.delivered - self.kept

    def lines(self) -> list[str]:
        names = ("read", "delivered", "waiting", "rejected", "dropped", "damaged", "lost")
        rows = [("sent by the meter", self.sent), *((n, getattr(self, n)) for n in names)]
        return [f"{name:<20}{count:>8}" for name, count in rows]


def play(seconds: float, speed: float) -> int:
    """The whole demo; 1 if a telegram was lost, or the collector died.

    Raises `CollectorError` if the user's InfluxDB cannot be used.
    """
    with (
        _terminated_like_interrupted(),
        _rooms() as (hot, disk),
        database(disk) as influxdb,
        Receiver(influxdb.onward) as receiver,
        Terminal() as wire,
    ):
        put(f"{_beginning(influxdb)}\n{_MEANWHILE.format(speed=speed)}\n")
        story = Story(receiver, influxdb.name)
        meter = Meter(wire, seconds, speed)
        environment = environment_for(os.environ, receiver.target, wire.path, hot, disk)
        command = [sys.executable, "-m", "collector", "run"]
        with Process(command, environment, disk) as collector, meter:
            with best_view() as view:
                _run(meter, collector, view, hot, story)
            meter.stop()
            problem = collector.end()
        status = read_status(hot)
        if problem or not status:
            raise CollectorError(problem or "the collector has not begun")
        left = len(waiting(Directories(disk / "spool"), hot))
        account = Account.of(status, sent=meter.sent, waiting=left)
        unlike = _unlike(meter, influxdb, receiver)
        _report(account, status["delivery"]["message"], story, len(unlike))
        _lead_on(influxdb)
    return 1 if account.lost or not account.sent or len(unlike) > account.kept else 0


@dataclass(slots=True)
class Story:
    receiver: Receiver
    name: str
    waited: int = 0  # telegrams, at most

    def act(self, gone: float, status: Status) -> str:
        """What happens now; `gone` is how much of the time has, from 0 to 1."""
        if status:
            self.waited = max(self.waited, status["counts"]["waiting"])
        if gone < _LEAVES:
            return f"1 of 3: {self.name} is there: what is read is delivered every 5 seconds"
        if gone < _RETURNS:
            self.receiver.shut()
            return f"2 of 3: {self.name} is away: readings wait, in RAM, then on the disk"
        self.receiver.open()
        return f"3 of 3: {self.name} is back: new readings go first, then those that waited"


def environment_for(
    environment: Mapping[str, str], target: Target, source: str, hot: Path, disk: Path
) -> dict[str, str]:
    kept = {name: value for name, value in environment.items() if not name.startswith(_OTHERS)}
    ours = {
        "P1_SOURCE": source,
        "P1_SITE": _SITE,
        "P1_CLOCK": "meter",  # simulated time runs at its own speed
        "P1_RETRY_SECONDS": "2",  # half a minute has no time for the usual one
        "P1_HOT_DIR": str(hot),
        "P1_SPOOL_DIR": str(disk / "spool"),
        "P1_INFLUX_URL": target.url,
        "P1_INFLUX_TOKEN": target.token,
        "P1_INFLUX_ORG": target.org,
        "P1_INFLUX_BUCKET": target.bucket,
    }
    return kept | ours


def drained(status: Status, sent: int) -> bool:
    """Whether all is read and delivered, or can never be."""
    counts = status["counts"]
    arrived = counts["waiting"] == 0 or status["delivery"]["state"] == "misconfigured"
    return bool(counts["read"] >= sent and arrived)


def _run(meter: Meter, collector: Process, view: View, hot: Path, story: Story) -> None:
    """The meter's time, then the drain; the first Ctrl-C ends the one, the second the other."""
    with contextlib.suppress(KeyboardInterrupt):
        while meter.left > 0 and collector.alive:
            status = read_status(hot)
            act = story.act(meter.gone, status) if meter.sent else _STARTING
            view.show(status, act, meter.note)
            if view.left(_REDRAW):
                break
    with contextlib.suppress(KeyboardInterrupt):
        meter.stop()
        end = time.monotonic() + _DRAIN
        while time.monotonic() < end and collector.alive:
            status = read_status(hot)
            story.act(1, status)
            view.show(status, _DRAINING)
            if (status and drained(status, meter.sent)) or view.left(_REDRAW):
                return


def _unlike(meter: Meter, influxdb: Database, receiver: Receiver) -> list[Telegram]:
    """What is not stored as it was sent; a cloud takes a moment until it shows what it has."""
    sent = list(meter.telegrams())
    looks = _LOOKS if influxdb.target else 1
    while (unlike := missing(sent, _stored(sent, influxdb.target, receiver))) and looks > 1:
        looks -= 1
        time.sleep(_PAUSE)
    return unlike


def _stored(sent: Sequence[Telegram], target: Target | None, receiver: Receiver) -> Rows:
    """What is in InfluxDB, if the token may read, else what was acknowledged."""
    times = [int(telegram.time.timestamp()) for telegram in sent if telegram.time]
    columns = [*{name: None for telegram in sent for name in telegram.electricity}, "site"]
    if target and times:
        with contextlib.suppress(CollectorError):
            rows = Asker(target).rows("electricity", columns, Period(min(times), max(times) + 1))
            return {row["time"]: row for row in rows if row["site"] == _SITE}
    return {
        second: fields
        for (measurement, _), points in receiver.points.items()
        if measurement == "electricity"
        for second, fields in points.items()
    }


def _beginning(influxdb: Database) -> str:
    if influxdb.target is None:
        return _STAND_IN
    ours = " (`influxd`, started for the demo)" if influxdb.password else ""
    where = f"delivering to InfluxDB at {shown(influxdb.target.url)}{ours}"
    return f"{where},\nthrough a proxy of the demo's own, which makes the outage"


def _report(account: Account, words: str | None, story: Story, unlike: int) -> None:
    put("\n".join([*account.lines(), ""]))
    if account.kept:
        put(f"{account.kept} telegrams are not delivered, and discarded now: {words}")
    elif story.waited:
        put(f"up to {story.waited} telegrams waited; all were delivered when InfluxDB was back")
    if unlike:
        put(f"{unlike} of {account.sent} are not in {story.name} as the meter sent them")
    else:
        put(f"compared: {story.name} has all {account.sent}, each value as the meter sent it")


def _lead_on(influxdb: Database) -> None:
    target = influxdb.target
    if target is None:
        put(_HOW_TO_CONNECT)
    elif not influxdb.password:
        words = {"url": shown(target.url), "org": target.org, "bucket": target.bucket}
        put(_HOW_TO_REMOVE.format(**words, site=_SITE))
    else:
        sys.stdout.flush()
        apply_dashboards(target)
        put(f"\nInfluxDB's UI: {target.url}   user {target.org}   password {influxdb.password}")
        if sys.stdin.isatty() and sys.stdout.isatty():
            with contextlib.suppress(KeyboardInterrupt, EOFError):
                input("Enter ends this InfluxDB, and removes what is in it ")
        else:
            put("there is no terminal to wait at: this InfluxDB ends now, with what is in it")


@contextlib.contextmanager
def _rooms() -> Iterator[tuple[Path, Path]]:
    """Two directories for the time being: one in memory, if there is such a place, one on disk."""
    disks = tempfile.gettempdir()
    memory = "/dev/shm"  # noqa: S108 - a fresh directory of ours in it
    place = memory if os.access(memory, os.W_OK) else disks
    for each in {place, disks}:
        _remove_left_ones(Path(each))
    prefix = f"{_PREFIX}{os.getpid()}-"
    with (
        tempfile.TemporaryDirectory(prefix=prefix, dir=place) as hot,
        tempfile.TemporaryDirectory(prefix=prefix, dir=disks) as disk,
    ):
        yield Path(hot), Path(disk)


def _remove_left_ones(place: Path) -> None:
    """What demos that were killed could not remove; memory would keep it until a reboot."""
    for left in place.glob(f"{_PREFIX}*"):
        number = left.name.removeprefix(_PREFIX).partition("-")[0]
        if number.isdigit() and not Path("/proc", number).exists():
            shutil.rmtree(left, ignore_errors=True)


@contextlib.contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """What ends the demo ends it as Ctrl-C does: nothing of it stays behind."""
    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, signal.default_int_handler) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def missing(sent: Iterable[Telegram], stored: Rows) -> list[Telegram]:
    """Give the telegrams of which a value is not stored as the meter printed it."""

    def is_in(telegram: Telegram) -> bool:
        row = stored.get(int(telegram.time.timestamp()), {}) if telegram.time else {}
        return all(row.get(name) == value for name, value in telegram.electricity.items())

    return list(filterfalse(is_in, sent))
