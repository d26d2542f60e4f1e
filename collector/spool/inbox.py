"""The inbox: finished segments of other commands, which the service takes after the live backlog.

A segment gets there whole: written and synced under a name that nobody looks at, then linked to
its own. The name is never one that is taken. What root puts there belongs to the service's user,
who must be able to read it. The inbox has a bound of its own, at which whoever
fills it waits, so that old data never pushes out live data.

The tray is an inbox in RAM, for lines that come one by one beside a running service: they are
delivered from there, and `collector.spool.tray` brings to the disk what is not in time.
"""

import errno
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from collector.spool.disk import Disk
from collector.spool.record import Record, decode
from collector.spool.segment import closed_name, fits, highest_number, segments
from collector.spool.spool import Directories

BOUND: Final = 64 * 1024 * 1024
"""Bytes that may wait in the inbox."""
TRAY_BOUND: Final = 4 * 1024 * 1024


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
        for segment in _grouped(records):
            while not self.has_room:
                wait()
            self.put_in(b"".join(record.encode() for record in segment))
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


def _grouped(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Group records so that each group is one segment."""
    group: list[Record] = []
    size = lines = 0
    for record in records:
        length = len(record.encode())
        if group and not fits(size, lines, length, record.lines):
            yield group
            group, size, lines = [], 0, 0
        group.append(record)
        size += length
        lines += record.lines
    if group:
        yield group
