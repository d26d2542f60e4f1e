"""A network that comes and goes fills no log, and a long outage is told all the same."""

import pytest

from collector.delivery.sender import QUIET_SECONDS
from collector.errors import Troubles


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def troubles(clock: Clock) -> Troubles:
    return Troubles(clock, quiet=QUIET_SECONDS)


def test_a_trouble_is_told_once_an_outage(troubles: Troubles, clock: Clock) -> None:
    told = []
    for _ in range(100):
        told.append(troubles.came("refused"))
        clock.now += QUIET_SECONDS / 7
    assert told == [True] + 99 * [False]
    assert troubles.went()
    assert not troubles.went()


def test_two_troubles_that_alternate_are_told_once_each(troubles: Troubles) -> None:
    told = [troubles.came(words) for words in 10 * ["refused", "reset"]]
    assert told == [True, True] + 18 * [False]
    assert troubles.went()


def test_a_line_that_comes_and_goes_is_told_once_in_ten_minutes(
    troubles: Troubles, clock: Clock
) -> None:
    lines = 0
    for _ in range(3600 // 4):
        lines += troubles.came("refused") + troubles.went()
        clock.now += 4
    assert lines == 2 * 3600 / QUIET_SECONDS


def test_another_trouble_between_makes_the_first_no_news(troubles: Troubles, clock: Clock) -> None:
    for words in ("refused", "reset"):
        assert troubles.came(words)
        troubles.went()
        clock.now += 1
    assert not troubles.came("refused")


def test_an_outage_soon_after_another_is_told_if_it_stays(
    troubles: Troubles, clock: Clock
) -> None:
    troubles.came("refused")
    troubles.went()
    told = []
    for _ in range(20):
        clock.now += 60
        told.append(troubles.came("refused"))
    assert told == 9 * [False] + [True] + 10 * [False]
    assert troubles.went()


def test_the_end_of_an_outage_that_was_not_told_is_not_told(
    troubles: Troubles, clock: Clock
) -> None:
    assert not troubles.went()
    troubles.came("refused")
    troubles.went()
    clock.now += 1
    troubles.came("refused")
    assert not troubles.went()


def test_what_lasts_is_told_again_after_so_long_where_that_is_wanted(clock: Clock) -> None:
    troubles = Troubles(clock, again=3600.0)
    told = []
    for _ in range(121):
        told.append(troubles.came("wrong checksum"))
        clock.now += 60
    assert [n for n, was in enumerate(told) if was] == [0, 60, 120]


def test_a_trouble_that_comes_back_before_it_is_steady_is_the_same_one(clock: Clock) -> None:
    troubles = Troubles(clock, steady=60.0)
    told, ended = [], []
    for wait in (59, 59, 60, 0):
        told.append(troubles.came("hung up"))
        clock.now += wait
        ended.append(troubles.went())
    assert told == [True, False, False, True]
    assert ended == [True, False, False, True]


def test_what_was_told_once_takes_no_memory_for_ever(clock: Clock) -> None:
    troubles = Troubles(clock, quiet=QUIET_SECONDS)
    for number in range(1000):
        troubles.came(f"ray {number}")
        troubles.went()
        clock.now += QUIET_SECONDS
    assert len(troubles._told) == 1


def test_what_would_be_told_anew_takes_no_memory_for_ever(clock: Clock) -> None:
    """Segments are told by their names, and there is no end of them."""
    troubles = Troubles(clock, again=3600.0)
    for number in range(1000):
        assert troubles.came(f"segment {number}")
        clock.now += 600
    assert len(troubles._told) == len(troubles._lasting) == 6
