"""Panels' queries, asked of a real InfluxDB: the answers as Grafana's data source makes frames."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from bed.influxd import Answer, Database, at
from dashboards.homes import NOW
from dashboards.node import Packages
from dashboards.shipped import Json, dashboards, defaults, panel, range_of, sent

Series = list[dict[str, Any]]
Ask = Callable[[str], Series]
Table = dict[str, list[Any]]

KINDS: Final = {str: "string", bool: "boolean"}


class QueryError(Exception):
    """What the server said about a query."""


def of(influxd: Database, bucket: str) -> Ask:
    """Ask in InfluxQL; in version 2 a database of the bucket's name maps to the bucket."""
    return lambda query: _series(
        influxd.request("GET", at("/query", db=bucket, q=query, epoch="ms")), query
    )


def _series(answer: Answer, query: str) -> Series:
    content = json.loads(answer.body)
    results = content.get("results", [{}])
    error = content.get("error") or results[0].get("error")
    if answer.status != 200 or error:
        raise QueryError(f"{error or answer}\n{query}")
    series: Series = results[0].get("series", [])
    return series


def frame(series: Series, letter: str) -> Json:
    """One table of all series: time, tags, values, as for a query that asks for a table."""
    rows = [(one.get("tags", {}), row) for one in series for row in one["values"]]
    columns: dict[str, list[Any]] = {"Time": [row[0] for _, row in rows]}
    for tag in series[0].get("tags", {}):
        columns[tag] = [tags[tag] for tags, _ in rows]
    for number, name in enumerate(series[0]["columns"][1:], start=1):
        columns[name] = [row[number] for _, row in rows]
    fields = [
        {"name": name, "type": "time" if name == "Time" else _kind(values), "values": values}
        for name, values in columns.items()
    ]
    return {"refId": letter, "fields": fields}


def _kind(values: list[Any]) -> str:
    known = next((value for value in values if value is not None), 0)
    return KINDS.get(type(known), "number")


def answers(ask: Ask, dashboard: str, shown: Json, values: Mapping[str, str]) -> dict[str, Series]:
    """Ask every query of a panel, over its own time range, as at the end of the year."""
    made = dashboards()[dashboard]
    span = range_of(shown, made, NOW)
    known = {**defaults(made), **values}
    return {
        target["refId"]: ask(sent(target["query"], span, known)) for target in shown["targets"]
    }


def table(ask: Ask, packages: Packages, dashboard: str, title: str, **values: str) -> Table:
    """Give what a panel of one table shows, its transformations run by Grafana's code."""
    shown = panel(dashboard, title)
    given = answers(ask, dashboard, shown, values)
    frames = [frame(series, letter) for letter, series in given.items() if series]
    job = {"frames": frames, "transformations": shown.get("transformations", [])}
    ((made, *others),) = packages.transformed([job])
    assert not others, "more than one table"
    return {field["name"]: field["values"] for field in made["fields"]}
