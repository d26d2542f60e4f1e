"""The demo's stage: a meter, a serial line, a collector, an InfluxDB, and the end of them."""

import contextlib
import os
import shutil
import signal
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final

from collector.commands.demo.influxdb import Database, apply_dashboards, database
from collector.commands.demo.process import Process
from collector.commands.demo.receiver import Receiver
from collector.commands.export.query import Asker
from collector.commands.output import put
from collector.commands.show import read_status
from collector.commands.show.screen import Status, render, summary
from collector.commands.show.terminal import Terminal as Screen, is_live, wants_colour
from collector.commands.spool import waiting
from collector.delivery.answer import Target, shown
from collector.errors import CollectorError
from collector.p1.framing import Framer
from collector.p1.telegram import Telegram, parse
from collector.simulate.stream import stream_like
from collector.simulate.wire import Outcome, Terminal, Wire
from collector.spool.spool import Directories

_START: Final = 20.0  # seconds that the collector may take to begin
_LEAVES: Final = 0.25  # of the meter's time has gone when InfluxDB goes away
_RETURNS: Final = 0.67
_DRAIN: Final = 30.0  # seconds that the last readings may take to arrive
_REDRAW: Final = 0.25  # seconds
_LINES: Final = 5.0  # seconds between the lines where there is no terminal
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
_KEPT: Final = ("waiting", "rejected", "dropped", "damaged")
Rows = Mapping[int, Mapping[str, Any]]  # the value of each field of `electricity`, by second


