"""A quota is learnt from its 429s, kept, and sought anew; another 429 is none."""

import pytest

from bed.post import Clock
from collector.delivery.answer import Answer, pack
from collector.delivery.pace import LEARNING_LINES, NEVER_FOUND, Quota
from collector.spool.segment import MAX_LINES

LINES = b"x" * 99 + b"\n"
WINDOW = 300.0


def too_many(seconds: float | None) -> Answer:
    return Answer(429, "too many requests", retry_after=seconds)


def learnt(clock: Clock, *, lines: int = 10_000) -> Quota:
    """Give a quota of a megabyte, at the begin of a window."""
    quota = Quota(clock)
    quota.refused(too_many(100))
    clock.now += 100
    quota.stored(LINES * lines, live=False)
    clock.now += 50
    quota.refused(too_many(WINDOW - 50))
    clock.now += WINDOW - 50
    return quota


def test_before_it_is_known_requests_are_small_and_without_it_they_are_not() -> None:
    clock = Clock()
    quota = Quota(clock)
    assert quota.lines == MAX_LINES
    quota.refused(too_many(100))
    assert quota.lines == LEARNING_LINES


def test_of_a_window_the_backlog_gets_what_live_readings_leave() -> None:
    quota = learnt(Clock())
    assert quota.lines == MAX_LINES
    quota.stored(LINES * 9_000, live=False)
    assert quota.lines == 500  # a twentieth is kept
    quota.stored(LINES * 400, live=True)
    assert quota.lines == 500
    quota.stored(LINES * 500, live=False)
    assert quota.lines == 0


def test_the_next_window_is_whole_and_leaves_more_where_live_readings_took_more() -> None:
    clock = Clock()
    quota = learnt(clock)
    quota.stored(LINES * 4_000, live=True)
    clock.now += WINDOW
    quota.stored(LINES * 4_000, live=False)
    assert quota.lines == 1_000


def test_what_is_packed_counts_unpacked() -> None:
    quota = learnt(Clock())
    quota.stored(pack([LINES * 9_000]), live=False)
    assert quota.lines == 500


@pytest.mark.parametrize("answer", [too_many(None), Answer(503, "busy", retry_after=100)])
def test_another_refusal_is_no_quota(answer: Answer) -> None:
    quota = Quota(Clock())
    quota.refused(answer)
    assert quota.lines == MAX_LINES


def test_a_server_that_is_only_busy_has_no_quota_that_stops_the_backlog() -> None:
    clock = Clock()
    quota = Quota(clock)
    for _ in range(5):
        quota.refused(too_many(1))
        clock.now += 1
        quota.stored(LINES, live=False)
    assert quota.lines == LEARNING_LINES
    clock.now += NEVER_FOUND + 1
    assert quota.lines == MAX_LINES


def test_it_is_sought_anew_after_hours_without_a_refusal() -> None:
    clock = Clock()
    quota = learnt(clock)
    quota.stored(LINES * 10_000, live=False)
    assert quota.lines == 0
    clock.now += 6 * 3600 + 1
    assert quota.lines == MAX_LINES
