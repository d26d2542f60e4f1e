"""A collector's spool with all that is around it: RAM, a disk, a clock that a test moves."""

from collections import Counter
from collections.abc import Iterator  # noqa: TC003  an attribute has this type
from dataclasses import dataclass, field
from pathlib import Path

from collector.commands.spool import waiting
from collector.spool.account import Account, Outcome, Totals
from collector.spool.handoff import Handoff, HotSegment
from collector.spool.hot import Hot, take_over
from collector.spool.keeper import Keeper, Limits
from collector.spool.record import Damage, Record, RecordId, decode, new_run, numbering
from collector.spool.spool import Directories, Spool
from collector.spool.stock import File
from spool.disks import FaultyDisk

MIB = 1024 * 1024
KEEP_SECONDS = 10.0
SEAL_SECONDS = 5.0
TICK_SECONDS = 0.25


def body(number: int, extra: str = "") -> bytes:
    """Give the lines of one telegram, different for each number."""
    second = 1_700_000_000 + number
    power = f"{number % 10}.{number:06d}"
    return (
        f"electricity,site=home,meter=E1 power_import_kw={power}{extra} {second}\n"
        f"gas,site=home,meter=G1,channel=1 volume_m3={number}.5 {second}\n"
    ).encode()


def record(number: int, run: str = "0123456789ab", extra: str = "") -> Record:
    return Record(RecordId(run, number), body(number, extra))


def records(count: int, run: str = "0123456789ab") -> list[Record]:
    return [record(number, run) for number in range(1, count + 1)]


def encoded(some: list[Record]) -> bytes:
    return b"".join(one.encode() for one in some)


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@dataclass(slots=True)
class Job:
    """What the courier holds: a request that has begun and not ended."""

    file: File | HotSegment
    ids: tuple[RecordId, ...]
    bodies: tuple[bytes, ...]

    @property
    def hot(self) -> HotSegment | None:
        return self.file if isinstance(self.file, HotSegment) else None

    @property
    def path(self) -> Path:
        return self.file.path


class Courier:
    """Does with the files what the sender does, each request in two steps, begun and ended."""

    def __init__(self, spool: Spool, handoff: Handoff, account: Account) -> None:
        self.stored: Counter[RecordId] = Counter()
        self.bodies: dict[RecordId, bytes] = {}
        self._spool = spool
        self._handoff = handoff
        self._account = account

    def begin_hot(self) -> Job | None:
        segment = self._handoff.take_newest()
        if segment is None:
            return None
        found = self._spool.read_hot(segment)
        return self._job(segment, found)

    def begin_spool(self) -> Job | None:
        self._spool.look()
        while files := self._spool.next(1):
            self._spool.in_flight = frozenset(files)
            contents = self._spool.load(files[0])
            if contents is not None:
                if self._account.unsettled(contents.records):
                    return self._job(files[0], contents.records)
                self._spool.remove(files[0])
        self._spool.in_flight = frozenset()
        return None

    def end(self, job: Job, *, stored: bool) -> None:
        """Bring the answer: 204, or none."""
        if stored:
            self.stored.update(job.ids)
            self.bodies |= dict(zip(job.ids, job.bodies, strict=True))
            self._account.settle(Outcome.DELIVERED, job.ids)
        if job.hot is not None:
            if self._handoff.sent(job.hot, done=stored):
                self._spool.disk.remove(job.path)
        elif stored and isinstance(job.file, File):
            self._spool.remove(job.file)
        if job.hot is None:
            self._spool.in_flight = frozenset()

    def deliver_all(self) -> int:
        """Deliver until nothing is left; how many requests that took."""
        requests = 0
        while job := self.begin_hot() or self.begin_spool():
            self.end(job, stored=True)
            requests += 1
        return requests

    @staticmethod
    def _job(file: File | HotSegment, found: tuple[Record, ...]) -> Job:
        return Job(file, tuple(r.id for r in found), tuple(r.body for r in found))