def play(seconds: float, speed: float) -> int:
    """The whole demo; 1 if a telegram was lost, or the collector died.

    Raises `CollectorError` if the user's InfluxDB cannot be used.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):  # nothing of it stays behind either
        signal.signal(number, signal.default_int_handler)
    memory, disks = "/dev/shm", tempfile.gettempdir()  # noqa: S108 - a fresh directory of ours
    with (
        room(memory if os.access(memory, os.W_OK) else disks) as hot,
        room(disks) as disk,
        database(disk) as influxdb,
        Receiver(influxdb.onward) as receiver,
        Terminal() as wire,
    ):
        put(f"{_beginning(influxdb)}\n{_MEANWHILE.format(speed=speed)}\n")
        story = Story(receiver, influxdb.name)
        meter = Meter(wire, seconds, speed)
        environment = environment_for(os.environ, receiver.target, wire.path, hot, disk)
        command = [sys.executable, "-m", "collector", "run"]
        with Process(command, environment, disk) as collector, contextlib.closing(meter):
            meter.begin()
            with _best_view() as view:
                _run(meter, collector, view, hot, story)
            meter.close()
            problem = collector.end()
        status = read_status(hot)
        if problem or not status:
            raise CollectorError(problem or "the collector has not begun")
        left = len(waiting(Directories(disk / "spool"), hot))
        counts = account(status, sent=meter.sent, waiting=left)
        unlike = len(_unlike(meter.telegrams(), influxdb.target, receiver))
        kept = sum(counts[name] for name in _KEPT)
        _report(counts, kept, unlike, status["delivery"]["message"], story)
        _lead_on(influxdb)
    return 1 if counts["lost"] or not meter.sent or unlike > kept else 0


def account(status: Status, *, sent: int, waiting: int) -> dict[str, int]:
    """After a run that found nothing when it began.

    `sent` is what the meter counted, `waiting` what is in the files: neither is taken from the
    collector, so that a telegram which it does not know of shows as lost.
    """
    counts = {**status["counts"], "waiting": waiting}
    names = ("read", "delivered", *_KEPT)
    lost = sent - sum(counts[name] for name in names[1:])
    return {"sent by the meter": sent, **{name: counts[name] for name in names}, "lost": lost}


def lines(counts: Mapping[str, int]) -> list[str]:
    return [f"{name:<20}{count:>8}" for name, count in counts.items()]


class Meter:
    """A simulated household's, on a wire; it remembers what it has sent.

    Its time begins when the first telegram is taken, and at the latest soon.
    """

    def __init__(self, wire: Wire, seconds: float, speed: float) -> None:
        # The simulated time ends about now, so that no reading is of the future.
        begin = datetime.now(UTC) - timedelta(seconds=seconds * max(speed - 1, 0) + 1)
        self._stream = stream_like("dsmr5", start=begin.replace(microsecond=0), speed=speed)
        self._stopping = Event()
        self._wire = wire
        self._taken: list[bytes] = []
        self._thread = Thread(target=self._stream.run, args=(self, self._stopping), name="meter")
        self.seconds = seconds
        self._speed = speed

    def begin(self) -> None:
        self._end = time.monotonic() + self.seconds + _START
        self._thread.start()

    def close(self) -> None:
        self._stopping.set()
        self._thread.join()

    def send(self, telegram: bytes, stopping: Event) -> Outcome:
        """Be the wire of what is simulated."""
        outcome = self._wire.send(telegram, stopping)
        if outcome is Outcome.TAKEN:
            self._taken.append(telegram)
        return outcome

    @property
    def sent(self) -> int:
        return len(self._taken)

    @property
    def left(self) -> float:
        if self.sent:
            self._end = min(self._end, time.monotonic() + self.seconds)
        return self._end - time.monotonic()

    @property
    def note(self) -> str:
        return (
            f"a simulated household, {self._speed:g} times as fast, {round(self.left)} s to go: "
            f"{self.sent} telegrams sent"
        )

    def telegrams(self) -> list[Telegram]:
        return list(map(parse, Framer().feed(b"".join(self._taken))))


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


class View:
    """The live screen, and below it what happens now; without a terminal plain lines of it."""

    def __init__(self, screen: Screen | None) -> None:
        self._screen = screen
        self._due = 0.0
        self._act = ""

    def show(self, status: Status, act: str, note: str = "") -> None:
        if self._screen is None:
            self._print(status, act)
            return
        width, height = self._screen.size()
        below = [*textwrap.wrap(act, width), *textwrap.wrap(note, width)]
        if status:
            room, colour = height - 1 - len(below), wants_colour(os.environ)
            below = [*render(status, width, room, colour=colour, now=time.time()), "", *below]
        self._screen.draw(below)

    def _print(self, status: Status, act: str) -> None:
        """Print each act, and from time to time how it is."""
        if act != self._act:
            put(act)
        elif status and status["telegram"] and time.monotonic() >= self._due:
            # What an outage is, the act says; the last trouble is in the account.
            put(summary({**status, "delivery": {**status["delivery"], "message": None}}))
            self._due = time.monotonic() + _LINES
        self._act = act
        sys.stdout.flush()

    def left(self) -> bool:
        """Wait a moment; true as soon as the person has had enough."""
        if self._screen:
            return self._screen.quit_within(_REDRAW)
        time.sleep(_REDRAW)
        return False


@contextlib.contextmanager
def _best_view() -> Iterator[View]:
    with Screen() if is_live(sys.stdout, os.environ) else contextlib.nullcontext() as screen:
        yield View(screen)


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
    seconds = meter.seconds
    with contextlib.suppress(KeyboardInterrupt):
        while (left := meter.left) > 0 and collector.alive:
            status = read_status(hot)
            act = story.act(1 - left / seconds, status) if meter.sent else _STARTING
            view.show(status, act, meter.note)
            if view.left():
                break
    with contextlib.suppress(KeyboardInterrupt):
        meter.close()
        end = time.monotonic() + _DRAIN
        while time.monotonic() < end and collector.alive:
            status = read_status(hot)
            story.act(1, status)
            view.show(status, _DRAINING)
            if (status and drained(status, meter.sent)) or view.left():
                return


def _unlike(sent: list[Telegram], target: Target | None, receiver: Receiver) -> list[Telegram]:
    """What is not stored as it was sent: in InfluxDB, if the token may read, else as acknowledged.

    A cloud takes a moment until it shows what it has.
    """
    times = [int(telegram.time.timestamp()) for telegram in sent if telegram.time]
    columns = [*{name: None for telegram in sent for name in telegram.electricity}, "site"]
    unlike = missing(sent, receiver.stored)
    if target is None or not times:
        return unlike
    asker, period = Asker(target), range(min(times), max(times) + 1)
    with contextlib.suppress(CollectorError):
        for look in range(_LOOKS):
            time.sleep(_PAUSE * bool(look))
            rows = asker.rows("electricity", columns, period)
            unlike = missing(sent, {row["time"]: row for row in rows if row["site"] == _SITE})
            if not unlike:
                break
    return unlike


def missing(sent: Iterable[Telegram], stored: Rows) -> list[Telegram]:
    """Give the telegrams of which a value is not stored as the meter printed it."""

    def is_in(telegram: Telegram) -> bool:
        row = stored.get(int(telegram.time.timestamp()), {}) if telegram.time else {}
        return all(row.get(name) == value for name, value in telegram.electricity.items())

    return [telegram for telegram in sent if not is_in(telegram)]


def _beginning(influxdb: Database) -> str:
    if influxdb.target is None:
        return _STAND_IN
    ours = " (`influxd`, started for the demo)" if influxdb.password else ""
    where = f"delivering to InfluxDB at {shown(influxdb.target.url)}{ours}"
    return f"{where},\nthrough a proxy of the demo's own, which makes the outage"


def _report(counts: Mapping[str, int], kept: int, unlike: int, words: str, story: Story) -> None:
    put("\n".join([*lines(counts), ""]))
    if kept:
        put(f"{kept} telegrams are not delivered, and discarded now: {words}")
    elif story.waited:
        put(f"up to {story.waited} telegrams waited; all were delivered when InfluxDB was back")
    sent = counts["sent by the meter"]
    if unlike:
        put(f"{unlike} of {sent} are not in {story.name} as the meter sent them")
    else:
        put(f"compared: {story.name} has all {sent}, each value as the meter sent it")


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
def room(place: str) -> Iterator[Path]:
    """A directory for the time being; those of demos that were killed are removed."""
    for left in Path(place).glob(f"{_PREFIX}*"):
        number = left.name.removeprefix(_PREFIX).partition("-")[0]
        if number.isdigit() and not Path("/proc", number).exists():
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-", dir=place) as directory:
        yield Path(directory)
