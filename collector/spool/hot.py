"""The hot segments on the RAM disk: what the reader writes (who does what: `collector.spool`)."""

import logging
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Final

from collector.errors import Troubles
from collector.spool.account import Account, Outcome
from collector.spool.disk import Disk
from collector.spool.fault import advice, full, words
from collector.spool.handoff import Handoff, HotSegment
from collector.spool.record import Contents, Damage, Record, RecordId, decode
from collector.spool.segment import closed_name, fits, highest_number, open_name, segments
from collector.spool.spool import Spool

log: Final = logging.getLogger(__name__)

_MIB: Final = 1024 * 1024


class Hot:
    """Appends records, each with one `write`, and seals a segment every few seconds.

    Killing the process loses nothing that `append` returned for. What the RAM disk does not take
    is kept in the memory of the process instead, and goes the same way: that loses it to a kill,
    and to nothing else. Beyond `limit` bytes the oldest segments go, counted as dropped. While the
    sender is quick, segments may be sealed sooner: after `quick_seconds`.
    """

    def __init__(
        self,
        directory: Path,
        handoff: Handoff,
        account: Account,
        *,
        limit: int,
        seal_seconds: float,
        quick_seconds: float = inf,
        monotonic: Callable[[], float],
        disk: Disk,
    ) -> None:
        self.directory = directory
        self._handoff = handoff
        self._account = account
        self._limit = limit
        self._seal_seconds = seal_seconds
        self._quick_seconds = min(quick_seconds, seal_seconds)
        self._monotonic = monotonic
        self._disk = disk
        self._number = highest_number(disk, directory)
        self._file: int | None = None
        # What the open segment holds, should its file fail, or be deleted under our hands.
        self._ids: list[RecordId] = []
        self._data = bytearray()
        self._lines = 0
        self._since = 0.0
        self._in_file = True
        self._troubles = Troubles(monotonic)
        self._bound = Troubles(monotonic)

    @property
    def size(self) -> int:
        """Bytes of all that is in RAM."""
        return len(self._data) + self._handoff.size

    @property
    def full(self) -> bool:
        """Whether a source that can wait should wait: half of the bound is in use."""
        return self.size > self._limit // 2

    @property
    def patience(self) -> float:
        """How many seconds the open segment may stay so."""
        if not self._ids:
            return inf
        seconds = self._quick_seconds if self._handoff.quick else self._seal_seconds
        return max(0.0, self._since + seconds - self._monotonic())

    def append(self, record: Record) -> None:
        """Store one record; it counts as read."""
        self._account.read(record.id)
        self._store(record.encode(), [record.id], record.lines)

    def give_up(self, record: RecordId) -> None:
        """Count a record that was read, and cannot be stored."""
        self._account.read(record)
        self._account.settle(Outcome.DROPPED, [record])

    def tick(self) -> None:
        """Seal the segment if it is old enough, or if the keeper wants it."""
        if self._handoff.seal_wanted or not self.patience:
            self._handoff.seal_wanted = False
            self.seal()

    def seal(self) -> None:
        """Close the open segment and hand it over; from now on it does not change."""
        if not self._ids:
            return
        if self._file is not None:
            self._disk.close(self._file)
            self._file = None
        opened = self.directory / open_name(self._number)
        if not self._in_file:
            self._hand_over(opened, bytes(self._data))
            return
        sealed = self.directory / closed_name(self._number)
        try:
            self._disk.rename(opened, sealed)
        except OSError as error:
            self._report(error)
            if self._is_whole(opened):
                self._hand_over(opened, None)
            else:
                self._restore(opened)
        else:
            self._hand_over(sealed, None)
            if self._troubles.went():  # it was in its file from its first record to its last
                log.info("the hot directory can be written again")

    def _hand_over(self, path: Path, data: bytes | None) -> None:
        segment = HotSegment(path, tuple(self._ids), len(self._data), self._since, data)
        self._clear()
        self._handoff.add(segment)
        if not self.full:
            self._bound.went()

    def _store(self, data: bytes, ids: list[RecordId], lines: int) -> None:
        if not fits(len(self._data), self._lines, len(data), lines):
            self.seal()
        while self.size + len(data) > self._limit and self._drop_oldest():
            pass
        if not self._ids:
            self._number += 1
            self._since = self._monotonic()
            self._in_file = True
        if self._in_file:
            self._write(data)
        self._data += data
        self._ids += ids
        self._lines += lines

    def _is_whole(self, opened: Path) -> bool:
        try:
            return self._disk.size(opened) == len(self._data)
        except OSError:
            return False

    def _restore(self, opened: Path) -> None:
        """Write the open segment again: somebody deleted its file, or the whole directory."""
        data, ids, lines, since = bytes(self._data), self._ids, self._lines, self._since
        self._clear()
        self._store(data, ids, lines)
        self._since = since
        self._remove(opened)

    def _clear(self) -> None:
        self._data = bytearray()
        self._ids = []
        self._lines = 0

    def _write(self, data: bytes) -> None:
        """Append to the file; after a failure nothing more goes there, so none goes behind it."""
        try:
            if self._file is None:
                self._disk.make_directory(self.directory)
                self._file = self._disk.create(self.directory / open_name(self._number))
            if self._disk.write(self._file, data) != len(data):
                self._disk.truncate(self._file, len(self._data))
                raise full()
        except OSError as error:
            self._report(error)
            self._in_file = False

    def _drop_oldest(self) -> bool:
        segment = self._handoff.drop_oldest()
        if segment is None:
            return False
        if self._bound.came("full"):
            log.error(
                "%.1f MiB wait in RAM, the most that may: from now on the oldest are dropped"
                " (InfluxDB and the spool's disk take nothing; `P1_HOT_MIB` is the bound)",
                self._limit / _MIB,
            )
        self._account.settle(Outcome.DROPPED, segment.ids)
        self._remove(segment.path)
        return True

    def _remove(self, path: Path) -> None:
        try:
            self._disk.remove(path)
        except OSError as error:
            self._report(error)

    def _report(self, error: OSError) -> None:
        if self._troubles.came("failing"):
            what = (
                "cannot write to the hot directory `%s`, the last readings stay in the memory of"
                " the process: %s (%s)"
            )
            log.error(what, self.directory, words(error), advice(error))


