"""Lines that somebody else wrote: from a file or a pipe, strictly read, their time in seconds."""

import os
import re
import select
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from collector.points import MEASUREMENTS
from collector.protocol import LineError, read

PARTS: Final = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}  # so many are a second
LONGEST: Final = 64 * 1024

Series = tuple[str, frozenset[tuple[str, str]], frozenset[str]]
"""A measurement, its tags, and the names of the fields."""
_MOST_AHEAD: Final = 60  # seconds by which lines without a time may come too quick
_GIVEN: Final = re.compile(r" -?[0-9]+$")
_YEARS: Final = 10**11  # seconds: more than these, forward or back, is a time in something smaller
_LATEST: Final = 2**63 // 10**9  # InfluxDB counts nanoseconds, in 64 bits
MOST: Final = 1024 * 1024  # bytes of lines that are taken together
SECONDS: Final = 1.0  # how long a line may wait for others
_CHUNK: Final = 64 * 1024
_LOOK_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Rules:
    """What is taken: times of a `precision`, one of `PARTS`, else recognised by their size.

    `rounds` takes a time within a second for the second, `own` also the collector's measurements.
    """

    precision: str = ""
    rounds: bool = False
    own: bool = False

    def in_seconds(self, line: bytes, now: float, last: dict[Series, int]) -> bytes | None:
        """Give a line with its time; None if there is nothing in it. Raises `LineError`.

        Without a time it gets `now`, or the second behind the one that is `last` for its series:
        of two that have one second InfluxDB would keep one.
        """
        text = _text(line)
        if not text or text.startswith("#"):
            return None
        given = _GIVEN.search(text)
        head = text[: given.start()] if given else text
        try:
            point = read(text if given else f"{text} {int(now)}")
        except LineError as error:
            if error.column <= len(text):
                raise
            # What is behind that is no mistake of the line's.
            lack = "no value" if text.endswith("=") else "no field"
            raise LineError(lack, len(text)) from None
        if point.measurement in MEASUREMENTS and not self.own:
            words = f"`{point.measurement}` is the collector's own (`--own` writes there)"
            raise LineError(words, 1)
        if given:
            second = self._second(point.time, len(head) + 2)
        else:
            series = (point.measurement, frozenset(point.tags.items()), frozenset(point.fields))
            second = last[series] = max(point.time, last.get(series, 0) + 1)
            if second > now + _MOST_AHEAD:
                raise LineError("no time, and too many for one a second", len(text))
        return f"{head} {second}\n".encode()

    def _second(self, time: int, column: int) -> int:
        parts = PARTS.get(self.precision) or _recognised(time)
        second, rest = divmod(time, parts)
        if rest and not self.rounds:
            words = "a time within a second (`--round` stores it under the second)"
            raise LineError(words, column)
        if abs(second) >= _LATEST:
            raise LineError("a time that InfluxDB cannot hold (`--precision`?)", column)
        return second


def _text(line: bytes) -> str:
    if len(line) > LONGEST:
        raise LineError(f"longer than {LONGEST} bytes", LONGEST)
    try:
        return line.decode().strip(" \t\r")
    except UnicodeDecodeError as error:
        raise LineError("no UTF-8", len(line[: error.start].decode()) + 1) from error


def _recognised(time: int) -> int:
    """Say how many of these are a second: seconds, or what counts up a thousand times as fast."""
    return next((p for p in PARTS.values() if abs(time) < _YEARS * p), PARTS["ns"])


@dataclass(frozen=True, slots=True)
class Stream:
    """An open file; `name` is what it is for a person."""

    name: str
    file: int
    monotonic: Callable[[], float]

    @property
    def ends(self) -> bool:
        """Whether it can be read twice: what it holds is known before any of it is taken."""
        return stat.S_ISREG(os.fstat(self.file).st_mode)

    def batches(self, stopped: Callable[[], bool]) -> Iterator[list[bytes]]:
        """Give the lines without line ends, until the end, or until it is `stopped`."""
        batch: list[bytes] = []
        rest, size, since, torn = b"", 0, 0.0, True
        while not stopped():
            if select.select([self.file], [], [], _LOOK_SECONDS)[0]:
                data = os.read(self.file, _CHUNK)
                if not data:
                    torn = False
                    break
                since = since if batch else self.monotonic()
                *lines, rest = (rest + data).split(b"\n")
                rest = rest[: LONGEST + 1]  # it is too long already
                batch += lines
                size += len(data)
            if batch and (size >= MOST or self.monotonic() - since >= SECONDS):
                yield batch
                batch, size = [], 0
        if rest and not torn:
            batch.append(rest)
        if batch:
            yield batch

    def again(self, start: int) -> None:
        os.lseek(self.file, start, os.SEEK_SET)

    @property
    def place(self) -> int:
        return os.lseek(self.file, 0, os.SEEK_CUR)
