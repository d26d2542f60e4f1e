"""A backlog on the disk: how soon the meter is read with it, how fast it goes, in what memory.

The service sends while a meter sends a telegram a second. It and curl take turns: the service is
held (SIGSTOP) while curl posts the same bytes to other buckets of the same server, first over one
connection, then with a connection and a process for each request.
"""

import shutil
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import Final

from bed.influxd import Influxd
from bed.service import Service
from bench import curl
from bench.backlog import Backlog, body
from bench.process import Memory, memory, peak
from bench.running import running
from collector.simulate.stream import stream_like
from collector.simulate.wire import Terminal

STARTS: Final = 7
TURN: Final = 12  # segments
LOOK_SECONDS: Final = 0.004
PATIENCE_SECONDS: Final = 120
CURL: Final = "curl"
CURLS: Final = "curls"
OURS: Final = "drained"


@dataclass(frozen=True, slots=True)
class Turn:
    """Seconds that so many segments took, and what memory the service had meanwhile."""

    segments: int
    ours: float
    curl: float
    curls: float
    memory: Memory


@dataclass(slots=True)
class Draining:
    """A backlog, and what became of it; `starts` in seconds."""

    backlog: Backlog
    segments: int
    size: int
    starts: list[float] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    peak: int = 0


def measure(influxd: Influxd, backlog: Backlog, ram: Path) -> Draining:
    """Start with the backlog on the disk a few times, then deliver it."""
    draining = Draining(backlog, len(backlog.files), backlog.size)
    for bucket in (OURS, CURL, CURLS):
        influxd.new_bucket(bucket)
    with Terminal(ram / "meter") as terminal, metering(terminal):
        nowhere = {"P1_INFLUX_URL": "http://127.0.0.1:9"}
        draining.starts = [
            _start(_service(influxd, backlog, ram, **nowhere)) for _ in range(STARTS)
        ]
        _drain(influxd, draining, _service(influxd, backlog, ram), ram / "packed")
    points = stored(influxd, OURS, backlog)
    assert points == backlog.telegrams, f"{points} points of {backlog.telegrams} telegrams"
    return draining


@contextmanager
def metering(terminal: Terminal) -> Iterator[None]:
    """Let the meter send whenever somebody reads, a telegram a second."""
    over = Event()
    stream = stream_like("dsmr5", period=1)
    with running(lambda: stream.run(terminal, over), over):
        yield


def _service(influxd: Influxd, backlog: Backlog, ram: Path, **settings: str) -> Service:
    return Service(
        ram / "service",
        **{
            "P1_SOURCE": str(ram / "meter"),
            "P1_SPOOL_DIR": str(backlog.spool),
            "P1_INFLUX_URL": influxd.url,
            "P1_INFLUX_TOKEN": influxd.token,
            "P1_INFLUX_ORG": influxd.org,
            "P1_INFLUX_BUCKET": OURS,
            **settings,
        },
    )


def _start(service: Service) -> float:
    """Give the seconds from the start of the process to its first telegram in a file."""
    shutil.rmtree(service.hot, ignore_errors=True)
    began = time.monotonic()
    service.start()
    while not any(path.stat().st_size for path in service.hot.glob("*.open")):
        assert time.monotonic() - began < PATIENCE_SECONDS, service.tail()
        time.sleep(0.001)
    took = time.monotonic() - began
    service.kill()
    return took


def _drain(influxd: Influxd, draining: Draining, service: Service, place: Path) -> None:
    shutil.rmtree(service.hot, ignore_errors=True)
    files = draining.backlog.files
    service.start()
    try:
        for first in range(0, len(files) - TURN, TURN + 1):
            these = files[first : first + TURN + 1]
            draining.turns.append(_turn(influxd, service, these, place))
        service.process.send_signal(signal.SIGCONT)
        _wait_until_gone(files[-1])
        draining.peak = peak(service.process.pid)
    finally:
        service.process.send_signal(signal.SIGCONT)
        service.stop()


def _turn(influxd: Influxd, service: Service, files: Sequence[Path], place: Path) -> Turn:
    """Time the service from the first of these to the last, then curl with all but the first."""
    packed = _packed(files[1:], place)
    service.process.send_signal(signal.SIGCONT)
    began = _wait_until_gone(files[0])
    ended = _wait_until_gone(files[-1])
    service.process.send_signal(signal.SIGSTOP)
    used = memory(service.process.pid)
    one, each = curl.post(influxd, CURL, packed), curl.post_each(influxd, CURLS, packed)
    shutil.rmtree(place)
    return Turn(len(packed), ended - began, one, each, used)


def _packed(files: Sequence[Path], place: Path) -> list[Path]:
    """Compress what the service sends of these files, while they are there."""
    place.mkdir()
    packed = [place / path.with_suffix(".gz").name for path in files]
    for path, file in zip(packed, files, strict=True):
        path.write_bytes(curl.packed(body(file)))
    return packed


def _wait_until_gone(path: Path) -> float:
    """Give the moment at which a file went."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while path.exists():
        assert time.monotonic() < give_up, f"it stays: {path}"
        time.sleep(LOOK_SECONDS)
    return time.monotonic()


def stored(influxd: Influxd, bucket: str, backlog: Backlog) -> int:
    """Count the telegrams of the backlog that a bucket has."""
    query = (
        "SELECT COUNT(energy_import_kwh) FROM electricity"  # noqa: S608  ours
        f" WHERE time >= {_nanos(backlog.start)} AND time < {_nanos(backlog.end)}"
    )
    rows = influxd.influxql(bucket, query)
    return int(rows[0]["count"]) if rows else 0


def _nanos(moment: datetime) -> int:
    return int(moment.timestamp()) * 10**9
