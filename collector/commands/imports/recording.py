"""What can be imported: telegrams in order, in stretches between which one can stop."""

from collections.abc import Iterator
from dataclasses import dataclass
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
    """An open recording."""

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
                entries = self._entries(framer.feed(decryptor.feed(data)), number)
                number += len(entries)
                if decryptor.refused > refused:
                    entries += (_refused(decryptor, read - len(data), read),)
                # What is pending is the beginning of the next telegram.
                end = read - decryptor.pending - framer.pending
                yield Stretch(entries, Place(end, number))
        rest = framer.feed(decryptor.flush()) + framer.flush()
        entries = self._entries(rest, number)
        yield Stretch(entries, Place(read, number + len(entries)))

    def _entries(self, frames: list[Frame], number: int) -> tuple[Entry, ...]:
        return tuple(self._entry(frame, n) for n, frame in enumerate(frames, number + 1))

    def _entry(self, frame: Frame, number: int) -> Entry:
        telegram = parse(frame, utc_offset_hours=self._offset)
        trouble = None
        if not acceptable(telegram, self._policy):
            trouble = f"checksum {telegram.checksum}"
        elif telegram.time is None:
            trouble = "it has no time"
        return Entry(f"telegram {number}", telegram, trouble)


def _refused(decryptor: Decryptor, start: int, end: int) -> Entry:
    why = decryptor.refusal or Refusal.DAMAGED
    return Entry(f"what is encrypted in bytes {start} to {end}", None, why.message)
