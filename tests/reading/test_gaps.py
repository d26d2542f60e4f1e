"""What did not come is counted by the meter's clock."""

from datetime import timedelta

import pytest

from bed.telegrams import utc
from collector.reading.gaps import Gaps

NOON = utc("2026-02-03T12:00:00")


@pytest.mark.parametrize(
    ("seconds", "missed"),
    [
        ([0, 1, 2, 3], 0),
        ([0, 1, 3, 4, 9], 1 + 4),
        ([0, 10, 20, 50, 60], 2),
        ([0, 9, 20, 30, 41, 50], 0),
        ([0, 1, 2, 2, 1, 2], 0),
        ([0, 1, 2, 2 + 86_400, 3 + 86_400], 0),
        ([0, 10, 20, 30, 31, 41, 51, 71], 1),
    ],
)
def test_they_are_what_the_steps_of_the_clock_leave_room_for(
    seconds: list[int], missed: int
) -> None:
    gaps = Gaps()
    assert sum(gaps.missed(NOON + timedelta(seconds=n)) for n in seconds) == missed


def test_a_meter_without_a_clock_misses_nothing() -> None:
    gaps = Gaps()
    assert [gaps.missed(time) for time in (None, NOON, None, NOON)] == [0] * 4


def test_a_slower_meter_in_its_place_is_believed_after_a_while() -> None:
    gaps = Gaps()
    seconds = [*range(100), *range(110, 1110, 10)]
    missed = [gaps.missed(NOON + timedelta(seconds=n)) for n in seconds]
    assert missed[-30:] == [0] * 30
