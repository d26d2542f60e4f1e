"""The sparkline: true to the clock, and still."""

import pytest
from hypothesis import given, strategies as st

from collector.commands.show.screen import Window, scale, sparkline


def test_blocks_grow_with_the_power() -> None:
    assert sparkline([0.01, 0.3, 0.5, 0.99, 1.0], 1.0) == "▁▃▅██"


def test_no_power_and_no_reading_are_empty() -> None:
    assert sparkline([0.0, None, 1.0], 1.0) == "  █"


def test_a_column_is_the_mean_of_its_stretch() -> None:
    window = Window(end=1, seconds=10, columns=2)

    assert window.means([0, 9, 10, 19], [1, 3, 5, 6]) == [2, 5.5]


def test_a_gap_in_time_is_a_gap_in_the_line() -> None:
    window = Window(end=4, seconds=10, columns=5)

    assert window.means([0, 40], [1, 2]) == [1, None, None, None, 2]


@given(st.integers(2, 60), st.sampled_from([1, 10]))
def test_what_is_drawn_stays_as_it_was_and_moves_left(columns: int, period: int) -> None:
    """A column that is complete keeps its mean when the next telegrams come in."""
    times = [1_000_000 + period * n for n in range(360)]
    values = [float(n % 17) for n in range(360)]
    before, after = (drawn(times[n : n + 300], values[n : n + 300], columns) for n in (0, 60))
    # The newest of the one and the oldest of the other are cut in two.
    oldest = min(stretch for stretch, mean in after.items() if mean is not None)
    both = {stretch for stretch in before if oldest < stretch < max(before)}

    assert [before[stretch] for stretch in both] == [after[stretch] for stretch in both]


def drawn(times: list[int], values: list[float], columns: int) -> dict[int, float | None]:
    """The column of each stretch of the clock."""
    window = Window.of(times, columns)
    first = window.end - columns + 1
    return dict(enumerate(window.means(times, values), start=first))


@pytest.mark.parametrize(("period", "minutes"), [(1, 5), (10, 50)])
def test_the_window_holds_what_the_status_has(period: int, minutes: int) -> None:
    window = Window.of([period * n for n in range(300)], 60)

    assert round(window.seconds * window.columns / 60) == minutes


def test_one_telegram_has_a_window() -> None:
    assert Window.of([7], 30).means([7], [1.0])[-1] == 1.0


@given(st.floats(0, 1000))
def test_the_scale_holds_the_highest(highest: float) -> None:
    assert scale(highest) >= highest
