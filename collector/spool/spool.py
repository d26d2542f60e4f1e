"""The spool's directories: what waits in them, counted, and what is kept aside."""

import errno
import logging
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from threading import RLock
from typing import Final
from zlib import crc32

from collector.errors import QUIET_SECONDS, Troubles
from collector.spool.account import Account, Outcome
from collector.spool.disk import Disk
from collector.spool.fault import advice, words
from collector.spool.handoff import HotSegment
from collector.spool.identities import Identities
from collector.spool.record import Contents, Damage, Record, RecordId, decode
from collector.spool.refusals import Refusals
from collector.spool.segment import closed_name, damage_name, first_second, number_of
from collector.spool.stock import Amount, Directories, File, Stock

__all__ = ["Directories", "Spool"]

log: Final = logging.getLogger(__name__)

_LOST_BY_THE_DISK: Final = (errno.EIO, errno.EUCLEAN, errno.EBADMSG)
_NO_FAULT_OF_THE_FILE: Final = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)


class Spool:
    """The segments on disk, each read as a whole, each counted once.

    `stock` knows the files; it may be asked by any thread at any time. What touches the disk is
    done by one thread at a time, the keeper or whoever runs the sender's errands, and what one
    does with a file is done before the other begins. `in_flight` are the files that the sender
    works on: they are not dropped.
    """

    def __init__(
        self,
        directories: Directories,
        account: Account,
        disk: Disk,
        *,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.directories = directories
        self._rooms = (*directories.kept, *directories.inboxes)
        self.disk = disk
        self.stock = Stock(directories)
        self.in_flight: frozenset[File] = frozenset()
        self.side_rooms_grew = False
        self._troubles = defaultdict[str, Troubles](
            lambda: Troubles(monotonic, again=QUIET_SECONDS)
        )
        self._hot_files = Troubles(monotonic)
        self.account = account
        self.oldest_second: int | None = None
        self._oldest: Path | None = None
        self.opened_here: dict[Path, Identities] = {}
        self._inside: dict[File, int] = {}
        self._looked_at: dict[Path, tuple[int, int] | None] = {}
        self._number: int | None = None
        self.lock = RLock()
        self._refusals = Refusals(directories.rejected, disk, number=self.next_number, wall=wall)

    def prepare(self) -> None:
        """Make the directories."""
        for directory in self._rooms:
            self.disk.make_directory(directory)

    def look(self) -> None:
        """See which files others brought, and which they took, where a name has changed."""
        with self.lock:
            for directory in self._rooms:
                self._look_into(directory)
            for path in self.opened_here.keys() - self.stock.unfinished.keys():
                self._lost(path, self.opened_here.pop(path))

    def _look_into(self, directory: Path) -> None:
        version = self.disk.version(directory)
        if version is not None and version == self._looked_at.get(directory):
            return
        unfinished = self.stock.unfinished.items()
        self.stock.unfinished = {p: size for p, size in unfinished if p.parent != directory}
        names = set(self.disk.names(directory))
        known = self.stock.known(directory)
        for name in known.keys() - names:
            self._vanished(known[name])
        for name in sorted(names - known.keys()):
            number = number_of(name)
            if name.endswith((".open", ".draft")):
                if directory not in self.directories.inboxes:
                    self.stock.unfinished[directory / name] = self.disk.size(directory / name)
                    self._number = max(self._number or 0, number or 0)
            elif number is not None:
                with suppress(FileNotFoundError):
                    self._add(directory / name)
        self._looked_at[directory] = version

    def _add(self, path: Path, records: Identities | None = None) -> None:
        """Note a file. What is in the side rooms waits for nothing, and counts no more."""
        if path.parent in (self.directories.rejected, self.directories.damaged):
            records = Identities()
        self.stock.add(File(path.parent, path.name, *self.disk.mark(path)), records)

    def next_number(self) -> int:
        """Give a number higher than that of any file of the spool."""
        with self.lock:
            if self._number is None:
                self._number = 0
                self.look()
            number = max(self._number, self.stock.highest) + 1
            while any(self.disk.size(d / closed_name(number)) for d in self.directories.kept):
                number += 1  # somebody else has just put it there
            self._number = number
            return number

    def tray(self) -> list[File]:
        """See which segments other commands put into RAM; gives them, oldest first."""
        if self.directories.tray is None:
            return []
        self._look_into(self.directories.tray)
        return self.stock.first(self.directories.tray)

    def moved(self, files: Iterable[File], path: Path) -> None:
        """Say that what was in these is in one file now."""
        known = [self.stock.forget(file) for file in files]
        counted = Identities()
        for records in known:
            counted.update(records or Identities())
        self._add(path, None if None in known else counted)

    def note_oldest(self) -> None:
        """Read how old the oldest segment is, unless that is known."""
        closed = [file.path for file in self.stock.first(self.directories.spool, 1)]
        oldest = next(iter([*closed, *sorted(self.opened_here)]), None)
        if oldest != self._oldest or self.oldest_second is None:
            self._oldest, self.oldest_second = oldest, None
            if oldest is not None:
                self.oldest_second = first_second(self.disk, oldest)

    def next(self, most: int, but: Callable[[File], bool] = lambda _: False) -> list[File]:
        """Give the first few that wait, all of the backlog, or else all of the inbox."""
        rooms = (self.directories.spool, *self.directories.inboxes)
        return next(filter(None, (self.stock.first(room, most, but) for room in rooms)), [])

    def load(self, file: File) -> Contents | None:
        """Read a closed segment; damage is kept aside and counted.

        None if the file has gone, or cannot be read: that costs this file and nothing else. None
        also if something else has its name: that is another file, and waits as such.
        """
        with self.lock:
            try:
                now = File(*file[:2], *self.disk.mark(file.path))
                contents = decode(self.disk.read(file.path))
            except FileNotFoundError:
                self._vanished(file)
                return None
            except OSError as error:
                self._unreadable(file, error)
                return None
            if now != file and file in self.stock:
                self.stock.add(now, self.stock.forget(file))
            if file.directory in self.directories.inboxes:
                self._inside[now] = crc32(contents.data)
            if self._count(now, contents):
                for damage in contents.damage:
                    self.keep_aside(self.number_for(file.path), damage)
            return contents if now == file else None

    def read_hot(self, segment: HotSegment) -> tuple[Record, ...]:
        """Read a hot segment; what its file no longer holds is counted."""
        if segment.data is not None:
            return decode(segment.data).records
        try:
            contents = decode(self.disk.read(segment.path))
        except FileNotFoundError:
            if not segment.done:
                self._lost(segment.path, Identities(segment.ids))
            return ()
        missing = set(segment.ids) - set(contents.ids)
        if missing and self.account.settle(Outcome.DAMAGED, missing):
            for damage in contents.damage:
                self.keep_aside(self.next_number(), damage)
        return contents.records

    def remove_hot(self, segment: HotSegment) -> None:
        """Remove a hot segment that nobody needs. A file that stays is found at the next start."""
        try:
            self.disk.remove(segment.path)
            self._hot_files.went()
        except OSError as error:
            if self._hot_files.came(words(error)):
                what = "cannot remove files of the hot directory `%s`: %s (%s)"
                log.error(what, segment.path.parent, words(error), advice(error))

    def count_one(self) -> bool:
        """Count one segment that nobody has read yet. False if there is none left to count."""
        with self.lock:
            if not self.stock.uncounted:
                self.look()
            # The sender counts what it takes, and it takes the oldest.
            file = self.stock.last_uncounted()
            if file is not None:
                self.load(file)
            return file is not None

    def remove(self, file: File) -> None:
        """Remove a segment that nothing waits in any more, and no other that has its name."""
        with self.lock:
            if file not in self.stock or file in self.stock.unusable:
                return
            with suppress(FileNotFoundError):
                now = File(*file[:2], *self.disk.mark(file.path))
                inside = self._inside.get(file)
                # To the inbox, names come again at once: what was read of it must be in it still.
                if now != file or (inside and inside != crc32(self.disk.read(file.path))):
                    self._inside.pop(file, None)
                    self.stock.add(now)
                    return
            self.disk.remove(file.path)
            self._inside.pop(file, None)
            self.stock.forget(file)

    def drop(self, file: File) -> None:
        """Give up a file to make room; what waited in it counts as dropped."""
        with self.lock:
            if file in self.in_flight:
                return
            waited = file.directory == self.directories.spool
            contents = self.load(file) if waited else None
            self.remove(file)
            number = self.account.settle(Outcome.DROPPED, contents.ids if contents else ())
            what = "the spool is full, its oldest file was dropped with %d readings: %s (%s)"
            hint = "make room there; `P1_SPOOL_MIB` and `P1_FREE_MIB` are the bounds"
            self._tell("dropped", what, number, file.path, hint)

    def keep_aside(self, number: int, damage: Damage) -> None:
        """Copy damage to `damaged/`, synced. A disk that cannot take it costs the copy only."""
        path = self.directories.damaged / damage_name(number, damage.offset)
        with self.lock:
            try:
                if self.disk.size(path):
                    return
                self.prepare()
                self.disk.write_whole(path, damage.data)
                self._add(path)
            except OSError as error:
                self._tell("not aside", "cannot keep damaged bytes aside in `%s`: %s", path, error)
            else:
                what = "%d damaged bytes were kept aside: %s"
                self._tell("aside", what, len(damage.data), path)
                self.side_rooms_grew = True

    def give_up(self, damage: Damage) -> None:
        """Count and keep aside what waited in no segment."""
        self.account.found_damaged(damage.records)
        self.keep_aside(self.next_number(), damage)

    def reject(self, records: Iterable[Record], reason: str) -> None:
        """Write refused records to `rejected/`, synced, with the server's words on top."""
        with self.lock:
            self.prepare()
            path = self._refusals.add(records, reason)
            self._add(path)
            self.side_rooms_grew = True

    def opened(self, path: Path) -> None:
        """Say that this run began a segment."""
        with self.lock:
            self.opened_here[path] = Identities()
            self.stock.unfinished[path] = 0

    def synced(self, path: Path, records: Iterable[RecordId], size: int) -> None:
        """Say that the open segment has these on the card, and how large that makes it."""
        with self.lock:
            for record in records:
                self.opened_here[path].add(record)
            self.stock.unfinished[path] = size

    def close(self, path: Path) -> None:
        """Let the sender have a segment that is synced as a whole."""
        with self.lock:
            self.finish(path, self.opened_here[path])
            del self.opened_here[path]

    def finish(self, path: Path, records: Identities | None) -> None:
        """Give an open segment the name of a closed one; None if what is in it is not counted."""
        closed = path.with_suffix(".lp")
        self.disk.rename(path, closed)
        self.stock.unfinished.pop(path, None)
        self._add(closed, records)

    def free(self) -> Amount:
        """Give how much more the disk takes; where there is no end of files, very many.

        What other commands put into the inbox takes no room of a meter's readings.
        """
        where = self.directories.spool
        files = self.disk.free_files(where)
        free = self.disk.free(where) + self.stock.inbox_bytes
        return Amount(free, sys.maxsize if files is None else files)

    def number_for(self, path: Path) -> int:
        """Number the damage of a file after it; the inbox has numbers of its own."""
        number = number_of(path.name) if path.parent == self.directories.spool else None
        return number if number is not None else self.next_number()

    def _count(self, file: File, contents: Contents) -> bool:
        """Count what a segment holds; whether it has damage that was not there before."""
        ids = Identities(contents.ids)
        before = self.stock.count(file, ids)
        if before is None:
            self._found(file, ids)
            self.account.found_damaged(sum(damage.records for damage in contents.damage))
            return True
        both = before.common(ids)
        before.remove(both)
        ids.remove(both)
        self._found(file, ids)
        if file.directory in self.directories.inboxes and not both.ranges:
            self._lost(file.path, before)  # and another one has its name
            return bool(contents.damage)
        return self.account.settle(Outcome.DAMAGED, before) > 0

    def _found(self, file: File, ids: Identities) -> None:
        if file.directory in self.directories.inboxes:
            self.account.handed_in(ids)
        else:
            self.account.found(ids)

    def _vanished(self, file: File) -> None:
        self._inside.pop(file, None)
        self._lost(file.path, self.stock.forget(file) or Identities())

    def _lost(self, path: Path, records: Identities) -> None:
        number = self.account.settle(Outcome.DROPPED, records)
        if number:
            what = "%d readings were removed by somebody else: %s (a copy of it belongs into `%s`)"
            self._tell("lost", what, number, path, self.directories.inbox)

    def _unreadable(self, file: File, error: OSError) -> None:
        """Put a segment out of the way that the disk does not give back."""
        if error.errno in _NO_FAULT_OF_THE_FILE:
            raise error
        what = "cannot read a segment, the others go on: %s: %s (%s)"
        self._tell("unreadable", what, file.path, words(error), advice(error))
        self.stock.unusable.add(file)
        if error.errno not in _LOST_BY_THE_DISK:
            return
        records = self.stock.count(file, Identities())
        if records is None:
            self.account.found_damaged(1)
        else:
            self.account.settle(Outcome.DAMAGED, records)
        aside = self.directories.damaged / damage_name(self.number_for(file.path), 0)
        try:
            self.disk.rename(file.path, aside)
        except OSError as why:
            self._tell("not moved", "cannot move it to `%s`: %s", aside, why)
        else:
            self.stock.forget(file)
            self._add(aside)

    def _tell(self, trouble: str, what: str, *values: object) -> None:
        if self._troubles[trouble].came(trouble):
            log.error(what, *values)
