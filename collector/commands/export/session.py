"""One run of the `export` command."""

import argparse
import sys
from datetime import UTC, datetime
from typing import Final

from collector.commands.export.forms import LOCAL, TIME, columns, write_csv, write_lines
from collector.commands.export.period import Period, period
from collector.commands.export.query import Asker, Schema
from collector.commands.output import complain, keep_private
from collector.delivery.answer import Target
from collector.errors import SettingsError, UsageError
from collector.settings.settings import Settings, load_strictly

DEFAULT: Final = "electricity"


def run(options: argparse.Namespace) -> int:
    """Write what was asked for to standard output. Raises `CollectorError`."""
    settings = load_strictly()
    keep_private()
    hours = settings.utc_offset_hours
    asked = period(options.start, options.end, datetime.now(UTC), hours)
    asker = Asker(_target(settings))
    if options.line_protocol:
        number = _lines(asker, options.measurement, asked)
    else:
        number = _csv(asker, options, asked, hours)
    complain(f"{number} {'lines' if options.line_protocol else 'rows'}")
    return 0


def _csv(asker: Asker, options: argparse.Namespace, asked: Period, hours: int) -> int:
    named = options.measurement or [DEFAULT]
    if len(named) > 1:
        raise UsageError("CSV has one measurement", hint="give `--measurement` once")
    (schema,) = _schemas(asker, named)
    chosen = columns(options.columns, schema)
    stored = [name for name in chosen if name not in (TIME, LOCAL)]
    return write_csv(sys.stdout, asker.rows(schema.measurement, stored, asked), chosen, hours)


def _lines(asker: Asker, named: list[str] | None, asked: Period) -> int:
    number = 0
    for schema in _schemas(asker, named):
        stored = [*schema.tags, *schema.fields]
        number += write_lines(sys.stdout, asker.rows(schema.measurement, stored, asked), schema)
    return number


def _schemas(asker: Asker, named: list[str] | None) -> list[Schema]:
    """Give the schemas of the measurements that were named, or of all."""
    found = {schema.measurement: schema for schema in asker.schemas()}
    missing = [name for name in named or [] if name not in found]
    if missing:
        words = f"the bucket has no measurement `{missing[0]}`"
        raise UsageError(words, hint=f"there are: {', '.join(sorted(found)) or 'none'}")
    return [found[name] for name in named] if named else list(found.values())


def _target(settings: Settings) -> Target:
    if settings.target is None:
        hint = "set `P1_INFLUX_URL`, `P1_INFLUX_TOKEN`, `P1_INFLUX_ORG` and `P1_INFLUX_BUCKET`"
        raise SettingsError("no InfluxDB is set", hint=hint)
    return settings.target
