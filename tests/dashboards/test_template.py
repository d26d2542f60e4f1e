"""The template for InfluxDB's own UI: Grafana's panels once more, applied to a real server."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from math import inf
from threading import Thread
from typing import Final

import pytest

from bed.influxd import Database, Influxd, at
from dashboards.build import look
from dashboards.cells import DASHBOARDS, PRICES, TEMPLATE, Row, asked, cells
from dashboards.conftest import Year
from dashboards.homes import NOW
from dashboards.shipped import INFLUXDB, Json, dashboards, defaults, panels

TWICE: Final = {("collector", "Age of the backlog"), ("collector", "Delivered late")}
"""Titles that one dashboard has twice, as a number and as a course."""

KINDS: Final = {
    "gauge": {"Gauge"},
    "stat": {"Single_Stat"},
    "timeseries": {"Xy"},
    "barchart": {"Xy", "Table"},
    "table": {"Table"},
}
"""What a panel of Grafana's may be in InfluxDB's UI, where a number is one number."""


@pytest.mark.parametrize("name", dashboards())
def test_each_panel_of_grafanas_is_a_cell_with_the_same_words(name: str) -> None:
    of_grafana = {panel["title"]: panel for panel in panels(dashboards()[name])}
    titles = [cell["name"].partition(": ")[0] for cell in cells(name)]

    assert list(dict.fromkeys(titles)) == list(of_grafana)
    for cell, title in zip(cells(name), titles, strict=True):
        panel = of_grafana[title]
        if (name, title) in TWICE:
            continue
        assert cell["kind"] in KINDS[panel["type"]]
        assert cell["note"].startswith(panel["description"])
        assert panel["fieldConfig"]["defaults"]["noValue"].partition(" (")[0] in cell["note"]
        assert cell["noteOnEmpty"]


@pytest.mark.parametrize("name", DASHBOARDS)
def test_no_two_cells_lie_on_each_other(name: str) -> None:
    taken: set[tuple[int, int]] = set()
    for cell in DASHBOARDS[name]["charts"]:
        places = {
            (x, y)
            for x in range(cell["xPos"], cell["xPos"] + cell["width"])
            for y in range(cell["yPos"], cell["yPos"] + cell["height"])
        }
        assert not places & taken, cell["name"]
        assert max(x for x, _ in places) < 12
        taken |= places


def test_each_price_is_the_one_that_grafana_begins_with() -> None:
    grafana = {
        name: text
        for dashboard in dashboards().values()
        for name, text in defaults(dashboard).items()
        if name.startswith("price") or name in {"energy_tax", "standing", "zone", "fuse"}
    }

    assert grafana == PRICES


def ran(server: Database, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the script as a person does."""
    command = [sys.executable, str(INFLUXDB / "apply.py"), "--url", server.url]
    command += ["--org", server.org, *arguments]
    return subprocess.run(
        command, env={"INFLUX_TOKEN": server.token}, check=False, capture_output=True, text=True
    )


def test_a_server_that_is_away_is_told() -> None:
    done = ran(Database("http://127.0.0.1:1", "made-up", "home"))

    words = "error: nothing answers at http://127.0.0.1:1: connection refused\n"
    assert (done.returncode, done.stderr) == (1, words)


