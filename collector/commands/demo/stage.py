"""The demo's stage: a meter, a serial line, a collector as a process, and the end of them."""

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Final, Self

from collector.commands.demo.account import Account
from collector.commands.demo.view import View, best_view
from collector.commands.output import put
from collector.commands.show.status import Status, read_status
from collector.commands.spool import waiting
from collector.delivery.answer import Target, shown
from collector.settings.settings import load
from collector.simulate.stream import stream_like
from collector.simulate.wire import Terminal, Wire
from collector.spool.spool import Directories

_START: Final = 20.0  # seconds that the collector may take to begin
_DRAIN: Final = 30.0  # seconds that the last readings may take to arrive
_STOP: Final = 10.0  # seconds that the collector may take to end
_REDRAW: Final = 0.25  # seconds
_SITE: Final = "demo"
_PREFIX: Final = "p1-demo-"  # and the number of the demo's process
_PR_SET_PDEATHSIG: Final = 1
_OTHERS: Final = (
    *("P1_", "INFLUX", "NOTIFY_", "WATCHDOG_", "STATE_DIR", "RUNTIME_DIR", "CREDENTIALS_DIR"),
    "JOURNAL_STREAM",
)
_DRAINING: Final = "the meter has stopped; the last readings are on their way"
_HOW_TO_CONNECT: Final = """
to see the readings in an InfluxDB, set P1_INFLUX_URL (http://localhost:8086),
P1_INFLUX_TOKEN, P1_INFLUX_ORG and P1_INFLUX_BUCKET, and run the demo again
"""


def play(seconds: float, speed: float) -> int:
    """The whole demo; 1 if a telegram was lost, or the collector died.

    Raises `SettingsError` if the user's InfluxDB settings cannot be used.
    """
    target = _users_influxdb()
    with _terminated_like_interrupted(), _rooms() as (hot, disk), Terminal() as wire:
        meter = Meter(wire, seconds, speed)
        environment = environment_for(os.environ, target, wire.path, hot, disk)
        with Collector(environment, disk) as collector, meter:
            with best_view() as view:
                _run(meter, collector, view, hot)
            meter.stop()
            problem = collector.end()
        status = read_status(hot)
        left = len(waiting(Directories(_spool(disk)), hot))
    if problem or status is None:
        sys.stderr.write(problem or "error: the collector has not begun\n")
        return 1
    account = Account.of(status, sent=meter.sent, waiting=left)
    _report(account, status, target)
    return 1 if account.lost or not account.sent else 0


class Meter:
    """A household's meter, sending in a thread of its own for some seconds."""

    def __init__(self, wire: Wire, seconds: float, speed: float) -> None:
        # The simulated time ends about now, so that no reading is of the future.
        begin = datetime.now(UTC) - timedelta(seconds=seconds * max(speed - 1, 0) + 1)
        self._stream = stream_like("dsmr5", start=begin.replace(microsecond=0), speed=speed)
        self._stopping = Event()
        self._thread = Thread(target=self._stream.run, args=(wire, self._stopping), name="meter")
        self._seconds = seconds
        self._speed = speed
        self._end = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """The time begins when the first telegram is taken, and at the latest in a while."""
        self._end = time.monotonic() + self._seconds + _START
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.ident:
            self._thread.join()

    @property
    def sent(self) -> int:
        """Telegrams that were taken off the line."""
        return self._stream.sent

    @property
    def left(self) -> float:
        """Seconds to go."""
        if self.sent:
            self._end = min(self._end, time.monotonic() + self._seconds)
        return self._end - time.monotonic()

    @property
    def note(self) -> str:
        if not self.sent:
            return "starting the collector on the meter of a simulated household"
        return (
            f"a simulated household, {self._speed:g} times as fast, {round(self.left)} s to go: "
            f"{self.sent} telegrams sent"
        )


