"""The line to the meter: what is wrong is noticed in time, said once, and tried again for ever."""

import itertools
import logging
import os
import pty
import termios
import tty
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bed.telegrams import dsmr5, utc, written
from collector.errors import QUIET_SECONDS, AbsentError, SettlingError, SourceError
from collector.p1.framing import Framer
from collector.p1.telegram import acceptable, parse
from collector.reading import line as module
from collector.reading.line import (
    FIRST_WAIT_SECONDS,
    LONGEST_WAIT_SECONDS,
    LOOK_SECONDS,
    SPEED_SECONDS,
    Line,
)
from collector.reading.sources import FAST, READ_SECONDS, SLOW, Address, Source, Speed, address

SILENCE = 30.0
TELEGRAM = dsmr5(utc("2026-02-03T12:00:00"))


@dataclass
class World:
    """A clock, and a port whose behaviour a test sets: `says` is what a read at a speed gives."""

    now: float = 1000.0
    says: Callable[[Speed], bytes] = lambda _: b""
    cannot_open: str | None = None
    cannot_because: type[SourceError] = SourceError
    speeds: tuple[Speed, ...] = (FAST, SLOW)
    live: bool = True
    opened: list[tuple[float, Speed]] = field(default_factory=list)
    tried: list[float] = field(default_factory=list)
    is_open: int = 0

    def line(self) -> Line:
        return Line(
            Address("/dev/p1", self.live, self.speeds, self.open),
            silence_seconds=SILENCE,
            monotonic=lambda: self.now,
            pause=self.pass_time,
        )

    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    def open(self, speed: Speed) -> Source:
        self.tried.append(self.now)
        if self.cannot_open:
            raise self.cannot_because(self.cannot_open, hint="plug it in")
        self.opened.append((self.now, speed))
        self.is_open += 1
        return _Port(self, speed)


@dataclass
class _Port:
    world: World
    speed: Speed
    name: str = "/dev/p1"

    def read(self, seconds: float = READ_SECONDS) -> bytes:
        del seconds
        self.world.now += READ_SECONDS
        return self.world.says(self.speed)

    def close(self) -> None:
        self.world.is_open -= 1


def run(world: World, line: Line, seconds: float) -> bytes:
    """Read for so long as the reader does; a whole telegram counts as a good one."""
    data, end = b"", world.now + seconds
    while world.now < end:
        before = world.now
        data += (read := line.read())
        if read == TELEGRAM:
            line.telegram()
        world.now = max(world.now, before + 0.001)
    return data


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


@pytest.fixture(autouse=True)
def _log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, module.__name__)


# --- a line without a byte


def test_a_line_without_a_byte_is_noticed_in_time_and_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World()
    line = world.line()
    run(world, line, SILENCE - 1)
    assert (line.trouble, line.state) == (None, "waiting for data")
    began = world.now
    while line.trouble is None:
        line.read()
    assert world.now - began < 2
    assert line.trouble.message == "no byte in 30 s from `/dev/p1`"
    assert line.state == "port closed"

    run(world, line, 86_400)
    (only,) = said(caplog)
    assert only.startswith("no byte in 30 s from `/dev/p1` (is the cable in the meter's P1 port")


def test_it_is_opened_again_for_ever_at_both_speeds() -> None:
    world = World()
    line = world.line()
    run(world, line, 86_400)
    assert len(world.opened) > 1000
    assert [speed for _, speed in world.opened[:4]] == [FAST, SLOW, FAST, SLOW]
    assert line.reopened == len(world.opened) - world.is_open
    assert world.is_open <= 1


def test_the_waits_between_grow_to_half_a_minute() -> None:
    world = World(cannot_open="cannot open `/dev/p1`: another program reads it")
    run(world, world.line(), 600)
    waits = [b - a for a, b in zip(world.tried, world.tried[1:], strict=False)]
    expected = [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30, 30]
    assert [round(wait, 1) for wait in waits[:11]] == expected
    assert (FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS) == (0.1, 30.0)


def test_a_telegram_makes_the_first_wait_short_again() -> None:
    world = World(cannot_open="gone")
    line = world.line()
    run(world, line, 300)
    world.cannot_open, world.says = None, lambda _: TELEGRAM
    run(world, line, 60)
    world.tried.clear()
    world.says = _broken
    run(world, line, 3)
    world.cannot_open = "gone"
    run(world, line, 10)
    assert world.tried[1] - world.tried[0] < 3