def take_over(
    directory: Path,
    handoff: Handoff,
    spool: Spool,
    *,
    since: Callable[[Path], float],
    keep_aside: Callable[[Damage], object],
) -> None:
    """Hand over what an earlier run left in the hot directory, its torn tails cut off.

    `since` says when a file's first record was read, on the monotonic clock.
    """
    disk, account = spool.disk, spool.account
    for path in [*segments(disk, directory), *segments(disk, directory, ".open")]:
        try:
            began = since(path)
            contents = decode(disk.read(path))
            for damage in contents.damage:
                keep_aside(damage)
            account.found(contents.ids)
            account.found_damaged(sum(damage.records for damage in contents.damage))
            if contents.places:
                sealed = _sealed(path, contents, disk)
                size = disk.size(sealed)
                handoff.add(HotSegment(sealed, tuple(contents.ids), size, began))
            else:
                disk.remove(path)
        except OSError as error:
            log.error("cannot take over what an earlier run left, it stays: %s: %s", path, error)


def _sealed(path: Path, contents: Contents, disk: Disk) -> Path:
    """Leave the good records alone, under the name of a sealed segment."""
    data = b"".join(record.encode() for record in contents.records)
    sealed = path.with_suffix(".lp")
    try:
        if contents.end == len(data) < len(contents.data):
            disk.cut(path, contents.end)  # also on a full RAM disk
        elif data != contents.data:
            disk.write_whole(path, data)
        disk.rename(path, sealed)
    except OSError as error:
        what = "what an earlier run left stays as it is, its good records count: %s: %s"
        log.error(what, path, error)
        return path
    return sealed
