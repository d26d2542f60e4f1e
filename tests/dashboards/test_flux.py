"""The cells of InfluxDB's own UI show what the simulator's books say, to the last digit."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from statistics import fmean
from typing import Final

import pytest

from collector.simulate.localtime import local, midnight
from dashboards.books import Books, Used
from dashboards.cells import Row, asked, bars, by_day, cell, clock
from dashboards.conftest import Shown, Year
from dashboards.expected import (
    ALL_DAYS,
    LAST,
    ONE_DAY,
    TODAY,
    WHOLE_DAYS,
    cost,
    days_of,
    days_with_all_readings,
    parts,
    so_far,
    sums,
    tariffs,
    thousandths,
)
from dashboards.homes import FIRST, NOW

pytestmark = [pytest.mark.influxdb, pytest.mark.slow, pytest.mark.timeout(1800)]

MONTHS: Final = "%Y-%m"
CENT: Final = 1e-6
"""Sums of floats, in euros, are right to this."""

ROUNDED: Final = 6e-4
"""What is drawn has three decimals."""


def test_each_day_has_what_was_taken_and_given(shown: Shown, books: Books) -> None:
    assert by_day(shown("history", "Electricity, each day")) == {
        day: {"import": so_far(books, day).imported, "export": -so_far(books, day).exported}
        for day in ALL_DAYS
    }


def test_each_day_has_its_net(shown: Shown, books: Books) -> None:
    assert by_day(shown("history", "Net, each day")) == {
        day: {"net": so_far(books, day).imported - so_far(books, day).exported} for day in ALL_DAYS
    }


def test_each_day_has_its_tariffs(shown: Shown, site: str, books: Books) -> None:
    assert by_day(shown("history", "Tariffs, each day")) == {
        day: tariffs(so_far(books, day), site) for day in ALL_DAYS
    }


def test_each_day_has_its_gas(shown: Shown, site: str, books: Books) -> None:
    found = by_day(shown("history", "Gas, each day"))

    days = days_with_all_readings(site)
    assert {day: found[day] for day in days} == {day: {"gas": books.on(day).gas} for day in days}


def test_each_day_has_its_water(shown: Shown, year: Year) -> None:
    books = Books.load(year.files / "gent" / "books.json")
    found = by_day(shown("history", "Water, each day", of="gent"))

    assert {day: found[day] for day in WHOLE_DAYS} == {
        day: {"water": books.on(day).water} for day in WHOLE_DAYS
    }


def test_what_shows_days_shows_thirty_though_the_ui_opens_on_an_hour(
    shown: Shown, books: Books
) -> None:
    found = by_day(shown("history", "Electricity, each day", begin="-1h"))

    assert {day: used["import"] for day, used in found.items()} == {
        day: so_far(books, day).imported for day in ALL_DAYS[-31:]
    }


def test_a_day_that_begins_within_the_range_is_not_cut(shown: Shown, books: Books) -> None:
    """The UI's range is so many days before now; only the first of them is a part."""
    found = by_day(shown("history", "Electricity, each day", begin="-40d"))

    days = ALL_DAYS[-40:]
    assert list(found) == [days[0] - ONE_DAY, *days]
    assert {day: found[day]["import"] for day in days} == {
        day: so_far(books, day).imported for day in days
    }
    # The first reading of the range is that of the next whole quarter of the clock.
    begin = datetime(2026, 8, 26, 18, tzinfo=UTC)
    assert found[days[0] - ONE_DAY]["import"] == books.used(begin, midnight(days[0])).imported


def test_a_range_that_ends_at_midnight_has_its_last_quarter_hour(
    shown: Shown, books: Books
) -> None:
    end = midnight(FIRST + ONE_DAY)
    found = by_day(shown("history", "Electricity, each day", end=end))

    assert {day: used["import"] for day, used in found.items()} == {
        FIRST: books.on(FIRST).imported
    }


def test_an_hour_with_a_change_of_the_clock_is_no_other(shown: Shown, books: Books) -> None:
    for day, hours in ((date(2025, 10, 26), 25), (date(2026, 3, 29), 23)):
        begin = midnight(day)
        rows = bars(shown("now", "Each hour", end=begin + timedelta(hours=hours, seconds=-1)))

        assert [thousandths(row["_value"]) for row in rows if row["_field"] == "import"] == [
            books.used(begin + timedelta(hours=n), begin + timedelta(hours=n + 1)).imported
            for n in range(hours)
        ]


