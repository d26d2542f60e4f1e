"""What is known of what was stored: under which seconds, and what of it the target has.

A meter shows some things over and over: its peaks and failures, the last reading of each device, a
message, the end of a month. Each is written once to a target (URL, organisation and bucket), and
again when

- its record was dropped or damaged,
- the target is another one,
- a day has passed since, for it may have been deleted there,

always as its first bytes, time included, so that it changes nothing where it is. What waits in a
record is not written again, and what a target refused is not sent to that one once more.
"""

import os
from array import array
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

DAY_SECONDS: Final = 86_400
_REMEMBERED: Final = 6 * 3600
"""Seconds: a clock that is set back by more may show some whose readings are forgotten."""
_BITS: Final = 32
_MOST_TARGETS: Final = 4

Identity = tuple[str, int]
"""Who a record is: its run, and its number in that."""


class State(StrEnum):
    """Where a line is: in a record that waits, at the target, or refused there."""

    PENDING = "pending"
    THERE = "there"
    REFUSED = "refused"


@dataclass(slots=True)
class Standing:
    """What is known of a line at one target; `at` is the second of the telegram that wrote it."""

    state: State
    at: int
    record: Identity | None = None


@dataclass(slots=True)
class Memory:
    """What was written, so that what only repeats is not written again; for one `target`.

    `fate` says what became of a record: `delivered`, `rejected`, `dropped`, `damaged`, `waiting`,
    or None if nobody knows of it any more. The rest is plain data, to be kept over a restart.
    """

    meter: str | None = None
    second: int | None = None
    content: int | None = None
    quarter: int | None = None
    last_readings: str | None = None
    last_readings_of: str | None = None
    priced: int | None = None
    """The end of the last quarter hour whose price was written."""
    owes_checksums: int = 0
    """Whether the source has given checked telegrams: see `collector.reading.debt`."""
    header: str | None = None
    nation: str | None = None
    """Whose meanings a checked telegram with that header told: see `collector.p1.telegram`."""
    shown: dict[str, dict[str, str]] = field(default_factory=dict)
    """By kind: what the meter shows, and the line as it was first written."""
    targets: dict[str, dict[str, Standing]] = field(default_factory=dict)
    target: str = ""
    fate: Callable[[Identity], str | None] = lambda _: "waiting"
    news: Callable[[], int] = lambda: 0
    """Gives another number where the fate of any record is another one."""
    changed: bool = False
    """Whether a line was written, or has got there, since what is kept was kept."""
    _unnamed: list[Standing] = field(default_factory=list)
    _refused: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Go on for this target; what waits for another one is no more known to get there."""
        here = self.targets.pop(self.target, {})
        for standings in self.targets.values():
            for line in [line for line, s in standings.items() if s.state is State.PENDING]:
                del standings[line]
        others = list(self.targets.items())[1 - _MOST_TARGETS :]
        self.targets = {**dict(others), self.target: here}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], **here: Any) -> "Memory":
        """Take what an earlier run kept; what this version does not understand is left out."""
        kept = {name: data[name] for name in _PLAIN if isinstance(data.get(name), str | int)}
        shown = {
            kind: {name: line for name, line in _mapping(lines).items() if isinstance(line, str)}
            for kind, lines in _mapping(data.get("shown")).items()
        }
        targets = {n: _standings(lines) for n, lines in _mapping(data.get("targets")).items()}
        return cls(**kept, shown=shown, targets=targets, **here)

    def as_dict(self) -> dict[str, Any]:
        targets = {
            name: {line: [s.state, s.at, s.record] for line, s in standings.items()}
            for name, standings in self.targets.items()
        }
        return {**{n: getattr(self, n) for n in _PLAIN}, "shown": self.shown, "targets": targets}

    def needed(self, kind: str, lines: Mapping[str, str], second: int) -> list[str]:
        """Give the lines to be written of all that the meter shows now of a kind.

        Each has a name, which stays the same for as long as the meter shows the same.
        """
        before = self.shown.get(kind, {})
        now = self.shown[kind] = {name: before.get(name, line) for name, line in lines.items()}
        for line in {*before.values()} - {*now.values()}:
            for standings in self.targets.values():
                standings.pop(line, None)
        return [line for line in now.values() if self._is_due(line, second)]

    def carried(self, record: Identity) -> None:
        """Say which record has the lines that were needed last."""
        for standing in self._unnamed:
            standing.record = record
        self._unnamed.clear()

    def refused(self, lines: Iterable[bytes]) -> None:
        """Say what the target refused, before its record counts as rejected; from any thread."""
        here = self.targets[self.target]
        texts = (line.decode(errors="replace").rstrip("\n") for line in lines)
        self._refused.update(text for text in texts if text in here)

    def _is_due(self, line: str, second: int) -> bool:
        here = self.targets[self.target]
        if line in here and not self._is_lost(line, here[line], second):
            return False
        here[line] = Standing(State.PENDING, second)
        self._unnamed.append(here[line])
        self.changed = True
        return True

    def _is_lost(self, line: str, standing: Standing, second: int) -> bool:
        """Whether the target lacks a line, or may; notes what has become of it."""
        long_ago = abs(second - standing.at) >= DAY_SECONDS
        if standing.state is State.PENDING and standing.record is not None:
            fate = self.fate(standing.record)
            if fate in ("dropped", "damaged"):
                return True
            if fate in ("delivered", "rejected"):
                standing.state = State.REFUSED if line in self._refused else State.THERE
                self.changed = True
                self._refused.discard(line)
            else:
                return fate is None and long_ago
        return standing.state is State.THERE and long_ago


_PLAIN: Final = (
    *("meter", "second", "content", "quarter", "last_readings", "last_readings_of"),
    *("owes_checksums", "header", "nation", "priced"),
)


def _mapping(found: Any) -> Mapping[str, Any]:
    return found if isinstance(found, Mapping) else {}


def _standings(lines: Any) -> dict[str, Standing]:
    found = {}
    for line, parts in _mapping(lines).items():
        match parts:
            case [
                ("pending" | "there" | "refused") as state,
                int(at),
                None | [str(), int()] as of,
            ]:
                found[line] = Standing(State(state), at, of and (of[0], of[1]))
    return found


class Seconds:
    """The readings of the last six hours: for each second a check of the telegram's content.

    A second has one place in the table, so it knows the latest of those that share it.
    """

    def __init__(self, data: bytes = b"") -> None:
        """Take what an earlier run kept; anything else is forgotten."""
        whole = len(data) == 8 * _REMEMBERED
        self._table = array("Q", data if whole else bytes(8 * _REMEMBERED))
        self._new: set[int] = set()

    def content(self, second: int) -> int | None:
        """Give the check of what was stored under a second, None if nothing was."""
        word = self._table[second % _REMEMBERED]
        return word & (1 << _BITS) - 1 if word >> _BITS == second else None

    def store(self, second: int, content: int) -> None:
        """Say what is stored under a second; `content` has 32 bits."""
        place = second % _REMEMBERED
        self._table[place] = second << _BITS | content
        self._new.add(place)

    def save(self, path: Path) -> None:
        """Bring what is new to a file in RAM; one that is not as long is written anew.

        Raises `OSError`.
        """
        file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            if os.fstat(file).st_size != 8 * _REMEMBERED:
                os.pwrite(file, self._table, 0)
            for place in tuple(self._new):
                os.pwrite(file, self._table[place : place + 1], 8 * place)
        finally:
            os.close(file)
        self._new.clear()
