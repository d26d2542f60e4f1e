"""How much of a backlog goes at once, and when, after each kind of answer."""

from collections import Counter
from random import Random
from typing import Final

import pytest

from collector.delivery.answer import Answer
from collector.delivery.pace import LONG_SECONDS, Pace

QUICK: Final = 0.1
SLOW: Final = LONG_SECONDS + 1
REFUSED: Final = Answer(0, "Connection refused")
LATE: Final = Answer(0, "no answer within 30 s", is_late=True)
BUSY: Final = Answer(503, "busy")


class Clock:
    """The monotonic clock, which goes on when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pace(clock: Clock) -> Pace:
    return Pace(draw=lambda: 0.5, monotonic=clock)


def sizes(pace: Pace, number: int, seconds: float = QUICK) -> list[int]:
    """Have so many requests stored; gives how many lines each might have had."""
    found = []
    for _ in range(number):
        found.append(pace.most_lines)
        pace.passed(seconds)
    return found


def pauses(pace: Pace, clock: Clock, number: int) -> list[int]:
    """Have so many requests stored, each as soon as it may be; gives the seconds before each."""
    found = []
    for _ in range(number):
        began = clock.now
        while pace.pauses:
            clock.now += 1
        found.append(round(clock.now - began))
        pace.passed(QUICK)
    return found


def test_a_segment_goes_whole_where_nothing_is_wrong(pace: Pace) -> None:
    assert sizes(pace, 3) == [5000] * 3


@pytest.mark.parametrize("answer", [REFUSED, BUSY, Answer(500, "internal error"), LATE])
def test_after_a_failure_it_begins_small(pace: Pace, answer: Answer) -> None:
    pace.failed(answer)
    assert pace.most_lines == 100


def test_after_an_outage_it_is_at_its_old_size_in_seven_requests(pace: Pace) -> None:
    pace.failed(REFUSED)
    assert sizes(pace, 8) == [100, 200, 400, 800, 1600, 3200, 5000, 5000]


def test_beyond_half_of_what_was_too_much_it_grows_slowly(pace: Pace) -> None:
    pace.failed(REFUSED)
    assert sizes(pace, 3)[-1] == 400
    pace.failed(LATE)  # with 800 lines
    assert sizes(pace, 6) == [100, 200, 400, 500, 600, 700]


def test_a_request_that_takes_long_halves_the_next_ones(pace: Pace) -> None:
    assert sizes(pace, 8, SLOW) == [5000, 2500, 1250, 625, 312, 156, 100, 100]
    assert sizes(pace, 3) == [100, 200, 300]


@pytest.mark.parametrize("answer", [REFUSED, Answer(500, "internal error"), Answer(401, "no")])
def test_what_is_no_fault_of_load_makes_no_pause(pace: Pace, clock: Clock, answer: Answer) -> None:
    for _ in range(9):
        pace.failed(answer)
    assert pauses(pace, clock, 3) == [0, 0, 0]


@pytest.mark.parametrize("answer", [BUSY, Answer(429, "limit"), Answer(504, "slow"), LATE])
@pytest.mark.parametrize("times", range(8))
def test_each_time_that_it_is_busy_doubles_the_gap(
    pace: Pace, clock: Clock, times: int, answer: Answer
) -> None:
    for _ in range(times):
        pace.failed(answer)
    assert pauses(pace, clock, 2) == [0, (0, 2, 4, 8, 16, 32, 60, 60)[times]]


def test_after_ten_minutes_in_which_it_was_not_busy_there_is_no_gap(
    pace: Pace, clock: Clock
) -> None:
    for _ in range(9):
        pace.failed(BUSY)
    clock.now += 601
    assert pauses(pace, clock, 2) == [0, 0]


def test_while_it_is_not_busy_the_gaps_get_smaller_until_there_are_none(
    pace: Pace, clock: Clock
) -> None:
    for _ in range(9):
        pace.failed(BUSY)
    found = pauses(pace, clock, 400)
    assert found[:4] == [0, 60, 9, 8]
    assert found == [0, *sorted(found[1:], reverse=True)]
    assert found[-1] == 0
    assert 400 < sum(found) < 900  # some ten minutes in all


def test_who_sends_most_is_slowed_down_most() -> None:
    """Of two that meet the same server, after a while both send as much."""
    clock, random = Clock(), Random(1)  # noqa: S311  so that it is the same again
    fast, slow = (Pace(draw=random.random, monotonic=clock) for _ in range(2))
    for _ in range(9):
        slow.failed(BUSY)
    sent = Counter[int]()
    for second in range(40_000):
        clock.now += 1
        for pace in (fast, slow):
            if not pace.pauses:
                if random.random() < 0.3:
                    pace.failed(BUSY)
                pace.passed(QUICK)
                sent[id(pace)] += second > 4_000
    assert 0.8 < sent[id(fast)] / sent[id(slow)] < 1.25


def test_the_gaps_are_spread(clock: Clock) -> None:
    starts = []
    for draw in (0.0, 0.5, 1.0):
        pace = Pace(draw=lambda draw=draw: draw, monotonic=clock)  # type: ignore[misc]  # a float
        for _ in range(4):
            pace.failed(BUSY)
        starts.append(pauses(pace, clock, 2)[1])
    assert starts == [8, 16, 24]


@pytest.mark.parametrize(
    ("answer", "blamed"),
    [
        (REFUSED, True),
        (Answer(500, "internal error"), True),
        (BUSY, False),
        (Answer(429, "limit"), False),
    ],
)
def test_a_busy_server_blames_no_segment(pace: Pace, answer: Answer, *, blamed: bool) -> None:
    assert pace.failed(answer) == blamed


def test_what_takes_too_long_is_blamed_when_it_cannot_be_smaller(pace: Pace) -> None:
    blamed = [pace.failed(LATE) for _ in range(3)]
    assert blamed == [False, True, True]  # 5000 lines, then 100
