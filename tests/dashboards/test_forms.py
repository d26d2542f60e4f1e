"""Every query has a form that InfluxDB 3 answers as 1 and 2 do, and in a bounded time."""

import re
from collections.abc import Iterator
from typing import Final

import pytest

from dashboards.homes import NOW
from dashboards.shipped import Json, Range, dashboards, defaults, panels, sent
from dashboards.test_provisioning import QUERIES

DASHBOARDS: Final = dashboards()
SPAN: Final = Range(NOW, NOW)
AGGREGATES: Final = r"(?:sum|mean|max|min|last|count|spread)\("


def _texts() -> Iterator[tuple[str, str]]:
    for name, dashboard in DASHBOARDS.items():
        values = defaults(dashboard)
        for label, query in _asked(dashboard):
            yield f"{name}: {label}", sent(query, SPAN, values)
    for number, query in enumerate(QUERIES):
        yield f"alert {number}", sent(query, SPAN, {})


def _asked(dashboard: Json) -> Iterator[tuple[str, str]]:
    """Every query of a dashboard, with what it is for."""
    for panel in panels(dashboard):
        for target in panel["targets"]:
            yield f"{panel['title']} {target['refId']}", target["query"]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["name"], variable["query"]
    for annotation in dashboard["annotations"]["list"]:
        if "target" in annotation:
            yield annotation["name"], annotation["target"]["query"]


TEXTS: Final = dict(_texts())
every_query: Final = pytest.mark.parametrize("query", TEXTS.values(), ids=TEXTS)


@every_query
def test_no_number_stands_alone_in_brackets(query: str) -> None:
    """Version 3 takes `(0.12)` for a sub-query without a field."""
    assert not re.search(r"(?<!\w)\(\s*-?\d+(\.\d+)?\s*\)", query)


@every_query
def test_the_measurements_themselves_are_asked_for_a_range(query: str) -> None:
    """A range outside of `tz()` leaves no file out: version 3 then reads them all."""
    for table in re.split(r'FROM "\w+"', query)[1:]:
        own = table.split(")")[0].split(" GROUP BY ")[0]
        assert re.search(r"\btime >=? ", own), query


@every_query
def test_a_zone_is_named_only_where_the_household_s_days_matter(query: str) -> None:
    intervals = re.findall(r" time\((\w+)", query)
    if " tz(" in query:
        # Nights are quarters of a day. Prices are joined to use by the hour or the quarter of one.
        assert intervals[-1] in {"1d", "6h"}
        assert set(intervals[:-1]) <= {"1h", "15m"}


@every_query
def test_a_comparison_has_a_column_that_was_made_a_level_below(query: str) -> None:
    """Version 3 plans no comparison with a difference of sums that its own FROM makes."""
    compared = re.search(r'FROM \((.*)\) WHERE "(\w+)" [<>]', query)
    if compared:
        made = compared[1].split(" FROM ")[0]
        assert f'AS "{compared[2]}"' in made
        assert not re.search(AGGREGATES, made)
