"""Rows as CSV, with local time beside UTC, or as the line protocol that they once were."""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, TextIO

from collector.commands.export.query import Row, Schema
from collector.commands.output import visible
from collector.errors import UsageError
from collector.p1.telegram import Value
from collector.p1.time import local
from collector.points import line_of

TIME: Final = "time"
LOCAL: Final = "local_time"
_FORMULA: Final = re.compile(r"(^|[\n,;|])([\s\"']*[=+\-@\uff1d\uff0b\uff0d\uff20])")


def columns(wanted: str | None, schema: Schema) -> list[str]:
    """Give the columns of a CSV file; raises `UsageError` for one that is not there."""
    every = [TIME, LOCAL, *schema.tags, *schema.fields]
    if wanted is None:
        return every
    chosen = [name.strip() for name in wanted.split(",") if name.strip()]
    unknown = [name for name in chosen if name not in every]
    if unknown:
        words = f"`{schema.measurement}` has no column `{unknown[0]}`"
        raise UsageError(words, hint=f"there are: {', '.join(every)}")
    if not any(name in schema.fields for name in chosen):
        raise UsageError("no field among the columns", hint=f"one of {', '.join(schema.fields)}")
    return chosen


def write_csv(stream: TextIO, rows: Iterable[Row], chosen: Sequence[str], hours: int) -> int:
    """Write a line of names and the rows; gives how many. `time` is in UTC, ISO 8601."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(map(_harmless, chosen))
    cells = [_cell(name, hours) for name in chosen]
    number = 0
    for row in rows:
        writer.writerow([cell(row) for cell in cells])
        number += 1
    return number


def write_lines(stream: TextIO, rows: Iterable[Row], schema: Schema) -> int:
    """Write the points again, timestamps in seconds; gives how many lines."""
    number = 0
    for row in rows:
        for line in _lines(row, schema):
            stream.write(f"{visible(line)}\n")
            number += 1
    return number


def _cell(name: str, hours: int) -> Callable[[Row], str]:
    if name == TIME:
        return lambda row: f"{datetime.fromtimestamp(row[TIME], UTC):%Y-%m-%dT%H:%M:%SZ}"
    if name == LOCAL:
        return lambda row: local(row[TIME], hours).isoformat(sep=" ")
    return lambda row: _text(row[name])


def _text(value: Any) -> str:
    """Write a value as the meter did, never with an exponent."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value) if isinstance(value, int) else _harmless(str(value))


def _harmless(text: str) -> str:
    """Give a text that no spreadsheet takes for a formula, whatever it parts the columns by."""
    return _FORMULA.sub(r"\1'\2", visible(text))


def _lines(row: Row, schema: Schema) -> Iterator[str]:
    tags = {name: str(row[name]) for name in schema.tags if row[name] is not None}
    fields = {
        name: _value(row[name], kind)
        for name, kind in schema.fields.items()
        if row[name] is not None
    }
    yield from line_of(schema.measurement, tags, fields, row[TIME])


def _value(value: Any, kind: str) -> Value:
    """Give a value its type back: JSON has a 5 for a float of 5."""
    if kind == "float":
        return Decimal(value)
    return int(value) if kind == "integer" else str(value)
