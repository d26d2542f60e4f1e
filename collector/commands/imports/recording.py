"""What can be imported: telegrams in order, in stretches between which one can stop."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final, Protocol

from collector.p1.decryption import Decryptor, Keys, Refusal
from collector.p1.framing import Frame, Framer
from collector.p1.telegram import Policy, Telegram, acceptable, parse

_CHUNK: Final = 64 * 1024


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
    kind: str
    size: int

    def stretches(self, start: Place) -> Iterator[Stretch]:
        """Read on from a place that an earlier stretch ended at."""
        ...


class Telegrams:
    """Telegrams of one file; a place in it is a number of bytes."""

    kind = "telegrams"

    def __init__(
        self, path: Path, *, utc_offset_hours: int, policy: Policy, keys: Keys | None = None
    ) -> None:
        self.size = path.stat().st_size
        self._path = path
        self._offset = utc_offset_hours
        self._policy = policy
        self._keys = keys

    def stretches(self, start: Place) -> Iterator[Stretch]:
        """Give the telegrams that each piece of the file completes."""
        decryptor, framer = Decryptor(self._keys), Framer()
        number, read = start.number, start.position
        with self._path.open("rb") as file:
            file.seek(read)
            while data := file.read(_CHUNK):
                read += len(data)
                refused = decryptor.refused
                frames = framer.feed(decryptor.feed(data))
                entries = tuple(map(self._entry, count(number + 1), frames))
                number += len(entries)
                if decryptor.refused > refused:
                    name = f"what is encrypted in bytes {read - len(data)} to {read}"
                    why = decryptor.refusal or Refusal.DAMAGED
                    entries += (Entry(name, None, why.message),)
                # What is pending is the beginning of the next telegram.
                end = read - decryptor.pending - framer.pending
                yield Stretch(entries, Place(end, number))
        rest = framer.feed(decryptor.flush()) + framer.flush()
        entries = tuple(map(self._entry, count(number + 1), rest))
        yield Stretch(entries, Place(read, number + len(entries)))

    def _entry(self, number: int, frame: Frame) -> Entry:
        telegram = parse(frame, utc_offset_hours=self._offset)
        trouble = None
        if not acceptable(telegram, self._policy):
            trouble = f"checksum {telegram.checksum}"
        elif telegram.time is None:
            trouble = "it has no time"
        return Entry(f"telegram {number}", telegram, trouble)
