"""What the service costs at one telegram a second, with nothing beside it.

    ./tests/run light [--seconds 35] [--send-seconds 5]

So long with InfluxDB there, so long without. It prints a table in Markdown; nothing is judged.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Event
from typing import Final

from bed.influxd import Influxd
from bed.influxdb import Image, Program, find
from bed.service import Service
from bed.strace import traced
from bench import process
from bench.cable import Cable
from bench.pace import POLL_SECONDS, Watch
from bench.running import running
from collector.p1.framing import Framer
from collector.p1.telegram import parse
from collector.simulate.stream import Stream, stream_like
from collector.simulate.wire import Outcome

SETTLE_SECONDS: Final = 12
LISTING_SECONDS: Final = 6
SIGHT_SECONDS: Final = 18
_MIB: Final = 1024 * 1024


@dataclass(slots=True)
class Meter:
    """The cable, and when each second's telegram had been on it."""

    cable: Cable
    came: dict[int, float] = field(default_factory=dict)

    def send(self, telegram: bytes, stopping: Event) -> Outcome:
        outcome = self.cable.send(telegram, stopping)
        (frame,) = Framer().feed(telegram)
        if (said := parse(frame).time) is not None:
            self.came[int(said.timestamp())] = time.monotonic()
        return outcome


@dataclass(frozen=True, slots=True)
class Look:
    """What the service had used when it was looked at."""

    cpu_seconds: float
    wakes: int
    telegrams: int
    at: float

    @classmethod
    def at_now(cls, pid: int, stream: Stream) -> "Look":
        return cls(process.cpu_seconds(pid), process.wakes(pid), stream.sent, time.monotonic())


def measured(pid: int, stream: Stream, seconds: float) -> tuple[str, ...]:
    """Give CPU a telegram, wake-ups and listings a second, and memory, as they are printed."""
    before = Look.at_now(pid, stream)
    time.sleep(seconds)
    after = Look.at_now(pid, stream)
    micros = (after.cpu_seconds - before.cpu_seconds) / (after.telegrams - before.telegrams) * 1e6
    wakes = (after.wakes - before.wakes) / (after.at - before.at)
    memory = process.memory(pid).rss / _MIB
    return f"{micros:.0f}", f"{wakes:.1f}", listings(pid), f"{memory:.1f}"


def listings(pid: int) -> str:
    """Give how many directories are listed a second; tracing costs time, so it is done apart."""
    if not shutil.which("strace"):
        return "(no strace)"
    with tempfile.TemporaryDirectory() as name:
        log = Path(name) / "strace.log"
        with traced(pid, "getdents64", log):
            time.sleep(LISTING_SECONDS)
        calls = log.read_text().count("getdents64(")
    return f"{calls / 2 / LISTING_SECONDS:.1f}"  # the second call of each finds no more


def seen(influxd: Influxd, meter: Meter) -> str:
    """Give after how many seconds a query shows a telegram, median and longest."""
    waits: list[float] = []
    watch = Watch(influxd, "light", meter.came, waits)
    watch.once()
    waits.clear()
    over = time.monotonic() + SIGHT_SECONDS
    while time.monotonic() < over:
        time.sleep(POLL_SECONDS)
        watch.once()
    return f"{statistics.median(waits):.1f}, {max(waits):.1f}"


def measure(influxd: Influxd, ram: Path, disk: Path, seconds: float, send: float) -> None:
    influxd.new_bucket("light")
    service = Service(
        ram / "service",
        P1_SOURCE=str(ram / "meter"),
        P1_SPOOL_DIR=str(disk / "spool"),
        P1_INFLUX_URL=influxd.url,
        P1_INFLUX_TOKEN=influxd.token,
        P1_INFLUX_ORG=influxd.org,
        P1_INFLUX_BUCKET="light",
        P1_SEND_SECONDS=str(send),
    )
    over, stream = Event(), stream_like("dsmr5", period=1)
    with (
        Cable(ram / "meter") as cable,
        running(partial(stream.run, meter := Meter(cable), over), over),
    ):
        service.start()
        try:
            service.wait_for("delivered")
            time.sleep(SETTLE_SECONDS)
            pid = service.process.pid
            found = measured(pid, stream, seconds)
            row("with InfluxDB", *found, seen(influxd, meter))
            influxd.kill()
            time.sleep(SETTLE_SECONDS)
            row("without", *measured(pid, stream, seconds), "")
        finally:
            service.stop()


def row(*cells: str) -> None:
    sys.stdout.write(f"| {' | '.join(cells)} |\n")
    sys.stdout.flush()


def main() -> int:
    arguments = argparse.ArgumentParser(description="what the service costs")
    arguments.add_argument("--seconds", type=float, default=35, help="of each of the two")
    arguments.add_argument("--send-seconds", type=float, default=5, help="`P1_SEND_SECONDS`")
    options = arguments.parse_args()
    server = find()
    if not isinstance(server, Program | Image):
        arguments.error("a server of its own is needed: it is stopped")
    head = ("", "CPU a telegram, µs", "wake-ups a second", "listings a second", "RSS, MiB")
    row(*head, "seconds until a query shows it")
    row("---", *["---:"] * len(head))
    shm = "/dev/shm"  # noqa: S108  a private directory is made in it
    with (
        tempfile.TemporaryDirectory(prefix="p1-light-", dir=shm) as ram,
        tempfile.TemporaryDirectory(prefix="p1-light-") as disk,
        Influxd(server) as influxd,
    ):
        measure(influxd, Path(ram), Path(disk), options.seconds, options.send_seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
