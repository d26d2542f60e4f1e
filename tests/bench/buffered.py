"""Telegraf with the same backlog in its disk buffer: how soon it takes lines, in what memory.

The buffer is in RAM here: it syncs each line, and to fill it on a disk would take hours.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bed.influxd import Influxd
from bench.backlog import Backlog, body
from bench.draining import stored
from bench.process import memory, peak
from bench.telegraf import Telegraf

BUCKET: Final = "buffered"
STARTS: Final = 3
QUIET_SECONDS: Final = 3
PATIENCE_SECONDS: Final = 900


@dataclass(frozen=True, slots=True)
class Buffered:
    """`starts` and `seconds` to deliver it all; the most resident bytes while it was delivered."""

    starts: list[float]
    seconds: float
    peak: int
    rss: int


def measure(influxd: Influxd, backlog: Backlog, ram: Path) -> Buffered:
    """Fill it while InfluxDB is away, start it a few times, then let it deliver."""
    influxd.new_bucket(BUCKET)
    telegraf = Telegraf(
        ram / "buffered",
        ram / "buffer",
        url=influxd.url,
        token=influxd.token,
        org=influxd.org,
        bucket=BUCKET,
    )
    influxd.stop()
    with telegraf:
        for path in backlog.files:
            telegraf.feed(body(path))
        _wait_until_written(ram / "buffer")
    starts = [_start(telegraf) for _ in range(STARTS)]
    influxd.start()
    with telegraf:
        began = time.monotonic()
        while stored(influxd, BUCKET, backlog) < backlog.telegrams:
            assert time.monotonic() - began < PATIENCE_SECONDS, telegraf.tail()
            time.sleep(1)
        took = time.monotonic() - began
        return Buffered(starts, took, peak(telegraf.pid), memory(telegraf.pid).rss)


def _wait_until_written(directory: Path) -> None:
    """Return once the buffer no longer grows: what was in the socket is in a file."""
    before, now = -1, 0
    while before != now:
        time.sleep(QUIET_SECONDS)
        before, now = now, sum(path.stat().st_size for path in directory.rglob("*"))


def _start(telegraf: Telegraf) -> float:
    began = time.monotonic()
    with telegraf:
        return time.monotonic() - began
