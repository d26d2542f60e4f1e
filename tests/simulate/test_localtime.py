"""The meter's clock against the time zone data of the machine."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from collector.simulate.localtime import hours, local, midnight

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
YEARS = {"min_value": date(2000, 1, 1), "max_value": date(2060, 12, 31)}


@given(
    st.datetimes(
        min_value=datetime(2000, 1, 1),  # noqa: DTZ001 - Hypothesis wants them bare
        max_value=datetime(2060, 1, 1),  # noqa: DTZ001 - the same
        timezones=st.just(UTC),
    )
)
def test_local_time_is_that_of_amsterdam(when: datetime) -> None:
    assert local(when) == when.astimezone(AMSTERDAM).replace(tzinfo=None)


@given(st.dates(**YEARS))
def test_a_day_begins_at_amsterdams_midnight(day: date) -> None:
    expected = datetime(day.year, day.month, day.day, tzinfo=AMSTERDAM)

    assert midnight(day) == expected


@pytest.mark.parametrize(
    ("day", "length"),
    [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 10, 26), 24)],
)
def test_two_days_a_year_have_another_length(day: date, length: int) -> None:
    assert hours(day) == length
