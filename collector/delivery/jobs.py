"""What the sender sends: segments as they were read, or made ready during a request.

InfluxDB takes a while for a request. To read, check and compress what comes next of a backlog
meanwhile makes draining one as fast as InfluxDB is. And a request takes its time however little
is in it: so small segments go together.
"""

from collections.abc import Callable, Container, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate, takewhile
from pathlib import Path
from typing import Final
from zlib import crc32

from collector.delivery.answer import Packed, pack
from collector.delivery.conflicts import Conflicts
from collector.delivery.doubts import Doubts
from collector.delivery.leftovers import Leftovers
from collector.delivery.narrowing import Line, Narrowing
from collector.delivery.pace import Pace
from collector.spool.account import Account
from collector.spool.errands import Errands, HangingError
from collector.spool.handoff import HotSegment
from collector.spool.record import Contents, Record, RecordId
from collector.spool.segment import MAX_BYTES, MAX_LINES, fits
from collector.spool.spool import Spool
from collector.spool.stock import File

MOST_NARROWINGS: Final = 4
"""Half-sent segments whose state is kept in memory; the others begin again."""

MOST_TOGETHER: Final = 500
"""Files in one request: if it fails, each of them goes alone from then on."""


@dataclass(frozen=True, slots=True)
class Job:
    """Segments to send: a hot one if `hot` is set, else of the spool or the inbox.

    `mark` is drawn from what is in them.
    """

    files: tuple[File, ...]
    records: tuple[Record, ...]
    hot: HotSegment | None = None
    mark: int = 0

    @property
    def keys(self) -> tuple[Path | File, ...]:
        """By what its segments are known while they wait."""
        return self.files if self.hot is None else (self.hot.path,)


class Learnt:
    """What is known of segments that are sent by half: of a few, the others begin again."""

    def __init__(self, exists: Callable[[File], bool]) -> None:
        self._exists = exists
        self._narrowings: dict[File, tuple[int, Narrowing]] = {}

    def __contains__(self, file: object) -> bool:
        return file in self._narrowings

    def __len__(self) -> int:
        return len(self._narrowings)

    def take(self, job: Job) -> Narrowing | None:
        """Give what is known of a segment's lines, if they are the same ones."""
        if job.hot is not None:
            return None
        mark, narrowing = self._narrowings.pop(job.files[0], (None, None))
        return narrowing if mark == job.mark else None

    def keep(self, job: Job, narrowing: Narrowing) -> None:
        self._narrowings = {f: n for f, n in self._narrowings.items() if self._exists(f)}
        if len(self._narrowings) < MOST_NARROWINGS:
            self._narrowings[job.files[0]] = job.mark, narrowing


@dataclass(frozen=True, slots=True)
class Ready:
    """Segments of the backlog, to be sent as they stand.

    It keeps no lines but the compressed ones: whoever needs them reads the segments again.
    """

    files: tuple[File, ...]
    ids: tuple[RecordId, ...]
    body: Packed


