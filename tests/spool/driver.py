"""The collector's reader, keeper and sender in one thread, living a story that is always the same.

    python driver.py HOME < ORDERS      live once for each line of `ORDERS`

Every call of the system comes in the same order each time, so that a tracer can choose one of
them and kill the program there, or have the call fail. Whoever waits lets the story's time pass,
in which the meter sends and the keeper works, as the other threads would. What the meter sent and
what the server stored is in `HOME/journal` as soon as it is true.

An order is a JSON list: a directory, which is called `HOME` while the program lives in it, and how
many idle calls of each kind come first. A tracer counts the calls of each process from one: with
idle calls before it, any call can be the one with the number that the tracer waits for. So one
tracer serves many lives, each a process of its own that need not import everything anew.
"""

import json
import logging
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Final

from collector.delivery.answer import Answer
from collector.delivery.backoff import Backoff
from collector.delivery.sender import Sender
from collector.spool.account import Account
from collector.spool.disk import Disk
from collector.spool.handoff import Handoff
from collector.spool.hot import Hot, take_over
from collector.spool.keeper import Keeper, Limits
from collector.spool.record import Damage, Record, new_run, numbering
from collector.spool.spool import Directories, Spool

log: Final = logging.getLogger(__name__)

STORED: Final = Answer(204, "")
AWAY: Final = Answer(0, "Connection refused")
UNPARSABLE: Final = Answer(400, "unable to parse")

KEEP_SECONDS: Final = 10.0
SEAL_SECONDS: Final = 5.0
TICK_SECONDS: Final = 0.5
TELEGRAM_SECONDS: Final = 2.5

BAD: Final = (2, 7)
"""Telegrams with a line that the server refuses: one is sent from RAM, the other from the disk."""
LARGE: Final = (6, 8, 9)
"""Telegrams of so many lines that three of them are more than a segment."""
LINES: Final = 1_800


@dataclass(frozen=True, slots=True)
class Phase:
    """Until when the server does what: seconds a request takes, and an answer that is no 204."""

    until: float
    seconds: float
    answer: Answer | None = None


LIFE: Final = (
    Phase(12, 0.5),
    Phase(18, 9.0, AWAY),
    Phase(34, 0.5, AWAY),
    Phase(47, 0.0),
    Phase(56, 60.0, AWAY),
)
"""Delivers from RAM, keeps what is in flight, fills a segment and begins the next, delivers from
RAM and from the disk, has a line refused from each, and ends during a request."""

DRAIN: Final = (Phase(7_200, 0.5),)
"""A server that is there for longer than anything is set aside."""


class Ended(BaseException):
    """The program's time is up, whoever waits."""


class Journal:
    """What happened outside of the program, each kind in a file."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def note(self, name: str, data: bytes) -> None:
        with (self._directory / name).open("ab", buffering=0) as file:
            file.write(data)


@dataclass(slots=True)
class Clock:
    """Seconds of the story."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


class Eager(Disk):
    """A disk whose directories are listed at each look: how old a change is, is no story's."""

    def version(self, directory: Path) -> None:
        del directory


