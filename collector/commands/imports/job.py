"""One import: a recording's telegrams become records, and these become segments in the inbox."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from collector.commands.imports.recording import Entry, Place, Recording
from collector.memory import Memory
from collector.p1.time import told_apart
from collector.points import CrowdedError, Points, encode
from collector.spool.disk import Disk
from collector.spool.inbox import Inbox
from collector.spool.record import Record, RecordId, new_run, numbering
from collector.spool.segment import MAX_BYTES, MAX_LINES

DIRECTORY: Final = "imports"
ENOUGH_LINES: Final = MAX_LINES * 3 // 4
ENOUGH_BYTES: Final = MAX_BYTES * 3 // 4
"""A stretch more, and it is still one segment."""

REPORTED: Final = 100
"""Bad entries that are named one by one; of a file of nothing else, the rest is counted."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where to go on, and what was written last, so that it is not written again."""

    place: Place
    memory: Memory


class Note:
    """The note on one file. `under` says what the points depend on besides the file itself.

    A file is known by its path and inode, so one that grew meanwhile is the same file, and another
    one under its name is not.
    """

    def __init__(self, spool: Path, path: Path, under: str, disk: Disk) -> None:
        state = path.stat()
        self._key = f"{path.resolve()} {state.st_dev} {state.st_ino} {under}"
        name = hashlib.sha256(self._key.encode()).hexdigest()[:16]
        self._directory = spool / DIRECTORY
        self._path = self._directory / f"{name}.json"
        self._disk = disk

    def read(self) -> Progress | None:
        try:
            data = json.loads(self._disk.read(self._path))
            if data["key"] != self._key:
                return None
            place = Place(int(data["position"]), int(data["number"]))
            return Progress(place, Memory.from_dict(data["memory"]))
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def write(self, progress: Progress) -> None:
        """Replace the note, synced."""
        data = {
            "key": self._key,
            "position": progress.place.position,
            "number": progress.place.number,
            "memory": progress.memory.as_dict(),
        }
        self._disk.make_directory(self._directory)
        self._disk.write_whole(self._path, json.dumps(data).encode())

    def remove(self) -> None:
        self._disk.remove(self._path)


@dataclass(slots=True)
class Tally:
    """What was found in a recording, and what became of it. Times are UTC."""

    telegrams: int = 0
    repeated: int = 0
    unusable: int = 0
    written: Counter[str] = field(default_factory=Counter)
    first: datetime | None = None
    last: datetime | None = None

    @property
    def new(self) -> int:
        return self.telegrams - self.repeated


class Watcher(Protocol):
    def draw(self, position: int, number: int, words: str = "") -> None: ...

    def say(self, text: str) -> None: ...


@dataclass(slots=True)
class Job:
    """Imports one recording, from where an earlier run stopped.

    Without an inbox it is a dry run: everything is read, nothing is written.
    """

    recording: Recording
    points: Points
    watcher: Watcher
    inbox: Inbox | None = field(kw_only=True)
    note: Note | None = field(kw_only=True)
    wait: Callable[[], str] = field(kw_only=True)
    """Waits a moment for room in the inbox, and gives words about that."""

    tally: Tally = field(default_factory=Tally)
    _identities: Iterator[RecordId] = field(default_factory=lambda: numbering(new_run()))
    _place: Place = field(default_factory=Place)
    _last: datetime | None = None
    _batch: list[Record] = field(default_factory=list)
    _lines: int = 0
    _bytes: int = 0

    def run(self, start: Place) -> Tally:
        """Read to the end; `start` is the place of the note that `points` goes on from."""
        self._place = start
        for stretch in self.recording.stretches(start):
            records = list(self._records(stretch.entries))
            self._batch += records
            self._lines += sum(record.lines for record in records)
            self._bytes += sum(len(record.body) for record in records)
            self._place = stretch.end
            if self._lines >= ENOUGH_LINES or self._bytes >= ENOUGH_BYTES:
                self._hand_over()
            self.watcher.draw(self._place.position, self._place.number)
        self._hand_over()
        if self.note:
            self.note.remove()
        return self.tally

    def _records(self, entries: tuple[Entry, ...]) -> Iterator[Record]:
        for entry in entries:
            telegram, tally = entry.telegram, self.tally
            if entry.trouble or telegram is None or telegram.time is None:
                self._complain(entry.name, entry.trouble)
                continue
            time = self._last = told_apart(telegram.time, self._last)
            try:
                lines = self.points.lines(telegram, time)
            except CrowdedError:
                self._complain(entry.name, "others have its second")
                continue
            tally.telegrams += 1
            tally.first = min(time, tally.first or time)
            tally.last = max(time, tally.last or time)
            if lines is None:
                tally.repeated += 1
            elif lines:
                tally.written.update(line.partition(",")[0] for line in lines)
                yield Record(next(self._identities), encode(lines))

    def _complain(self, name: str, trouble: str | None) -> None:
        self.tally.unusable += 1
        if self.tally.unusable <= REPORTED:
            self.watcher.say(f"{name} is left out: {trouble}")
        elif self.tally.unusable == REPORTED + 1:
            self.watcher.say("more are left out, and only counted")

    def _hand_over(self) -> None:
        """Put the batch into the inbox, and note where the next one begins."""
        place = self._place
        if self.inbox and self._batch:
            draw = self.watcher.draw
            self.inbox.put(self._batch, lambda: draw(place.position, place.number, self.wait()))
            if self.note:
                self.note.write(Progress(place, self.points.memory))
        self._batch, self._lines, self._bytes = [], 0, 0
