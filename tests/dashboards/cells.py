"""Cells of the template for InfluxDB's own UI, and their queries as the UI would send them.

The UI sends a cell's query as it is, and beside it a file that defines `v`: the time range and the
variables.
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

from bed.influxd import Database, at
from collector.simulate.localtime import local
from dashboards.shipped import INFLUXDB, Json

Row = Mapping[str, str]

TEMPLATE: Final[list[Json]] = json.loads((INFLUXDB / "p1-collector.json").read_text())
DASHBOARDS: Final[dict[str, Json]] = {
    resource["metadata"]["name"].removeprefix("p1-"): resource["spec"]
    for resource in TEMPLATE
    if resource["kind"] == "Dashboard"
}
PRICES: Final[dict[str, str]] = {
    resource["spec"]["name"]: resource["spec"]["selected"][0]
    for resource in TEMPLATE
    if resource["kind"] == "Variable" and resource["spec"]["type"] == "constant"
}
"""The variables that are lists, the prices and the time zone, as they are when nobody chose."""


def cells(dashboard: str) -> list[Json]:
    charts: list[Json] = DASHBOARDS[dashboard]["charts"]
    return charts


def cell(dashboard: str, title: str, kind: str = "") -> Json:
    (found,) = (
        each for each in cells(dashboard) if each["name"] == title and kind in {"", each["kind"]}
    )
    return found


class QueryError(Exception):
    """What the server said about a query."""


def asked(
    influxd: Database,
    bucket: str,
    shown: Json,
    site: str,
    now: datetime,
    begin: datetime | str,
    end: datetime | None = None,
    **values: str,
) -> list[Row]:
    """Ask a cell's query: over some time, or over so much before `now`, such as `-30d`."""
    (query,) = shown["queries"]
    known = {"bucket": bucket, "site": site, **PRICES, **values}
    texts = ", ".join(f"{name}: {json.dumps(text)}" for name, text in known.items())
    start = begin if isinstance(begin, str) else written(begin)
    stop = written(end) if end else "now()"
    span = f"timeRangeStart: {start}, timeRangeStop: {stop}, windowPeriod: 10m"
    parsed = _posted(influxd, "/api/v2/query/ast", {"query": f"option v = {{{span}, {texts}}}"})
    body = {
        "query": query["query"],
        "extern": json.loads(parsed)["ast"]["files"][0],
        "now": written(now),
        "dialect": {"annotations": []},
    }
    tables = _posted(influxd, at("/api/v2/query", org=influxd.org), body)
    return [
        {name: text for name, text in row.items() if name not in {"", "result", "table"}}
        for table in tables.replace("\r\n", "\n").split("\n\n")
        for row in csv.DictReader(io.StringIO(table))
    ]


def _posted(influxd: Database, path: str, body: Mapping[str, Any]) -> str:
    answer = influxd.request("POST", path, body, headers={"Accept": "application/csv"})
    text = answer.body.decode()
    if answer.status != 200 or "error" in text.partition("\n")[0].split(","):
        raise QueryError(f"{text}\n{body['query']}")
    return text


def written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def clock(row: Row) -> datetime:
    """What the household's clock says at the time of a row."""
    return local(datetime.fromisoformat(row["_time"]))


def bars(rows: Sequence[Row]) -> list[Row]:
    """One row for each bar; it is drawn as four points: 0, v, v, 0."""
    series: dict[str, list[Row]] = {}
    for row in rows:
        series.setdefault(row["_field"], []).append(row)
    for drawn in series.values():
        heights = [float(row["_value"]) for row in drawn]
        assert len(heights) % 4 == 0
        assert heights[1::4] == heights[2::4]
        assert not any(heights[0::4] + heights[3::4])
    return [row for drawn in series.values() for row in drawn[1::4]]


def by_day(rows: Sequence[Row]) -> dict[date, dict[str, int]]:
    """Thousandths of each series, by the day of the household's clock."""
    found: dict[date, dict[str, int]] = {}
    for row in bars(rows):
        found.setdefault(clock(row).date(), {})[row["_field"]] = round(float(row["_value"]) * 1000)
    return found
