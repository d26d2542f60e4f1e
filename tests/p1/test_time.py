"""The meter's time stamps: fixed offsets, and clocks that were never set."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from collector.p1.time import Unset, instant, told_apart


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("240115120000W", "2024-01-15 11:00:00"),
        ("240715120000S", "2024-07-15 10:00:00"),
        ("150701190000s", "2015-07-01 17:00:00"),
        ("240331015959W", "2024-03-31 00:59:59"),
        ("240331030000S", "2024-03-31 01:00:00"),
        ("241027025959S", "2024-10-27 00:59:59"),
        ("241027020000W", "2024-10-27 01:00:00"),
        ("240229000000W", "2024-02-28 23:00:00"),
    ],
)
def test_the_letter_says_which_offset(text: str, moment: str) -> None:
    assert instant(text) == utc(moment)


def test_sweden_is_on_winter_time_all_year() -> None:
    assert instant("230702120000W") == utc("2023-07-02 11:00:00")


def test_further_east_one_offset_moves_both() -> None:
    assert instant("240115120000W", 2) == utc("2024-01-15 10:00:00")
    assert instant("240715120000S", 2) == utc("2024-07-15 09:00:00")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        pytest.param("121030140000", "2012-10-30 13:00:00", id="winter"),
        pytest.param("120701140000", "2012-07-01 12:00:00", id="summer"),
        pytest.param("240331015959", "2024-03-31 00:59:59", id="the last second of winter"),
        pytest.param("240331030000", "2024-03-31 01:00:00", id="the first second of summer"),
        pytest.param("241027015959", "2024-10-26 23:59:59", id="the last hour of summer"),
        pytest.param("241027023000", "2024-10-27 01:30:00", id="the hour that happens twice"),
        pytest.param("241027030000", "2024-10-27 02:00:00", id="winter again"),
        pytest.param("241101000000", "2024-10-31 23:00:00", id="November"),
    ],
)
def test_without_a_letter_the_clock_on_the_wall_counts(text: str, moment: str) -> None:
    assert instant(text) == utc(moment)


@pytest.mark.parametrize(
    "text", ["2022-01-30 09:41:27", "20220130 09:41:27", "20220130094127", "22-01-30T09:41:27W"]
)
def test_other_forms_of_the_same_time_are_read(text: str) -> None:
    assert instant(text) == utc("2022-01-30 08:41:27")


@pytest.mark.parametrize(
    "text",
    [
        "632525252525W",
        "632525252525S",
        "700101010000W",
        "681027002758S",
        "000101000000W",
        "000101000001W",
        "250000000000W",
        "240230120000S",
        "230229120000",
        "240101240000W",
    ],
)
def test_an_unset_clock_is_no_damage(text: str) -> None:
    with pytest.raises(Unset, match="unset clock"):
        instant(text)


@pytest.mark.parametrize(
    "text", ["", "yesterday", "24011512000W", "240115120000X", "²40115120000W"]
)
def test_what_has_no_shape_of_a_time_is_damage(text: str) -> None:
    with pytest.raises(ValueError, match="not a time") as caught:
        instant(text)
    assert not isinstance(caught.value, Unset)


@given(st.datetimes(datetime(2005, 1, 2), datetime(2059, 12, 30)), st.sampled_from("SW"))  # noqa: DTZ001  of a wall clock
def test_every_second_of_a_letter_is_read(wall: datetime, letter: str) -> None:
    wall = wall.replace(microsecond=0)
    offset = timedelta(hours=2 if letter == "S" else 1)

    assert instant(f"{wall:%y%m%d%H%M%S}{letter}") == wall.replace(tzinfo=UTC) - offset


@given(st.text(max_size=20))
def test_no_text_raises_anything_else(text: str) -> None:
    try:
        moment = instant(text)
    except ValueError:
        return
    assert moment.tzinfo is UTC


def test_only_a_clock_without_a_letter_is_in_doubt_and_only_in_the_hour_that_comes_twice() -> None:
    shown = {
        "241027015959": False,
        "241027020000": True,
        "241027025959": True,
        "241027030000": False,
        "241027023000W": False,
        "241027023000S": False,
        "240331023000": False,
        "241020023000": False,
    }
    assert {text: bool(instant(text).fold) for text in shown} == shown
    assert instant("241027033000", 2).fold == 1


@pytest.mark.parametrize(
    ("last", "meant"),
    [
        (None, "2024-10-27 00:30:00"),
        ("2024-10-27 00:29:59", "2024-10-27 00:30:00"),
        ("2024-10-27 00:30:01", "2024-10-27 00:30:00"),
        ("2024-10-26 12:00:00", "2024-10-27 00:30:00"),
        ("2024-10-27 01:10:00", "2024-10-27 01:30:00"),
        ("2024-10-27 01:29:59", "2024-10-27 01:30:00"),
    ],
)
def test_in_that_hour_a_clock_goes_on_from_what_it_said_last(last: str | None, meant: str) -> None:
    assert told_apart(instant("241027023000"), utc(last) if last else None) == utc(meant)


def test_outside_of_that_hour_nothing_changes_what_a_clock_says() -> None:
    moment = instant("241027033000")
    assert told_apart(moment, utc("2024-10-27 05:00:00")) == moment
