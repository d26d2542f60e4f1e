"""Telegrams that came before the host's clock was set, of meters that have none (DSMR 2 and 3).

Nobody knows yet when they came, so they are no lines of InfluxDB's: they wait in files of their
own, as they came, until the clock of their boot is known. (The format: `collector.spool`.)
"""

import logging
import re
from base64 import b64decode, b64encode
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf
from pathlib import Path
from threading import Lock
from typing import Final

from collector.errors import Troubles
from collector.p1.framing import Frame
from collector.spool.fault import advice, full, words
from collector.spool.record import Damage, Record, RecordId, decode
from collector.spool.spool import Spool

log: Final = logging.getLogger(__name__)

_MARK: Final = re.compile(rb"^# clock ([0-9a-f]+) (-?[0-9]+\.[0-9]+)\n", re.MULTILINE)
_BODY: Final = re.compile(
    rb"([0-9a-f]+) ([0-9]+\.[0-9]+) (-?[0-9]+\.[0-9]+) ([\w+/=]*) ([\w+/=]*)\n"
)


@dataclass(frozen=True, slots=True)
class Held:
    """A telegram as it came, in which boot, and when: in seconds since that, and by the host."""

    id: RecordId
    boot: str
    monotonic: float
    wall: float
    frame: Frame

    def encode(self) -> bytes:
        times = f"{self.boot} {self.monotonic:.6f} {self.wall:.6f}"
        texts = (b64encode(text).decode() for text in (self.frame.data, self.frame.checksum))
        return Record(self.id, f"{times} {' '.join(texts)}\n".encode()).encode()


Timed = tuple[Held, float]
"""A telegram that waited, and when it came, in seconds since 1970."""


