"""The figures on the dashboards are those of the simulator's books, to the meter's last digit."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from statistics import fmean

import pytest

from bed.influxd import Database
from bed.influxdb import EVERY, USUAL
from collector.simulate.localtime import local, midnight
from dashboards.asked import Ask, frame, of, table
from dashboards.books import Books, Used
from dashboards.build.transformation import night_only
from dashboards.conftest import DATABASE, Year
from dashboards.expected import (
    ALL_DAYS,
    LAST,
    TODAY,
    WHOLE_DAYS,
    cost,
    days_of,
    days_with_all_readings,
    days_without_a_gap,
    highest_quarter,
    lowest_quarter,
    sums,
    tariffs,
)
from dashboards.homes import FAILURE_END, FAILURE_SECONDS, FIRST, NOW
from dashboards.node import Packages
from dashboards.shipped import Range, dashboards, defaults, panel, sent, utc

pytestmark = [pytest.mark.influxdb, pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(params=EVERY)
def ask(request: pytest.FixtureRequest, year: Year, loaded: Callable[[str], Database]) -> Ask:
    """Ask one of the servers; on the usual one the year was delivered by the collector."""
    if request.param == USUAL.version:
        return of(year.influxd, year.bucket)
    return of(loaded(request.param), DATABASE)


def by_day(ask: Ask, dashboard: str, title: str, site: str) -> dict[date, dict[str, float]]:
    """Ask a panel that has a bar a day for all days of the year."""
    made = panel(dashboard, title)
    span = Range(midnight(FIRST), NOW)
    values = {**defaults(dashboards()[dashboard]), "site": site}
    days: dict[date, dict[str, float]] = {}
    for target in made["targets"]:
        for one in ask(sent(target["query"], span, values)):
            for time, *numbers in one["values"]:
                day = days.setdefault(local(utc(time)).date(), {})
                day |= dict(zip(one["columns"][1:], numbers, strict=True))
    return days


def thousandths(numbers: dict[str, float]) -> dict[str, int]:
    return {name: round(number * 1000) for name, number in numbers.items()}


def test_each_day_has_what_was_taken_and_given(ask: Ask, site: str, books: Books) -> None:
    shown = by_day(ask, "history", "Electricity, each day", site)

    assert {day: thousandths(shown[day]) for day in WHOLE_DAYS} == {
        day: {"import": books.on(day).imported, "export": -books.on(day).exported}
        for day in WHOLE_DAYS
    }


def test_each_day_has_its_tariffs(ask: Ask, site: str, books: Books) -> None:
    shown = by_day(ask, "history", "Tariffs, each day", site)

    assert {day: thousandths(shown[day]) for day in WHOLE_DAYS} == {
        day: tariffs(books.on(day), site) for day in WHOLE_DAYS
    }


def test_each_day_has_its_net(ask: Ask, site: str, books: Books) -> None:
    shown = by_day(ask, "history", "Net, each day", site)

    assert {day: thousandths(shown[day]) for day in WHOLE_DAYS} == {
        day: {"net": books.on(day).imported - books.on(day).exported} for day in WHOLE_DAYS
    }


def test_each_day_has_its_gas(ask: Ask, site: str, books: Books) -> None:
    shown = by_day(ask, "history", "Gas, each day", site)

    assert {day: thousandths(shown[day]) for day in days_with_all_readings(site)} == {
        day: {"gas": books.on(day).gas} for day in days_with_all_readings(site)
    }


def test_each_day_has_its_water(ask: Ask, year: Year) -> None:
    books = Books.load(year.files / "gent" / "books.json")
    shown = by_day(ask, "history", "Water, each day", "gent")

    assert {day: thousandths(shown[day]) for day in WHOLE_DAYS} == {
        day: {"water": books.on(day).water} for day in WHOLE_DAYS
    }


def test_an_hour_with_a_change_of_the_clock_is_no_other(ask: Ask, site: str, books: Books) -> None:
    for day, hours in ((date(2025, 10, 26), 25), (date(2026, 3, 29), 23)):
        made = panel("now", "Each hour")
        begin = midnight(day)
        span = Range(begin, begin + timedelta(hours=hours) - timedelta(milliseconds=1))
        values = {**defaults(dashboards()["now"]), "site": site}
        (one,) = ask(sent(made["targets"][0]["query"], span, values))

        assert [round(row[1] * 1000) for row in one["values"]] == [
            books.used(begin + timedelta(hours=n), begin + timedelta(hours=n + 1)).imported
            for n in range(hours)
        ]


@pytest.mark.parametrize(
    ("title", "label", "pattern"),
    [("Months", "Month", "%Y-%m"), ("Years", "Year", "%Y"), ("Weeks", "Week", "%G-W%V")],
)
def test_months_years_and_weeks_are_the_sums_of_their_days(
    ask: Ask, packages: Packages, site: str, books: Books, title: str, label: str, pattern: str
) -> None:
    shown = table(ask, packages, "history", title, site=site)

    expected = sums(books, pattern)
    wanted = {period: expected[period] for period in shown[label]}
    assert list(
        zip(shown[label], _whole(shown["import"]), _whole(shown["export"]), strict=True)
    ) == [(period, used.imported, used.exported) for period, used in wanted.items()]
    assert len(wanted) == {"Month": 14, "Year": 2, "Week": 13}[label]


def _whole(numbers: list[float]) -> list[int]:
    return [round(number * 1000) for number in numbers]


def test_the_months_stand_year_beside_year(
    ask: Ask, packages: Packages, site: str, books: Books
) -> None:
    shown = table(ask, packages, "history", "Months, year beside year", site=site)

    expected = sums(books, "%Y-%m")
    assert list(shown) == ["Month", "2025", "2026"]
    assert shown["Month"] == [f"{month:02}" for month in range(1, 13)]
    for name in ("2025", "2026"):
        months = zip(shown["Month"], shown[name], strict=True)
        assert {f"{name}-{month}": round(n * 1000) for month, n in months if n is not None} == {
            month: used.imported for month, used in expected.items() if month.startswith(name)
        }


def test_the_hours_of_the_week_are_means(
    ask: Ask, packages: Packages, site: str, books: Books
) -> None:
    shown = table(ask, packages, "history", "Hour and weekday", site=site)

    assert list(shown) == ["Hour", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    hours: dict[tuple[str, int], list[int]] = {}
    for begin in _hours(midnight(date(2026, 9, 5)), LAST):
        clock = local(begin)
        used = books.used(begin, min(begin + timedelta(hours=1), LAST)).imported
        hours.setdefault((clock.strftime("%a"), clock.hour), []).append(used)
    for (weekday, hour), used_then in hours.items():
        assert shown[weekday][hour] * 1000 == pytest.approx(fmean(used_then)), (weekday, hour)


def _hours(begin: datetime, end: datetime) -> Iterator[datetime]:
    while begin < end:
        yield begin
        begin += timedelta(hours=1)


@pytest.mark.parametrize(
    ("title", "begin", "before"),
    [
        ("this week", TODAY, TODAY - timedelta(days=7)),
        ("this month", TODAY.replace(day=1), date(2025, 10, 1)),
    ],
)
@pytest.mark.parametrize("way", ["import", "export"])
def test_this_period_is_compared_with_the_one_before_up_to_the_same_moment(
    ask: Ask,
    packages: Packages,
    site: str,
    books: Books,
    title: str,
    way: str,
    begin: date,
    before: date,
) -> None:
    shown = table(ask, packages, "history", f"{way.capitalize()} {title}", site=site)

    end = midnight(before) + (datetime(2026, 10, 5, 18, tzinfo=UTC) - midnight(begin))
    used = [books.used(midnight(begin), LAST), books.used(midnight(before), end)]
    wanted = [getattr(each, f"{way}ed") for each in used]
    assert [_whole(shown[name]) for name in ("so far", "before")] == [[each] for each in wanted]
    assert shown["difference"] == pytest.approx([wanted[0] / wanted[1] - 1])


def test_a_day_that_begins_shows_nought_and_not_yesterday(ask: Ask, site: str) -> None:
    made = panel("now", "Import today")
    after = midnight(TODAY) + timedelta(minutes=9, milliseconds=7)
    values = {**defaults(dashboards()["now"]), "site": site}
    (one,) = ask(sent(made["targets"][0]["query"], Range(after, after), values))

    assert one["values"][-1][1] == 0
    assert one["values"][-2][1] > 1


@pytest.mark.parametrize(
    ("title", "label", "pattern"),
    [("The months in figures", "Month", "%Y-%m"), ("The years in figures", "Year", "%Y")],
)
def test_the_cost_is_that_of_the_books(
    ask: Ask, packages: Packages, site: str, books: Books, title: str, label: str, pattern: str
) -> None:
    shown = table(ask, packages, "cost", title, site=site)

    used, days = sums(books, pattern), days_of(pattern)
    got = dict(zip(shown[label], shown["total"], strict=True))
    assert list(got) == sorted(got, reverse=True)
    for period, total in got.items():
        assert total == pytest.approx(float(cost(used[period], site, days[period])), abs=1e-6)


def test_the_cost_today_has_electricity_gas_and_the_standing_charge(
    ask: Ask, packages: Packages, site: str, books: Books
) -> None:
    shown = table(ask, packages, "now", "Cost today", site=site)

    # The gas meter was read five minutes before the end, the register a quarter of an hour.
    used = books.used(midnight(local(NOW).date()), LAST)
    gas = books.used(midnight(local(NOW).date()), NOW).gas
    assert shown["total"][-1] == pytest.approx(
        float(cost(Used(used.low, used.normal, used.out_low, used.out_normal, gas), site, 1)),
        abs=0.01,
    )


def test_the_nights_lowest_quarter_hour_is_the_standby(
    ask: Ask, packages: Packages, site: str, books: Books
) -> None:
    made = panel("history", "Standby")
    span = Range(midnight(FIRST), NOW)
    values = {**defaults(dashboards()["history"]), "site": site}
    given = frame(ask(sent(made["targets"][0]["query"], span, values)), "A")
    ((shown,),) = packages.transformed(
        [{"frames": [given], "transformations": night_only("standby")}]
    )
    fields = {field["name"]: field["values"] for field in shown["fields"]}

    assert [local(utc(time)).date() for time in fields["Time"]] == ALL_DAYS
    assert [round(watts) for watts in fields["standby"]] == [
        lowest_quarter(books, day) for day in ALL_DAYS
    ]


def test_the_highest_quarter_hour_of_each_day(ask: Ask, site: str, books: Books) -> None:
    shown = by_day(ask, "peak-demand", "The highest quarter hour of each day", site)

    days = [day for day in days_without_a_gap(site) if day in shown][1:]  # the first is a part
    assert len(days) >= 28
    assert {day: thousandths(shown[day])["peak"] for day in days} == {
        day: highest_quarter(books, day) for day in days
    }


def test_the_month_peaks_are_the_meters(ask: Ask, packages: Packages, year: Year) -> None:
    books = Books.load(year.files / "gent" / "books.json")
    shown = table(ask, packages, "peak-demand", "The month peaks", site="gent")

    found = dict(zip(shown["Month"], _whole(shown["peak"]), strict=True))
    finished = {month: watts for month, watts in books.peaks.items() if month < "2026-10"}
    assert found == {**finished, "2026-10": found["2026-10"]}
    assert found["2026-10"] <= books.peaks["2026-10"]
    counted = [max(2500, watts) for watts in found.values()]
    assert shown["mean of twelve months"][-1] * 1000 == pytest.approx(fmean(counted[-12:]))


def test_the_mean_of_twelve_months_counts_none_below_the_floor(
    ask: Ask, packages: Packages, year: Year
) -> None:
    books = Books.load(year.files / "gent" / "books.json")
    shown = table(ask, packages, "peak-demand", "Mean of twelve months", site="gent")

    months = [month for month in books.peaks if month >= "2025-11"]
    assert fmean(shown["peak"]) * 1000 == pytest.approx(
        fmean(max(2500, books.peaks[month]) for month in months)
    )
    assert len(shown["peak"]) == 12


def test_the_power_failure_is_in_the_log(ask: Ask, packages: Packages) -> None:
    shown = table(ask, packages, "power-quality", "Log of the long failures", site="utrecht")

    assert (utc(shown["Time"][0]), shown["length"][0]) == (FAILURE_END, FAILURE_SECONDS)
    assert sorted(set(shown["Time"]), reverse=True) == shown["Time"]
