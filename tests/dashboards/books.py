"""The simulator's own books of a home, to hold the dashboards' figures against.

They are the true counters at each quarter hour, also where nothing was read or delivered.
"""

import json
from bisect import bisect_left
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final, Self

from collector.simulate.localtime import midnight
from dashboards.homes import QUARTER

ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Used:
    """What was used in some time: Wh by tariff, dm³."""

    low: int = 0
    normal: int = 0
    out_low: int = 0
    out_normal: int = 0
    gas: int = 0
    water: int = 0

    @property
    def imported(self) -> int:
        return self.low + self.normal

    @property
    def exported(self) -> int:
        return self.out_low + self.out_normal

    def __add__(self, other: "Used") -> "Used":
        return Used(
            self.low + other.low,
            self.normal + other.normal,
            self.out_low + other.out_low,
            self.out_normal + other.out_normal,
            self.gas + other.gas,
            self.water + other.water,
        )


class Books:
    """All meters of a home together."""

    def __init__(self, registers: list[list[list[int]]], peaks: dict[str, int]) -> None:
        self.peaks = peaks
        self._meters = [([row[0] for row in rows], rows) for rows in registers]

    @classmethod
    def load(cls, path: Path) -> Self:
        content = json.loads(path.read_text())
        return cls(content["registers"], content["peaks"])

    def used(self, begin: datetime, end: datetime) -> Used:
        """Give the use between two quarters of the clock; outside of the year there is none."""
        first, last = int(begin.timestamp()), int(end.timestamp())
        total = Used()
        for times, rows in self._meters:
            a, b = max(first, times[0]), min(last, times[-1])
            if a < b:
                before, after = rows[bisect_left(times, a)], rows[bisect_left(times, b)]
                total += Used(*(y - x for x, y in zip(before[1:], after[1:], strict=True)))
        return total

    def on(self, day: date) -> Used:
        return self.used(midnight(day), midnight(day + ONE_DAY))

    def quarters(self, begin: datetime, end: datetime) -> list[Used]:
        """Give the use of each quarter hour between two instants."""
        count = (end - begin) // QUARTER
        return [self.used(begin + QUARTER * n, begin + QUARTER * (n + 1)) for n in range(count)]
