"""Who fails while others pass stands back for an hour; nothing is remembered for ever."""

from pathlib import Path
from typing import Final

from collector.delivery.doubts import ASIDE_SECONDS, MOST_SUSPECTS, Doubts, Key
from collector.errors import Troubles

A, B, C = Path("a"), Path("b"), Path("c")
NOW: Final = 1000.0


def exists(_: Key) -> bool:
    return True


def rounds(doubts: Doubts, path: Path, number: int) -> None:
    for _ in range(number):
        doubts.failed(path)
        doubts.passed(B, NOW, exists)


def test_five_failures_while_others_pass_are_too_many() -> None:
    doubts = Doubts(Troubles(lambda: NOW))
    rounds(doubts, A, 4)
    assert A not in doubts.set_aside_now(NOW)
    rounds(doubts, A, 1)
    assert A in doubts.set_aside_now(NOW + ASIDE_SECONDS - 1)
    assert A not in doubts.set_aside_now(NOW + ASIDE_SECONDS)


def test_failures_while_nobody_passes_are_one() -> None:
    doubts = Doubts(Troubles(lambda: NOW))
    for _ in range(100):
        doubts.failed(A)
    doubts.passed(B, NOW, exists)
    rounds(doubts, A, 3)
    assert A not in doubts.set_aside_now(NOW)


def test_a_failure_is_held_against_it_once() -> None:
    """However many pass after it."""
    doubts = Doubts(Troubles(lambda: NOW))
    doubts.failed(A)
    for _ in range(100):
        doubts.passed(B, NOW, exists)
    assert A not in doubts.set_aside_now(NOW)


def test_failures_that_may_be_no_fault_of_its_own_are_not_held_against_it() -> None:
    doubts = Doubts(Troubles(lambda: NOW))
    for _ in range(100):
        doubts.failed(A, blamed=False)
        assert A in doubts.suspects  # others go first all the same
        doubts.passed(B, NOW, exists)
    assert A not in doubts.set_aside_now(NOW)


def test_who_passes_is_cleared() -> None:
    doubts = Doubts(Troubles(lambda: NOW))
    rounds(doubts, A, 4)
    doubts.failed(A)
    doubts.passed(A, NOW, exists)
    rounds(doubts, A, 4)
    assert A not in doubts.set_aside_now(NOW)


def test_an_hour_later_it_has_five_tries_again() -> None:
    doubts = Doubts(Troubles(lambda: NOW))
    rounds(doubts, A, 5)
    later = NOW + ASIDE_SECONDS
    doubts.failed(A)
    doubts.passed(B, later, exists)
    assert A not in doubts.set_aside_now(later)


def test_of_a_long_outage_the_last_failures_are_remembered() -> None:
    doubts = Doubts(Troubles(lambda: NOW))
    paths = [Path(str(number)) for number in range(1000)]
    for path in paths:
        doubts.failed(path)
        doubts.failed(A)
    assert len(doubts.suspects) == MOST_SUSPECTS
    assert {A, *paths[-10:]} <= doubts.suspects.keys()


def test_what_has_gone_is_forgotten() -> None:
    doubts = Doubts(Troubles(lambda: NOW))
    rounds(doubts, A, 2)
    rounds(doubts, C, 1)
    doubts.passed(B, NOW, lambda key: key != A)
    assert doubts.failures.keys() == {C}
    doubts.failed(A)
    doubts.passed(B, NOW, lambda key: key != A)
    assert doubts.failures.keys() == {C}


def test_what_is_no_longer_aside_takes_no_memory() -> None:
    doubts = Doubts(Troubles(lambda: NOW))
    for number in range(100):
        doubts.set_aside(Path(str(number)), NOW)
    doubts.set_aside_now(NOW + ASIDE_SECONDS)
    assert doubts.aside == {}
