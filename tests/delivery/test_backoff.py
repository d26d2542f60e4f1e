"""How long the waits between attempts may be."""

from typing import Final

import pytest
from hypothesis import given, strategies as st

from collector.delivery.answer import Answer
from collector.delivery.backoff import Backoff

AWAY: Final = Answer(0, "Connection refused")
WRONG: Final = Answer(401, "unauthorized access")


def bounds(backoff: Backoff, answer: Answer, number: int) -> list[float]:
    return [backoff.wait(answer, failures, 1.0) for failures in range(1, number + 1)]


def test_the_bound_doubles_to_its_maximum() -> None:
    assert bounds(Backoff(), AWAY, 9) == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_wrong_settings_are_tried_slowly() -> None:
    assert bounds(Backoff(), WRONG, 6) == [60, 120, 240, 480, 900, 900]


def test_one_setting_bounds_both() -> None:
    assert bounds(Backoff(longest=2), AWAY, 3) == [1, 2, 2]
    assert bounds(Backoff(longest=2), WRONG, 5) == [2, 4, 8, 16, 30]
    assert bounds(Backoff(longest=0.5), AWAY, 3) == [0.5, 0.5, 0.5]


@pytest.mark.parametrize("draw", [0.0, 0.25, 0.5, 1.0])
def test_the_jitter_is_full(draw: float) -> None:
    assert Backoff().wait(AWAY, 5, draw) == 16 * draw


def test_what_the_server_asks_for_is_waited_for_at_least() -> None:
    asked = Answer(429, "limit", retry_after=30)
    assert [Backoff().wait(asked, 3, draw) for draw in (0.0, 0.5, 1.0)] == [30, 32, 34]


@given(st.integers(1, 10**9), st.floats(0, 1))
def test_a_month_of_failures_is_no_number_too_large(failures: int, draw: float) -> None:
    assert 0 <= Backoff().wait(AWAY, failures, draw) <= 60
