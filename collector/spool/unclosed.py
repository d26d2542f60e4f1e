"""What a crash or a failing disk left half written: closed with what is good, or removed.

`take_over` does it in the hot directory, at the start; `Unclosed` in the spool, for the keeper.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from collector.spool.account import Outcome
from collector.spool.disk import Disk
from collector.spool.fault import advice, words
from collector.spool.handoff import Handoff, HotSegment
from collector.spool.identities import Identities
from collector.spool.record import Contents, Damage, decode
from collector.spool.segment import segments
from collector.spool.spool import Spool

log: Final = logging.getLogger(__name__)


class Unclosed:
    """Closes segments that a crash or a failing disk left open, their tails cut off."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._account = spool.account
        self._unclosable: set[Path] = set()
        self._left: set[Path] = set()

    def recover(self, *, but: Path | None) -> bool:
        """Close all but the one that is being written. False if the disk does not let us now."""
        with self._spool.lock:
            self._remove_drafts()
            self._spool.look()
            opened = segments(self._spool.disk, self._spool.directories.spool, ".open")
            return not [path for path in opened if path != but and not self._closed(path)]

    def _remove_drafts(self) -> None:
        """Remove what a crash left half written; the locks say that nobody writes it now."""
        for directory in self._spool.directories.kept:
            for name in self._spool.disk.names(directory):
                if name.endswith(".draft"):
                    with suppress(OSError):  # it takes its room, and holds up nothing
                        self._spool.disk.remove(directory / name)

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
        contents = decode(self._spool.disk.read(path))
        ours = self._spool.opened_here.get(path)
        # What an append of this run left unfinished is in RAM still, and written again.
        aside = [d for d in contents.damage if (d.offset >= contents.end) == (ours is None)]
        for damage in aside:
            self._spool.keep_aside(self._spool.number_for(path), damage)
        if ours is None and path not in self._left:
            # Before the cut: if the rest fails after that, the tail is gone the next time.
            self._left.add(path)
            self._account.found(contents.ids)
            self._account.found_damaged(sum(damage.records for damage in aside))
        ids = Identities(contents.ids)
        if contents.places:
            if self._spool.disk.size(path) > contents.end:
                log.warning("an unfinished tail was cut off: %s at byte %d", path, contents.end)
                self._spool.disk.cut(path, contents.end)
            self._spool.finish(path, None if ours is None else ids)
        else:
            self._spool.disk.remove(path)
            self._spool.stock.unfinished.pop(path, None)
        if ours is not None:
            del self._spool.opened_here[path]
            ours.remove(ours.common(ids))
            self._account.settle(Outcome.DAMAGED, ours)


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
