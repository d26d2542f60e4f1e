"""What InfluxQL cannot do is done in Grafana: calendar months, hours of the day, sums of sources.

Each function gives some of Grafana's transformations, to be put one after the other. The first
field of a query's table is `Time`; the others have the names that the query gives them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

Json = dict[str, Any]

MONTH: Final = "YYYY-MM"
YEAR: Final = "YYYY"
WEEK: Final = "GGGG-[W]WW"
ZONE: Final = "Europe/Amsterdam"
"""The dashboards' time zone: Grafana takes no variable here."""


def _step(name: str, **options: Any) -> Json:
    return {"id": name, "options": options}


def written(field: str, pattern: str) -> Json:
    """The times of `field` as texts."""
    # `useTimezone` is what Grafana 11.0 knows instead.
    return _step(
        "formatTime", timeField=field, outputFormat=pattern, timezone=ZONE, useTimezone=True
    )


def joined() -> Json:
    """The tables of several queries beside each other, by time."""
    return _step("joinByField", byField="Time", mode="outer")


def total(names: Sequence[str]) -> Json:
    """A column with the sum of the others; one that is missing counts as nothing."""
    return _step(
        "calculateField",
        mode="reduceRow",
        reduce={"reducer": "sum", "include": list(names)},
        alias="total",
        replaceFields=False,
    )


def per_calendar(pattern: str, label: str, names: Sequence[str], how: str = "sum") -> list[Json]:
    """One row a month (or what `pattern` tells apart), each column taken together."""
    fields: Json = {name: {"aggregations": [how], "operation": "aggregate"} for name in names}
    fields["Time"] = {"aggregations": [], "operation": "groupby"}
    renamed = {"Time": label, **{f"{name} ({how})": name for name in names}}
    return [
        written("Time", pattern),
        _step("groupBy", fields=fields),
        ordered(list(renamed), renamed),
    ]


def crossed(
    rows: tuple[str, str],
    across: tuple[str, str],
    name: str,
    how: str = "sum",
    order: Sequence[str] = (),
) -> list[Json]:
    """A table of two parts of the calendar, `rows` down, `across` along: labels and patterns.

    `Time` is copied, so that each copy can be written in its own way.
    """
    (down, down_pattern), (_, along_pattern) = rows, across
    value = f"{name} ({how})"
    corner = f"{down}\\Time"  # the name of the first column, for those that show it
    return [
        *_copied(down),
        written(down, down_pattern),
        written("Time", along_pattern),
        _step(
            "groupBy",
            fields={
                "Time": {"aggregations": [], "operation": "groupby"},
                down: {"aggregations": [], "operation": "groupby"},
                name: {"aggregations": [how], "operation": "aggregate"},
            },
        ),
        _step(
            "groupingToMatrix",
            columnField="Time",
            rowField=down,
            valueField=value,
            emptyValue="null",
        ),
        ordered([corner, down, *order], {corner: down}),
        _step("sortBy", fields={}, sort=[{"field": down}]),
    ]


def _copied(name: str) -> list[Json]:
    """The time once more, under another name."""
    return [
        _step(
            "calculateField",
            mode="binary",
            binary={
                "left": {"matcher": {"id": "byName", "options": "Time"}},
                "operator": "+",
                "right": {"fixed": "0"},
            },
            alias=name,
            replaceFields=False,
        ),
        _step(
            "convertFieldType",
            conversions=[{"targetField": name, "destinationType": "time"}],
            fields={},
        ),
    ]


def night_only(name: str) -> list[Json]:
    """Of the quarters of a day, those that begin at midnight."""
    return [
        *_copied("Begin"),
        written("Begin", "HH"),
        _step(
            "filterByValue",
            filters=[
                {"fieldName": "Begin", "config": {"id": "equal", "options": {"value": "00"}}}
            ],
            type="include",
            match="any",
        ),
        ordered(["Time", name], {}, hidden=["Begin"]),
    ]


def merged() -> Json:
    """The rows of several queries under each other."""
    return _step("merge")


def sorted_by(field: str, *, descending: bool = False) -> Json:
    return _step("sortBy", fields={}, sort=[{"field": field, "desc": descending}])


def ordered(order: Sequence[str], renamed: Mapping[str, str], hidden: Sequence[str] = ()) -> Json:
    """Names, and the order of the columns by the names that they have before."""
    return _step(
        "organize",
        excludeByName=dict.fromkeys(hidden, True),
        indexByName={name: n for n, name in enumerate(order)},
        renameByName=dict(renamed),
    )
