"""Periods and local time: no time zone data, no dependence on the machine's zone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from collector.commands.export.query import period
from collector.errors import UsageError
from collector.p1.time import local

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def test_a_date_is_local_midnight_in_summer_and_in_winter() -> None:
    found = period("2026-01-01", "2026-06-01", NOW, 1)
    assert found == range(seconds("2025-12-31T23:00Z"), seconds("2026-05-31T22:00Z"))


def test_a_time_with_an_offset_means_what_it_says() -> None:
    found = period("2026-01-01T00:00Z", "2026-01-01T00:00-05:00", NOW, 1)
    assert found == range(seconds("2026-01-01T00:00Z"), seconds("2026-01-01T05:00Z"))


@pytest.mark.parametrize(
    ("span", "length"),
    [
        ("6h", timedelta(hours=6)),
        ("7d", timedelta(days=7)),
        ("4w", timedelta(weeks=4)),
        ("1y", timedelta(days=365)),
    ],
)
def test_a_span_counts_back_from_now(span: str, length: timedelta) -> None:
    found = period(span, None, NOW, 1)
    assert found == range(int((NOW - length).timestamp()), int(NOW.timestamp()))


def test_without_anything_it_is_the_last_day() -> None:
    assert period(None, None, NOW, 1) == period("24h", None, NOW, 1)


@pytest.mark.parametrize(
    ("start", "end"), [("yesterday", None), ("2026-13-01", None), ("2026-02-01", "2026-01-01")]
)
def test_what_is_no_period_is_wrong_usage(start: str, end: str | None) -> None:
    with pytest.raises(UsageError):
        period(start, end, NOW, 1)


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        ("yesterday", None, "`yesterday` is no time"),
        ("2026-02-01", "2026-01-01", "the period is empty: `--from` is after `--to`"),
        ("2026-02-01", "2026-02-01", "the period is empty: `--from` is the same as `--to`"),
        ("2027-01-01", None, "the period is empty: `--from` is after now,"),
    ],
)
def test_what_is_wrong_with_a_period_is_said(start: str, end: str | None, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        period(start, end, NOW, 1)
    assert str(caught.value).startswith(words)
    assert caught.value.hint


def test_local_time_is_that_of_amsterdam_for_years() -> None:
    zone = ZoneInfo("Europe/Amsterdam")
    begin, end = seconds("2015-01-01T00:30Z"), seconds("2035-01-01T00:00Z")
    for second in range(begin, end, 7200):
        there = datetime.fromtimestamp(second, zone)
        assert local(second, 1).isoformat() == there.isoformat()


def test_local_time_is_that_of_helsinki_with_its_offset() -> None:
    zone = ZoneInfo("Europe/Helsinki")
    for second in range(seconds("2026-01-01T00:30Z"), seconds("2027-01-01T00:00Z"), 3600):
        there = datetime.fromtimestamp(second, zone)
        assert local(second, 2).isoformat() == there.isoformat()