class _Page(BaseHTTPRequestHandler):
    """A proxy's login page, whatever is asked."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html><title>Sign in</title></html>")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Version1(_Page):
    """What InfluxDB 1 answers to a path that it does not have."""

    def do_GET(self) -> None:
        self.send_error(404, "404 page not found")


@contextmanager
def answering(handler: type[_Page]) -> Iterator[Database]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield Database(f"http://127.0.0.1:{server.server_port}", "made-up", "home")
        server.shutdown()


@pytest.mark.parametrize(
    ("handler", "words"),
    [
        (_Page, "is not InfluxDB's API but a page or a proxy: give --url what the collector has"),
        (_Version1, "the dashboards here are for the UI of InfluxDB 2 and its cloud"),
    ],
)
def test_another_server_is_told_from_influxdb_2(handler: type[_Page], words: str) -> None:
    with answering(handler) as server:
        done = ran(server)

    _is_one_sentence(done, words)


def _is_one_sentence(done: "subprocess.CompletedProcess[str]", words: str) -> None:
    assert words in done.stderr
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


def test_an_old_python_is_told_before_it_stumbles() -> None:
    script = INFLUXDB / "apply.py"
    ast.parse(script.read_text(), feature_version=(3, 7))
    old = f"import sys, runpy; sys.version_info = (3, 9); runpy.run_path({str(script)!r})"
    done = subprocess.run([sys.executable, "-c", old], check=False, capture_output=True, text=True)

    _is_one_sentence(done, "Python 3.11 or later is needed")


@pytest.mark.influxdb
@pytest.mark.timeout(600)
def test_what_the_person_named_wrongly_is_said_in_one_sentence(own_influxd: Influxd) -> None:
    server = own_influxd
    server.new_bucket("house")
    reader = Database(server.url, server.write_token("house").text, server.org)

    _is_one_sentence(
        ran(server, "--bucket", "hose"), "no bucket `hose` in p1, which has first, house"
    )
    _is_one_sentence(ran(reader, "--bucket", "house"), "make one under Load Data, API Tokens")
    _is_one_sentence(
        ran(Database(server.url, "made-up", server.org)), "the token may not do that (401"
    )
    _is_one_sentence(
        ran(Database(server.url, server.token, "nobody")), "there is no organisation `nobody`"
    )
    assert made(server)["dashboards"] == []


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


@pytest.mark.influxdb
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_applied_twice_it_leaves_one_of_each_and_it_can_be_removed(own_influxd: Influxd) -> None:
    own_influxd.new_bucket("house")
    for told in (", the bucket p1-long", ""):
        done = ran(own_influxd, "--bucket", "house")
        assert (done.returncode, done.stderr) == (0, "")
        did = "made" if told else "brought up to date"
        first = done.stdout.splitlines()[0]
        assert first == f"{did} in p1: 6 dashboards, 11 variables, 2 checks, 1 task{told}"

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
    _keeps_what_the_template_says(own_influxd)

    assert ran(own_influxd, "--remove").stdout.startswith("took away all that p1-collector")
    left = made(own_influxd)
    assert left.pop("buckets") == ["first", "house", "p1-long"]
    assert set(map(tuple, left.values())) == {()}
    assert ran(own_influxd, "--remove").stderr.startswith("error: there is no stack")
    assert ran(own_influxd, "--bucket", "house").returncode == 0
    assert made(own_influxd)["dashboards"] == wanted({"Dashboard"})


def _keeps_what_the_template_says(server: Database) -> None:
    """A property that the server does not know it drops without a word."""
    found = server.request("GET", at("/api/v2/dashboards", limit="100")).json["dashboards"]
    for dashboard in found:
        (spec,) = (each for each in DASHBOARDS.values() if each["name"] == dashboard["name"])
        kept = [_view(server, dashboard["id"], each["id"]) for each in dashboard["cells"]]
        assert len(kept) == len(spec["charts"])
        for chart in spec["charts"]:
            assert any(_is_of(chart, view) for view in kept), chart["name"]


def _view(server: Database, dashboard: str, cell: str) -> Json:
    answer = server.request("GET", f"/api/v2/dashboards/{dashboard}/cells/{cell}/view")
    view: Json = answer.json
    return view


def _is_of(chart: Json, view: Json) -> bool:
    """Tell whether a view is this chart, with its words, query, look and colours."""
    kept = view["properties"]
    if "queries" not in kept or "queries" not in chart:
        return bool(chart["kind"] == "Markdown" and kept["note"] == chart["note"])
    (query,) = chart["queries"]
    (text,) = (each["text"] for each in kept["queries"])
    return bool(
        view["name"] == chart["name"]
        and kept["note"] == chart["note"]
        and kept["showNoteWhenEmpty"]
        and text.strip() == query["query"].strip()
        and kept["colors"]
        and [(c["hex"], float(c["value"])) for c in kept["colors"]]
        == [(c["hex"], float(c["value"])) for c in chart["colors"]]
        and kept.get("geom", "") == chart.get("geom", "")
        and kept.get("position", "") == chart.get("position", "")
        and kept.get("shadeBelow", False) == chart.get("shade", False)
        and [each["internalName"] for each in kept.get("fieldOptions", [])]
        == [each["fieldName"] for each in chart.get("fieldOptions", [])]
        and kept.get("decimalPlaces", {}).get("digits") == chart.get("decimalPlaces")
        and _bounds(kept) == _bounds(chart)
        and kept.get("tableOptions", {}).get("sortBy", {}).get("internalName", "")
        == chart.get("tableOptions", {}).get("sortBy", "")
    )


@pytest.mark.influxdb
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_wrong_address_is_said_in_words(own_influxd: Influxd) -> None:
    own_influxd.stop()

    done = ran(own_influxd)

    assert done.returncode == 1
    assert done.stderr.startswith(f"error: nothing answers at {own_influxd.url}")


def _bounds(of: Json) -> list[str]:
    """What the axis upwards has at least; nothing where it follows its values."""
    axes = of.get("axes") or {}
    axis = axes.get("y", {}) if isinstance(axes, dict) else axes[1]
    return [each for each in axis.get("bounds", []) if each]


NOT_SENT: Final = {
    *("Heat, each day", "Cooling, each day", "Reactive power", "Messages", "Frequency"),
    *("Power factor", "Solar today", "Solar power", "Solar, each day", "Solar by month"),
}
"""What neither household has."""

EMPTY: Final = {
    "utrecht": {
        *("Water today", "Water, each day", "Running quarter hour", "Peak of this month"),
        *("Mean of twelve months", "That costs in a year", "The running quarter and the peak"),
        *("The month peaks", "Until the quarter hour ends", "Capacity tariff"),
        *(
            f"Price of this quarter hour: {way}tariff {n}"
            for way in ("", "export ")
            for n in (1, 2)
        ),
    },
    "gent": {
        *("Voltage sags", "Voltage swells", "Power failures", "Log of the long failures"),
        *(f"Price of this quarter hour: {way}" for way in ("import", "export")),
        *("Price of a kWh", "The next 24 hours", "Cheapest and dearest to come"),
    },
}
"""What one of them does not have."""


@pytest.mark.influxdb
@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("site", EMPTY)
@pytest.mark.parametrize("name", DASHBOARDS)
def test_every_cell_is_answered(collectors: Year, name: str, site: str) -> None:
    """Over the time that Grafana's dashboard begins with, whose end is now."""
    span = dashboards()[name]["time"]["from"].removeprefix("now").removesuffix("/d")
    for shown in cells(name):
        rows = asked(collectors.influxd, collectors.bucket, shown, site, NOW, span)

        title = shown["name"].partition(": ")[0]
        nothing = not {title, shown["name"]}.isdisjoint(NOT_SENT | EMPTY[site])
        assert bool(rows) != nothing, shown["name"]
        if rows and shown["kind"] == "Xy":
            _goes_on(rows)
            least = next((float(each) for each in _bounds(shown)), -inf)
            assert min(float(row["_value"]) for row in rows) >= least, shown["name"]
            # With several sites a series is named for its own, and all have the colour of one.
            series = dict.fromkeys(row["_field"].rpartition(": ")[2] for row in rows)
            colours = [each["hex"] for each in shown["colors"]]
            wanted = [look.SERIES.get(each, look.PLAIN) for each in series]
            sites = {row["_field"].rpartition(": ")[0] for row in rows}
            assert colours[: len(wanted) * len(sites)] == wanted * len(sites)


def _goes_on(rows: Sequence[Row]) -> None:
    """Within a series each point is later than the one before, else the line runs back."""
    for before, after in pairwise(rows):
        if before["_field"] == after["_field"]:
            assert before["_time"] < after["_time"], before["_field"]