def test_today_is_since_midnight(shown: Shown, books: Books) -> None:
    used = so_far(books, TODAY)

    assert _one(shown("now", "Import today")) == used.imported
    assert _one(shown("now", "Export today")) == used.exported
    assert _one(shown("now", "Gas today")) == books.used(midnight(TODAY), NOW).gas


def _one(rows: list[Row]) -> int:
    """The one number of a cell, in thousandths."""
    (row,) = rows
    return thousandths(row["_value"])


def test_the_hours_shown_add_up(shown: Shown, books: Books) -> None:
    begin = NOW - timedelta(hours=6)
    rows = shown("now", "Energy so far", begin=begin)

    final = {row["_field"]: thousandths(row["_value"]) for row in rows}
    used = books.used(begin, LAST)
    assert final == {"import": used.imported, "export": used.exported}


@pytest.mark.parametrize(
    ("title", "pattern", "count"),
    [("Weeks", "%G-W%V", 13), ("Months", MONTHS, 14), ("Years", "%Y", 2)],
)
def test_weeks_months_and_years_are_the_sums_of_their_days(
    shown: Shown, books: Books, title: str, pattern: str, count: int
) -> None:
    rows = bars(shown("history", title, begin="-1h"))

    expected = sums(books, pattern)
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        period = found.setdefault(clock(row).strftime(pattern), {})
        period[row["_field"]] = thousandths(row["_value"])
    assert len(found) == count
    assert found == {
        period: {"import": expected[period].imported, "export": expected[period].exported}
        for period in list(expected)[-count:]
    }


def test_the_months_in_figures_have_gas_and_water_too(
    shown: Shown, site: str, books: Books
) -> None:
    rows = shown("history", "The months in figures", begin="-1h")

    months = [row["Month"] for row in rows]
    assert months == sorted(months, reverse=True)
    expected = sums(books, MONTHS)
    for row in rows:
        used = expected[row["Month"]]
        figures = {
            name: thousandths(text) for name, text in row.items() if name not in {"Month", "order"}
        }
        assert figures == {
            "import": used.imported,
            "export": used.exported,
            "net": used.imported - used.exported,
            "gas": used.gas,
            **({"water": used.water} if site == "gent" else {}),
        }


@pytest.mark.parametrize(
    ("title", "what"),
    [("Months, year beside year", "imported"), ("Gas by month, year beside year", "gas")],
)
def test_the_months_stand_year_beside_year(
    shown: Shown, books: Books, title: str, what: str
) -> None:
    rows = shown("history", title, begin="-1h")

    assert [row["Month"] for row in rows] == [f"{month:02}" for month in range(1, 13)]
    assert set(rows[0]) == {"Month", "2025", "2026"}
    found = {
        f"{name}-{row['Month']}": thousandths(text)
        for row in rows
        for name, text in row.items()
        if name != "Month" and text
    }
    assert found == {month: getattr(used, what) for month, used in sums(books, MONTHS).items()}


@pytest.mark.parametrize("days", [30, 399])
def test_the_hours_of_the_week_are_means(shown: Shown, books: Books, days: int) -> None:
    """Over a year both changes of the clock are among them."""
    begin = midnight(TODAY - days * ONE_DAY)
    rows = shown("history", "Hour and weekday", begin=begin)

    hours: dict[tuple[str, str], list[int]] = {}
    while begin < LAST:
        clock, end = local(begin), begin + timedelta(hours=1)
        used = books.used(begin, min(end, LAST)).imported
        hours.setdefault((clock.strftime("%H"), clock.strftime("%a")), []).append(used)
        begin = end
    assert len(rows) == 24
    found = {
        (row["Hour"], day): float(text) * 1000
        for row in rows
        for day, text in row.items()
        if day != "Hour"
    }
    expected = {key: fmean(used) for key, used in hours.items()}
    if days == 30:
        assert found == pytest.approx(expected)
    else:
        # In an hour without a reading nothing was seen; where there was a gap, the mean is higher.
        close = [
            key for key, mean in expected.items() if found[key] == pytest.approx(mean, rel=0.1)
        ]
        assert found.keys() == expected.keys()
        assert len(close) > 0.9 * len(expected)


