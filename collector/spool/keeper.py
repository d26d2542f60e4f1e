"""The keeper: owns the disk. What InfluxDB has not taken in time is synced to the spool."""

import errno
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Final

from collector.errors import Troubles
from collector.spool.account import Outcome
from collector.spool.early import Early  # noqa: TC001  an attribute has this type
from collector.spool.fault import NO_ROOM, advice, words
from collector.spool.handoff import Handoff, HotSegment
from collector.spool.identities import Identities
from collector.spool.inbox import Tray
from collector.spool.record import Record, RecordId, decode
from collector.spool.segment import MAX_BYTES, fits, open_name, segments
from collector.spool.spool import Spool
from collector.spool.stock import Amount

log: Final = logging.getLogger(__name__)

_MIB: Final = 1024 * 1024

RETRY_SECONDS: Final = 5.0
"""How long the keeper leaves a disk alone that refused a write twice."""
TICK_SECONDS: Final = 0.25
"""How soon the keeper looks again while something is under way."""
SEAL_SECONDS: Final = 0.7
"""How soon after it was asked the reader has sealed: it waits for the meter meanwhile."""
IDLE_SECONDS: Final = 3.0
FIRST_SECONDS: Final = 2.0
"""How soon after the start what a crash left is seen to: the reader begins before."""
COUNT_SECONDS: Final = 1.0
COUNT_AT_ONCE: Final = 100
"""How many segments are counted in one tick, and for how long at most."""
TICK_SHARE_SECONDS: Final = 0.1
HANG_SECONDS: Final = 2.0
PATIENCE_SECONDS: Final = 0.5
"""How long the end of the program waits for a disk that hangs."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much the spool may take, in bytes.

    `largest` bounds the spool with `rejected/` and `damaged/`, as does half of the space that is
    free without them; `free` is left to the rest of the machine. `free_files` is the same for
    files, of which a file system takes so many and no more.
    """

    largest: int
    free: int
    free_files: int = 100


