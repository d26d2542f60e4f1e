"""Own solar production: what is used at home of it, by the numbers that were put in."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import pytest

from bed.influxd import Database
from collector.simulate.localtime import local, midnight
from dashboards.asked import Ask, Table, of, table
from dashboards.cells import Row, asked, by_day, cell
from dashboards.expected import ONE_DAY, TODAY
from dashboards.homes import NOW, QUARTER
from dashboards.node import Packages

pytestmark = [pytest.mark.influxdb, pytest.mark.slow, pytest.mark.timeout(300)]
every_version: Final = pytest.mark.every_influxdb

READ_FROM: Final = date(2026, 9, 28)
MADE_FROM: Final = date(2026, 9, 29)
OVERCAST: Final = date(2026, 10, 2)
MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Sun:
    """Wh of a quarter hour: what the panels make, and what of it leaves the house."""

    without: date = OVERCAST

    def made(self, begin: datetime) -> int:
        clock = local(begin)
        dark = clock.date() in {self.without, OVERCAST} or not 8 <= clock.hour < 18
        return 0 if dark else 100 + 7 * clock.hour + clock.day

    def exported(self, begin: datetime) -> int:
        return self.made(begin) * (1 + begin.minute // 15) // 8

    def on(self, day: date) -> tuple[int, int]:
        """Wh of a day, as far as it has been read."""
        begins = list(_times(midnight(day), min(midnight(day + ONE_DAY), NOW - QUARTER)))
        return sum(map(self.made, begins)), sum(map(self.exported, begins))


SITES: Final = {"sunny": Sun(), "clouded": Sun(without=TODAY), "dark": None}
"""Of the second the sun does not shine today; the third has no panels."""


def _times(begin: datetime, end: datetime, step: timedelta = QUARTER) -> Iterator[datetime]:
    while begin < end:
        yield begin
        begin += step


def _lines(site: str, sun: Sun | None) -> Iterator[str]:
    """The registers from the first day on, and power in the last hour, the sun's from 17:20."""
    made, out = 0, 5000
    for time in _times(midnight(READ_FROM), NOW):
        second = int(time.timestamp())
        yield f"readings,site={site},meter=E1 energy_export_kwh={out / 1000} {second}\n"
        if sun and time >= midnight(MADE_FROM):
            yield f"solar,site={site} energy_kwh={made / 1000} {second}\n"
        day = sun or Sun()
        out += day.exported(time)
        made += day.made(time) if time >= midnight(MADE_FROM) else 0
    for time in _times(NOW.replace(microsecond=0) - HOUR, NOW, MINUTE):
        second, watts = int(time.timestamp()), _watts(time)
        yield f"electricity,site={site},meter=E1 power_export_kw={watts / 4000} {second}\n"
        if sun and time.minute >= 20:
            yield f"solar,site={site} power_kw={watts / 1000} {second}\n"


def _watts(time: datetime) -> int:
    return 400 + 8 * time.minute


@pytest.fixture
def homes(influxd: Database, bucket: str) -> str:
    """Put in what three households have, through line protocol."""
    text = "".join("".join(_lines(site, sun)) for site, sun in SITES.items())
    assert influxd.write(bucket, text).status == 204
    return bucket


@pytest.fixture
def ask(influxd: Database, homes: str) -> Ask:
    return of(influxd, homes)


def _days() -> dict[date, tuple[int, int]]:
    """What `sunny` made on each day with sun, and what of it was exported."""
    days = (MADE_FROM + timedelta(days=n) for n in range((TODAY - MADE_FROM).days + 1))
    return {day: Sun().on(day) for day in days if day != OVERCAST}


def _months() -> dict[str, tuple[int, int]]:
    months: dict[str, tuple[int, int]] = {}
    for day, (made, out) in _days().items():
        before = months.get(day.strftime("%Y-%m"), (0, 0))
        months[day.strftime("%Y-%m")] = before[0] + made, before[1] + out
    return dict(sorted(months.items(), reverse=True))


def _figures(made: int, out: int) -> dict[str, float]:
    return {
        "solar": made / 1000,
        "used at home": (made - out) / 1000,
        "share": (made - out) / made,
    }


