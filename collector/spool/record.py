"""One record, and how to find the good ones in any bytes (the format: `collector.spool`)."""

import os
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Final, NamedTuple

_TRAILER: Final = re.compile(
    rb"^# p1 ([0-9a-f]{12}) (0|[1-9][0-9]{0,17}) ([1-9][0-9]{0,8}) ([0-9a-f]{8})\n", re.MULTILINE
)
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
        return b"%s# p1 %s %08x\n" % (self.body, fields, zlib.crc32(fields, zlib.crc32(self.body)))

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


@dataclass(frozen=True, slots=True)
class Contents:
    """What a segment holds: the good records in order, the damage, where the good part ends."""

    records: tuple[Record, ...]
    damage: tuple[Damage, ...]
    end: int

    @property
    def ids(self) -> list[RecordId]:
        return [record.id for record in self.records]

    @property
    def body(self) -> bytes:
        """The lines of all good records, without trailers."""
        return b"".join(record.body for record in self.records)

    @property
    def size(self) -> int:
        """Bytes of the lines of all good records, without trailers."""
        return sum(len(record.body) for record in self.records)


def decode(data: bytes) -> Contents:
    """Find every record in `data`, whatever `data` is, in time proportional to its length.

    A tail of NULs alone is what ext4 leaves of an append that was never synced: it is not damage.
    """
    records: list[Record] = []
    damage: list[Damage] = []
    end = floor = 0
    for match in _TRAILER.finditer(data):
        start = match.start() - int(match[3])
        # No body has a trailer in it, so none begins before the last trailer, good or bad.
        if start >= floor and (record := _checked(data[start : match.start()], match)):
            damage += _damage(end, data[end:start])
            records.append(record)
            end = match.end()
        floor = match.end()
    tail = data[end:] if data[end:].strip(b"\0") else b""
    return Contents(tuple(records), (*damage, *_damage(end, tail)), end)


def _checked(body: bytes, match: re.Match[bytes]) -> Record | None:
    record = Record(RecordId(match[1].decode(), int(match[2])), body)
    return record if record.encode() == body + match[0] else None


def _damage(offset: int, span: bytes) -> Iterable[Damage]:
    harmless = all(map(_is_comment, span.splitlines(keepends=True)))
    return () if harmless else (Damage(offset, span),)


def _is_comment(line: bytes) -> bool:
    return line.startswith(b"# ") and line.endswith(b"\n") and not _LOOKS_LIKE_TRAILER.match(line)
