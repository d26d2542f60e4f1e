"""The plug of the whole machine is pulled, at random: the last seconds are gone, and no more.

The real service on an ext4 of its own that forgets what was not synced, and on a RAM disk that is
gone with the power; InfluxDB is another machine, which is there or not. `P1_TEST_SEED` repeats a
draw, `P1_TEST_REPEAT` draws so many.
"""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest

from bed.card import BLOCK, blank as blank_card
from bed.computer import GIVE_UP_SECONDS, SPEED, Computer, Cut
from bed.influxd import Influxd
from bed.seed import seeds
from bed.strace import injected, need_strace
from collector.spool.record import decode

pytestmark = [
    pytest.mark.influxdb,
    pytest.mark.slow,
    pytest.mark.may_skip,
    pytest.mark.timeout(600),
]

KEEP_SECONDS: Final = 10.0
"""As it is set by default: a fifth of it, less two ticks, is for a machine that stands still."""

LATE_SYNC: Final = f"delay_enter={GIVE_UP_SECONDS * 1_000_000}"  # microseconds: never

MOST_APPENDS: Final = 40
"""Of which about half go on into the next block."""


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return blank_card(tmp_path_factory.mktemp("card"))


@pytest.fixture
def computer(own_influxd: Influxd, tmp_path: Path, blank: Path) -> Iterator[Computer]:
    with Computer(own_influxd, tmp_path, blank, P1_KEEP_SECONDS=str(KEEP_SECONDS)) as computer:
        yield computer


@pytest.fixture
def hurried(own_influxd: Influxd, tmp_path: Path, blank: Path) -> Iterator[Computer]:
    """Give a computer on which so little comes to the card at once that a block takes several."""
    with Computer(own_influxd, tmp_path, blank, P1_KEEP_SECONDS="2") as computer:
        yield computer


class Weather:
    """What happens until the plug is pulled, and what the card then has behind what was synced."""

    def __init__(self, computer: Computer, seed: int) -> None:
        self.computer = computer
        self.draw = random.Random(seed)  # noqa: S311  no secret

    def there(self) -> None:
        """InfluxDB answers all the time."""
        self._bring_influxd()
        self._pass(1.05, 1.2)

    def away(self) -> None:
        """It has been away for so long that readings are on the card."""
        self._take_influxd()
        self._pass(1.05, 1.4)

    def just_gone(self) -> None:
        """It answered, and went: readings may be on the card, or not yet."""
        self._bring_influxd()
        self._pass(0.4, 0.6)
        self._take_influxd()
        self._pass(0.0, 1.0)

    def just_back(self) -> None:
        """It is being sent what waited."""
        self._take_influxd()
        self._pass(1.05, 1.3)
        self._bring_influxd()
        self._pass(0.0, 0.4)

    def tail(self) -> bytes:
        """Give what a card may have of an append that was not synced: zeros, a part, nothing."""
        length = self.draw.randint(1, BLOCK)
        half = b"electricity,site=test,meter=E1 power_import_kw=0.32"
        return self.draw.choice([bytes(length), half, half + bytes(length), b""])

    def _bring_influxd(self) -> None:
        if not self.computer.influxd.running:
            self.computer.influxd.start()

    def _take_influxd(self) -> None:
        if self.computer.influxd.running:
            self.computer.influxd.kill()

    def _pass(self, least: float, most: float) -> None:
        """Let time pass, in promised seconds: the promise is about real ones."""
        time.sleep(KEEP_SECONDS * self.draw.uniform(least, most))


@pytest.mark.parametrize("seed", seeds(), ids=lambda seed: f"P1_TEST_SEED={seed}")
def test_five_power_cuts_cost_the_last_seconds_each(computer: Computer, seed: int) -> None:
    weather = Weather(computer, seed)
    happenings = [weather.there, weather.just_gone, weather.just_back, weather.away, weather.away]
    weather.draw.shuffle(happenings)
    computer.service.start()
    with computer.trial.sending(SPEED):
        cuts = [cut_after(computer, happen, weather.tail()) for happen in happenings]
        if not computer.influxd.running:
            computer.influxd.start()
        computer.wait_until_caught_up()
    older_are_there(computer, cuts)


def cut_after(computer: Computer, happen: Callable[[], None], tail: bytes) -> Cut:
    """Have something happen, pull the plug, and put it in again."""
    computer.taken(1)
    happen()
    cut = computer.cut_power()
    computer.card.plug_in()
    if (path := computer.open_segment()) is not None:
        with path.open("ab") as file:
            file.write(tail)
    computer.card.unplug()
    computer.give_power()
    return cut


def older_are_there(computer: Computer, cuts: list[Cut]) -> None:
    """See that InfluxDB has all but what was taken within the promised seconds before a cut."""
    lost = computer.trial.check_the_rest(computer.trial.drain())
    taken_at = computer.trial.line.taken_at
    recent = {
        time
        for time, at in taken_at.items()
        if any(cut.at - KEEP_SECONDS <= at <= cut.over for cut in cuts)
    }
    assert lost - recent == set()
    # Four of the five times at least, a twentieth more than the promised seconds has passed.
    assert len(taken_at.keys() - recent) > len(recent) / 40


def test_zeros_that_the_card_left_of_an_unfinished_append_cost_nothing(
    hurried: Computer, tmp_path: Path
) -> None:
    """Pull the plug between the write and its sync, and right after somebody else's sync.

    ext4 has then put the file's new length on the card, and not what belongs there. It does so
    where the append ends in a block that the file had already.
    """
    need_strace()
    computer = hurried
    computer.service.start()
    with computer.trial.sending(1.0):
        computer.service.wait_for("delivered")
        computer.influxd.kill()
        computer.wait_until_kept()
        cut = cut_within_append(computer, tmp_path / "strace.log")
        computer.card.plug_in()
        path = computer.open_segment()
        assert path is not None
        left = path.read_bytes()
        assert left.rstrip(b"\0") != left
        assert decode(left).damage == ()
        newest = max(computer.on_card())
        computer.card.unplug()
        computer.give_power()
        computer.influxd.start()
        computer.wait_until_caught_up()
    lost = computer.trial.check_the_rest(computer.trial.drain())
    taken_at = computer.trial.line.taken_at
    assert {time for time in lost if time <= newest or taken_at[time] > cut.over} == set()
    assert list((computer.service.spool / "damaged").iterdir()) == []


def cut_within_append(computer: Computer, log: Path) -> Cut:
    """Pull the plug when an append is about to be synced that ends in the block it began in."""
    pid = computer.service.process.pid
    for _ in range(MOST_APPENDS):
        with injected(pid, "fdatasync", LATE_SYNC, log):
            before, size = appended(computer)
            computer.wait_until(lambda: b"fdatasync(" in log.read_bytes(), "nothing is synced")
            path, longer = appended(computer)
            if zeros := path == before and is_within_block(size, longer):
                computer.card.sync_another_file()
                computer.card.cut_power()  # strace hangs if what it delays is killed: that, later
        if zeros:
            return computer.cut_power()
    raise AssertionError("every append went on into the next block")


def is_within_block(size: int, longer: int) -> bool:
    """Whether a file that grew did so within a block that it had already."""
    return size < longer and size % BLOCK > 0 and size // BLOCK == longer // BLOCK


def appended(computer: Computer) -> tuple[Path | None, int]:
    """Give the segment that the keeper fills, and its length."""
    path = computer.open_segment()
    with suppress(FileNotFoundError):  # closed since we looked
        return path, path.stat().st_size if path else 0
    return None, 0