@dataclass(frozen=True, slots=True)
class Room:
    """What the spool uses, what is free on its disk besides, and the limits."""

    used: Amount
    free: Amount
    limits: Limits

    @property
    def most(self) -> int:
        return min(self.limits.largest, (self.used.size + self.free.size) // 2)

    def has(self, more: Amount) -> bool:
        return (
            self.used.size + more.size <= self.most
            and self.free.size - more.size >= self.limits.free
            and self._has_files(more.files)
        )

    def _has_files(self, more: int) -> bool:
        """Whether so many more may be made: up to half of all, and a few are left."""
        used, free = self.used.files, self.free.files
        most = min((used + free) // 2, used + free - self.limits.free_files)
        return not more or used + more <= most

    def __str__(self) -> str:
        if not self._has_files(1):
            return f"{self.used.files} files are used, {self.free.files} can be made (`df -i`)"
        sizes = (self.used.size, self.most, self.free.size, self.limits.free)
        used, most, free, floor = (f"{size / _MIB:.1f}" for size in sizes)
        return (
            f"{used} MiB of at most {most} are used (`P1_SPOOL_MIB`, and half of what is free),"
            f" {free} MiB are free, of which {floor} stay free (`P1_FREE_MIB`)"
        )


class Writer:
    """Appends to the one open segment of the spool; what `sync` returned for is on the card."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._disk = spool.disk
        self._file: int | None = None
        self.path: Path | None = None
        self._size = self._lines = 0
        self._unsynced: list[RecordId] = []
        self._unclosable: set[Path] = set()
        self._left: set[Path] = set()

    def new_files(self, size: int) -> int:
        """Give how many files, at least, it takes to append so much."""
        room = MAX_BYTES - self._size if self.path else 0
        return -(-max(0, size - room) // MAX_BYTES)

    def append(self, records: Iterable[Record]) -> None:
        """Write records, beginning a new segment where the open one is full."""
        pending: list[bytes] = []
        for record in records:
            data = record.encode()
            if self.path and not fits(self._size, self._lines, len(data), record.lines):
                self._write(b"".join(pending))
                pending.clear()
                self.close()
            if self.path is None:
                self._open()
            pending.append(data)
            self._size += len(data)
            self._lines += record.lines
            self._unsynced.append(record.id)
        self._write(b"".join(pending))

    def sync(self) -> None:
        """Return when all that was appended is on the card, under its name."""
        if self._file is None or self.path is None or not self._unsynced:
            return
        self._disk.sync(self._file)
        if self._disk.size(self.path) != self._size:
            raise OSError(errno.ENOENT, f"somebody else removed or changed `{self.path}`")
        self._spool.synced(self.path, self._unsynced, self._size)
        self._unsynced = []

    def close(self) -> None:
        """Sync the open segment and let the sender have it."""
        if self.path is not None:
            self.sync()
            self._spool.close(self.path)
            self.abandon()

    def abandon(self) -> None:
        """Let go of a segment; if it is not closed yet, `recover` does that."""
        file, self._file, self.path = self._file, None, None
        self._size = self._lines = 0
        self._unsynced = []
        if file is not None:
            self._disk.close(file)

    def recover(self) -> bool:
        """Close what a crash or a failing disk left open; False if the disk does not let us."""
        with self._spool.lock:
            for directory in self._spool.directories.kept:
                for name in self._disk.names(directory):
                    if name.endswith(".draft"):  # the locks say that nobody writes it now
                        with suppress(OSError):  # it takes its room, and holds up nothing
                            self._disk.remove(directory / name)
            self._spool.look()
            opened = segments(self._disk, self._spool.directories.spool, ".open")
            return not [path for path in opened if path != self.path and not self._closed(path)]

    def _closed(self, path: Path) -> bool:
        try:
            self._close_left(path)
        except OSError as error:
            if path not in self._unclosable:
                what = "cannot close a segment that was left open, it is tried again: %s: %s (%s)"
                log.error(what, path, words(error), advice(error))
            self._unclosable.add(path)
            return False
        self._unclosable.discard(path)
        return True

    def _close_left(self, path: Path) -> None:
        contents = decode(self._disk.read(path))
        ours, account = self._spool.opened_here.get(path), self._spool.account
        # What an append of this run left unfinished is in RAM still, and written again.
        aside = [d for d in contents.damage if (d.offset >= contents.end) == (ours is None)]
        for damage in aside:
            self._spool.keep_aside(self._spool.number_for(path), damage)
        if ours is None and path not in self._left:
            # Before the cut: if the rest fails after that, the tail is gone the next time.
            self._left.add(path)
            account.found(contents.ids)
            account.found_damaged(sum(damage.records for damage in aside))
        ids = Identities(contents.ids)
        if contents.places:
            if self._disk.size(path) > contents.end:
                log.warning("an unfinished tail was cut off: %s at byte %d", path, contents.end)
                self._disk.cut(path, contents.end)
            self._spool.finish(path, None if ours is None else ids)
        else:
            self._disk.remove(path)
            self._spool.stock.unfinished.pop(path, None)
        if ours is not None:
            del self._spool.opened_here[path]
            ours.remove(ours.common(ids))
            account.settle(Outcome.DAMAGED, ours)

    def _open(self) -> None:
        self._spool.prepare()
        path = self._spool.directories.spool / open_name(self._spool.next_number())
        self._file = self._disk.create(path)
        self.path = path
        self._spool.opened(path)
        self._disk.sync_directory(path.parent)

    def _write(self, data: bytes) -> None:
        if self._file is not None:
            self._disk.append(self._file, data)


class Keeper:
    """Copies hot segments to the spool when they are due, keeps the spool within its limits.

    `tick` is called by the keeper's thread after each `pause` and does what is due; `trouble` is
    what keeps it from writing, in words.
    """

    def __init__(
        self,
        spool: Spool,
        handoff: Handoff,
        limits: Limits,
        *,
        keep_seconds: float,
        monotonic: Callable[[], float],
    ) -> None:
        self._spool = spool
        self._handoff = handoff
        self._limits = limits
        # A fifth of the promise is left for sealing, writing and a slow card's sync.
        self._due_seconds = keep_seconds * 0.8
        self._tick_seconds = min(TICK_SECONDS, keep_seconds / 20)
        self._seal_seconds = min(SEAL_SECONDS, keep_seconds / 10)
        self._idle_seconds = min(IDLE_SECONDS, keep_seconds * 0.3)
        self._monotonic = monotonic
        self._writer = Writer(spool)
        self._tray = Tray(spool, limits.free)
        self._busy = Lock()
        self._asked = False
        self._blocked_until = self._count_at = self._recover_at = 0.0
        self._ticks_since: float | None = None
        self._recovered = False
        self.close_wanted = False
        self.early: Early | None = None
        self.trouble: str | None = None
        self._troubles = Troubles(monotonic)

    def tick(self) -> None:
        """Do what is due now: recover, copy, close, count."""
        now = self._monotonic()
        if now < self._blocked_until:
            return
        with self._busy:
            self._ticks_since = now
            try:
                self._recover(now)
                self._keep(now)
                self._keep_early(now - self._due_seconds)
                self._tray.keep(self._due_seconds - self._idle_seconds)
                if self.close_wanted:
                    self.close_wanted = False
                    self._writer.close()
                    self._handoff.wake()
                if self._spool.side_rooms_grew:  # the limits are theirs, too
                    self._spool.side_rooms_grew = False
                    self._make_room(Amount(0, 0))
                self._count(now)
            except OSError as error:
                self._block(now, error)
            finally:
                self._ticks_since = None

    @property
    def pause(self) -> float:
        """How many seconds it takes until something may be due."""
        if self._asked:
            return self._seal_seconds
        oldest = self._handoff.oldest()
        if self._spool.stock.uncounted or (self.early and self.early.waits):
            return self._tick_seconds
        idle = self._idle_seconds if self._recovered else min(self._idle_seconds, FIRST_SECONDS)
        if oldest is None:
            return idle
        due = oldest + self._due_seconds - self._monotonic()
        return min(idle, max(self._tick_seconds, due))

    @property
    def hangs(self) -> bool:
        """Whether the disk has not answered for so long that it may never do so."""
        since = self._ticks_since
        return since is not None and self._monotonic() - since > HANG_SECONDS

    def finish(self) -> None:
        """Bring everything that is sealed to the disk: the program ends.

        If the keeper's thread hangs in a disk, the RAM disk keeps it.
        """
        if not self._busy.acquire(timeout=PATIENCE_SECONDS):
            log.error("the disk of the spool hangs, readings stay in RAM")
            return
        try:
            if not self._copied_all():
                self._copied_all()
        finally:
            self._busy.release()
        for segment in self._handoff.copies():
            self._spool.remove_hot(segment)

    @property
    def has_open(self) -> bool:
        """Whether readings wait in a segment that is not closed yet."""
        return self._writer.path is not None

    def _copied_all(self) -> bool:
        """Bring it to the disk; False if that failed, and a new segment may help."""
        try:
            self._copy(self._handoff.due(self._monotonic()))
            self._keep_early(self._monotonic())
            while self._tray.keep(0.0):
                pass
            self._writer.close()
        except OSError as error:
            self._block(self._monotonic(), error)
            return False
        return True

    def _recover(self, now: float) -> None:
        if not self._recovered and now >= self._recover_at:
            self._recover_at = now + RETRY_SECONDS
            self._spool.prepare()
            self._recovered = self._writer.recover()

    def _keep(self, now: float) -> None:
        oldest = self._handoff.oldest()
        asked, self._asked = self._asked, False
        if oldest is None:
            self.trouble = None
            self._troubles.went()
        elif now - oldest >= self._due_seconds and asked:
            self._copy(self._handoff.due(now))
        elif now - oldest >= self._due_seconds:
            # A moment more, so that one sync covers what the open hot segment has.
            self._asked = True
            self._handoff.ask_seal()

    def _keep_early(self, before: float) -> None:
        if self.early is not None:
            self.early.keep(before, self._handoff.oldest())

    def _copy(self, due: list[HotSegment]) -> None:
        synced = False
        try:
            if due:
                size = sum(segment.size for segment in due)
                if not self._make_room(Amount(size, self._writer.new_files(size))):
                    raise OSError(errno.ENOSPC, f"{NO_ROOM}: {self._room()}")
                for segment in due:
                    self._writer.append(self._spool.read_hot(segment))
                self._writer.sync()
                if self._troubles.went():
                    log.info("the spool can be written again")
                if self.trouble is not None:
                    self._spool.stock.unusable.clear()  # what it did not give back is read again
                self.trouble = None
            synced = True
        finally:
            done = [segment for segment in due if self._handoff.copied(segment, synced=synced)]
            for segment in done:
                self._spool.remove_hot(segment)

    def _count(self, now: float) -> None:
        """Count what nobody has read yet; then look what others did, now and then."""
        if now < self._count_at:
            return
        for _ in range(COUNT_AT_ONCE):
            if self._spool.count_one():
                self._handoff.wake()  # the sender may be idle
            else:
                self._count_at = now + max(COUNT_SECONDS, 20 * (self._monotonic() - now))
            if now < self._count_at or self._monotonic() - now > TICK_SHARE_SECONDS:
                return

    def _make_room(self, more: Amount) -> bool:
        """Drop the oldest files until this much more fits.

        False, and nothing is dropped, if it would not fit even then.
        """
        spool = self._spool
        spool.prepare()
        while not (room := self._room()).has(more):
            oldest = spool.stock.oldest_kept(spool.in_flight)
            gone = spool.stock.droppable(spool.in_flight)
            at_best = Room(room.used - gone, room.free + gone, self._limits)
            if oldest is None or not at_best.has(more):
                return False
            spool.drop(oldest)
        return True

    def _room(self) -> Room:
        return Room(self._spool.stock.usage(), self._spool.free(), self._limits)

    def _block(self, now: float, error: OSError) -> None:
        """Try again at once, in a new segment; after a second failure, leave the disk alone."""
        self._writer.abandon()
        self._recovered, self._recover_at = False, now
        where = self._spool.directories.spool
        if self._troubles.came("spool"):
            what = "cannot write to the spool `%s`, readings stay in RAM: %s (%s)"
            log.error(what, where, words(error), advice(error))
        if self.trouble is not None:
            self._blocked_until = now + RETRY_SECONDS
        self.trouble = f"cannot write to the spool `{where}`: {words(error)}"
