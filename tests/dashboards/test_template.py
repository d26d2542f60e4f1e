"""The template for InfluxDB's own UI: applied to a real server, and its queries run there."""

import json
import re
import subprocess
import sys
from datetime import date, datetime, timedelta
from typing import Final

import pytest

from bed.influxd import Database, Influxd, Row, at
from collector.simulate.localtime import local, midnight
from dashboards.books import Books
from dashboards.conftest import Year
from dashboards.homes import FIRST, NOW
from dashboards.shipped import INFLUXDB, Json

pytestmark = [pytest.mark.influxdb, pytest.mark.slow, pytest.mark.timeout(900)]

TEMPLATE: Final[list[Json]] = json.loads((INFLUXDB / "p1-collector.json").read_text())
PRICES: Final = {
    resource["spec"]["name"]: resource["spec"]["selected"][0]
    for resource in TEMPLATE
    if resource["kind"] == "Variable" and resource["spec"]["type"] == "constant"
}
CELLS: Final = {
    f"{resource['spec']['name']}: {cell['name']}": cell["queries"]
    for resource in TEMPLATE
    if resource["kind"] == "Dashboard"
    for cell in resource["spec"]["charts"]
}
NOT_THERE: Final = {"P1 · Collector": "both", "P1 · Peak demand": "utrecht"}
"""Dashboards without data: of a running collector, and of a meter without peaks."""


