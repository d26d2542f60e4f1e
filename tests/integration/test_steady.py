"""What a trouble that lasts for a day costs: lines in the log, the card, requests, work.

A meter that sends each second, keeper and sender of the service, and real files, in virtual time;
for what is wrong with the line, the reader and a meter that sends each ten seconds. The table is
printed; what each row may cost is measured by those of a plain outage and of a day on which all is
well. Work is the number of calls of functions, which is the same on each machine: seconds of CPU
are not, least of all those of a sync.
"""

import errno
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from cProfile import Profile
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Final, NoReturn

import pytest

from bed.post import AWAY, START, STORED, Post
from bed.telegrams import dsmr5
from collector.delivery.answer import Answer
from collector.errors import AbsentError
from collector.p1.decryption import Keys
from collector.reading.sources import Source
from collector.service.watch import HANG_SECONDS, Watch
from collector.spool.disk import Call
from collector.spool.errands import Errands, HangingError
from collector.spool.keeper import HANG_SECONDS as KEEPER_HANGS
from collector.spool.record import Record
from p1.sealing import KEY, seal
from reading.test_reader import NOON, Bench
from spool.disks import FaultyDisk

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
HOUR: Final = 3600
"""The last one is looked at: what grows has grown by then."""
DAY: Final = 86_400
LIVED: Final = DAY // 3
"""So much of it is lived. Lines in the log are as many as then: what lasts is told more seldom
the longer it does (`tests/test_errors.py` counts a whole day of that)."""

FIELDS: Final = ",".join(f"field_{n}_kwh={n}234.{n:03d}" for n in range(16))
SOMETHING: Final = count()

