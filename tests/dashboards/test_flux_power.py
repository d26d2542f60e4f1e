"""The cells on standby, peaks, the voltage and the collector, in InfluxDB's own UI."""

from datetime import UTC, datetime, timedelta
from itertools import chain
from statistics import fmean, median
from typing import Final

import pytest

from collector.simulate.localtime import local, midnight
from dashboards.asked import answers, frame, of, table
from dashboards.books import Books
from dashboards.cells import Row, asked, bars, by_day, cell, cells, clock
from dashboards.collectors import LATE
from dashboards.conftest import Shown, Year
from dashboards.expected import (
    ALL_DAYS,
    LAST,
    ONE_DAY,
    TODAY,
    days_without_a_gap,
    highest_quarter,
    lowest_quarter,
    thousandths,
)
from dashboards.homes import FAILURE_END, FAILURE_SECONDS, NOW
from dashboards.node import Packages
from dashboards.shipped import Range, dashboards, defaults, panel, sent, utc

pytestmark = [pytest.mark.influxdb, pytest.mark.slow, pytest.mark.timeout(1800)]

MONTHS: Final = "%Y-%m"
ROUNDED: Final = 6e-4
"""What is drawn has three decimals."""


def test_the_nights_lowest_quarter_hour_is_the_standby(shown: Shown, books: Books) -> None:
    rows = bars(shown("history", "Standby"))

    nights = {day: lowest_quarter(books, day) for day in ALL_DAYS}
    assert {clock(row).date(): round(float(row["_value"])) for row in rows} == nights
    for title, how in (("lowest", min), ("middle", median)):
        (row,) = shown("history", f"Standby, the {title} night")
        assert round(float(row["_value"])) == how(nights.values())


def test_the_highest_quarter_hour_of_each_day(shown: Shown, site: str, books: Books) -> None:
    found = by_day(shown("peak-demand", "The highest quarter hour of each day"))

    days = [day for day in days_without_a_gap(site) if day in found]
    assert len(days) >= 28
    assert {day: found[day] for day in days} == {
        day: {"peak": highest_quarter(books, day)} for day in days
    }


def test_every_quarter_hour(shown: Shown, books: Books) -> None:
    begin = midnight(TODAY - ONE_DAY)
    rows = shown("peak-demand", "Every quarter hour", begin=begin)

    assert [thousandths(row["_value"]) for row in rows] == [
        4 * used.imported for used in books.quarters(begin, LAST)
    ]


@pytest.fixture
def peaks(year: Year) -> dict[str, int]:
    return Books.load(year.files / "gent" / "books.json").peaks


def test_the_month_peaks_are_the_meters(shown: Shown, peaks: dict[str, int]) -> None:
    rows = bars(shown("peak-demand", "The month peaks", of="gent", begin="-1h"))

    found = {clock(row).strftime(MONTHS): thousandths(row["_value"]) for row in rows}
    assert list(found) == [*sorted(peaks)]
    finished = {month: watts for month, watts in peaks.items() if month < "2026-10"}
    assert found == {**finished, "2026-10": found["2026-10"]}


def test_the_mean_of_twelve_months_counts_none_below_the_floor(
    shown: Shown, peaks: dict[str, int]
) -> None:
    mean = fmean(max(2500, watts) for month, watts in peaks.items() if month >= "2025-11")

    (row,) = shown("peak-demand", "Mean of twelve months", of="gent", begin="-1h")
    assert float(row["_value"]) * 1000 == pytest.approx(mean, abs=0.5)  # shown to the watt
    (row,) = shown("peak-demand", "That costs in a year", of="gent", begin="-1h")
    assert float(row["_value"]) == pytest.approx(mean / 1000 * 52)


def test_a_small_household_is_charged_the_floor(year: Year, packages: Packages) -> None:
    """No month of the others is below it. In Grafana as in InfluxDB's own UI."""
    bucket = year.influxd.new_bucket("small")
    peaks = {datetime(2026, 8, 10, 18, tzinfo=UTC): 1.9, datetime(2026, 9, 9, 18, tzinfo=UTC): 3.1}
    lines = [
        f"demand_peak,site=small,meter=E1 power_kw={power} {int(time.timestamp())}\n"
        for time, power in peaks.items()
    ]
    minute = int(NOW.timestamp()) - 60
    lines.append(f"electricity,site=small,meter=E1 demand_month_peak_kw=2.2 {minute}\n")
    assert year.influxd.write(bucket, "".join(lines)).status == 204

    (row,) = asked(
        year.influxd,
        bucket,
        cell("peak-demand", "Mean of twelve months"),
        "small",
        NOW,
        "-1h",
    )
    ask = of(year.influxd, bucket)
    grafana = table(ask, packages, "peak-demand", "Mean of twelve months", site="small")
    assert float(row["_value"]) == pytest.approx((2.5 + 3.1 + 2.5) / 3)
    assert sorted(grafana["peak"]) == pytest.approx([2.5, 2.5, 3.1])


