"""What lies in the spool's directories, known without looking: which files, how large, what in.

Whoever changes a directory says so here, and what others do there is found by a look at the names
now and then. So whatever is done for one file costs the same however many there are. The lock is
held for moments: no call of the disk is made under it.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from threading import RLock
from typing import Final, NamedTuple

from collector.spool.identities import Identities, Spans
from collector.spool.segment import number_of

TRAY: Final = "inbox"
"""The name of the tray, in the hot directory."""


class Directories:
    """The spool and its three side rooms; the `tray` is an inbox in RAM, where there is one.

    Other commands put segments into the `inboxes`; what is in the first is older. Those that are
    `kept` share one sequence of numbers and one limit.
    """

    def __init__(self, spool: Path, tray: Path | None = None) -> None:
        self.spool, self.tray = spool, tray
        self.rejected = spool / "rejected"
        self.damaged = spool / "damaged"
        self.inbox = spool / "inbox"
        self.inboxes = (self.inbox, tray) if tray else (self.inbox,)
        self.kept = (spool, self.rejected, self.damaged)


@dataclass(frozen=True, slots=True)
class Amount:
    """So many bytes in so many files."""

    size: int
    files: int

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(self.size + other.size, self.files + other.files)

    def __sub__(self, other: "Amount") -> "Amount":
        return Amount(self.size - other.size, self.files - other.files)


class File(NamedTuple):
    """A closed file, as it was when it was last looked at: one of the same name may be another."""

    directory: Path
    name: str
    size: int
    mark: int

    @property
    def path(self) -> Path:
        return self.directory / self.name

    @property
    def number(self) -> int:
        return number_of(self.name) or 0


class Stock:
    """The closed files of each directory, in order of their names, and what is in them.

    `unfinished` are the sizes of those that are being written; `unusable` are those that the disk
    does not give back; nobody knows yet what is in those that are `uncounted`.
    """

    def __init__(self, directories: Directories) -> None:
        rooms = (*directories.kept, *directories.inboxes)
        self._inbox = directories.inbox
        self._kept = directories.kept
        self._lock = RLock()
        self._files: dict[Path, OrderedDict[str, File]] = {room: OrderedDict() for room in rooms}
        self._sizes = dict.fromkeys(rooms, 0)
        self._records: dict[File, Spans] = {}
        self.uncounted: dict[File, None] = {}
        self.unusable: set[File] = set()
        self.unfinished: dict[Path, int] = {}
        self.highest = 0

    def __contains__(self, file: File) -> bool:
        return self._files[file.directory].get(file.name) == file

    def add(self, file: File, records: Identities | None = None) -> None:
        """Note a file instead of what had its name, and what is in it if that is counted."""
        with self._lock:
            files = self._files[file.directory]
            if before := files.get(file.name):
                self.forget(before)
            in_order = not files or file.name > next(reversed(files))
            files[file.name] = file
            if not in_order:
                self._files[file.directory] = OrderedDict(sorted(files.items()))
            self._sizes[file.directory] += file.size
            if file.directory in self._kept:
                self.highest = max(self.highest, file.number)
            if records is None:
                self.uncounted[file] = None
            else:
                self._records[file] = tuple(records.spans())

    def forget(self, file: File) -> Identities | None:
        """Note that a file has gone; gives what was counted in it."""
        with self._lock:
            if file not in self:
                return None
            del self._files[file.directory][file.name]
            self._sizes[file.directory] -= file.size
            self.uncounted.pop(file, None)
            self.unusable.discard(file)
            return _set(self._records.pop(file, None))

    def count(self, file: File, records: Identities) -> Identities | None:
        """Note what is in a file; gives what was noted before."""
        with self._lock:
            self.uncounted.pop(file, None)
            before = self._records.get(file)
            self._records[file] = tuple(records.spans())
            return _set(before)

    def last_uncounted(self) -> File | None:
        with self._lock:
            return next(reversed(self.uncounted), None)

    def known(self, directory: Path) -> dict[str, File]:
        with self._lock:
            return dict(self._files[directory])

    def usage(self) -> Amount:
        """Give how much there is of what the limits count, the unfinished files included."""
        unfinished = self.unfinished.copy()
        return self._closed() + Amount(sum(unfinished.values()), len(unfinished))

    def droppable(self, but: Iterable[File]) -> Amount:
        """Give how much may go when a limit is reached."""
        kept = {file for file in {*but, *self.unusable} if file.directory in self._kept}
        stay = [file for file in kept if file in self]
        return self._closed() - Amount(sum(file.size for file in stay), len(stay))

    def _closed(self) -> Amount:
        with self._lock:
            files = sum(len(self._files[directory]) for directory in self._kept)
            return Amount(sum(self._sizes[directory] for directory in self._kept), files)

    @property
    def backlog_bytes(self) -> int:
        """Bytes of the segments that wait, but for the inbox."""
        unfinished = self.unfinished.copy()
        opened = sum(size for path, size in unfinished.items() if path.suffix == ".open")
        return self._sizes[self._kept[0]] + opened

    @property
    def inbox_bytes(self) -> int:
        return self._sizes[self._inbox]

    def first(
        self,
        directory: Path,
        most: int | None = None,
        but: Callable[[File], bool] = lambda _: False,
    ) -> list[File]:
        """Give the first files that can be used, in order, leaving some out."""
        with self._lock:
            files = self._files[directory].values()
            usable = (file for file in files if file not in self.unusable and not but(file))
            return list(islice(usable, most))

    def oldest_kept(self, but: Collection[File]) -> File | None:
        """Give the file with the lowest number of all that may go when a limit is reached."""
        with self._lock:
            heads = [f for room in self._kept for f in self.first(room, 1, but.__contains__)]
            return min(heads, key=lambda file: file.number, default=None)


def _set(spans: Spans | None) -> Identities | None:
    if spans is None:
        return None
    some = Identities()
    for run, start, stop in spans:
        some.runs.setdefault(run, []).extend((start, stop))
    return some
