"""What can be imported: telegrams in order, in stretches between which one can stop."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from collector.p1.telegram import Telegram


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a recording: how far that is of its `size`, and telegrams or rows up to it."""

    position: int = 0
    number: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One telegram or row: its name, such as `row 17`, and why it cannot be used, if so.

    Without a `telegram` there was nothing that could be read.
    """

    name: str
    telegram: Telegram | None
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some entries, and the place behind them."""

    entries: tuple[Entry, ...]
    end: Place


class Recording(Protocol):
    """An open recording."""

    kind: str
    size: int

    def stretches(self, start: Place) -> Iterator[Stretch]:
        """Read on from a place that an earlier stretch ended at."""
        ...
