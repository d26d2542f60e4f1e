"""Every query of every panel, asked of real servers with a year of two households in them."""

import math
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import pytest

from bed import influxdb
from bed.influxd import Database
from collector.simulate.localtime import midnight
from dashboards.asked import Ask, Series, answers, frame, of
from dashboards.collectors import LATE
from dashboards.conftest import DATABASE, Year
from dashboards.homes import FAILURE_END, FAILURE_SECONDS, FIRST, NOW
from dashboards.node import Packages
from dashboards.shipped import Range, dashboards, defaults, panels, sent

pytestmark = [pytest.mark.influxdb, pytest.mark.slow, pytest.mark.timeout(1800)]

DASHBOARDS: Final = dashboards()
NOT_SENT: Final = re.compile(
    r'"heat"|"cooling"|"solar"|"message"|frequency_hz|power_factor|reactive|FROM "collector"'
)
"""What neither household has, or only a running collector: see below."""

SITES: Final = {
    "utrecht": re.compile(
        r'"water"|demand_|capacity'
        r'|_t1_price" [+-] "(?:energy_tax|export_fee)" AS "(?:p|.*tariff )1"'
    ),
    "gent": re.compile(
        r'power_failure|voltage_s|port_price"|"netting"|"price" FROM "gas"|import_price'
    ),
}
"""What one of them does not have; in Utrecht no price of a tariff is in force now."""


def _values(name: str, site: str) -> dict[str, str]:
    return {**defaults(DASHBOARDS[name]), "site": site}


@pytest.mark.parametrize("version", [influxdb.FIRST.version, influxdb.NEWEST.version])
@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("name", DASHBOARDS)
def test_every_query_is_answered_alike_by_each_version(
    year: Year, loaded: Callable[[str], Database], name: str, site: str, version: str
) -> None:
    two, one = of(year.influxd, year.bucket), of(loaded(version), DATABASE)
    for panel in panels(DASHBOARDS[name]):
        of_two, of_one = (answers(ask, name, panel, {"site": site}) for ask in (two, one))
        for target in panel["targets"]:
            got, query = of_two[target["refId"]], target["query"]
            if 'FROM "collector"' in query:
                continue
            assert _rounded(got) == _rounded(of_one[target["refId"]]), query
            if not NOT_SENT.search(query) and not SITES[site].search(query):
                assert _numbers(got), query


def _rounded(series: Series) -> list[Any]:
    """The rows without the last bits, in which sums may differ."""
    return [
        [
            one.get("tags"),
            one["columns"],
            [[_short(value) for value in row] for row in one["values"]],
        ]
        for one in series
    ]


def _short(value: Any) -> Any:
    return round(value, 6) + 0.0 if isinstance(value, float) else value


def _numbers(series: Series) -> list[float]:
    """What is there to be drawn."""
    numbers = [n for one in series for row in one["values"] for n in row[1:] if n is not None]
    return [n for n in numbers if not isinstance(n, float) or math.isfinite(n)]


@pytest.mark.parametrize("name", DASHBOARDS)
def test_variables_and_annotations_are_answered(year: Year, name: str) -> None:
    ask = of(year.influxd, year.bucket)
    span = Range(midnight(FIRST), NOW)
    found = {
        variable["name"]: {row[1] for row in one["values"]}
        for variable in DASHBOARDS[name]["templating"]["list"]
        if variable["type"] == "query"
        for one in ask(sent(variable["query"], span, _values(name, "utrecht")))
    }

    assert found["site"] == {"utrecht", "gent"}
    if name != "collector":
        assert found["meter"] == {"E0000000000000031", "E0000000000000032"}
    for annotation in DASHBOARDS[name]["annotations"]["list"]:
        if "target" in annotation:
            (one,) = ask(sent(annotation["target"]["query"], span, _values(name, "utrecht")))
            assert one["values"] == [[int(FAILURE_END.timestamp() * 1000), FAILURE_SECONDS]]


def test_the_collectors_dashboard_tells_an_outage_and_what_came_late(
    collectors: Year, packages: Packages
) -> None:
    ask = of(collectors.influxd, collectors.bucket)
    shown = {
        f"{panel['type']} {panel['title']}": answers(ask, "collector", panel, {})["A"]
        for panel in panels(DASHBOARDS["collector"])
    }

    assert shown["stat Rejected, dropped, damaged"][0]["values"][0][1] == 1
    assert shown["stat Bad checksums"][0]["values"][0][1] == 3
    assert shown["stat Delivered late"][0]["values"][0][1] == LATE
    lags = {
        one["tags"]["site"]: max(row[1] for row in one["values"] if row[1] is not None)
        for one in shown["timeseries Age of the backlog"]
    }
    assert lags == {"utrecht": 3 / 60, "gent": 59}  # minutes
    ((table,),) = packages.transformed(
        [{"frames": [frame(shown["table Collectors"], "A")], "transformations": []}]
    )
    hosts = {field["name"]: field["values"] for field in table["fields"]}
    assert dict(zip(hosts["site"], hosts["rejected"], strict=True)) == {"gent": 1, "utrecht": 0}
    seen = frame(shown["table Last reading of each meter"], "A")
    assert len(seen["fields"][0]["values"]) == 2


def test_a_range_that_ends_at_midnight_has_its_last_quarter_hour(year: Year) -> None:
    """Grafana ends a day at 23:59:59.999, before the reading that closes it."""
    ask: Ask = of(year.influxd, year.bucket)
    (panel,) = (p for p in panels(DASHBOARDS["history"]) if p["title"] == "Electricity, each day")
    day = midnight(FIRST)
    short = Range(day, day + timedelta(days=1, milliseconds=-1))
    longer = Range(day, NOW)
    query = panel["targets"][0]["query"]

    first = [
        ask(sent(query, span, _values("history", "gent")))[0]["values"][0]
        for span in (short, longer)
    ]
    assert first[0] == pytest.approx(first[1])