@dataclass
class Driver:
    """One life on what earlier ones left. `reads` if a meter sends; else it ends when all went."""

    home: Path
    story: Sequence[Phase]
    reads: bool
    disk: Disk = field(default_factory=Eager)
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.journal = Journal(self.home / "journal")
        self.account = Account()
        self.handoff = _Handoff(self)
        self.hot_directory = self.home / "hot"
        self.directories = Directories(self.home / "card" / "spool")
        self.spool = Spool(
            self.directories,
            self.account,
            self.disk,
            wall=lambda: 1_700_000_000,
            monotonic=self.clock,
        )
        self._numbers = numbering(new_run())

    def live(self) -> dict[str, int]:
        """Start, work until the story ends, stop; give the accounts."""
        self._start()
        with suppress(Ended):
            self.sender.run()
        self.hot.seal()
        self.keeper.finish()
        return self.account.totals().as_dict()

    def wait(self, seconds: float, over: Callable[[], bool] = lambda: False) -> None:
        """Let time pass, in which the other threads work."""
        end = self.clock.now + seconds
        while self.clock.now < end and not over():
            self._tick()

    def write(self, lines: bytes) -> Answer:
        """Be the server."""
        phase = next(phase for phase in self.story if self.clock.now < phase.until)
        self.wait(phase.seconds)
        answer = phase.answer or _deserved(lines)
        if answer == STORED:
            self.journal.note("stored", lines)
        return answer

    @property
    def files(self) -> list[Path]:
        """The segments that wait."""
        places = (self.hot_directory, self.directories.spool, self.directories.inbox)
        paths = (path for place in places for path in sorted(place.glob("*")))
        return [path for path in paths if path.suffix in {".lp", ".open"}]

    def _start(self) -> None:
        """Do as the service does, in its order."""
        self.keeper = Keeper(
            self.spool,
            self.handoff,
            Limits(largest=1 << 40, free=0),
            keep_seconds=KEEP_SECONDS,
            monotonic=self.clock,
        )
        self.hot = Hot(
            self.hot_directory,
            self.handoff,
            self.account,
            limit=16 << 20,
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
        self.sender = Sender(
            self,
            self.spool,
            self.handoff,
            self.account,
            self.keeper,
            place="a fake",
            stopping=Event(),
            monotonic=self.clock,
            backoff=Backoff(longest=4.0),
            draw=lambda: 0.5,
            sleep=self.wait,
        )

    def _tick(self) -> None:
        self.clock.now += TICK_SECONDS
        over = self.clock.now >= self.story[-1].until
        if over or not (self.reads or self.files):
            raise Ended
        if self.reads and self.clock.now % TELEGRAM_SECONDS == 0:
            self._read()
        self.hot.tick()
        self.keeper.tick()

    def _read(self) -> None:
        identity = next(self._numbers)
        record = Record(identity, telegram(identity.number))
        note = json.dumps(identity).encode() + b"\n"
        self.journal.note("sent", note)
        self.hot.append(record)
        self.journal.note("read", note)

    def _keep_aside(self, damage: Damage) -> None:
        self.spool.keep_aside(self.spool.next_number(), damage)


class _Handoff(Handoff):
    """A handoff on which waiting takes the story's time."""

    def __init__(self, driver: Driver) -> None:
        super().__init__()
        self._driver = driver

    def wait(self, seconds: float, seen: int) -> None:
        self._driver.wait(seconds, lambda: self.news != seen)


def telegram(number: int) -> bytes:
    """Give the lines of one telegram."""
    second = 1_700_000_000 + number
    lines = [f"electricity,site=home,meter=E1 power_import_kw=0.{number:03d} {second}\n"]
    if number in BAD:
        lines.append(f"bad,site=home,meter=G1 volume_m3={number} {second}\n")
    if number in LARGE:
        lines += [f"n,n={n} v={number} {second}\n" for n in range(LINES)]
    return "".join(lines).encode()


def _deserved(lines: bytes) -> Answer:
    return UNPARSABLE if re.search(rb"^bad,", lines, re.MULTILINE) else STORED


# Lives by order.


def idle(home: Path, calls: Mapping[str, int]) -> None:
    """Make calls that change nothing, so many of each kind."""
    path = home / "idle"
    file = os.open(path, os.O_RDWR)  # the first of its kind
    kinds: dict[str, Callable[[], object]] = {
        "open": lambda: os.close(os.open(path, os.O_RDONLY)),
        "write": lambda: os.write(file, b""),
        "ftruncate": lambda: os.ftruncate(file, 0),
        "fsync": lambda: os.fsync(file),
        "fdatasync": lambda: os.fdatasync(file),
        "rename": lambda: path.rename(path),
        "unlink": lambda: (home / "nothing").unlink(missing_ok=True),
        "mkdir": lambda: (home / "journal").mkdir(exist_ok=True),
    }
    for kind, times in calls.items():
        for _ in range(times - (kind == "open")):
            kinds[kind]()


def live_apart(home: Path, calls: Mapping[str, int]) -> tuple[int, int]:
    """Live in a process of its own. Gives its number, and how it ended."""
    process = os.fork()
    if process:
        return os.waitpid(process, 0)
    status = 1
    try:
        idle(home, calls)
        logging.basicConfig(filename=home / "journal" / "log", level=logging.INFO)
        driver = Driver(home, LIFE, reads=True)
        driver.journal.note("accounts", json.dumps(driver.live()).encode())
        status = 0
    except BaseException:  # the test reads about it
        log.exception("the driver has crashed")
    finally:
        os._exit(status)


def main(home: Path) -> None:
    """Live by the orders that come in. Print of each life the process and how it ended."""
    for line in sys.stdin:
        directory, calls = json.loads(line)
        Path(directory).rename(home)
        process, ending = live_apart(home, calls)
        home.rename(directory)
        sys.stdout.write(json.dumps([process, os.waitstatus_to_exitcode(ending)]) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
