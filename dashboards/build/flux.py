"""The queries in Flux, for InfluxDB 2's own UI. They ask what those of `influxql` ask.

`v` holds the dashboard's variables. Each query begins with what `whole` puts before it: the
household's clock (`location`), and `begin` and `end` of what the panel shows. A column is an
expression as in `influxql`, with the names of fields in braces.

A day's energy is the sum of the differences of readings, and the reading of midnight closes a day.
Days begin with an hour of UTC, in every country that has a P1 port. So the last reading of each
hour is enough, and InfluxDB finds those by itself: that is several times as fast. An hour's
readings are those from five minutes past, the next hour's first among them; a meter's very first
one is put before its first hour, so that a new meter counts from there. The time range is cut off
at the first reading, so that the hour of that one does not begin the day before.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Ask:
    """A query without its begin, and the names of the series or columns that it gives.

    `table` asks for one table, whose first columns are `labels`. `steps` are drawn from edge to
    edge, as bars would be.
    """

    body: str
    names: tuple[str, ...] = ()
    table: bool = False
    labels: tuple[str, ...] = ()
    steps: bool = False


_IMPORTS: Final = "".join(f'import "{name}"\n' for name in ("date", "experimental", "timezone"))
_LOCATION: Final = "location = timezone.location(name: v.zone)\n"
_UNITS: Final = {"d": "1d", "M": "1mo", "y": "1y"}


_MONDAY: Final = """\
// Flux has weeks that begin on a Thursday. Noon stays in its day, whatever the clock does.
monday = (t) => {
  passed = (date.weekDay(t: t, location: location) + 6) % 7 * 24 - 12
  today = date.truncate(t: t, unit: 1d, location: location)
  noon = date.sub(d: duration(v: string(v: passed) + "h"), from: today)

  return date.truncate(t: noon, unit: 1d, location: location)
}

"""
_HOURLY: Final = """\
hourly = (points) => {
  found = points(start: begin)
    |> first()
    |> group()
    |> min(column: "_time")
    |> findRecord(fn: (key) => true, idx: 0)
  start = if exists found._time then found._time else date.sub(d: 1h, from: end)

  return
    union(
      tables: [
        points(start: start) |> first() |> timeShift(duration: -1h, columns: ["_time"]),
        points(start: start)
          |> aggregateWindow(
            every: 1h,
            offset: 5m,
            fn: last,
            timeSrc: "_start",
            createEmpty: false,
          ),
      ],
    )
      |> sort(columns: ["_time"])
      |> difference(nonNegative: true)
}

"""


def whole(ask: Ask, since: str | None, back: str | None) -> str:
    """Give the text of a query over a panel's time range, which is said in Grafana's words."""
    end = f"date.sub(d: {_duration(back)}, from: v.timeRangeStop)" if back else "v.timeRangeStop"
    begin = _begin(since, back) if since else "date.time(t: v.timeRangeStart)"
    monday = _MONDAY if "monday(" in f"{begin}{ask.body}" else ""
    hourly = _HOURLY if "hourly(" in ask.body else ""
    span = f"begin = {begin}\nend = {end}\n\n"
    return f"{_IMPORTS}\n{_LOCATION}\n{monday}{span}{hourly}{ask.body}"


def _begin(since: str, back: str | None) -> str:
    """`now-13M/M` is the first of a month, thirteen months ago."""
    match = re.fullmatch(r"now(?:-(\w+))?(?:/([dwMy]))?", since)
    if not match:
        raise ValueError(since)
    earlier, unit = match.groups()
    moment = "v.timeRangeStop"
    for duration in filter(None, (back, earlier)):
        moment = f"date.sub(d: {_duration(duration)}, from: {moment})"
    if unit == "w":
        return f"monday(t: {moment})"
    if unit is None:
        return moment
    return f"date.truncate(t: {moment}, unit: {_UNITS[unit]}, location: location)"


def _duration(text: str) -> str:
    return text.replace("M", "mo")


def expression(text: str) -> str:
    """Give a column's expression in Flux: numbers are floats, prices come from the variables."""
    text = re.sub(r"\(\$(\w+)\)", r"float(v: v.\1)", text)
    text = re.sub(r"(?<![\w.])\d+(?![\w.])", r"\g<0>.0", text)
    return re.sub(r"{(\w+)}", r"r.\1", text)


def fields_of(columns: Mapping[str, str]) -> list[str]:
    """The fields in some columns, each once."""
    return list(dict.fromkeys(re.findall(r"{(\w+)}", " ".join(columns.values()))))


def source(
    measurement: str,
    fields: Sequence[str],
    *,
    begin: str = "begin",
    end: str = "end",
    site: bool = True,
) -> str:
    """The points of some fields."""
    where = f'r._measurement == "{measurement}"' + (" and r.site == v.site" if site else "")
    names = " or ".join(f'r._field == "{field}"' for field in fields)
    return f"""\
from(bucket: v.bucket)
  |> range(start: {begin}, stop: {end})
  |> filter(fn: (r) => {where})
  |> filter(fn: (r) => {names})
"""


