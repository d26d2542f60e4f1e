"""The sender between real files and a server that is a function, on a clock of the test's."""

import gzip
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Final

from collector.commands.spool import waiting
from collector.delivery import sender
from collector.delivery.answer import Answer, Packed
from collector.spool.account import Account
from collector.spool.disk import Disk
from collector.spool.errands import Errands
from collector.spool.handoff import Handoff
from collector.spool.hot import Hot
from collector.spool.inbox import Inbox
from collector.spool.keeper import Keeper, Limits
from collector.spool.record import Record, RecordId, numbering
from collector.spool.segment import segments
from collector.spool.spool import Directories, Spool

STORED: Final = Answer(204, "")
AWAY: Final = Answer(0, "Connection refused")
START: Final = 1_700_000_000
RUN: Final = "0123456789ab"


@dataclass
class Link:
    """A server: gives `answers` one after the other, and then what the `rule` says."""

    answers: deque[Answer] = field(default_factory=deque)
    rule: Callable[[list[bytes]], Answer] = lambda _: STORED
    requests: list[list[bytes]] = field(default_factory=list)
    stored: Counter[bytes] = field(default_factory=Counter)
    during: deque[Callable[[], None]] = field(default_factory=deque)  # what happens meanwhile

    def write(self, lines: bytes) -> Answer:
        assert lines, "an empty request"
        text = gzip.decompress(lines) if isinstance(lines, Packed) else lines
        sent = text.splitlines(keepends=True)
        self.requests.append(sent)
        if self.during:
            self.during.popleft()()
        answer = self.answers.popleft() if self.answers else self.rule(sent)
        if answer.status == 204:
            self.stored.update(sent)
        return answer


class Clock:
    """The monotonic clock, which goes on when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Post:
    """A sender, a keeper and the reader's hot files in one thread.

    Whenever the sender waits, the clock goes on by so much, and then `meanwhile` is called.
    """

    def __init__(
        self,
        root: Path,
        disk: Disk | None = None,
        server: sender.Link | None = None,
        together: int = 1,
        errands: Errands | None = None,
    ) -> None:
        """Sends to `server`, or else to a `link` that does as the test says.

        Of the backlog so many segments go `together`: one each, so that what befalls it is seen.
        """
        self.disk = disk or Disk()
        self.clock = Clock()
        self.stopping = Event()
        self.link = Link()
        self.account = Account()
        self.directories = Directories(root / "spool")
        self.hot_directory = root / "hot"
        self.waits: list[float] = []  # between attempts
        self.idle: list[float] = []  # because there was nothing to send
        self.meanwhile: Callable[[], object] = lambda: None
        self.handoff = _Handoff(self._idle)
        self.spool = Spool(self.directories, self.account, self.disk, monotonic=self.clock)
        self.spool.prepare()
        self.keeper = Keeper(
            self.spool,
            self.handoff,
            Limits(largest=1 << 40, free=0),
            keep_seconds=10,
            monotonic=self.clock,
        )
        self.hot = Hot(
            self.hot_directory,
            self.handoff,
            self.account,
            limit=16 << 20,
            seal_seconds=5,
            monotonic=self.clock,
            disk=self.disk,
        )
        self.sender = sender.Sender(
            server or self.link,
            self.spool,
            self.handoff,
            self.account,
            self.keeper,
            place="`http://nas:8086`, bucket `p1`",
            stopping=self.stopping,
            monotonic=self.clock,
            draw=lambda: 1.0,
            sleep=self._sleep,
            errands=errands,
        )
        self.sender.backlog.most_together = together
        self._identities: Iterator[RecordId] = numbering(RUN)
        self.lines: list[bytes] = []  # all that were read

    def read(self, *bodies: bytes) -> list[bytes]:
        """Read telegrams, one record each, into one hot segment. Gives their lines."""
        for body in bodies:
            self.hot.append(Record(next(self._identities), body))
        self.hot.seal()
        lines = b"".join(bodies).splitlines(keepends=True)
        self.lines += lines
        return lines

    def spool_up(self, *bodies: bytes) -> list[bytes]:
        """Read telegrams that come to the disk before they are sent, in a segment of their own."""
        lines = self.read(*bodies)
        self.keep()
        self.keeper.close_wanted = True
        self.keeper.tick()
        return lines

    def keep(self) -> None:
        """Let the keeper copy what is in RAM to the disk."""
        self.clock.now += 10
        self.keeper.tick()  # asks for the open hot segment
        self.hot.tick()
        self.keeper.tick()

    def hand_in(self, *bodies: bytes, run: str = "feedfeedfeed") -> list[bytes]:
        """Put records of another run into the inbox, one segment."""
        inbox = Inbox(self.directories, self.disk, free=0)
        records = [Record(RecordId(run, n), body) for n, body in enumerate(bodies, 1)]
        inbox.put(records, wait=lambda: None)
        self.spool.look()
        return b"".join(bodies).splitlines(keepends=True)

    def resend(self) -> None:
        """Hand in what was rejected."""
        inbox = Inbox(self.directories, self.disk, free=0)
        for path in segments(self.disk, self.directories.rejected):
            inbox.move(path)
        self.spool.look()

    def steps(self, number: int) -> None:
        for _ in range(number):
            self.sender.step()

    def drain(self, *, most: int = 200) -> None:
        """Send until nothing waits."""
        for _ in range(most):
            if not self.waiting:
                return
            self.sender.step()
            self.keeper.tick()
        raise AssertionError(f"{self.waiting} records still wait")

    @property
    def waiting(self) -> int:
        """The records that wait, counted in the files."""
        return len(waiting(self.directories, self.hot_directory))

    @property
    def files(self) -> list[str]:
        """What there is below both directories, but for the directories."""
        rooms = [
            self.hot_directory,
            self.directories.spool,
            self.directories.rejected,
            self.directories.damaged,
            self.directories.inbox,
        ]
        return [
            f"{room.name}/{path.name}"
            for room in rooms
            for path in sorted(room.glob("*"))
            if path.is_file()
        ]

    def accounts(self) -> dict[str, int]:
        """Give what became of the records, those of them that are not 0; they must add up."""
        while self.spool.count_one():
            pass
        totals = self.account.totals()
        assert totals.waiting == self.waiting
        return {name: number for name, number in totals.as_dict().items() if number}

    def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.clock.now += seconds
        self.meanwhile()

    def _idle(self, seconds: float) -> None:
        self.idle.append(seconds)
        self.clock.now += seconds
        self.meanwhile()


class _Handoff(Handoff):
    """A handoff on which waiting takes no time."""

    def __init__(self, idle: Callable[[float], None]) -> None:
        super().__init__()
        self._idle = idle

    def wait(self, seconds: float, _: int) -> None:
        self._idle(seconds)


def line(number: int, measurement: str = "electricity") -> bytes:
    return b"%s,site=home v=%d %d\n" % (measurement.encode(), number, START + number)


def telegram(number: int) -> bytes:
    """Give the lines of one telegram: electricity and gas."""
    return line(number) + line(number, "gas")
