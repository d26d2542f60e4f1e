"""One record, and how to find the good ones in any bytes (the format: `collector.spool`)."""

import os
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from sys import intern
from typing import Final, NamedTuple

_MARK: Final = b"# p1 "
# Looking back for the line's start, not forward from each one, finds them seven times as fast.
_TRAILER: Final = re.compile(
    rb"# p1 (?<=^# p1 )(([0-9a-f]{12}) (0|[1-9][0-9]{0,17}) ([1-9][0-9]{0,8})) ([0-9a-f]{8})\n",
    re.MULTILINE,
)
_TOGETHER: Final = 250
_LOOKS_LIKE_TRAILER: Final = re.compile(rb"^# p1 [0-9a-f]", re.MULTILINE)


class RecordId(NamedTuple):
    """Who a record is: the run that made it (12 hex digits) and its number in that run."""

    run: str
    number: int

    @property
    def counted(self) -> bool:
        """Whether it is a telegram's; number 0 is the program's own state."""
        return self.number > 0


def new_run() -> str:
    """Draw a run's name, 12 hex digits: random, so that it needs no file to be unique."""
    return os.urandom(6).hex()


def numbering(run: str) -> Iterator[RecordId]:
    """Give the identities of one run, in order, for ever."""
    return (RecordId(run, number) for number in count(1))


@dataclass(frozen=True, slots=True)
class Record:
    """The lines of one telegram, each with its line end, as they are in the file."""

    id: RecordId
    body: bytes

    def encode(self) -> bytes:
        """Give the record as the file holds it."""
        fields = b"%s %d %d" % (self.id.run.encode(), self.id.number, len(self.body))
        return b"%s# p1 %s %08x\n" % (self.body, fields, _checksum(self.body, fields))

    @property
    def lines(self) -> int:
        """How many lines of a segment it takes, its trailer included."""
        return self.body.count(b"\n") + 1


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes of a file that are no record."""

    offset: int
    data: bytes

    @property
    def records(self) -> int:
        """How many records this was: one a trailer, at least one."""
        return max(1, len(_LOOKS_LIKE_TRAILER.findall(self.data)))


class Place(NamedTuple):
    """Where a good record's body lies in its file, from `start` to before `stop`."""

    id: RecordId
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Contents:
    """What a segment holds: the good records in order, the damage, where the good part ends.

    `records` and `body` copy the lines each time: counting a month of readings needs no copy.
    """

    data: bytes = field(repr=False)
    places: tuple[Place, ...]
    damage: tuple[Damage, ...]
    end: int

    @property
    def records(self) -> tuple[Record, ...]:
        return tuple(Record(i, self.data[start:stop]) for i, start, stop in self.places)

    @property
    def lines(self) -> int:
        return self.data.count(b"\n")

    @property
    def ids(self) -> list[RecordId]:
        return [place.id for place in self.places]

    def parts(self) -> Iterator[bytes]:
        """Give the lines of all good records, without trailers, those of some at a time."""
        whole = memoryview(self.data)
        for first in range(0, len(self.places), _TOGETHER):
            some = self.places[first : first + _TOGETHER]
            yield b"".join([whole[start:stop] for _, start, stop in some])

    @property
    def size(self) -> int:
        """Bytes of the lines of all good records, without trailers."""
        return sum(stop - start for _, start, stop in self.places)


def decode(data: bytes) -> Contents:
    """Find every record in `data`, whatever `data` is, in time proportional to its length.

    A tail of NULs alone is what ext4 leaves of an append that was never synced: it is not damage.
    """
    places: list[Place] = []
    damage: list[Damage] = []
    whole = memoryview(data)
    end = floor = 0
    for match in _TRAILER.finditer(data):
        stop = match.start()
        start = stop - int(match[4])
        # No body has a trailer in it, so none begins before the last trailer, good or bad, nor
        # with what would be one if the rest of a torn line did not stand before it.
        if (
            start >= floor
            and not data.startswith(_MARK, start)
            and _checksum(whole[start:stop], match[1]) == int(match[5], 16)
        ):
            damage += _damage(end, data[end:start])
            places.append(Place(RecordId(intern(match[2].decode()), int(match[3])), start, stop))
            end = match.end()
        floor = match.end()
    tail = data[end:] if data[end:].strip(b"\0") else b""
    return Contents(data, tuple(places), (*damage, *_damage(end, tail)), end)


def _checksum(body: bytes | memoryview, fields: bytes) -> int:
    return zlib.crc32(fields, zlib.crc32(body))


def _damage(offset: int, span: bytes) -> Iterable[Damage]:
    harmless = all(
        line.startswith(b"# ") and line.endswith(b"\n") and not _LOOKS_LIKE_TRAILER.match(line)
        for line in span.splitlines(keepends=True)
    )
    return () if harmless else (Damage(offset, span),)