@pytest.mark.parametrize(
    ("title", "begin", "before", "end"),
    [
        ("this week", TODAY, TODAY - timedelta(days=7), NOW - timedelta(days=7)),
        (
            "this month",
            TODAY.replace(day=1),
            date(2025, 10, 1),
            datetime(2025, 10, 5, 18, tzinfo=UTC),
        ),
    ],
)
@pytest.mark.parametrize("way", ["import", "export"])
def test_this_period_and_the_one_before_end_at_the_same_moment(
    shown: Shown, books: Books, title: str, way: str, begin: date, before: date, end: datetime
) -> None:
    name = f"{way.capitalize()} {title}"
    so_far, earlier, difference = (
        _one(shown("history", f"{name}: {which}", begin="-1h"))
        for which in ("so far", "before", "difference")
    )

    used = [books.used(midnight(begin), LAST), books.used(midnight(before), _quarter(end))]
    wanted = [getattr(each, f"{way}ed") for each in used]
    assert [so_far, earlier] == wanted
    assert difference / 1000 == pytest.approx(100 * (wanted[0] / wanted[1] - 1), abs=0.01)


def _quarter(moment: datetime) -> datetime:
    """The reading that closes a range: that of the next whole quarter, five minutes on."""
    return moment + (midnight(TODAY) - moment) % timedelta(minutes=15)


@pytest.mark.parametrize(
    ("now", "monday"),
    [
        (datetime(2026, 10, 4, 20, tzinfo=UTC), date(2026, 9, 28)),  # a Sunday
        (datetime(2026, 3, 29, 20, tzinfo=UTC), date(2026, 3, 23)),  # the clock changed
        (datetime(2025, 10, 27, 12, tzinfo=UTC), date(2025, 10, 27)),  # a day later
    ],
)
def test_a_week_begins_on_monday(
    year: Year, site: str, books: Books, now: datetime, monday: date
) -> None:
    found = cell("history", "Import this week: so far")
    (row,) = asked(year.influxd, year.bucket, found, site, now, "-1h")

    assert thousandths(row["_value"]) == books.used(midnight(monday), now).imported


def test_each_days_cost_is_the_total(shown: Shown, site: str, books: Books) -> None:
    rows = bars(shown("cost", "Each day"))
    found = {clock(row).date(): float(row["_value"]) for row in rows}

    for day in days_with_all_readings(site):
        assert found[day] == pytest.approx(float(cost(books.on(day), site, 1)), abs=ROUNDED), day


def _floats(euros: Mapping[str, object]) -> dict[str, float]:
    return {name: float(str(value)) for name, value in euros.items()}


@pytest.mark.parametrize(
    ("title", "label", "pattern", "count"),
    [
        ("The months in figures", "Month", MONTHS, 14),
        ("The years in figures", "Year", "%Y", 2),
    ],
)
def test_the_cost_is_that_of_the_books(
    shown: Shown, site: str, books: Books, title: str, label: str, pattern: str, count: int
) -> None:
    rows = shown("cost", title, begin="-1h")

    used, days = sums(books, pattern), days_of(pattern)
    assert [row[label] for row in rows] == sorted(used, reverse=True)[:count]
    for row in rows:
        period = row[label]
        expected = _floats(parts(used[period], site, days[period]))
        expected["total"] = sum(expected.values())
        got = {name: float(text) for name, text in row.items() if name not in {label, "order"}}
        assert got == pytest.approx(expected, abs=CENT), period


def test_the_months_of_the_graph_cost_the_same(shown: Shown, site: str, books: Books) -> None:
    found: dict[str, float] = {}
    for row in bars(shown("cost", "Each month", begin="-1h")):
        month = clock(row).strftime(MONTHS)
        found[month] = found.get(month, 0) + float(row["_value"])

    used, days = sums(books, MONTHS), days_of(MONTHS)
    assert found == pytest.approx(
        {month: float(cost(used[month], site, days[month])) for month in used}, abs=ROUNDED
    )


@pytest.mark.parametrize(
    ("dashboard", "title", "first", "last"),
    [
        ("now", "Cost today", TODAY, NOW),
        ("cost", "This month so far: so far", TODAY.replace(day=1), NOW),
        ("cost", "This year so far", date(2026, 1, 1), NOW),
        (
            "cost",
            "This month so far: before",
            date(2025, 10, 1),
            datetime(2025, 10, 5, 18, tzinfo=UTC),
        ),
        ("cost", "In the days shown", TODAY - timedelta(days=30), NOW),
    ],
)
def test_one_cost_is_that_of_its_days(
    shown: Shown, site: str, books: Books, dashboard: str, title: str, first: date, last: datetime
) -> None:
    (row,) = shown(dashboard, title, begin=midnight(TODAY - timedelta(days=30)))

    used = books.used(midnight(first), min(last, LAST))
    gas = books.used(midnight(first), last).gas
    days = (local(last).date() - first).days + 1
    used = Used(used.low, used.normal, used.out_low, used.out_normal, gas)
    assert float(row["_value"]) == pytest.approx(float(cost(used, site, days)), abs=ROUNDED)