class Early:
    """Keeps what waits in a file in RAM, and after a while in one on the disk.

    The reader calls `hold`, `timed` and `stored`; the keeper calls `keep`, which alone touches the
    disk. The files go when all that waited in them is stored like any other record, and safe.
    """

    def __init__(self, hot: Path, spool: Spool, boot: str) -> None:
        """Take over what an earlier run left in RAM; `boot` is this boot's name, hexadecimal."""
        self._boot = boot
        self._spool = spool
        self._ram = hot / "early.p1"
        self._room = spool.directories.spool / "early"
        self._file: int | None = None
        self._troubles = Troubles(lambda: 0.0)
        self._waiting: dict[RecordId, Held] = {}
        self._met: set[RecordId] = set()
        self._found: deque[tuple[Held, float | None]] = deque()
        self._lost: deque[Damage] = deque()
        self._data = b""
        self._unkept_since: float | None = None
        self._stored_at: float | None = None
        self._on_disk: set[Path] = set()
        self._recovered = False
        self._lock = Lock()
        self._take_over()

    # The reader.

    def hold(self, record: RecordId, frame: Frame, *, monotonic: float, wall: float) -> None:
        """Let a telegram wait."""
        self._wait(Held(record, self._boot, monotonic, wall, frame))

    def timed(self, offset: Callable[[], float | None]) -> list[Timed]:
        """Give what has a time now; `offset` is what the host's clock is ahead of `monotonic`.

        It is noted before anything else, so that after a kill all get the same times again.
        """
        given = []
        while self._found:
            held, wall = self._found.popleft()
            if held.id not in self._met:
                self._met.add(held.id)
                given += self._wait(held) if wall is None else [(held, wall)]
        if self._waiting and (ahead := offset()) is not None:
            ahead = round(ahead, 6)
            self._append(b"# clock %s %.6f\n" % (self._boot.encode(), ahead))
            self._unkept_since = -inf
            given += [(held, held.monotonic + ahead) for held in self._waiting.values()]
            self._waiting.clear()
        return sorted(given, key=lambda timed: timed[1])

    def stored(self, now: float) -> None:
        """Say that all that was given is in sealed hot segments."""
        self._stored_at = now

    def _wait(self, held: Held) -> list[Timed]:
        with self._lock:
            self._met.add(held.id)
            self._waiting[held.id] = held
            if self._unkept_since is None:
                self._unkept_since = held.monotonic
            self._append(held.encode())
        return []

    def _append(self, data: bytes) -> None:
        """Write to RAM; what it does not take is in memory until the disk has it."""
        disk, self._data = self._spool.disk, self._data + data
        try:
            if self._file is None:
                self._begin()
            elif disk.write(self._file, data) != len(data):
                raise full()
        except OSError as error:
            self._close()
            if self._troubles.came(words(error)):
                what = "cannot write `%s`, what waits for the clock is in memory: %s (%s)"
                log.error(what, self._ram, words(error), advice(error))

    def _begin(self) -> None:
        """Write all anew; what is there already stays until the new file is whole."""
        disk, draft = self._spool.disk, self._ram.with_suffix(".draft")
        disk.make_directory(draft.parent)
        disk.remove(draft)
        self._file = disk.create(draft)
        if disk.write(self._file, self._data) != len(self._data):
            raise full()
        disk.rename(draft, self._ram)

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            self._spool.disk.close(file)

    def _take_over(self) -> None:
        try:
            data = self._spool.disk.read(self._ram)
        except OSError:
            return
        for held, wall in self._sorted(data):
            if wall is not None:
                self._found.append((held, wall))
            else:
                self._met.add(held.id)
                self._waiting[held.id] = held
        self._data = data
        if self._waiting:
            self._unkept_since = min(held.monotonic for held in self._waiting.values())

    def _sorted(self, data: bytes) -> Iterator[tuple[Held, float | None]]:
        """Give what of a file can be stored, its time where known; the rest is counted as lost."""
        marks = {boot.decode(): float(offset) for boot, offset in _MARK.findall(data)}
        contents = decode(data)
        lost = [damage.data for damage in contents.damage]
        for record in contents.records:
            held = _held(record)
            if held is not None and held.boot in marks:
                yield held, held.monotonic + marks[held.boot]
            elif held is not None and held.boot == self._boot:
                yield held, None
            else:
                lost.append(record.encode())
        if lost:
            self._lost.append(Damage(0, b"".join(lost)))

    def _give_up(self) -> None:
        while self._lost:
            damage = self._lost.popleft()
            self._spool.give_up(damage)
            what = (
                "%d telegrams have no time: the clock was never set in the boot that they are of"
            )
            log.error(what, damage.records)

    @property
    def waits(self) -> bool:
        """Whether there is a telegram without a time."""
        return bool(self._waiting)

    # The keeper.

    def keep(self, before: float, oldest_hot: float | None) -> None:
        """Bring what came before that time to the disk, or remove what is safe. Raises `OSError`.

        `oldest_hot` is the time of the oldest hot segment that is on no disk yet.
        """
        self._recover()
        self._give_up()
        since = self._unkept_since
        if self._found:
            return  # the reader has it first
        if since is not None and since <= before:
            self._write()
        oldest = inf if oldest_hot is None else oldest_hot
        if self._stored_at is not None and not self._waiting and oldest > self._stored_at:
            self._clear()

    def _recover(self) -> None:
        """Take over what earlier boots left on the disk."""
        if self._recovered:
            return
        disk = self._spool.disk
        for name in sorted(disk.names(self._room)):
            path = self._room / name
            if path.suffix == ".p1":
                self._on_disk.add(path)
                self._found.extend(self._sorted(disk.read(path)))
        self._recovered = True
        if self._on_disk and not self._found:
            self._stored_at = -inf  # nothing is left of them

    def _write(self) -> None:
        since, self._unkept_since = self._unkept_since, None
        path = self._room / f"{self._boot}.p1"
        try:
            self._spool.disk.make_directory(self._room)
            self._spool.disk.write_whole(path, self._data)
        except OSError:
            self._unkept_since = since
            raise
        self._on_disk.add(path)

    def _clear(self) -> None:
        self._stored_at = None
        for path in sorted(self._on_disk):
            self._spool.disk.remove(path)
            self._on_disk.discard(path)
        with self._lock:
            if not self._waiting:
                self._spool.disk.remove(self._ram)
                self._close()
                self._data, self._unkept_since = b"", None


def _held(record: Record) -> Held | None:
    match = _BODY.fullmatch(record.body)
    if match is None:
        return None
    try:
        frame = Frame(b64decode(match[4]), b64decode(match[5]))
    except ValueError:
        return None
    return Held(record.id, match[1].decode(), float(match[2]), float(match[3]), frame)