def test_the_power_failure_is_in_the_log(shown: Shown) -> None:
    rows = shown("power-quality", "Log of the long failures", of="utrecht", begin="-1h")

    ends = [row["end"] for row in rows]
    assert ends == sorted(ends, reverse=True)
    assert [row["order"] for row in rows] == sorted((row["order"] for row in rows), key=int)
    written = local(FAILURE_END).strftime("%Y-%m-%d %H:%M")
    assert (ends[0], float(rows[0]["length"])) == (written, FAILURE_SECONDS)


@pytest.mark.parametrize("which", ["all", "long"])
def test_the_power_failures_are_counted(shown: Shown, which: str) -> None:
    (row,) = shown("power-quality", f"Power failures: {which}", of="utrecht")

    assert float(row["_value"]) == 1


def test_what_is_older_than_two_minutes_is_not_shown_as_now(year: Year, shown: Shown) -> None:
    later = NOW + timedelta(minutes=3)
    ask = of(year.influxd, year.bucket)
    query = panel("now", "Power")["targets"][0]["query"]
    values = {**defaults(dashboards()["now"]), "site": "gent"}

    assert shown("now", "Power")
    assert not asked(year.influxd, year.bucket, cell("now", "Power"), "gent", later, "-6h")
    assert ask(sent(query, Range(later - timedelta(hours=6), later), values)) == []


def test_the_age_of_the_last_reading_is_told_in_both(year: Year, packages: Packages) -> None:
    ask = of(year.influxd, year.bucket)
    made, values = panel("now", "Last reading"), {**defaults(dashboards()["now"]), "site": "gent"}
    for minutes, seconds in ((0, 0), (4, 240), (59, 3540)):
        end = NOW + timedelta(minutes=minutes)
        found = asked(year.influxd, year.bucket, cell("now", "Last reading"), "gent", end, "-6h")
        assert float(found[0]["_value"]) == pytest.approx(seconds + 3.217)
        given = ask(sent(made["targets"][0]["query"], Range(NOW, end), values))
        job = {"frames": [frame(given, "A")], "transformations": made["transformations"]}
        (((field,),),) = (
            [[f["values"] for f in one["fields"] if f["name"] == "ago"] for one in frames]
            for frames in packages.transformed([job])
        )
        assert field == [pytest.approx(seconds, abs=10)]


def test_the_highest_and_lowest_power_have_their_time(
    year: Year, packages: Packages, shown: Shown, site: str
) -> None:
    rows = shown("now", "Highest and lowest power")
    ask = of(year.influxd, year.bucket)
    grafana = table(ask, packages, "now", "Highest and lowest power", site=site)

    found = [(round(float(row["power"])), row["at"]) for row in rows]
    assert found == [
        (round(power), local(utc(time)).strftime("%Y-%m-%d %H:%M"))
        for power, time in sorted(zip(grafana["power"], grafana["at"], strict=True), reverse=True)
    ]


def test_the_quarter_hour_ends_where_the_power_leads_it(
    year: Year, packages: Packages, shown: Shown
) -> None:
    """The newest telegram is that of 17:59:50, ten seconds before its quarter hour ends."""
    ask = of(year.influxd, year.bucket)
    title = "Until the quarter hour ends"
    grafana = table(ask, packages, "peak-demand", title, site="gent")

    for name in ("time left", "ends at", "room"):
        (row,) = shown("peak-demand", f"{title}: {name}", of="gent")
        assert [float(row["_value"])] == pytest.approx(grafana[name], abs=ROUNDED)
    assert grafana["time left"] == pytest.approx([10])
    (demand,), (power,), (peak,) = (grafana[name] for name in ("demand", "power", "peak"))
    assert grafana["ends at"] == pytest.approx([demand + power / 90])
    assert grafana["room"] == pytest.approx([(peak - demand) * 90])


def test_the_highest_quarter_hour_of_the_month_has_its_time(
    year: Year, packages: Packages, shown: Shown, site: str, books: Books
) -> None:
    (row,) = shown("peak-demand", "Highest quarter hour")
    ask = of(year.influxd, year.bucket)
    grafana = table(ask, packages, "peak-demand", "Highest quarter hour", site=site)

    first = midnight(TODAY.replace(day=1))
    quarters = books.quarters(first, LAST)
    most = max(used.imported for used in quarters)
    ended = first + timedelta(minutes=15) * (1 + [u.imported for u in quarters].index(most))
    assert (thousandths(row["power"]), row["until"]) == (
        4 * most,
        local(ended).strftime("%Y-%m-%d %H:%M"),
    )
    assert ([thousandths(n) for n in grafana["power"]], [utc(n) for n in grafana["until"]]) == (
        [4 * most],
        [ended],
    )


