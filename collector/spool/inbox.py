"""The inbox: finished segments of other commands, which the service takes after the live backlog.

A segment gets there whole: written and synced under a name that nobody looks at, then linked to
its own. The name is never one that is taken. What root puts there belongs to the service's user,
who must be able to read it. The inbox has a bound of its own, at which whoever
fills it waits, so that old data never pushes out live data.

The tray is an inbox in RAM, for lines that come one by one beside a running service. They are
delivered from there; what is not in time comes to the disk, into the inbox. One segment of it is
made of what is there, and of the last one of the inbox as long as that is small: a line each
second, in an outage of days, would be so many files. What does not go into the inbox stays in RAM,
and whoever fills the tray waits.
"""

import errno
import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final, TypeVar

from collector.spool.disk import Disk
from collector.spool.record import Record, decode
from collector.spool.segment import closed_name, fits, highest_number, segments
from collector.spool.spool import Spool
from collector.spool.stock import Directories, File

T = TypeVar("T")

BOUND: Final = 64 * 1024 * 1024
"""Bytes that may wait in the inbox."""
TRAY_BOUND: Final = 4 * 1024 * 1024
SMALL: Final = 16 * 1024
"""Bytes of a segment that is written once more, with what came since."""


class Inbox:
    """Hands segments to the service, from any process."""

    def __init__(
        self, directories: Directories, disk: Disk, *, free: int, bound: int = BOUND
    ) -> None:
        """Leave `free` bytes of the disk, and room beyond that for what is live.

        Segments go into the tray where there is one.
        """
        self._inbox, self._tray = directories.inbox, directories.tray
        self._directory = directories.inboxes[-1]
        self._disk = disk
        self._free = free
        self._bound = bound
        for directory in (directories.spool, *directories.inboxes):
            if not directory.is_dir():
                disk.make_directory(directory)
                disk.give_to_owner_of(directory.parent, directory)

    @property
    def has_room(self) -> bool:
        """Whether another segment may be put in."""
        tray = self._used(self._tray) if self._tray else 0
        # What is in RAM is to find room on the disk at any time.
        used = self._used(self._inbox) + tray
        return tray < TRAY_BOUND and used < self._bound and not self.disk_is_full

    def _used(self, directory: Path) -> int:
        return sum(map(self._disk.size, segments(self._disk, directory)))

    @property
    def disk_is_full(self) -> bool:
        """Whether what is left of the disk is for what is live."""
        return self._disk.free(self._inbox) - self._free <= 2 * self._bound

    def put(self, records: Iterable[Record], wait: Callable[[], object]) -> int:
        """Write records as segments; `wait` is called while there is no room. Gives how many."""
        number = 0
        for segment in _grouped((record, record.encode()) for record in records):
            while not self.has_room:
                wait()
            self.put_in(b"".join(data for _, data in segment))
            number += len(segment)
        return number

    def take(self, path: Path) -> None:
        """Take over a segment of a spool that nobody uses, on whatever disk; its torn tail stays.

        Raises `OSError`; the segment is in one place at least.
        """
        if path.suffix == ".lp":
            try:
                self.move(path)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
            else:
                return
        if self.disk_is_full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._directory))
        data = self._disk.read(path)
        if whole := data if path.suffix == ".lp" else data[: decode(data).end]:
            self.put_in(whole)
        self._disk.remove(path)

    def put_in(self, data: bytes) -> Path:
        """Write a segment, synced; gives its name."""
        draft = self._directory / f"{os.getpid()}.draft"
        self._disk.write_whole(draft, data)
        self._disk.give_to_owner_of(self._directory, draft)
        return self.move(draft)

    def move(self, path: Path) -> Path:
        """Take over a finished segment from elsewhere on the same disk; gives its name."""
        number = highest_number(self._disk, self._directory) + 1
        while True:
            name = self._directory / closed_name(number)
            try:
                self._disk.link(path, name)
            except FileExistsError:
                number += 1
            else:
                self._disk.sync_directory(self._directory)
                self._disk.remove(path)
                return name


def _grouped(pieces: Iterable[tuple[T, bytes]]) -> Iterator[list[tuple[T, bytes]]]:
    """Group what comes with its bytes so that each group is one segment."""
    group: list[tuple[T, bytes]] = []
    size = lines = 0
    for what, data in pieces:
        more = data.count(b"\n")
        if group and not fits(size, lines, len(data), more):
            yield group
            group, size, lines = [], 0, 0
        group.append((what, data))
        size, lines = size + len(data), lines + more
    if group:
        yield group


class Tray:
    """Brings segments from RAM to the inbox, for the keeper; leaves `free` bytes of the disk."""

    def __init__(self, spool: Spool, free: int, wall: Callable[[], float] = time.time) -> None:
        self._spool = spool
        self._free = free
        self._wall = wall

    def keep(self, seconds: float) -> bool:
        """Bring the first ones, if the oldest is of that age. Raises `OSError`.

        Gives whether it did. Who set the clock back meanwhile made them as old as can be.
        """
        spool = self._spool
        with spool.lock:
            files = spool.tray()
            if not files or 0 <= self._wall() - spool.disk.modified(files[0].path) < seconds:
                return False
            inbox = Inbox(Directories(spool.directories.spool), spool.disk, free=self._free)
            if not inbox.has_room:
                return False
            pieces = ((f, spool.disk.read(f.path)) for f in [*self._last(), *files])
            together = dict(next(_grouped(pieces)))
            path = inbox.put_in(b"".join(together.values()))
            for file in together:
                spool.disk.remove(file.path)
            spool.moved(together, path)
            return True

    def _last(self) -> list[File]:
        """Give the last segment of the inbox if more may go into it."""
        spool = self._spool
        files = spool.stock.first(spool.directories.inbox, 1 << 30)[-1:]
        return [f for f in files if f.size < SMALL and f not in spool.in_flight]
