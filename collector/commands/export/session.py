"""One run of `export`: rows as CSV, with local time beside UTC, or as the lines they once were."""

import argparse
import csv
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, TextIO

from collector.commands.export.query import Asker, Row, Schema, period
from collector.commands.output import complain, keep_private, visible
from collector.errors import SettingsError, UsageError
from collector.p1.time import local
from collector.points import line_of
from collector.settings.settings import load_strictly

TIME: Final = "time"
LOCAL: Final = "local_time"
_FORMULA: Final = re.compile(r"(^|[\n,;|])([\s\"']*[=+\-@\uff1d\uff0b\uff0d\uff20])")
DEFAULT: Final = "electricity"


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
    number = 0
    for row in rows:
        number += 1
        times = {
            TIME: f"{datetime.fromtimestamp(row[TIME], UTC):%Y-%m-%dT%H:%M:%SZ}",
            LOCAL: local(row[TIME], hours).isoformat(sep=" "),
        }
        writer.writerow([times.get(name) or _text(row[name]) for name in chosen])
    return number


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


def _points(row: Row, schema: Schema) -> list[str]:
    """Give the points as they once were: JSON has a 5 for a float of 5."""
    there = {name: value for name, value in row.items() if value is not None}
    tags = {name: str(there[name]) for name in schema.tags if name in there}
    types: dict[str, Callable[[Any], Decimal | int | str]] = {"float": Decimal, "integer": int}
    fields = {
        name: types.get(kind, str)(there[name])
        for name, kind in schema.fields.items()
        if name in there
    }
    return line_of(schema.measurement, tags, fields, row[TIME])


def run(options: argparse.Namespace) -> int:
    """Write what was asked for to standard output. Raises `CollectorError`."""
    settings = load_strictly()
    keep_private()
    hours = settings.utc_offset_hours
    asked = period(options.start, options.end, datetime.now(UTC), hours)
    if settings.target is None:
        hint = "set `P1_INFLUX_URL`, `P1_INFLUX_TOKEN`, `P1_INFLUX_ORG` and `P1_INFLUX_BUCKET`"
        raise SettingsError("no InfluxDB is set", hint=hint)
    asker = Asker(settings.target)
    if options.line_protocol:
        number = _lines(asker, options.measurement, asked)
    else:
        number = _csv(asker, options, asked, hours)
    complain(f"{number} {'lines' if options.line_protocol else 'rows'}")
    return 0


def _csv(asker: Asker, options: argparse.Namespace, asked: range, hours: int) -> int:
    named = options.measurement or [DEFAULT]
    if len(named) > 1:
        raise UsageError("CSV has one measurement", hint="give `--measurement` once")
    (schema,) = _schemas(asker, named)
    chosen = columns(options.columns, schema)
    stored = [name for name in chosen if name not in (TIME, LOCAL)]
    return write_csv(sys.stdout, asker.rows(schema.measurement, stored, asked), chosen, hours)


def _lines(asker: Asker, named: list[str] | None, asked: range) -> int:
    number = 0
    for schema in _schemas(asker, named):
        for row in asker.rows(schema.measurement, [*schema.tags, *schema.fields], asked):
            for line in _points(row, schema):
                sys.stdout.write(f"{visible(line)}\n")
                number += 1
    return number


def _schemas(asker: Asker, named: list[str] | None) -> list[Schema]:
    """Give the schemas of the measurements that were named, or of all."""
    found = {schema.measurement: schema for schema in asker.schemas()}
    missing = [name for name in named or [] if name not in found]
    if missing:
        words = f"the bucket has no measurement `{missing[0]}`"
        raise UsageError(words, hint=f"there are: {', '.join(sorted(found)) or 'none'}")
    return [found[name] for name in named] if named else list(found.values())
