"""One collector: the real sender, with a meter, a RAM and a card that cost no time.

Sender, back-off, narrowing, doubts, handoff and account are the program's own. What stands in are
the files: a segment is a name and its records.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from threading import Event
from typing import Final

from collector.delivery.answer import Answer
from collector.delivery.sender import Sender
from collector.spool.account import Account
from collector.spool.disk import Disk
from collector.spool.handoff import Handoff, HotSegment
from collector.spool.identities import Identities
from collector.spool.keeper import Keeper, Limits
from collector.spool.record import Contents, Record, RecordId
from collector.spool.segment import closed_name, fits
from collector.spool.spool import Directories, Spool
from collector.spool.stock import File
from thousand.server import Server
from thousand.world import Turn, World

SEAL_SECONDS: Final = 5
DUE_SECONDS: Final = 8
"""When the keeper brings to the card what was not taken: `P1_KEEP_SECONDS`, less a fifth."""

TICK_SECONDS: Final = 0.25
LINES: Final = 9
"""What a meter that sends every second gives in five, besides the trailer: so a segment holds
forty minutes, as it does in a household."""

RUN: Final = "0123456789ab"
START: Final = 1_700_000_000
_RECORDS: dict[int, Record] = {}


def record(second: int) -> Record:
    """Give what was read in the five seconds up to this one; the same for all collectors."""
    if second not in _RECORDS:
        body = b"e v=1 %d\n" % (START + second) * LINES
        _RECORDS[second] = Record(RecordId(RUN, second), body)
    return _RECORDS[second]


class Card(Disk):
    """The names of all files, in RAM and on the card, with what is in them."""

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[Path, tuple[Record, ...]] = {}

    def remove(self, path: Path) -> None:
        self.files.pop(path, None)

    def size(self, path: Path) -> int:
        return len(self.files.get(path, ()))


@dataclass(frozen=True, slots=True)
class Held(Contents):
    """The contents of a file that is no file."""

    held: tuple[Record, ...]

    @property
    def records(self) -> tuple[Record, ...]:
        return self.held

    @property
    def lines(self) -> int:
        return sum(record.lines for record in self.held)


class Shelf(Spool):
    """A spool whose files are on a `Card`: what the sender asks of it."""

    def __init__(self, account: Account, card: Card) -> None:
        super().__init__(Directories(Path("spool")), account, card)
        self.card = card

    @property
    def closed(self) -> bool:
        return bool(self.next(1))

    def load(self, file: File) -> Contents | None:
        return Held(b"", (), (), 0, self.card.files[file.path])

    def read_hot(self, segment: HotSegment) -> tuple[Record, ...]:
        return self.card.files.get(segment.path, ())

    def remove(self, file: File) -> None:
        self.card.remove(file.path)
        self.stock.forget(file)

    def put(self, path: Path, records: list[Record]) -> None:
        self.card.files[path] = tuple(records)
        self.stock.add(File(path.parent, path.name, len(records), 0), Identities())


class Shelver(Keeper):
    """A keeper that copies what is due, and closes its segment when it is full or asked for."""

    def __init__(self, world: World, shelf: Shelf, handoff: Handoff) -> None:
        self._shelf = shelf
        self._records: list[Record] = []
        self._lines = 0
        self._number = 0
        self._world = world
        limits = Limits(1 << 32, 0)
        super().__init__(shelf, handoff, limits, keep_seconds=10, monotonic=world.clock)

    @property
    def has_open(self) -> bool:
        return bool(self._records)

    @property
    def close_wanted(self) -> bool:
        return False

    @close_wanted.setter
    def close_wanted(self, wanted: bool) -> None:
        if wanted:
            self._world.at(self._world.now + TICK_SECONDS, self._end_segment)

    def copy_due(self) -> None:
        for segment in self._handoff.due(self._world.now - DUE_SECONDS):
            for one in self._shelf.read_hot(segment):
                self._append(one)
            if self._handoff.copied(segment, synced=True):
                self._shelf.card.remove(segment.path)

    def _append(self, one: Record) -> None:
        if not fits(0, self._lines, 0, one.lines):
            self._end_segment()
        self._records.append(one)
        self._lines += one.lines

    def _end_segment(self) -> Turn | None:
        if self._records:
            self._number += 1
            self._shelf.put(Path("spool", closed_name(self._number)), self._records)
        self._records, self._lines = [], 0
        return None


class Waiting(Handoff):
    """A handoff that is waited on in the time of its world."""

    def __init__(self, world: World, has_backlog: Callable[[], bool]) -> None:
        super().__init__()
        self._world = world
        self._has_backlog = has_backlog
        self._waits: Turn | None = None
        self._call = 0

    def wait(self, seconds: float, _: int) -> None:
        self._waits = self._world.turn()
        self._call += 1
        call = self._call
        if self.size or self._has_backlog():  # else looking again finds nothing but what wakes it
            self._world.at(self._world.now + seconds, lambda: self._called(call))
        self._world.wait()

    def woken(self) -> Turn | None:
        """Give whose turn it is because something came, if somebody waits for that."""
        waits, self._waits = self._waits, None
        return waits

    def _called(self, call: int) -> Turn | None:
        return self.woken() if call == self._call else None


class Pi:
    """One household: reads from the start of the world on, and sends what it reads."""

    def __init__(self, world: World, server: Server, random: Random) -> None:
        self.newest = 0
        self.delivered = 0
        self.has_ended = False
        self.stopping = Event()
        self._world = world
        self._server = server
        self._account = Account()
        self._handoff = Waiting(world, lambda: self.has_backlog)
        self._card = Card()
        self.shelf = Shelf(self._account, self._card)
        self.keeper = Shelver(world, self.shelf, self._handoff)
        self._sender = Sender(
            self,
            self.shelf,
            self._handoff,
            self._account,
            self.keeper,
            place="`http://nas:8086`, bucket `p1`",
            stopping=self.stopping,
            monotonic=world.clock,
            draw=random.random,
            sleep=world.sleep,
        )
        self._second = 0
        world.at(world.now + random.uniform(0, SEAL_SECONDS), self._seal)
        world.start(self._live)

    def write(self, lines: bytes) -> Answer:
        """Be the link of the sender."""
        number = lines.count(b"\n")
        answer = self._server.ask(number)
        if answer.status == 204:
            self.delivered += number
            self.newest = max(self.newest, int(lines[-11:-1]) - START)
        return answer

    @property
    def waiting(self) -> int:
        """How many records InfluxDB does not have."""
        return self._account.totals().waiting

    @property
    def has_backlog(self) -> bool:
        return self.shelf.closed or self.keeper.has_open

    def end(self) -> None:
        """Stop, as soon as it is its turn."""
        self.stopping.set()

    def _live(self) -> None:
        self._sender.run()
        self.has_ended = True

    def _seal(self) -> Turn | None:
        now = self._world.now
        self._world.at(now + SEAL_SECONDS, self._seal)
        self._second = int(now)
        one = record(self._second)
        path = Path("hot", closed_name(self._second))
        self._card.files[path] = (one,)
        self._account.read(one.id)
        self._handoff.add(HotSegment(path, (one.id,), len(one.body), now - SEAL_SECONDS))
        self._world.at(now - SEAL_SECONDS + DUE_SECONDS, self._keep)
        return self._handoff.woken()

    def _keep(self) -> Turn | None:
        self.keeper.copy_due()
        return None
