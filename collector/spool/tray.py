"""The tray: what other commands put into RAM comes to the disk when it is due, into the inbox.

One segment of the inbox is made of what is there, and of the last one of the inbox as long as that
is small: a line each second, in an outage of days, would be so many files. What does not go into
the inbox stays in RAM, and whoever fills the tray waits. The keeper does it.
"""

import time
from collections.abc import Callable, Iterator
from typing import Final

from collector.spool.inbox import Inbox
from collector.spool.segment import fits
from collector.spool.spool import Spool
from collector.spool.stock import Directories, File

SMALL: Final = 16 * 1024
"""Bytes of a segment that is written once more, with what came since."""


class Tray:
    """Brings segments from RAM to the inbox, and leaves `free` bytes of its disk."""

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
            together = dict(self._together([*self._last(), *files]))
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

    def _together(self, files: list[File]) -> Iterator[tuple[File, bytes]]:
        """Give as many of the first as are one segment, with what is in them."""
        size = lines = 0
        for file in files:
            data = self._spool.disk.read(file.path)
            more = data.count(b"\n")
            if size and not fits(size, lines, len(data), more):
                return
            size, lines = size + len(data), lines + more
            yield file, data