class Collector:
    """`p1-collector run` as a process, started where there is no `.env` of the user's."""

    def __init__(self, environment: Mapping[str, str], disk: Path) -> None:
        self._log = disk / "log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "collector", "run"],
                env=environment,
                cwd=disk,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is the demo's, which ends the collector in order
                preexec_fn=_ended_with(os.getpid()),  # noqa: PLW1509 - no thread runs yet
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def end(self) -> str | None:
        """Stops it; what it said, if it had stopped by itself, or badly."""
        by_itself = not self.alive
        if not by_itself:
            self._process.terminate()
        try:
            code = self._process.wait(_STOP)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        if not by_itself and code == 0:
            return None
        said = self._log.read_text(errors="replace").splitlines()[-20:]
        return "".join(
            f"{line}\n" for line in (f"error: the collector ended with {code}:", "", *said)
        )


def _ended_with(parent: int) -> Callable[[], None]:
    """What has the kernel end a child in order when the demo is killed."""
    libc = ctypes.CDLL(None)

    def ask_the_kernel() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it was gone before the kernel knew
            os._exit(1)

    return ask_the_kernel


def environment_for(
    environment: Mapping[str, str], target: Target | None, source: str, hot: Path, disk: Path
) -> dict[str, str]:
    """The user's environment with the demo's settings in the place of the user's own."""
    kept = {name: value for name, value in environment.items() if not name.startswith(_OTHERS)}
    ours = {
        "P1_SOURCE": source,
        "P1_SITE": _SITE,
        "P1_CLOCK": "meter",  # simulated time runs at its own speed
        "P1_HOT_DIR": str(hot),
        "P1_SPOOL_DIR": str(_spool(disk)),
    }
    if target is None:
        return kept | ours
    influxdb = {
        "P1_INFLUX_URL": target.url,
        "P1_INFLUX_TOKEN": target.token,
        "P1_INFLUX_ORG": target.org,
        "P1_INFLUX_BUCKET": target.bucket,
        "P1_INFLUX_CA": str(Path(target.ca_file).resolve()) if target.ca_file else "",
    }
    return kept | ours | influxdb


def drained(status: Status, sent: int) -> bool:
    """Whether all is read, and delivered if there is somewhere to deliver to."""
    counts, delivery = status["counts"], status["delivery"]["state"]
    arrived = counts["waiting"] == 0 or delivery in {"off", "misconfigured"}
    return counts["read"] >= sent and arrived


def _run(meter: Meter, collector: Collector, view: View, hot: Path) -> None:
    """The meter's time, then the drain; the first Ctrl-C ends the one, the second the other."""
    meter.start()
    with contextlib.suppress(KeyboardInterrupt):
        while meter.left > 0 and collector.alive:
            view.show(read_status(hot), meter.note)
            if view.left(_REDRAW):
                break
    with contextlib.suppress(KeyboardInterrupt):
        meter.stop()
        _drain(meter, collector, view, hot)


def _drain(meter: Meter, collector: Collector, view: View, hot: Path) -> None:
    end = time.monotonic() + _DRAIN
    while time.monotonic() < end and collector.alive:
        status = read_status(hot)
        view.show(status, _DRAINING)
        if (status and drained(status, meter.sent)) or view.left(_REDRAW):
            return


def _users_influxdb() -> Target | None:
    """Where the user wants the readings; raises what is wrong with that, and with nothing else."""
    settings, problems = load()
    for problem in problems:
        if "P1_INFLUX_" in str(problem):
            raise problem
    return settings.target


def _spool(disk: Path) -> Path:
    return disk / "spool"


def _report(account: Account, status: Status, target: Target | None) -> None:
    delivery = status["delivery"]
    sys.stdout.write("".join(f"{line}\n" for line in account.lines()))
    if account.waiting:
        sys.stdout.write(
            f"\n{account.waiting} telegrams waited for an InfluxDB,\n"
            "as in an outage; the demo discards them\n"
        )
    if target is None:
        sys.stdout.write(_HOW_TO_CONNECT)
    elif delivery["message"]:
        put(f"\nInfluxDB at {shown(target.url)}: {delivery['message']}")
    else:
        sys.stdout.write(
            f"\nthe readings are in InfluxDB at {shown(target.url)},\n"
            f"in the bucket `{target.bucket}`, with the tag site={_SITE}\n"
        )


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
