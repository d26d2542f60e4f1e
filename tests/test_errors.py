"""A network that comes and goes fills no log, and a long outage is told all the same."""

import pytest

from collector.errors import QUIET_SECONDS, SELDOM_SECONDS, TOLD_APART, Troubles


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
    return Troubles(clock)


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


@pytest.mark.parametrize("seconds", [4, 61, 90, 300, 1800, 3600, 7200])
def test_a_line_that_comes_and_goes_is_a_few_lines_a_day(
    troubles: Troubles, clock: Clock, seconds: float
) -> None:
    lines = 0
    for _ in range(round(86_400 / seconds)):
        lines += troubles.came("refused") + troubles.went()
        clock.now += seconds
    assert 8 <= lines <= 16


def test_what_has_stayed_away_is_told_as_if_it_were_new(troubles: Troubles, clock: Clock) -> None:
    for _ in range(100):
        troubles.came("refused")
        troubles.went()
        clock.now += 600
    clock.now += SELDOM_SECONDS
    told = []
    for _ in range(3):
        told.append(troubles.came("refused"))
        troubles.went()
        clock.now += QUIET_SECONDS
    assert told == [True, True, False]


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
    for _ in range(24 * 60):
        told.append(troubles.came("wrong checksum"))
        clock.now += 60
    assert [n for n, was in enumerate(told) if was] == [0, 60, 120, 480, 840, 1200]


def test_a_trouble_that_comes_back_before_it_is_steady_is_the_same_one(clock: Clock) -> None:
    troubles = Troubles(clock, steady=60.0, quiet=0.0)
    told, ended = [], []
    for wait in (59, 59, 60, 0):
        told.append(troubles.came("hung up"))
        clock.now += wait
        ended.append(troubles.went())
    assert told == [True, False, False, True]
    assert ended == [True, False, False, True]


def test_what_was_told_once_is_forgotten(troubles: Troubles, clock: Clock) -> None:
    for number in range(1000):
        troubles.came(f"ray {number}")
        clock.now += SELDOM_SECONDS
    assert len(troubles._told) == len(troubles._lasting) == 1


def test_troubles_without_end_are_a_few_lines_a_day(clock: Clock) -> None:
    """Segments are told by their names, and servers have words of their own."""
    troubles = Troubles(clock, again=3600.0)
    told = []
    for number in range(86_400):
        told.append(troubles.came(f"segment {number}"))
        clock.now += 1
    assert told[: TOLD_APART + 2] == [True] * (TOLD_APART + 1) + [False]
    assert sum(told) <= 20
    assert len(troubles._told) <= TOLD_APART + 1
