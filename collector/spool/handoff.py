"""Which sealed hot segments there are, and who has each: the one place where the threads meet."""

from collections.abc import Callable, Container
from dataclasses import dataclass, field
from pathlib import Path
from threading import Condition

from collector.spool.record import RecordId


@dataclass(slots=True, eq=False)
class HotSegment:
    """A sealed hot segment; `since` is when its first record was read, on the monotonic clock.

    `data` is what the RAM disk did not take; otherwise all is in the file.
    """

    path: Path
    ids: tuple[RecordId, ...]
    size: int
    since: float
    data: bytes | None = field(default=None, repr=False)
    sending: bool = field(default=False)
    copying: bool = field(default=False)
    copied: bool = field(default=False)
    done: bool = field(default=False)


class Handoff:
    """Sealed hot segments, from the reader to the sender and the keeper.

    The sender takes the newest; the keeper copies what is due, also while it is in flight. Whoever
    is the last to need the file removes it: every method that ends a need says whether the caller
    is to remove the file.
    """

    def __init__(self) -> None:
        self._segments: dict[Path, HotSegment] = {}
        self._changed = Condition()
        self.size = 0
        """Bytes of all of them."""
        self.news = 0
        """How often something changed that may end a wait."""
        self.seal_wanted = False
        self.hurry: Callable[[], None] = lambda: None
        """Ends the wait of the reader, which alone seals."""
        self.quick = False
        """Whether the sender had the last segment delivered at once, and waits for another."""

    def add(self, segment: HotSegment) -> None:
        """Hand over a segment that was just sealed, or was found at the start."""
        with self._changed:
            self._segments[segment.path] = segment
            self.size += segment.size
            self._tell()

    def wake(self) -> None:
        """End the wait of whoever waits for a segment."""
        with self._changed:
            self._tell()

    def ask_seal(self) -> None:
        """Have the reader seal what it has."""
        self.seal_wanted = True
        self.hurry()

    def wait(self, seconds: float, seen: int) -> None:
        """Sleep until something changed here, somebody calls `wake`, or time is up.

        `seen` is how much of the `news` was known before the look that found nothing: what came
        meanwhile is not slept through.
        """
        with self._changed:
            self._changed.wait_for(lambda: self.news != seen, seconds)

    def __contains__(self, path: Path) -> bool:
        return path in self._segments

    def take_newest(
        self, but: Container[object] = (), *, copied_too: bool = False
    ) -> HotSegment | None:
        """Give the sender the newest segment that the keeper does not already have.

        With `copied_too` it may have it: a disk that hangs takes it, and gives nothing back.
        """
        with self._changed:
            segment = self._free(but, copied_too=copied_too)
            if segment is not None:
                segment.sending = True
            return segment

    def waits(self, but: Container[object] = ()) -> bool:
        """Whether there is a segment that `take_newest` would give."""
        with self._changed:
            return self._free(but) is not None

    def sent(self, segment: HotSegment, *, done: bool) -> bool:
        """End a request; `done` if nothing of the segment waits any more."""
        with self._changed:
            segment.sending = False
            segment.done = done
            if done or segment.copied:
                self._let_go(segment)
                return True
            self._tell()
            return False

    def due(self, before: float) -> list[HotSegment]:
        """Give the keeper what was read before that time, oldest first, marked as being copied."""
        with self._changed:
            due = [s for s in self._segments.values() if s.since <= before and not s.copied]
            for segment in due:
                segment.copying = True
            return sorted(due, key=lambda segment: segment.since)

    def copied(self, segment: HotSegment, *, synced: bool) -> bool:
        """End a copy; `synced` if the disk has it."""
        with self._changed:
            segment.copying = False
            segment.copied = synced
            return synced and not segment.sending and self._let_go(segment)

    def drop_oldest(self) -> HotSegment | None:
        """Give up the oldest segment that nobody is busy with."""
        with self._changed:
            idle = [s for s in self._segments.values() if not s.sending and not s.copying]
            oldest = min(idle, key=lambda segment: segment.since, default=None)
            if oldest is not None:
                self._let_go(oldest)
            return oldest

    def oldest(self) -> float | None:
        """Give the time of the oldest sealed record that is on no disk yet."""
        with self._changed:
            since = (s.since for s in self._segments.values() if not s.copied)
            return min(since, default=None)

    def copies(self) -> list[HotSegment]:
        """Give the segments that the disk has, and a request still holds."""
        with self._changed:
            return [segment for segment in self._segments.values() if segment.copied]

    def _tell(self) -> None:
        self.news += 1
        self._changed.notify_all()

    def _let_go(self, segment: HotSegment) -> bool:
        """Forget a segment; whether it was known."""
        known = self._segments.pop(segment.path, None) is not None
        self.size -= segment.size * known
        return known

    def _free(self, but: Container[object], *, copied_too: bool = False) -> HotSegment | None:
        free = [
            segment
            for segment in self._segments.values()
            if not segment.sending
            and (copied_too or not segment.copying)
            and segment.path not in but
        ]
        return max(free, key=lambda segment: (segment.since, segment.path.name), default=None)