def ran(server: Database, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the script as a person does."""
    command = [sys.executable, str(INFLUXDB / "apply.py"), "--url", server.url]
    command += ["--org", server.org, *arguments]
    return subprocess.run(
        command, env={"INFLUX_TOKEN": server.token}, check=False, capture_output=True, text=True
    )


def made(server: Database) -> dict[str, list[str]]:
    """What is in the organisation, by kind."""
    (org,) = server.request("GET", at("/api/v2/orgs", org=server.org)).json["orgs"]
    kinds = ("dashboards", "variables", "labels", "tasks", "checks", "buckets")
    names = {}
    for kind in kinds:
        answer = server.request("GET", at(f"/api/v2/{kind}", orgID=org["id"], limit="100"))
        found = sorted(each["name"] for each in answer.json[kind])
        names[kind] = [name for name in found if not name.startswith("_")]
    return names


def wanted(kinds: set[str]) -> list[str]:
    return sorted(each["spec"]["name"] for each in TEMPLATE if each["kind"] in kinds)


def test_applied_twice_it_leaves_one_of_each_and_it_can_be_removed(own_influxd: Influxd) -> None:
    own_influxd.new_bucket("house")
    for _ in range(2):
        done = ran(own_influxd, "--bucket", "house")
        assert (done.returncode, done.stderr) == (0, "")

        assert made(own_influxd) == {
            "dashboards": wanted({"Dashboard"}),
            "variables": wanted({"Variable"}),
            "labels": wanted({"Label"}),
            "tasks": wanted({"Task"}),
            "checks": wanted({"CheckDeadman", "CheckThreshold"}),
            "buckets": ["first", "house", "p1-long"],
        }
    (task,) = own_influxd.request("GET", "/api/v2/tasks").json["tasks"]
    assert set(re.findall(r'from\(bucket: "(.*?)"\)', task["flux"])) == {"house"}

    assert ran(own_influxd, "--remove").returncode == 0
    left = made(own_influxd)
    assert left.pop("buckets") == ["first", "house", "p1-long"]
    assert set(map(tuple, left.values())) == {()}
    assert ran(own_influxd, "--remove").stderr.startswith("error: there is no stack")
    assert ran(own_influxd, "--bucket", "house").returncode == 0
    assert made(own_influxd)["dashboards"] == wanted({"Dashboard"})


def test_a_wrong_address_is_said_in_words(own_influxd: Influxd) -> None:
    own_influxd.stop()

    done = ran(own_influxd)

    assert done.returncode == 1
    assert done.stderr.startswith(f"error: no InfluxDB at {own_influxd.url}")


def asked(year: Year, query: str, site: str, begin: datetime, end: datetime) -> list[Row]:
    """Run a cell's query with the variables as the UI hands them over."""
    texts = {"bucket": year.bucket, "site": site, **PRICES}
    known = ", ".join(f"{name}: {json.dumps(text)}" for name, text in texts.items())
    option = (
        f"option v = {{timeRangeStart: {_flux(begin)}, timeRangeStop: {_flux(end)},"
        f" windowPeriod: 10m, {known}}}\n"
    )
    imports, rest = _split(query)
    return year.influxd.flux(imports + option + rest)


def _split(query: str) -> tuple[str, str]:
    """Imports come before everything else."""
    lines = query.splitlines(keepends=True)
    imports = [line for line in lines if line.startswith("import ")]
    return "".join(imports), "".join(line for line in lines if line not in imports)


def _flux(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize("site", ["utrecht", "gent"])
@pytest.mark.parametrize("name", CELLS)
def test_every_cell_is_answered(year: Year, name: str, site: str) -> None:
    dashboard, _, title = name.partition(": ")
    for query in CELLS[name]:
        rows = asked(year, query["query"], site, NOW - timedelta(days=1), NOW)

        empty = NOT_THERE.get(dashboard) in {site, "both"}
        if not empty and (site, title) != ("gent", "Long power failures"):
            assert [row for row in rows if row["_value"]], query["query"]


def cell(dashboard: str, title: str) -> str:
    query: str = CELLS[f"P1 · {dashboard}: {title}"][0]["query"]
    return query


@pytest.mark.parametrize("site", ["utrecht", "gent"])
def test_the_days_are_those_of_the_books(year: Year, site: str) -> None:
    books = Books.load(year.files / site / "books.json")
    rows = asked(year, cell("History", "Each day"), site, midnight(FIRST), NOW)

    shown: dict[tuple[date, str], int] = {}
    for row in rows:
        shown[_day(row), row["_field"]] = round(float(row["_value"]) * 1000)
    days = [FIRST + timedelta(days=n) for n in range(399)]
    for day in days:
        used = books.on(day)
        got = shown[day, "energy_import_kwh"], shown[day, "energy_export_kwh"]
        assert got == (used.imported, used.exported), day


@pytest.mark.parametrize("site", ["utrecht", "gent"])
def test_the_months_are_those_of_the_books(year: Year, site: str) -> None:
    books = Books.load(year.files / site / "books.json")
    rows = asked(year, cell("History", "Each month"), site, NOW - timedelta(days=1), NOW)

    shown = {
        _day(row).strftime("%Y-%m"): round(float(row["_value"]) * 1000)
        for row in rows
        if row["_field"] == "energy_import_kwh"
    }
    months = [date(2025 + n // 12, n % 12 + 1, 1) for n in range(8, 21)]
    assert {month.strftime("%Y-%m"): shown[month.strftime("%Y-%m")] for month in months} == {
        month.strftime("%Y-%m"): books.used(midnight(month), midnight(_next(month))).imported
        for month in months
    }


def _next(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


def _day(row: Row) -> date:
    return local(datetime.fromisoformat(row["_time"])).date()


def test_the_task_keeps_what_it_says(year: Year) -> None:
    """The task's own words, with its two days laid where the year has some."""
    (task,) = (each["spec"]["query"] for each in TEMPLATE if each["kind"] == "Task")
    long = year.influxd.new_bucket("year-long")
    begin = NOW - timedelta(days=2)
    span = f"start: {_flux(begin)}, stop: {_flux(NOW)}"
    query = task.replace("start: -2d", span).replace('bucket: "p1-long"', f'bucket: "{long}"')
    year.influxd.flux(query.replace('bucket: "p1"', f'bucket: "{year.bucket}"'))

    kept = {
        (row["_measurement"], row["site"])
        for row in year.influxd.flux(
            f'from(bucket: "{long}") |> range({span}) |> count() |> keep(columns:'
            ' ["_measurement", "site"]) |> group() |> unique(column: "_measurement")'
        )
    }
    assert {"readings", "gas", "electricity"} <= {measurement for measurement, _ in kept}
    count = year.influxd.influxql(long, 'SELECT count("energy_import_kwh") AS "n" FROM "readings"')
    assert count[0]["n"] == 2 * 192