@dataclass
class Machine:
    """One computer: its directories outlive the program, its RAM does not outlive the power."""

    root: Path
    disk: FaultyDisk = field(default_factory=FaultyDisk)
    clock: Clock = field(default_factory=Clock)
    limits: Limits = field(default_factory=lambda: Limits(64 * MIB, 0))
    hot_limit: int = MIB
    keep_seconds: float = KEEP_SECONDS
    delivered: set[RecordId] = field(default_factory=set)
    written: dict[RecordId, bytes] = field(default_factory=dict)
    read_at: dict[RecordId, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.hot_directory = self.root / "hot"
        self.directories = Directories(self.root / "disk" / "spool")
        self.hot_directory.mkdir(parents=True)
        (self.root / "disk").mkdir(exist_ok=True)
        self.start()

    def start(self) -> None:
        """Begin a new run of the program, as the service does."""
        self.run = new_run()
        self.numbers: Iterator[RecordId] = numbering(self.run)
        self.account = Account()
        self.handoff = Handoff()
        self.spool = Spool(self.directories, self.account, self.disk, monotonic=self.clock)
        self.keeper = Keeper(
            self.spool,
            self.handoff,
            self.limits,
            keep_seconds=self.keep_seconds,
            monotonic=self.clock,
        )
        self.hot = Hot(
            self.hot_directory,
            self.handoff,
            self.account,
            limit=self.hot_limit,
            seal_seconds=SEAL_SECONDS,
            monotonic=self.clock,
            disk=self.disk,
        )
        take_over(
            self.hot_directory,
            self.handoff,
            self.spool,
            since=lambda _: self.clock.now - SEAL_SECONDS,
            keep_aside=self._keep_aside,
        )
        self.courier = Courier(self.spool, self.handoff, self.account)

    def read(self, count: int = 1, extra: str = "") -> list[RecordId]:
        """Have the meter send telegrams."""
        identities = [next(self.numbers) for _ in range(count)]
        for identity in identities:
            # A line differs from all others, whichever run it is from.
            data = body(len(self.written) + 1, extra)
            self.written[identity] = data
            self.read_at[identity] = self.clock.now
            self.hot.append(Record(identity, data))
        return identities

    def tick(self) -> None:
        self.hot.tick()
        self.keeper.tick()

    def wait(self, seconds: float) -> None:
        """Let time pass in which the program does what is due."""
        for _ in range(round(seconds / TICK_SECONDS)):
            self.clock.now += TICK_SECONDS
            self.tick()

    def kill(self) -> None:
        """End the program as SIGKILL does: nothing more is done, the files stay."""
        self.delivered |= self.courier.stored.keys()
        self.disk.close_all()
        self.start()

    def keep(self) -> None:
        """Let as much time pass as brings everything to the disk."""
        self.wait(KEEP_SECONDS + SEAL_SECONDS)

    def backlog(self, count: int) -> list[RecordId]:
        """Read records and bring them to one closed segment on the disk."""
        identities = self.read(count)
        self.keep()
        self.close()
        return identities

    def close(self) -> None:
        """Have the open segment closed, as the sender does when there is nothing else."""
        self.keeper.close_wanted = True
        self.tick()

    def count_all(self) -> None:
        while self.spool.count_one():
            pass

    @property
    def totals(self) -> Totals:
        return self.account.totals()

    def on_files(self) -> set[RecordId]:
        """Give the records that wait in any file, hot or on the disk."""
        return waiting(self.directories, self.hot_directory)

    def on_disk(self) -> set[RecordId]:
        return waiting(self.directories, self.root / "no hot directory")

    def names(self, directory: Path) -> list[str]:
        return sorted(path.name for path in directory.glob("*") if path.is_file())

    def damaged_bytes(self) -> bytes:
        directory = self.directories.damaged
        return b"".join(path.read_bytes() for path in sorted(directory.glob("*")))

    def _keep_aside(self, damage: Damage) -> None:
        self.spool.keep_aside(self.spool.next_number(), damage)


def ids_in(path: Path) -> list[RecordId]:
    return decode(path.read_bytes()).ids