_CLOSED: Final = "date.add(d: 5m, to: end)"
"""The end of a range, and the reading that closes it."""


def used(measurement: str, fields: Sequence[str]) -> str:
    """What was used between each two readings of a meter, stamped within the time it is of."""
    return (
        source(measurement, fields, end=_CLOSED)
        + "  |> difference(nonNegative: true)\n  |> timeShift(duration: -5m)\n"
    )


def hourly(measurement: str, fields: Sequence[str]) -> str:
    """What was used in each hour, by meter."""
    points = source(measurement, fields, begin="start", end=_CLOSED)
    inner = points.rstrip().replace("\n", "\n  ")
    return f"hourly(\n  points: (start) =>\n    {inner},\n)\n"


def per(every: str, how: str = "sum") -> str:
    """Take each hour, day or month of the household's clock together, stamped with its begin."""
    offset = "    offset: -3d,\n" if every == "1w" else ""
    location = "    location: location,\n" if every not in {"15m", "1h"} else ""
    return f"""\
  |> aggregateWindow(
    every: {every},
{offset}    fn: {how},
{location}    timeSrc: "_start",
    createEmpty: false,
  )
"""


def named(columns: Mapping[str, str], keep: Sequence[str] = ()) -> str:
    """From a row a field to a row a column, whose name stands in `_field`."""
    kept = ", ".join(f'"{name}"' for name in ["_time", *keep])
    made = "".join(f'    "{name}": {expression(text)},\n' for name, text in columns.items())
    also = "".join(f"    {name}: r.{name},\n" for name in keep)
    others = f"otherColumns: [{kept}]" if keep else ""
    return f"""\
  |> group()
  |> pivot(rowKey: [{kept}], columnKey: ["_field"], valueColumn: "_value")
  |> map(fn: (r) => ({{
    _time: r._time,
{also}{made}  }}))
  |> experimental.unpivot({others})
"""


_BY_NAME: Final = '  |> group(columns: ["_field"])\n  |> sort(columns: ["_time"])\n'
_MIDDLE: Final = {"15m": "7m", "1h": "30m", "1d": "12h", "1w": "84h", "1mo": "15d", "1y": "182d"}


def centred(every: str) -> str:
    """Stamp each hour, day or month with its middle: a step reaches half way to its neighbours.

    The first of a range may be a part of one, so its begin is looked up.
    """
    time = f"date.truncate(t: r._time, unit: {every}, location: location)"
    if every == "1w":
        time = "monday(t: r._time)"
    middle = f"date.add(d: {_MIDDLE[every]}, to: {time})"
    return f"  |> map(fn: (r) => ({{r with _time: {middle}}}))\n"


def periods(columns: Mapping[str, str], every: str, measurement: str = "readings") -> str:
    """Use per hour, day, week, month or year, a row each and column."""
    return (
        hourly(measurement, fields_of(columns))
        + '  |> group(columns: ["_field"])\n'
        + per(every)
        + named(columns)
    )


def energy(columns: Mapping[str, str], every: str, measurement: str = "readings") -> Ask:
    """Use per hour, day, week, month or year of the household's clock."""
    body = periods(columns, every, measurement) + centred(every) + _BY_NAME
    return Ask(body, tuple(columns), steps=True)


def totals(columns: Mapping[str, str], measurement: str = "readings") -> Ask:
    """Use in the whole range: a number, or a table of one row."""
    body = hourly(measurement, fields_of(columns))
    body += '  |> group(columns: ["_field"])\n  |> sum()\n'
    return one_row(body, columns)


def one_row(body: str, columns: Mapping[str, str]) -> Ask:
    """From one value a field to a number, or to a table of one row."""
    body += "  |> map(fn: (r) => ({_time: end, _field: r._field, _value: float(v: r._value)}))\n"
    body += named(columns)
    if len(columns) == 1:
        return Ask(body, tuple(columns))
    body += '  |> group()\n  |> pivot(rowKey: ["_time"], columnKey: ["_field"],'
    body += ' valueColumn: "_value")\n  |> drop(columns: ["_time"])\n'
    return Ask(body, tuple(columns), table=True)


def course(columns: Mapping[str, str], how: str = "mean", measurement: str = "electricity") -> Ask:
    """How some values went."""
    body = f"""\
{source(measurement, fields_of(columns))}\
  |> aggregateWindow(every: v.windowPeriod, fn: {how}, createEmpty: false)
  |> toFloat()
{named(columns)}{_BY_NAME}"""
    return Ask(body, tuple(columns))


def last(columns: Mapping[str, str]) -> Ask:
    """The newest value; the fields need not come together, and a replaced meter is not asked."""
    body = f"""\
{source("electricity", fields_of(columns))}\
  |> last()
  |> toFloat()
  |> group(columns: ["_field"])
  |> sort(columns: ["_time"])
  |> last()
"""
    return one_row(body, columns)


