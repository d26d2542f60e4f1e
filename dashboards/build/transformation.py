"""What InfluxQL cannot do is done in Grafana: calendar months, hours of the day, sums of sources.

Each function gives some of Grafana's transformations, to be put one after the other. The first
field of a query's table is `Time`; the others have the names that the query gives them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

Json = dict[str, Any]

DAY: Final = "D MMM"
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


def total(names: Sequence[str], alias: str = "total") -> Json:
    """A column with the sum of the others; one that is missing counts as nothing."""
    return _step(
        "calculateField",
        mode="reduceRow",
        reduce={"reducer": "sum", "include": list(names)},
        alias=alias,
        replaceFields=False,
    )


def per_calendar(
    pattern: str,
    label: str,
    names: Sequence[str],
    how: str = "sum",
    newest: int | None = None,
) -> list[Json]:
    """One row a month (or what `pattern` tells apart), each column taken together.

    With `newest`, so many, the newest first: the oldest that a range touches is not whole.
    """
    fields: Json = {name: {"aggregations": [how], "operation": "aggregate"} for name in names}
    fields["Time"] = {"aggregations": [], "operation": "groupby"}
    renamed = {"Time": label, **{f"{name} ({how})": name for name in names}}
    return [
        *([sorted_by("Time", descending=True)] if newest else []),
        written("Time", pattern),
        _step("groupBy", fields=fields),
        *([limited(newest)] if newest else []),
        ordered(list(renamed), renamed),
    ]


def summed_months(**columns: str) -> Json:
    """One row for each text in `Time`, each column taken together in its own way."""
    fields: Json = {
        n: {"aggregations": [how], "operation": "aggregate"} for n, how in columns.items()
    }
    fields["Time"] = {"aggregations": [], "operation": "groupby"}
    return _step("groupBy", fields=fields)


def once(*names: str) -> Json:
    """One row of those that are alike."""
    fields: Json = {name: {"aggregations": [], "operation": "groupby"} for name in names}
    return _step("groupBy", fields=fields)


def limited(count: int) -> Json:
    return _step("limit", limitField=count)


def side_by_side() -> Json:
    """The columns of all tables in one: their first rows belong together."""
    return _step("concatenate", frameNameMode="drop")


def computed(name: str, left: str | float, operator: str, right: str | float) -> Json:
    """A column from two others, or from one and a number."""
    return _step(
        "calculateField",
        mode="binary",
        binary={"left": _operand(left), "operator": operator, "right": _operand(right)},
        alias=name,
        replaceFields=False,
    )


def _operand(given: str | float) -> Json:
    if isinstance(given, str):
        return {"matcher": {"id": "byName", "options": given}}
    return {"fixed": str(given)}


def compared(now: str, before: str, difference: str) -> list[Json]:
    """How much more `now` is than `before`, as a part of it."""
    return [
        computed("ratio", now, "/", before),
        computed(difference, "ratio", "-", 1),
        ordered([now, before, difference], {}, hidden=["ratio"]),
    ]


def age(count: str, seconds: int) -> list[Json]:
    """From counts of equal times, the newest first: how long ago the last one that is not 0."""
    return [
        _step("calculateField", mode="index", alias="steps", replaceFields=False),
        above(count, 0),
        limited(1),
        computed("ago", "steps", "*", seconds),
    ]


def above(name: str, value: float) -> Json:
    """The rows in which it is more; none if there is no such column."""
    return _rows_with({"id": "greater", "options": {"value": value}}, name)


_KNOWN: Final[Json] = {"id": "isNotNull", "options": {}}


def known(*names: str) -> Json:
    """The rows in which nothing is missing: to arithmetic what is missing is nought."""
    return _rows_with(_KNOWN, *names)


def some_known(*names: str) -> Json:
    """The rows in which something is not missing."""
    return _rows_with(_KNOWN, *names, match="any")


def _rows_with(config: Json, *names: str, match: str = "all") -> Json:
    filters = [{"fieldName": name, "config": config} for name in names]
    return _step("filterByValue", filters=filters, type="include", match=match)


def quarter_to_come(demand: str, power: str, peak: str) -> list[Json]:
    """Of the newest telegram: how long its quarter hour still is, and how it may end.

    A quarter of the clock is one of UTC, so the time's milliseconds tell how far it has come.
    """
    floor = {"operator": "floor", "fieldName": "quarters"}
    return [
        computed("quarters", "Time", "/", 900_000),
        _step("calculateField", mode="unary", unary=floor, alias="begun", replaceFields=False),
        computed("passed", "quarters", "-", "begun"),
        computed("left passed", "passed", "*", -1),
        computed("part left", "left passed", "+", 1),
        computed("time left", "part left", "*", 900),
        computed("to come", power, "*", "part left"),
        computed("ends at", demand, "+", "to come"),
        computed("below the peak", peak, "-", demand),
        computed("room", "below the peak", "/", "part left"),
    ]


def trailing_mean(name: str, column: str, count: int) -> Json:
    """The mean of a row and those before it."""
    return _step(
        "calculateField",
        mode="windowFunctions",
        window={
            "field": column,
            "reducer": "mean",
            "windowAlignment": "trailing",
            "windowSize": count,
            "windowSizeMode": "fixed",
        },
        alias=name,
        replaceFields=False,
    )


def crossed(
    rows: tuple[str, str],
    across: tuple[str, str],
    name: str,
    how: str = "sum",
    order: Sequence[str] = (),
    newest: int | None = None,
) -> list[Json]:
    """A table of two parts of the calendar, `rows` down, `across` along: labels and patterns.

    `Time` is copied, so that each copy can be written in its own way.
    """
    (down, down_pattern), (_, along_pattern) = rows, across
    value = f"{name} ({how})"
    corner = f"{down}\\Time"  # the name of the first column, for those that show it
    return [
        *([sorted_by("Time", descending=True)] if newest else []),
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
        *([limited(newest), sorted_by("Time")] if newest else []),
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


def _copied(name: str, earlier: int = 0) -> list[Json]:
    """The time once more, under another name, so many milliseconds earlier."""
    return [
        computed(name, "Time", "-", earlier) if earlier else computed(name, "Time", "+", 0),
        _step(
            "convertFieldType",
            conversions=[{"targetField": name, "destinationType": "time"}],
            fields={},
        ),
    ]


def until_begin(name: str) -> list[Json]:
    """From the end of a quarter hour to its begin."""
    return _copied(name, 900_000)


def night_only(name: str) -> list[Json]:
    """Of the quarters of a day, those that begin at midnight."""
    return [
        *_copied("Begin"),
        written("Begin", "HH"),
        _rows_with({"id": "equal", "options": {"value": "00"}}, "Begin"),
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
