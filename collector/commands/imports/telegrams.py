"""A file of telegrams, as the meter sent them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from collector.commands.imports.recording import Entry, Place, Stretch
from collector.p1.decryption import Decryptor, Keys, Refusal
from collector.p1.framing import Frame, Framer
from collector.p1.telegram import Policy, acceptable, parse

_CHUNK: Final = 64 * 1024


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
