"""A sparkline: some minutes of power in a row of block characters.

Columns belong to stretches of the clock, not to places in the list, so the line moves on one
column at a time and what is drawn stays as it was drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median
from typing import Final

BLOCKS: Final = "▁▂▃▄▅▆▇█"
_SCALES: Final = (0.2, 0.5, 1, 2, 3, 5, 8, 12, 20, 30, 50)  # kW
_TELEGRAMS: Final = 300  # what the status file has at most


@dataclass(frozen=True, slots=True)
class Window:
    """The stretch of time that a sparkline shows: `columns` of `seconds` each, up to `end`."""

    end: int
    seconds: int
    columns: int

    @classmethod
    def of(cls, times: Sequence[int], columns: int) -> "Window":
        """The window for these telegrams (unix seconds, ascending; at least one)."""
        gaps = [b - a for a, b in pairwise(times) if b > a]
        period = round(median(gaps)) if gaps else 1
        seconds = max(period, -(-_TELEGRAMS * period // columns))
        return cls(times[-1] // seconds, seconds, columns)

    @property
    def minutes(self) -> int:
        return max(1, round(self.seconds * self.columns / 60))

    def means(self, times: Sequence[int], values: Sequence[float]) -> list[float | None]:
        """The mean of each column; None where there was nothing."""
        columns: list[list[float]] = [[] for _ in range(self.columns)]
        for time, value in zip(times, values, strict=True):
            place = self.columns - 1 - (self.end - time // self.seconds)
            if 0 <= place < self.columns:
                columns[place].append(value)
        return [fmean(column) if column else None for column in columns]


def scale(highest: float) -> float:
    """The power that a full block stands for: a round figure, so that it seldom changes."""
    return next((step for step in _SCALES if step >= highest), highest)


def sparkline(values: Sequence[float | None], top: float) -> str:
    """Blocks from nothing to `top`; no power is an empty place, as is no reading."""
    return "".join(_block(value, top) for value in values)


def _block(value: float | None, top: float) -> str:
    if not value or value < 0 or top <= 0:
        return " "
    return BLOCKS[min(len(BLOCKS) - 1, int(value / top * len(BLOCKS)))]