Rule = Callable[[list[bytes]], Answer]


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a day: lines in the log, files and bytes on the card, requests; calls in a second."""

    lines: float
    files: float
    size: float
    requests: float
    calls: float

    def __str__(self) -> str:
        return (
            f"{self.lines:5.0f} lines {self.files:6.0f} files {self.size / 1e6:7.1f} MB"
            f" {self.requests:7.0f} requests {self.calls:6.0f} calls a second"
        )


class CountingDisk(FaultyDisk):
    """Counts what goes to the card."""

    def __init__(self, card: Path) -> None:
        super().__init__()
        self.bytes_written = self.files_made = 0
        self._card = card

    def create(self, path: Path) -> int:
        self.files_made += path.is_relative_to(self._card)
        self.calls.clear()
        return super().create(path)

    def write(self, file: int, data: bytes) -> int:
        written = super().write(file, data)
        self.bytes_written += written * self._paths[file].is_relative_to(self._card)
        self.calls.clear()
        return written


class Household(Post):
    """A meter that sends each second, whatever else happens."""

    def __init__(self, root: Path, rule: Rule, seconds: int, card: str) -> None:
        self._card_disk = CountingDisk(root / "spool")
        self._hangs = card == "hangs"
        errands = Hanging() if self._hangs else None
        super().__init__(root, self._card_disk, together=500, errands=errands)
        if card == "full":
            self._card_disk.room = lambda: 0
            self._card_disk.fail("write", errno.ENOSPC, self.directories.spool)
        self._watch = Watch(self._card_disk, 30)
        self.link.rule = rule
        self.meanwhile = self.live
        self._seconds = seconds
        self._second = 0
        self._work = Profile()
        self._began = self.clock.now
        self._write = self.link.write
        self.link.write = self._ask  # type: ignore[method-assign]

    def live(self) -> None:
        """Let the other threads do what they did while this one waited."""
        while self._second < self.clock.now - self._began:
            self._second += 1
            if self._second == self._seconds - HOUR:
                self._work.enable()
            self.hot.append(Record(next(self._identities), telegram(self._second)))
            self.hot.tick()
            if self._hangs:
                self._hang()
            else:
                self.keeper.tick()
        if self._second >= self._seconds:
            self.stopping.set()

    def _hang(self) -> None:
        """Leave the keeper in a call that it began with the first telegram."""
        self.keeper._ticks_since = self._began - KEEPER_HANGS
        since = self._began - HANG_SECONDS
        self._card_disk.under_way[0] = Call("sync", self.directories.spool, since)
        self._watch.look(self.clock.now)

    def day(self) -> Cost:
        with counted() as lines:
            self.sender.run()
            self._work.disable()
        disk, times = self._card_disk, DAY / self._seconds
        return Cost(
            lines.number,
            disk.files_made * times,
            disk.bytes_written * times,
            self.sender.delivery.requests * times,
            calls(self._work) / HOUR,
        )

    def _ask(self, lines: bytes) -> Answer:
        self.clock.now += 0.1
        self.live()
        self.link.requests.clear()
        self.link.stored.clear()
        return self._write(lines)


def calls(work: Profile) -> int:
    return sum(each.callcount for each in work.getstats())


class Hanging(Errands):
    """A card that answered once, long ago, and never again."""

    @property
    def hang(self) -> bool:
        return True

    def do(self, _: Callable[[], object]) -> NoReturn:
        raise HangingError


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.number = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.number += bool(record.getMessage())


@contextmanager
def counted() -> Iterator[_Lines]:
    """Count the lines in the log."""
    lines, log = _Lines(), logging.getLogger("collector")
    log.addHandler(lines)
    log.setLevel(logging.INFO)
    yield lines
    log.removeHandler(lines)


def telegram(second: int) -> bytes:
    """Give electricity each second, and gas each five minutes."""
    lines = f"electricity,site=home,meter=E1 {FIELDS} {START + second}\n"
    if second % 300 == 0:
        lines += f"gas,site=home,meter=G1,channel=1 volume_m3={second}.5 {START + second}\n"
    return lines.encode()


def conflict(measurement: bytes) -> Rule:
    """Refuse a measurement for the type of a field."""

    def rule(sent: list[bytes]) -> Answer:
        bad = sum(line.startswith(measurement) for line in sent)
        words = (
            'partial write: field type conflict: input field "v" on measurement'
            f' "{measurement.decode()}" is type float, already exists as type integer'
            f" dropped={bad}"
        )
        return Answer(422, words) if bad else STORED

    return rule


def old(sent: list[bytes]) -> Answer:
    return Answer(422, f"partial write: points beyond retention policy dropped={len(sent)}")


def unknown(sent: list[bytes]) -> Answer:
    return Answer(400, f"trouble {next(SOMETHING):x} with the {len(sent)} things of yours")


def unknown_of_gas(sent: list[bytes]) -> Answer:
    bad = [line for line in sent if line.startswith(b"gas")]
    return unknown(sent) if bad else STORED


def measured(root: Path, rule: Rule, *, seconds: int = LIVED, card: str = "works") -> Cost:
    return Household(root, rule, seconds, card).day()


@pytest.fixture(scope="module")
def well(tmp_path_factory: pytest.TempPathFactory) -> Cost:
    """A day on which InfluxDB takes all: nothing comes to the card."""
    return measured(tmp_path_factory.mktemp("well"), lambda _: STORED, seconds=DAY // 6)


@pytest.fixture(scope="module")
def outage(tmp_path_factory: pytest.TempPathFactory) -> Cost:
    return measured(tmp_path_factory.mktemp("outage"), lambda _: AWAY)


TROUBLES: Final[dict[str, tuple[Rule, str]]] = {
    "type conflict, all of it": (conflict(b"electricity"), "works"),
    "type conflict, gas": (conflict(b"gas"), "works"),
    "every point too old": (old, "works"),
    "refused in unknown words": (unknown, "works"),
    "gas refused in unknown words": (unknown_of_gas, "works"),
    "wrong token": (lambda _: Answer(401, "unauthorized"), "works"),
    "a full card, InfluxDB takes all": (lambda _: STORED, "full"),
    "a full card in an outage": (lambda _: AWAY, "full"),
    "a hung card, InfluxDB takes all": (lambda _: STORED, "hangs"),
    "a hung card in an outage": (lambda _: AWAY, "hangs"),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_steady_trouble_costs_no_more_than_an_outage(
    tmp_path: Path, trouble: str, well: Cost, outage: Cost
) -> None:
    rule, card = TROUBLES[trouble]
    cost = measured(tmp_path, rule, card=card)
    say(f"\n{'a quiet day':34}{well}\n{'a plain outage':34}{outage}\n{trouble:34}{cost}")
    assert cost.lines <= 14
    assert cost.size <= 1.2 * outage.size
    assert cost.files <= 1.2 * outage.files
    assert cost.requests <= 3_000 + (well.requests if passes(rule) else 0)
    assert cost.calls <= 2 * well.calls


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201  the table is wanted


def passes(rule: Rule) -> bool:
    """Whether InfluxDB takes the rest: then there is a request for each hot segment as ever."""
    return rule([b"electricity"]).status == 204


def test_a_quiet_day_and_an_outage_are_told_in_a_few_lines(well: Cost, outage: Cost) -> None:
    assert (well.files, well.size) == (0, 0)
    assert well.lines <= 1
    assert outage.lines <= 12
    assert outage.requests <= 3_000


class Cable(Bench):
    """A meter that sends each ten seconds, and a sender that takes each segment at once."""

    absent = False
    segments = 0

    def _open(self, speed: object) -> Source:
        if self.absent:
            raise AbsentError("`/dev/p1` is not there", hint="plug it in")
        return super()._open(speed)

    def day(self, *, hangs_up: int = DAY, good: int = DAY, of: int = DAY) -> Cost:
        """Live through a day on which the line breaks each so often.

        For so many seconds `of` so many the frames are `good`, else each is damaged.
        """
        self._work = Profile()
        with counted() as lines:
            for second in range(10, DAY, 10):
                frame = seal(dsmr5(NOON + timedelta(seconds=second)), second)
                if second % hangs_up < 10:
                    self._hears(None)
                bad = frame[:-1] + bytes([frame[-1] ^ 1])
                self._hears(frame if second % of < good else bad)
                self.passes(10)
        return Cost(lines.number, 0, 0, self.segments, calls(self._work) / DAY)

    def _hears(self, data: bytes | None) -> None:
        """Read it; after a trouble, the port is opened first."""
        self._work.enable()
        self.reader.step()
        self.meter.next = [data]
        self.reader.step()
        while segment := self.handoff.take_newest((), copied_too=False):
            self.segments += 1
            if self.handoff.sent(segment, done=True):
                self.spool.remove_hot(segment)
        self._work.disable()


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory) -> Cost:
    return Cable(tmp_path_factory.mktemp("reading") / "hot", keys=Keys(KEY)).day()


LINES: Final[dict[str, dict[str, int]]] = {
    "a reader that hangs up each 61 s": {"hangs_up": 61},
    "a reader that hangs up each 90 s": {"hangs_up": 90},
    "a reader that hangs up each 300 s": {"hangs_up": 300},
    "damaged encrypted telegrams": {"good": 0},
    "nearly all telegrams damaged": {"good": 10, "of": 3000},
    "every other telegram damaged": {"good": 10, "of": 20},
    "no cable": {},
}


@pytest.mark.parametrize("trouble", LINES)
def test_a_steady_trouble_of_the_line_costs_no_more_than_reading(
    tmp_path: Path, trouble: str, reading: Cost
) -> None:
    cable = Cable(tmp_path / "hot", keys=Keys(KEY))
    if trouble == "no cable":
        cable.absent = True
        cable.meter.next = [None]
    cost = cable.day(**LINES[trouble])
    say(f"\n{'a meter that is read':34}{reading}\n{trouble:34}{cost}")
    assert 1 <= cost.lines <= 20
    assert cost.requests <= 1.2 * reading.requests
    assert cost.calls <= 2 * reading.calls