@dataclass(slots=True)
class Backlog:
    """Chooses what is next of the backlog, and keeps it ready while a request is under way."""

    spool: Spool
    account: Account
    errands: Errands
    doubts: Doubts
    leftovers: Leftovers
    pace: Pace
    conflicts: Conflicts
    monotonic: Callable[[], float]
    most_together: int = MOST_TOGETHER
    _joined: bool = True
    _held: dict[File, frozenset[str]] = field(default_factory=dict)
    _ready: Ready | None = None

    def next(self, known: Learnt, *, joined: bool) -> Job | Ready | None:
        """Give what is next, several if they may be `joined`; while the disk hangs, nothing.

        What is ready goes as it stands, unless something is known of its lines.
        """
        if self.errands.hang:
            return None
        self._joined = joined
        try:
            while files := self._chosen():
                self.spool.in_flight = frozenset(files)
                ready = None if known else self._taken(files)
                if job := ready or self.load(files):
                    self.spool.in_flight = frozenset(job.files)
                    return job
        except HangingError:
            pass
        self.spool.in_flight = frozenset()
        return None

    def hold(self, file: File, lines: Iterable[Line]) -> None:
        """Leave a segment alone while a measurement of its last lines waits."""
        known = self.spool.stock
        if len(self._held) > 2 * known.usage().files:
            self._held = {file: names for file, names in self._held.items() if file in known}
        self._held[file] = frozenset(line.measurement for line in lines)

    def look(self) -> None:
        """Make ready what probably is next. What cannot be read is left to who sends it."""
        with suppress(OSError):
            files = self._chosen(but=self.spool.in_flight) if self._goes_whole else []
            if self._ready is None or not _begins_with(files, self._ready.files):
                self._ready = self._made(files)

    def load(self, files: Sequence[File]) -> Job | None:
        """Read what waits in segments; those in which nothing does are removed."""
        taken: list[File] = []
        records: list[Record] = []
        mark = 0
        for file, contents in self._read(files):
            waiting = contents.records
            # In the inbox a record may lie in parts, one a reason for which it was refused.
            if file.directory not in self.spool.directories.inboxes:
                waiting = self.account.unsettled(waiting)
            if waiting:
                taken.append(file)
                records += waiting
                mark = crc32(contents.data, mark)
            else:
                self.leftovers.remove([file])
        return Job(tuple(taken), tuple(records), mark=mark) if taken else None

    @property
    def _goes_whole(self) -> bool:
        return not self.conflicts.any_doubt and self.pace.lines == MAX_LINES

    def _chosen(self, but: Container[File] = ()) -> list[File]:
        """Give the segments that go next: one, or some that are small and never failed."""
        doubts, leftovers = self.doubts, self.leftovers
        aside = doubts.set_aside_now(self.monotonic())

        def is_out(file: File) -> bool:
            waits = any(map(self.conflicts.pauses, self._held.get(file, ())))
            return waits or file in aside or file in leftovers or file in but

        def is_out_or_failed(file: File) -> bool:
            return file in doubts.suspects or is_out(file)

        most = 1 if self.conflicts.any_pauses or not self._joined else self.most_together
        # After a failure another one goes first: the fault may be the segment's, not the server's.
        files = self.spool.next(most, is_out_or_failed) or self.spool.next(1, is_out)
        sizes = accumulate(file.size for file in files)
        fit = takewhile(lambda each: each[0] <= MAX_BYTES, zip(sizes, files, strict=True))
        return list(takewhile(lambda f: f not in doubts.alone, (f for _, f in fit))) or files[:1]

    def _taken(self, files: Sequence[File]) -> Ready | None:
        """Give what is ready of these, if none of its records was delivered or refused."""
        ready, self._ready = self._ready, None
        if ready is None or not self._goes_whole or not _begins_with(files, ready.files):
            return None
        return None if self.account.any_settled(ready.ids) else ready

    def _made(self, files: Sequence[File]) -> Ready | None:
        read = [(file, contents) for file, contents in self._read(files) if contents.places]
        if not read:
            return None
        ids = [identity for _, contents in read for identity in contents.ids]
        body = pack(part for _, contents in read for part in contents.parts())
        return Ready(tuple(file for file, _ in read), tuple(ids), body)

    def _read(self, files: Sequence[File]) -> list[tuple[File, Contents]]:
        """Read as many of the first of these as go into one request: no record of them twice."""
        read: list[tuple[File, Contents]] = []
        seen: set[RecordId] = set()
        size = lines = 0
        for file in files:
            contents = self.errands.do(partial(self.spool.load, file))
            if contents is None:
                continue
            size, lines = size + len(contents.data), lines + contents.lines
            large = lines > self.pace.lines or not fits(0, 0, size, lines)
            ids = {identity for identity in contents.ids if identity.counted}
            if read and (large or ids & seen):
                break
            read.append((file, contents))
            seen |= ids
        return read


def _begins_with(files: Sequence[File], some: Sequence[File]) -> bool:
    return tuple(files[: len(some)]) == tuple(some)