def summed_up(columns: Mapping[str, str]) -> Ask:
    """What registers have gained since the range began, at each of their readings."""
    body = f"""\
{used("readings", fields_of(columns))}\
  |> group(columns: ["_field"])
  |> sort(columns: ["_time"])
  |> cumulativeSum()
{named(columns)}{_BY_NAME}"""
    return Ask(body, tuple(columns))


def quarters(name: str, every: str, how: str, factor: str) -> Ask:
    """The mean power of quarter hours, by `every`: `factor` is 4 for kW, 4000 for W."""
    column = {name: f"{{energy_import_kwh}} * {factor}"}
    body = (
        used("readings", fields_of(column))
        + '  |> group(columns: ["_field"])\n'
        + per(every, how)
        + named(column)
    )
    return Ask(body + centred(every) + _BY_NAME, (name,), steps=True)


def nights() -> str:
    """The lowest quarter hour between midnight and six of each night, in W."""
    column = {"standby": "{energy_import_kwh} * 4000"}
    return (
        used("readings", fields_of(column))
        + '  |> group(columns: ["_field"])\n'
        + per("6h", "min")
        + "  |> hourSelection(start: 0, stop: 0, location: location)\n"
        + named(column)
    )


def standby() -> Ask:
    return Ask(nights() + _BY_NAME, ("standby",))


def standby_of_all(how: str) -> Ask:
    """`min` or `median` of the nights."""
    return Ask(f"{nights()}  |> group()\n  |> {how}()\n", ("standby",))


def extreme(columns: Mapping[str, str], how: str) -> Ask:
    """The highest or lowest ten-minute mean of each field in the range (EN 50160's measure)."""
    body = f"""\
{source("electricity", fields_of(columns))}\
  |> aggregateWindow(every: 10m, fn: mean, createEmpty: false)
  |> group(columns: ["_field"])
  |> {how}()
"""
    return one_row(body, columns)


def counted(columns: Mapping[str, str]) -> Ask:
    """How far counters went up in the range; each meter counts for itself."""
    body = f"""\
{source("electricity", fields_of(columns))}\
  |> spread()
  |> group(columns: ["_field"])
  |> sum()
"""
    return one_row(body, columns)


def last_seen() -> Ask:
    """How many seconds ago the meter last spoke."""
    body = f"""\
{source("electricity", ["energy_import_kwh"])}\
  |> last()
  |> group()
  |> max(column: "_time")
  |> map(fn: (r) => ({{
    _time: r._time,
    _field: "seconds",
    _value: float(v: int(v: now()) - int(v: r._time)) / 1000000000.0,
  }}))
"""
    return Ask(body, ("seconds",))


def events(measurement: str, fields: Mapping[str, str], time: str) -> Ask:
    """Points as they are, the newest first; `fields` maps columns to fields."""
    renamed = ", ".join(f'{field}: "{name}"' for name, field in fields.items())
    kept = ", ".join(f'"{name}"' for name in (time, *fields))
    body = f"""\
{source(measurement, list(fields.values()))}\
  |> group()
  |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")
  |> sort(columns: ["_time"], desc: true)
  |> rename(columns: {{_time: "{time}", {renamed}}})
  |> keep(columns: [{kept}])
"""
    return Ask(body, tuple(fields), table=True, labels=(time,))


def peaks() -> str:
    """The month peaks in the meter's log."""
    return (
        source("demand_peak", ["power_kw"])
        + '  |> group()\n  |> sort(columns: ["_time"])\n'
        + '  |> keep(columns: ["_time", "_value"])\n'
    )


def month_peaks() -> Ask:
    """The highest peak of each month in the log."""
    body = peaks() + '  |> map(fn: (r) => ({r with _field: "peak"}))\n'
    # The last quarter hour of a month ends with it.
    body += '  |> timeShift(duration: -5m)\n  |> group(columns: ["_field"])\n'
    body += f"  |> range(start: date.sub(d: 1d, from: begin), stop: end)\n{per('1mo', 'max')}"
    return Ask(body + centred("1mo") + _BY_NAME, ("peak",), steps=True)


def mean_peak(name: str, floor: float, factor: str = "") -> Ask:
    """The mean of the peaks in the log and this month's so far, none below `floor`."""
    price = expression(f" * {factor}") if factor else ""
    running = source(
        "electricity", ["demand_month_peak_kw"], begin="date.sub(d: 1d, from: v.timeRangeStop)"
    )
    body = f"""\
log = {peaks()}
running = {running}  |> last()
  |> group()
  |> sort(columns: ["_time"])
  |> last()
  |> keep(columns: ["_time", "_value"])

union(tables: [log, running])
  |> group()
  |> map(fn: (r) => ({{r with _value: if r._value < {floor} then {floor} else r._value}}))
  |> mean()
  |> map(fn: (r) => ({{_time: end, _field: "{name}", _value: r._value{price}}}))
"""
    return Ask(body, (name,))