def test_a_port_that_is_not_there_is_looked_for_each_second_however_long() -> None:
    world = World(cannot_open="no such port", cannot_because=AbsentError)
    line = world.line()
    run(world, line, 86_400)
    waits = {round(b - a, 1) for a, b in zip(world.tried, world.tried[1:], strict=False)}
    assert waits == {LOOK_SECONDS} == {1.0}
    assert line.reopened == 0
    came = world.now
    world.cannot_open, world.says = None, lambda _: TELEGRAM
    run(world, line, 3)
    ((at, speed),) = world.opened
    assert at - came <= LOOK_SECONDS
    assert speed is FAST  # its absence says nothing of the speed


def test_a_plug_that_wobbles_costs_no_more_than_the_time_that_it_is_out() -> None:
    world = World(says=lambda _: TELEGRAM, cannot_because=AbsentError)
    line = world.line()
    for _ in range(50):
        world.says, world.cannot_open = _broken, "gone"
        run(world, line, 2)
        world.cannot_open = None
        run(world, line, 2)
    came, world.says = world.now, lambda _: TELEGRAM
    world.opened.clear()
    run(world, line, 60)
    assert all(at - came <= 2 * LOOK_SECONDS for at, _ in world.opened)


def test_nothing_is_said_of_a_port_in_its_first_moment(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World(cannot_open="no permission yet", cannot_because=SettlingError)
    line = world.line()
    run(world, line, 2)
    world.cannot_open, world.says = None, lambda _: TELEGRAM
    run(world, line, 5)
    assert said(caplog) == ["reading telegrams from `/dev/p1` at 115200 8N1"]
    assert line.trouble is None


def test_a_port_that_was_found_later_is_called_what_it_is(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World(says=lambda _: TELEGRAM)
    guess = Address("/dev/ttyUSB0", True, (FAST,), world.open)
    line = Line(guess, silence_seconds=SILENCE, monotonic=lambda: world.now, pause=world.pass_time)
    assert line.name == "/dev/ttyUSB0"
    run(world, line, 3)
    assert line.name == "/dev/p1"
    assert said(caplog) == ["reading telegrams from `/dev/p1` at 115200 8N1"]


def test_telegrams_do_not_come_again_where_none_came_before(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World(cannot_open="no such port", cannot_because=AbsentError)
    line = world.line()
    run(world, line, 30)
    world.cannot_open, world.says = None, lambda _: TELEGRAM
    run(world, line, 120)
    assert said(caplog) == [
        "no such port (plug it in)",
        "reading telegrams from `/dev/p1` at 115200 8N1",
    ]


def _broken(_: Speed) -> bytes:
    raise SourceError("the line `/dev/p1` broke: unplugged", hint="put it back")


# --- a port that cannot be opened, or breaks


def test_a_port_that_cannot_be_opened_is_said_once_with_the_remedy(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World(cannot_open="cannot open `/dev/p1`: No such file or directory")
    line = world.line()
    run(world, line, 3600)
    assert said(caplog) == ["cannot open `/dev/p1`: No such file or directory (plug it in)"]
    assert line.state == "port closed"


def test_a_cable_that_is_pulled_out_and_put_back_is_said_at_both_moments(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World(says=lambda _: TELEGRAM)
    line = world.line()
    run(world, line, 10)
    world.says, world.cannot_open = _broken, "cannot open `/dev/p1`: no such file"
    run(world, line, 600)
    world.says, world.cannot_open = (lambda _: TELEGRAM), None
    run(world, line, 60)
    assert said(caplog) == [
        "reading telegrams from `/dev/p1` at 115200 8N1",
        "the line `/dev/p1` broke: unplugged (put it back)",
        "cannot open `/dev/p1`: no such file (plug it in)",
        "telegrams come again from `/dev/p1`",
    ]
    assert (line.trouble, line.state) == (None, "reading")


def test_the_same_trouble_after_good_telegrams_is_said_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World(says=lambda _: TELEGRAM)
    line = world.line()
    for _ in range(2):
        run(world, line, QUIET_SECONDS)
        world.says = _broken
        run(world, line, 60)
        world.says = lambda _: TELEGRAM
    run(world, line, 60)
    assert sum("broke" in words for words in said(caplog)) == 2


@pytest.mark.parametrize("seconds", [61, 90, 300])
def test_a_reader_that_hangs_up_all_day_is_a_few_lines(
    seconds: int, caplog: pytest.LogCaptureFixture
) -> None:
    world = World()
    line = world.line()
    for _ in range(86_400 // seconds):
        world.says = lambda _: TELEGRAM
        run(world, line, seconds)
        world.says = _broken
        run(world, line, 2)
    assert 2 <= len(said(caplog)) <= 20
    assert line.reopened >= 86_400 // seconds - 1


def test_a_peer_that_hangs_up_after_each_telegram_is_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """And opened again before its next one; an hour of that is three log lines."""
    world = World(says=_hangs_up())
    line = world.line()
    run(world, line, 3600)
    assert said(caplog) == [
        "reading telegrams from `/dev/p1` at 115200 8N1",
        "the line `/dev/p1` broke: unplugged (put it back)",
        "telegrams come again from `/dev/p1`",
    ]
    assert line.reopened > 3600 / (2 * READ_SECONDS + 2 * FIRST_WAIT_SECONDS)


def _hangs_up() -> Callable[[Speed], bytes]:
    """Give a peer of which every second read finds that it has gone."""
    sent = itertools.cycle([False, True])
    return lambda speed: _broken(speed) if next(sent) else TELEGRAM


# --- bytes that are no telegram


def test_bytes_that_are_no_telegram_at_either_speed_are_said_once_each(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World(says=lambda _: b"\x80\xff\x00")
    run(world, world.line(), 7200)
    assert [words.partition(" (")[0] for words in said(caplog)] == [
        "bytes, but no telegram from `/dev/p1` at 115200 8N1",
        "bytes, but no telegram from `/dev/p1` at 9600 7E1",
    ]


def test_the_other_speed_is_tried_soon_when_the_bytes_are_no_telegram() -> None:
    world = World(says=lambda speed: TELEGRAM if speed is SLOW else b"\x80\xff")
    line = world.line()
    run(world, line, SPEED_SECONDS + 3)
    assert [speed for _, speed in world.opened] == [FAST, SLOW]
    assert (line.state, line.speed) == ("reading", SLOW)


def test_a_speed_at_which_telegrams_came_is_kept_when_the_line_breaks() -> None:
    world = World(says=lambda speed: TELEGRAM if speed is SLOW else b"\x80")
    line = world.line()
    run(world, line, 60)
    said_before = world.says
    world.says = _broken
    run(world, line, 1)
    world.says = said_before
    world.opened.clear()
    run(world, line, 30)
    assert {speed for _, speed in world.opened} == {SLOW}


def test_a_speed_at_which_telegrams_came_is_kept_while_another_program_has_the_port() -> None:
    world = World(says=lambda _: TELEGRAM, speeds=(SLOW, FAST))
    line = world.line()
    run(world, line, 60)
    world.says, world.cannot_open = _broken, "another program reads it"
    for tries in (1, 2, 3):
        world.tried.clear()
        while len(world.tried) < tries:
            line.read()
        assert line.speed is SLOW


def test_a_port_that_cannot_do_one_speed_is_tried_at_the_other() -> None:
    world = World(says=lambda _: b"\x80")

    def open_(speed: Speed) -> Source:
        if speed is SLOW:
            raise SourceError("cannot open `/dev/p1`: Invalid argument")
        return World.open(world, speed)

    line = Line(
        Address("/dev/p1", True, (FAST, SLOW), open_),
        silence_seconds=SILENCE,
        monotonic=lambda: world.now,
        pause=world.pass_time,
    )
    run(world, line, 300)
    assert len(world.opened) > 3
    world.says = lambda _: TELEGRAM
    run(world, line, 120)
    assert line.state == "reading"


def test_a_port_with_one_speed_gives_a_slow_meter_time() -> None:
    world = World(says=lambda _: b"\x80", speeds=(SLOW,))
    run(world, world.line(), 2 * SILENCE)
    assert len(world.opened) == 1


def test_a_peer_that_trickles_is_noticed_within_two_silences() -> None:
    world = World(speeds=(FAST,))
    line = world.line()
    world.says = lambda _: b"x" if world.now % 10 < READ_SECONDS else b""
    run(world, line, 10 + 2 * SILENCE + 1)
    assert line.trouble is not None
    assert line.trouble.message.startswith("bytes, but no telegram")


def test_a_meter_that_falls_silent_after_telegrams_is_noticed() -> None:
    world = World(says=lambda _: TELEGRAM)
    line = world.line()
    run(world, line, 60)
    world.says = lambda _: b""
    run(world, line, SILENCE + 1)
    assert line.trouble is not None
    assert line.trouble.message == "no byte in 30 s from `/dev/p1`"


def test_a_meter_that_talks_nonsense_after_telegrams_is_noticed() -> None:
    world = World(says=lambda _: TELEGRAM)
    line = world.line()
    run(world, line, 60)
    world.says = lambda _: b"\xff"
    run(world, line, 2 * SILENCE + 1)
    assert line.trouble is not None
    assert line.trouble.message == "bytes, but no telegram from `/dev/p1` at 115200 8N1"


def test_a_slow_meter_is_not_taken_for_a_silent_one() -> None:
    world = World()
    line = world.line()
    world.says = lambda _: TELEGRAM if world.now % 29 < READ_SECONDS else b""
    run(world, line, 3600)
    assert (line.reopened, line.trouble) == (0, None)


def test_a_file_may_pause_as_long_as_it_likes() -> None:
    world = World(live=False, speeds=(FAST,))
    line = world.line()
    run(world, line, 86_400)
    assert (line.reopened, len(world.opened)) == (0, 1)


# --- real ports


class Meter:
    """A meter on a pseudo-terminal: what it sends is garbage to a port at another speed."""

    def __init__(self, link: Path, speed: int) -> None:
        self.ours, self.theirs = pty.openpty()
        tty.setraw(self.theirs)
        link.symlink_to(os.ttyname(self.theirs))
        self._speed = speed
        self._link = link

    def send(self) -> None:
        right = termios.tcgetattr(self.ours)[4] == self._speed
        os.write(self.ours, DSMR3 if right else bytes(byte ^ 0x9A for byte in DSMR3[:64]))

    def pull(self) -> None:
        self._link.unlink()
        os.close(self.ours)
        os.close(self.theirs)


DSMR3 = written("0-0:96.1.1(31)", "1-0:1.8.1(00001.00*kWh)").rpartition(b"!")[0] + b"!\r\n"


@pytest.fixture
def meters(tmp_path: Path) -> Iterator[Callable[[int], Meter]]:
    plugged: list[Meter] = []

    def plug(speed: int) -> Meter:
        plugged.append(Meter(tmp_path / "p1", speed))
        return plugged[-1]

    yield plug
    if (tmp_path / "p1").is_symlink():
        plugged[-1].pull()


class _Fast:
    """A clock that runs ahead: each look is a tenth of a second later."""

    now = 0.0

    def __call__(self) -> float:
        self.now += 0.1
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += seconds


def listen(line: Line, meter: Meter, telegrams: int, *, rounds: int = 500) -> int:
    """Have the meter send and the line read, until so many telegrams came."""
    framer, came = Framer(), 0
    for _ in range(rounds):
        meter.send()
        for frame in framer.feed(line.read()):
            if acceptable(parse(frame)):
                line.telegram()
                came += 1
        if came >= telegrams:
            break
    return came


@pytest.mark.parametrize(
    ("constant", "speed"), [(termios.B115200, FAST), (termios.B9600, SLOW)], ids=str
)
def test_the_speed_of_a_meter_is_found(
    meters: Callable[[int], Meter], tmp_path: Path, constant: int, speed: Speed
) -> None:
    meter = meters(constant)
    clock = _Fast()
    line = Line(
        address(str(tmp_path / "p1"), "auto"),
        silence_seconds=SILENCE,
        monotonic=clock,
        pause=clock.pause,
    )
    assert listen(line, meter, 3) >= 3
    assert line.speed == speed
    line.close()


def test_a_real_cable_is_pulled_out_and_another_put_in(
    meters: Callable[[int], Meter], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    meter = meters(termios.B115200)
    clock = _Fast()
    line = Line(
        address(str(tmp_path / "p1"), "auto"),
        silence_seconds=SILENCE,
        monotonic=clock,
        pause=clock.pause,
    )
    assert listen(line, meter, 1) >= 1
    meter.pull()
    for _ in range(20):
        assert line.read() is not None
    assert line.state == "port closed"
    assert listen(line, meters(termios.B115200), 1) >= 1
    line.close()

    words = [text.replace(str(tmp_path), "").partition(" (")[0] for text in said(caplog)]
    assert words[0] == "reading telegrams from `/p1` at 115200 8N1"
    assert words[1].startswith("the line `/p1` broke: ")
    assert words[2:] == [
        "cannot open `/p1`: No such file or directory",
        "telegrams come again from `/p1`",
    ]