@pytest.mark.parametrize(
    ("dashboard", "title"),
    [
        ("now", "Power"),
        ("now", "Tariff"),
        ("peak-demand", "Running quarter hour"),
        ("peak-demand", "Peak of this month"),
        ("power-quality", "Lowest voltage"),
        ("power-quality", "Highest voltage"),
        ("power-quality", "Voltage sags"),
        ("power-quality", "Voltage swells"),
    ],
)
def test_a_number_is_the_one_that_grafana_shows(
    year: Year, shown: Shown, site: str, dashboard: str, title: str
) -> None:
    who = "gent" if dashboard == "peak-demand" else site  # a Dutch meter sends none
    ask = of(year.influxd, year.bucket)
    found = answers(ask, dashboard, panel(dashboard, title), {"site": who})
    grafana = {
        name: value
        for one in chain.from_iterable(found.values())
        for name, value in zip(one["columns"][1:], one["values"][0][1:], strict=True)
    }

    span = "-6h" if dashboard == "now" else "-24h"
    whole = title in {each["name"] for each in cells(dashboard)}
    titles = [title] if whole else [f"{title}: {name}" for name in grafana]
    got = {
        row["_field"]: float(row["_value"])
        for each in titles
        for row in shown(dashboard, each, of=who, begin=span)
    }
    assert got == pytest.approx(grafana, abs=ROUNDED)


@pytest.mark.parametrize(
    ("dashboard", "title"),
    [
        ("now", "Import and export"),
        ("now", "Phases"),
        ("peak-demand", "The running quarter and the peak"),
        ("power-quality", "Voltage"),
        ("power-quality", "Current"),
    ],
)
def test_a_course_goes_as_it_does_in_grafana(
    year: Year, shown: Shown, dashboard: str, title: str
) -> None:
    """Flux stamps ten minutes with their end, InfluxQL with their begin.

    What is exported InfluxDB's UI can draw below nought only as less than nought.
    """
    ask = of(year.influxd, year.bucket)
    grafana: dict[tuple[str, int], float] = {}
    for one in answers(ask, dashboard, panel(dashboard, title), {"site": "gent"})["A"]:
        for time, *numbers in one["values"]:
            for name, number in zip(one["columns"][1:], numbers, strict=True):
                if number is not None:
                    grafana[name, time + 600_000] = -number if name == "export" else number

    got = {
        (row["_field"], int(datetime.fromisoformat(row["_time"]).timestamp() * 1000)): float(
            row["_value"]
        )
        for row in shown(
            dashboard, title, of="gent", begin="-6h" if dashboard == "now" else "-24h"
        )
    }
    both = got.keys() & grafana.keys()
    assert len(both) >= len(grafana) - 6  # the last window is cut off by the end of the range
    wanted = {key: grafana[key] for key in both}
    assert {key: got[key] for key in both} == pytest.approx(wanted, abs=ROUNDED)


def test_the_collectors_dashboard_tells_an_outage_and_what_came_late(collectors: Year) -> None:
    def rows(title: str, kind: str = "") -> list[Row]:
        found = cell("collector", title, kind)
        after = NOW + timedelta(seconds=1)  # the end of a range is not in it
        return asked(collectors.influxd, collectors.bucket, found, "", after, "-24h")

    def number(title: str) -> float:
        (row,) = rows(title, "Single_Stat")
        return float(row["_value"])

    assert number("Rejected, dropped, damaged") == 1
    assert number("Bad checksums") == 3
    assert number("Delivered late") == LATE
    assert number("Age of the backlog") == 3
    lags: dict[str, float] = {}  # minutes
    for row in rows("Age of the backlog", "Xy"):
        lags[row["_field"]] = max(lags.get(row["_field"], 0), float(row["_value"]))
    assert lags == {"utrecht: lag": 3 / 60, "gent: lag": 59}
    late = [float(row["_value"]) for row in rows("Delivered late", "Xy")]
    assert sum(late) == LATE
    states = {row["site"]: (row["version"], row["rejected"]) for row in rows("Collectors")}
    assert states == {"gent": ("0.1.0", "1"), "utrecht": ("0.1.0", "0")}
    seen = {(row["site"], row["meter"]) for row in rows("Last reading of each meter")}
    assert seen == {("gent", "E0000000000000081"), ("utrecht", "E0000000000000032")}
