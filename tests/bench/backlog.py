"""Days of readings that wait on the disk: segments as the service leaves them, made by its code.

A simulated meter's four hours are repeated to fill the days, each time with times of their own: to
make up every second would take longer than to deliver it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from collector.p1.framing import Framer
from collector.p1.telegram import parse
from collector.points import Points, encode
from collector.simulate.house import SOLAR_PEAK_W, Household
from collector.simulate.likeness import like
from collector.simulate.meter import Meter
from collector.spool.account import Account
from collector.spool.disk import Disk
from collector.spool.keeper import Writer
from collector.spool.record import Record, decode, new_run, numbering
from collector.spool.segment import segments
from collector.spool.spool import Directories, Spool

DAY: Final = 86_400
STRETCH: Final = 4 * 3600  # seconds
TOGETHER: Final = 1000  # records
_TIME: Final = re.compile(rb" (\d{10})\n")


@dataclass(frozen=True, slots=True)
class Backlog:
    """A spool's directory; its readings are of every second from `start` to `end`."""

    spool: Path
    start: datetime
    end: datetime

    @property
    def telegrams(self) -> int:
        return int((self.end - self.start).total_seconds())

    @property
    def files(self) -> list[Path]:
        return segments(Disk(), self.spool)

    @property
    def size(self) -> int:
        return sum(path.stat().st_size for path in self.files)


def body(segment: Path) -> bytes:
    """Give what the service sends of a segment, before it is compressed."""
    return b"".join(decode(segment.read_bytes()).parts())


def backlog(spool: Path, days: int) -> Backlog:
    """Fill a spool with the readings of so many days, which end at noon of the day before."""
    end = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)
    start = end - timedelta(days=days)
    writer = Writer(Spool(Directories(spool), Account(), Disk()))
    for group in _grouped(bodies(start, days)):
        writer.append(group)
    writer.close()
    return Backlog(spool, start, end)


def bodies(start: datetime, days: int) -> Iterator[bytes]:
    """Give the lines of one telegram after the other."""
    stretch = list(_simulated(start, STRETCH))
    for shift in range(0, days * DAY, STRETCH):
        later = partial(_later, seconds=shift)
        for lines in stretch:
            yield _TIME.sub(later, lines)


def _later(time: re.Match[bytes], *, seconds: int) -> bytes:
    return b" %d\n" % (int(time[1]) + seconds)


def _simulated(start: datetime, seconds: int) -> Iterator[bytes]:
    dialect, framer, points = like("dsmr5"), Framer(), Points(site="home")
    meter = Meter(Household(grain=1, solar_peak_w=SOLAR_PEAK_W), start, dialect.build)
    for second in range(seconds):
        telegram = dialect.telegram(meter.at(start + timedelta(seconds=second)))
        (frame,) = framer.feed(telegram)
        said = parse(frame)
        assert said.time is not None
        yield encode(points.lines(said, said.time) or ())


def _grouped(bodies_: Iterator[bytes]) -> Iterator[Sequence[Record]]:
    group: list[Record] = []
    for identity, lines in zip(numbering(new_run()), bodies_, strict=False):
        group.append(Record(identity, lines))
        if len(group) == TOGETHER:
            yield group
            group = []
    yield group