def _row(shown: Table, n: int) -> dict[str, float]:
    return {name: shown[name][n] for name in ("solar", "used at home", "share") if name in shown}


@every_version
def test_today_has_what_the_panels_made_and_the_share_used_at_home(
    ask: Ask, packages: Packages
) -> None:
    shown = table(ask, packages, "now", "Solar today", site="sunny")

    assert shown["Day"] == ["5 Oct"]
    assert _row(shown, 0) == pytest.approx(_figures(*Sun().on(TODAY)))


@every_version
def test_each_day_and_month_has_what_was_used_at_home(ask: Ask, packages: Packages) -> None:
    days = table(ask, packages, "history", "Solar, each day", site="sunny")
    months = table(ask, packages, "history", "Solar by month", site="sunny")

    for shown, label, wanted in (
        (days, "Day", {f"{day.day} {day:%b}": wh for day, wh in _days().items()}),
        (months, "Month", _months()),
    ):
        assert shown[label] == list(wanted)
        for n, wh in enumerate(wanted.values()):
            row = _row(shown, n)
            assert row == pytest.approx({name: _figures(*wh)[name] for name in row})
    assert set(days) == {"Day", "solar", "used at home"}


@every_version
def test_the_power_used_at_home_is_told_where_both_are_there(ask: Ask, packages: Packages) -> None:
    shown = table(ask, packages, "now", "Solar power", site="sunny")

    assert len(shown["solar"]) > 2
    assert [n * 0.75 for n in shown["solar"]] == pytest.approx(shown["used at home"])


@every_version
@pytest.mark.parametrize(
    ("dashboard", "title", "site"),
    [
        ("now", "Solar today", "clouded"),
        ("now", "Solar today", "dark"),
        ("now", "Solar power", "dark"),
        ("history", "Solar, each day", "dark"),
        ("history", "Solar by month", "dark"),
    ],
)
def test_without_the_sun_or_panels_there_is_nothing_but_the_words(
    ask: Ask, packages: Packages, dashboard: str, title: str, site: str
) -> None:
    assert not any(table(ask, packages, dashboard, title, site=site).values())


def _cell(influxd: Database, homes: str, title: str, site: str = "sunny") -> list[Row]:
    found = cell("now" if title in NOW_HAS else "history", title)
    return asked(influxd, homes, found, site, NOW, "-1h")


NOW_HAS: Final = (
    *(f"Solar today: {name}" for name in ("solar", "used at home", "share")),
    "Solar power",
)
HISTORY_HAS: Final = ("Solar, each day", "Solar by month")


def test_influxdbs_own_ui_has_the_same(influxd: Database, homes: str) -> None:
    wanted = _figures(*Sun().on(TODAY))
    for name, number in wanted.items():
        (row,) = _cell(influxd, homes, f"Solar today: {name}")
        part = 100 if name == "share" else 1
        assert float(row["_value"]) == pytest.approx(number * part, abs=6e-4)

    assert by_day(_cell(influxd, homes, "Solar, each day")) == {
        day: {"solar": made, "used at home": made - out} for day, (made, out) in _days().items()
    }
    months = _cell(influxd, homes, "Solar by month")
    assert [row["Month"] for row in months] == list(_months())
    for row, wh in zip(months, _months().values(), strict=True):
        figures = _figures(*wh)
        figures["share"] *= 100
        assert {name: float(row[name]) for name in figures} == pytest.approx(figures)


def test_influxdbs_own_ui_has_the_same_power(influxd: Database, homes: str) -> None:
    course: dict[str, dict[str, float]] = {}
    for row in _cell(influxd, homes, "Solar power"):
        course.setdefault(row["_time"], {})[row["_field"]] = float(row["_value"])

    assert len(course) > 2
    for at_once in course.values():
        assert at_once == pytest.approx(
            {"solar": at_once["solar"], "used at home": at_once["solar"] * 0.75}, abs=6e-4
        )


@pytest.mark.parametrize("title", [*NOW_HAS, *HISTORY_HAS])
def test_influxdbs_own_ui_has_nothing_where_nobody_puts_it(
    influxd: Database, homes: str, title: str
) -> None:
    assert not _cell(influxd, homes, title, "dark")
