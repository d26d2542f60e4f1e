"""The spool's directories: what waits in them, counted, and what is kept aside."""

import errno
import logging
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import Final

from collector.spool.account import Account, Outcome
from collector.spool.disk import Disk
from collector.spool.fault import advice, words
from collector.spool.handoff import HotSegment
from collector.spool.identities import Identities
from collector.spool.record import Contents, Damage, Record, RecordId, decode
from collector.spool.segment import (
    closed_name,
    damage_name,
    highest_number,
    number_of,
    segments,
)

log: Final = logging.getLogger(__name__)

_LOST_BY_THE_DISK: Final = (errno.EIO, errno.EUCLEAN, errno.EBADMSG)
_NO_FAULT_OF_THE_FILE: Final = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)


@dataclass(frozen=True, slots=True)
class Directories:
    """The spool and its three side rooms."""

    spool: Path

    @property
    def rejected(self) -> Path:
        return self.spool / "rejected"

    @property
    def damaged(self) -> Path:
        return self.spool / "damaged"

    @property
    def inbox(self) -> Path:
        return self.spool / "inbox"

    @property
    def kept(self) -> tuple[Path, Path, Path]:
        """The directories that share one sequence of numbers and one limit."""
        return self.spool, self.rejected, self.damaged


class Spool:
    """The segments on disk, each read as a whole, each counted once.

    The keeper adds and closes segments, the sender removes them; both may call everything here,
    and what one does with a file is done before the other begins.
    """

    def __init__(self, directories: Directories, account: Account, disk: Disk) -> None:
        self.directories = directories
        self.disk = disk
        self.side_rooms_grew = False
        self._hot_files_stay = False
        self._account = account
        self._in_flight: Path | None = None
        self._counted: dict[Path, Identities] = {}
        self._unusable: set[Path] = set()
        self._left: set[Path] = set()
        self._lock = RLock()
        self._number = 0

    @property
    def in_flight(self) -> Path | None:
        """The segment that the sender works on: it is not dropped."""
        return self._in_flight

    @in_flight.setter
    def in_flight(self, path: Path | None) -> None:
        with self._lock:
            self._in_flight = path

    def prepare(self) -> None:
        """Make the directories."""
        for directory in (*self.directories.kept, self.directories.inbox):
            self.disk.make_directory(directory)

    def next_number(self) -> int:
        """Give a number higher than that of any file of the spool."""
        with self._lock:
            highest = highest_number(self.disk, *self.directories.kept)
            self._number = max(self._number, highest) + 1
            return self._number

    def waiting(self) -> list[Path]:
        """Give the closed segments, oldest first."""
        return self._usable(segments(self.disk, self.directories.spool))

    def inbox(self) -> list[Path]:
        """Give the segments that other commands left, oldest first."""
        return self._usable(segments(self.disk, self.directories.inbox))

    def load(self, path: Path) -> Contents | None:
        """Read a closed segment; damage is kept aside and counted.

        None if the file has gone, or cannot be read: that costs this file and nothing else.
        """
        with self._lock:
            try:
                contents = decode(self.disk.read(path))
            except FileNotFoundError:
                self._vanished(path)
                return None
            except OSError as error:
                self._unreadable(path, error)
                return None
            if self._count(path, contents):
                for damage in contents.damage:
                    self.keep_aside(self._number_for(path), damage)
            return contents

    def read_hot(self, segment: HotSegment) -> tuple[Record, ...]:
        """Read a hot segment; what its file no longer holds is counted."""
        if segment.data is not None:
            return decode(segment.data).records
        try:
            contents = decode(self.disk.read(segment.path))
        except FileNotFoundError:
            if not segment.done and self._account.settle(Outcome.DROPPED, segment.ids):
                log.error("a hot segment was removed by somebody else: %s", segment.path)
            return ()
        missing = set(segment.ids) - set(contents.ids)
        if missing and self._account.settle(Outcome.DAMAGED, missing):
            for damage in contents.damage:
                self.keep_aside(self.next_number(), damage)
        return contents.records

    def remove_hot(self, segment: HotSegment) -> None:
        """Remove a hot segment that nobody needs. A file that stays is found at the next start."""
        try:
            self.disk.remove(segment.path)
        except OSError as error:
            if not self._hot_files_stay:
                what = "cannot remove files of the hot directory `%s`: %s (%s)"
                log.error(what, segment.path.parent, words(error), advice(error))
            self._hot_files_stay = True
        else:
            self._hot_files_stay = False

    def count_one(self) -> bool:
        """Count one segment that nobody has read yet, and those that vanished.

        False if there is none left to count.
        """
        with self._lock:
            here = [*self.waiting(), *self.inbox()]
            opened = segments(self.disk, self.directories.spool, ".open")
            for path in self._counted.keys() - {*here, *opened}:
                self._vanished(path)
            # The sender counts what it takes, and it takes the oldest.
            uncounted = next((path for path in here[::-1] if path not in self._counted), None)
            if uncounted is not None:
                self.load(uncounted)
            return uncounted is not None

    @property
    def uncounted(self) -> int:
        """How many closed segments of earlier runs are not counted yet."""
        return sum(path not in self._counted for path in self.waiting())

    def remove(self, path: Path) -> None:
        """Remove a segment that nothing waits in any more."""
        with self._lock:
            if path not in self._unusable:
                self.disk.remove(path)
                self._counted.pop(path, None)

    def drop(self, path: Path) -> None:
        """Give up a file to make room; what waited in it counts as dropped."""
        with self._lock:
            if path == self._in_flight:
                return
            waited = path.parent == self.directories.spool
            contents = self.load(path) if waited else None
            self.remove(path)
            ids = contents.ids if contents is not None else ()
            number = self._account.settle(Outcome.DROPPED, ids)
            what = "the spool is full, its oldest file was dropped with %d readings: %s (%s)"
            hint = "make room there; `P1_SPOOL_MIB` and `P1_FREE_MIB` are the bounds"
            log.error(what, number, path, hint)

    def keep_aside(self, number: int, damage: Damage) -> None:
        """Copy damage to `damaged/`, synced. A disk that cannot take it costs the copy only."""
        path = self.directories.damaged / damage_name(number, damage.offset)
        with self._lock:
            try:
                if self.disk.size(path):
                    return
                self.prepare()
                self.disk.write_whole(path, damage.data)
            except OSError as error:
                log.error("cannot keep damaged bytes aside in `%s`: %s", path, error)
            else:
                log.error("%d damaged bytes were kept aside: %s", len(damage.data), path)
                self.side_rooms_grew = True

    def give_up(self, damage: Damage) -> None:
        """Count and keep aside what waited in no segment."""
        self._account.found_damaged(damage.records)
        self.keep_aside(self.next_number(), damage)

    def reject(self, records: Iterable[Record], reason: str) -> None:
        """Write refused records to `rejected/`, synced, with the server's words on top."""
        words = " ".join(reason.split()).encode(errors="replace")
        data = b"".join(record.encode() for record in records)
        with self._lock:
            self.prepare()
            path = self.directories.rejected / closed_name(self.next_number())
            self.disk.write_whole(path, b"# rejected: %s\n%s" % (words, data))
            self.side_rooms_grew = True

    def opened(self, path: Path) -> None:
        """Say that this run began a segment."""
        with self._lock:
            self._counted[path] = Identities()

    def synced(self, path: Path, records: Iterable[RecordId]) -> None:
        """Say that the open segment has these on the card."""
        with self._lock:
            for record in records:
                self._counted[path].add(record)

    def close(self, path: Path) -> None:
        """Let the sender have a segment that is synced as a whole."""
        with self._lock:
            closed = path.with_suffix(".lp")
            self.disk.rename(path, closed)
            self._counted[closed] = self._counted.pop(path)

    def recover(self, *, but: Path | None) -> bool:
        """Close the segments that a crash or a failing disk left open, their tails cut off.

        `but` is the one that is being written. False if the disk does not let us close one now.
        """
        with self._lock:
            self._remove_drafts()
            opened = segments(self.disk, self.directories.spool, ".open")
            left = [path for path in opened if path != but and not self._recovered(path)]
            for path in [path for path in self._counted if path.suffix == ".open"]:
                if path not in (*left, but):
                    self._vanished(path)
            return not left

    def try_again(self) -> None:
        """Have what a failing disk did not give back read once more: it works again."""
        with self._lock:
            self._unusable.clear()

    def usage(self) -> int:
        """Give the bytes of all that the limit counts."""
        return sum(
            self.disk.size(directory / name)
            for directory in self.directories.kept
            for name in self.disk.names(directory)
            if number_of(name) is not None or name.endswith(".draft")
        )

    def oldest_kept(self) -> Path | None:
        """Give the oldest file that may go when a limit is reached."""
        return min(self._may_go(), key=lambda path: number_of(path.name) or 0, default=None)

    def droppable(self) -> int:
        """Give the bytes of all files that may go when a limit is reached."""
        return sum(map(self.disk.size, self._may_go()))

    def _may_go(self) -> list[Path]:
        kept = [
            directory / name
            for directory in self.directories.kept
            for name in self.disk.names(directory)
            if number_of(name) is not None and not name.endswith((".open", ".draft"))
        ]
        return [path for path in self._usable(kept) if path != self._in_flight]

    def _usable(self, paths: list[Path]) -> list[Path]:
        return [path for path in paths if path not in self._unusable]

    def _number_for(self, path: Path) -> int:
        """Number the damage of a file after it; the inbox has numbers of its own."""
        number = number_of(path.name) if path.parent == self.directories.spool else None
        return number if number is not None else self.next_number()

    def _count(self, path: Path, contents: Contents) -> bool:
        """Count what a segment holds; whether it has damage that was not there before."""
        ids = Identities(contents.ids)
        before = self._counted.get(path)
        self._counted[path] = ids
        if before is not None:
            before.remove(before.common(ids))
            return self._account.settle(Outcome.DAMAGED, before) > 0
        if path.parent == self.directories.inbox:
            self._account.handed_in(ids)
        else:
            self._account.found(ids)
        self._account.found_damaged(sum(damage.records for damage in contents.damage))
        return True

    def _vanished(self, path: Path) -> None:
        records = self._counted.pop(path, Identities())
        if number := self._account.settle(Outcome.DROPPED, records):
            what = "%d readings were removed by somebody else: %s (a copy of it belongs into `%s`)"
            log.error(what, number, path, self.directories.inbox)

    def _unreadable(self, path: Path, error: OSError) -> None:
        """Put a segment out of the way that the disk does not give back."""
        if error.errno in _NO_FAULT_OF_THE_FILE:
            raise error
        what = "cannot read a segment, the others go on: %s: %s (%s)"
        log.error(what, path, words(error), advice(error))
        self._unusable.add(path)
        if error.errno in _LOST_BY_THE_DISK:
            self._count_lost(path)
            self._move_aside(path)

    def _move_aside(self, path: Path) -> None:
        aside = self.directories.damaged / damage_name(self._number_for(path), 0)
        try:
            self.disk.rename(path, aside)
        except OSError as error:
            log.error("cannot move it to `%s`: %s", aside, error)
        else:
            self._unusable.discard(path)

    def _count_lost(self, path: Path) -> None:
        records = self._counted.pop(path, None)
        if records is None:
            self._account.found_damaged(1)
        else:
            self._account.settle(Outcome.DAMAGED, records)

    def _remove_drafts(self) -> None:
        """Remove what a crash left half written; the locks say that nobody writes it now."""
        for directory in self.directories.kept:
            for name in self.disk.names(directory):
                if name.endswith(".draft"):
                    with suppress(OSError):  # it takes its room, and holds up nothing
                        self.disk.remove(directory / name)

    def _recovered(self, path: Path) -> bool:
        """Close one segment that was left open; whether that worked."""
        try:
            self._close_left(path)
        except OSError as error:
            if path not in self._unusable:
                what = "cannot close a segment that was left open, it is tried again: %s: %s (%s)"
                log.error(what, path, words(error), advice(error))
            self._unusable.add(path)
            return False
        self._unusable.discard(path)
        return True

    def _close_left(self, path: Path) -> None:
        contents = decode(self.disk.read(path))
        closed = path.with_suffix(".lp")
        ours = path in self._counted
        # What an append of this run left unfinished is in RAM still, and written again.
        aside = [d for d in contents.damage if (d.offset >= contents.end) != ours]
        for damage in aside:
            self.keep_aside(self._number_for(path), damage)
        if not ours and path not in self._left:
            # Before the cut: if the rest fails after that, the tail is gone the next time.
            self._left.add(path)
            self._account.found(contents.ids)
            self._account.found_damaged(sum(damage.records for damage in aside))
        if contents.records:
            self._cut(path, contents.end)
            self.disk.rename(path, closed)
        else:
            self.disk.remove(path)
        if ours:
            ids = Identities(contents.ids)
            synced = self._counted.pop(path)
            synced.remove(synced.common(ids))
            self._account.settle(Outcome.DAMAGED, synced)
            if contents.records:
                self._counted[closed] = ids

    def _cut(self, path: Path, size: int) -> None:
        if self.disk.size(path) > size:
            log.warning("an unfinished tail was cut off: %s at byte %d", path, size)
            self.disk.cut(path, size)
