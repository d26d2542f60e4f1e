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
from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True, slots=True)
class Ask:
    """A query without its begin, and the names of the series or columns that it gives.

    `table` asks for one table, whose first columns are `labels`, in the order of `order` if it has
    such a column. `steps` are drawn as bars. With `earlier`, the body has the same time of the
    period before, as `earlierBegin` and `earlierEnd`.
    """

    body: str
    names: tuple[str, ...] = ()
    table: bool = False
    labels: tuple[str, ...] = ()
    steps: bool = False
    order: str = ""
    earlier: str = ""

    def one(self, name: str) -> "Ask":
        """Ask for one of the names alone."""
        if len(self.names) == 1:
            return self
        return replace(self, body=f'{self.body}  |> filter(fn: (r) => r._field == "{name}")\n')


_PACKAGES: Final = ("date", "experimental", "math", "timezone")
_IMPORTS: Final = "".join(f'import "{name}"\n' for name in _PACKAGES)
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
hourly = (points, begin=begin, end=end, every=1h) => {
  found = points(start: begin)
    |> first()
    |> group()
    |> min(column: "_time")
    |> findRecord(fn: (key) => true, idx: 0)
  start = if exists found._time then found._time else date.sub(d: 1h, from: end)

  return
    union(
      tables: [
        points(start: start) |> first() |> timeShift(duration: -every, columns: ["_time"]),
        points(start: start)
          |> aggregateWindow(
            every: every,
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


_TWO: Final = 'two = (n) => if n < 10 then "0" + string(v: n) else string(v: n)\n\n'
_CLOCK: Final = """\
clock = (t) => {
  place = location
  year = string(v: date.year(t: t, location: place))
  month = two(n: date.month(t: t, location: place))
  day = two(n: date.monthDay(t: t, location: place))
  hour = two(n: date.hour(t: t, location: place))
  minute = two(n: date.minute(t: t))

  return year + "-" + month + "-" + day + " " + hour + ":" + minute
}

"""
"""A time as text, by the household's clock: the UI would write the browser's, and cut it."""

_ROUNDED: Final = (
    "  |> map(fn: (r) => ({r with _value: math.round(x: r._value * 1000.0) / 1000.0}))\n"
)
"""A sum of floats is -0.00005 where it is nought, and the UI would say `-50µ`."""

_AT_LEAST: Final = """\
asked = date.time(t: v.timeRangeStart)
least = {least}
begin = if int(v: asked) < int(v: least) then asked else least
"""


def whole(ask: Ask, since: str | None, back: str | None = None, least: str | None = None) -> str:
    """Give the text of a query over a panel's time range, which is said in Grafana's words.

    Without one of its own it is the dashboard's, but begins at `least`: the UI opens on an hour.
    """
    end = f"date.sub(d: {_duration(back)}, from: v.timeRangeStop)" if back else "v.timeRangeStop"
    begin = f"begin = {_begin(since, back) if since else 'date.time(t: v.timeRangeStart)'}\n"
    if least and not since:
        begin = _AT_LEAST.format(least=_begin(least, None))
    if ask.earlier:
        span = f"date.sub(d: {_duration(ask.earlier)}, from: end)"
        begin += f"earlierBegin = {_begin(since or '', ask.earlier)}\nearlierEnd = {span}\n"
    body = ask.body if ask.table or "_value" not in ask.body else ask.body + _ROUNDED
    parts = {
        "two(": _TWO,
        "clock(": _CLOCK,
        "monday(": _MONDAY,
        "hourly(": _HOURLY,
    }
    text = begin + body
    functions = {name: function for name, function in parts.items() if name in text}
    if "clock(" in functions:
        functions = {"two(": _TWO, **functions}
    ahead = "".join(function for name, function in functions.items() if name != "hourly(")
    after = functions.get("hourly(", "")
    return f"{_IMPORTS}\n{_LOCATION}\n{ahead}end = {end}\n{begin}\n{after}{body}"


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


CLOSED: Final = "date.add(d: 5m, to: end)"
"""The end of a range, and the reading that closes it."""


def used(measurement: str, fields: Sequence[str], begin: str = "begin") -> str:
    """What was used between each two readings of a meter, stamped within the time it is of."""
    return (
        source(measurement, fields, begin=begin, end=CLOSED)
        + "  |> difference(nonNegative: true)\n  |> timeShift(duration: -5m)\n"
    )


def hourly(
    measurement: str,
    fields: Sequence[str],
    *,
    earlier: bool = False,
    begin: str = "",
    every: str = "",
) -> str:
    """What was used in each hour, by meter, or `every`; with `earlier` in the period before."""
    end = "earlierEnd" if earlier else "end"
    points = source(measurement, fields, begin="start", end=f"date.add(d: 5m, to: {end})")
    inner = points.rstrip().replace("\n", "\n    ")
    span = "  begin: earlierBegin,\n  end: earlierEnd,\n" if earlier else ""
    span = f"  begin: {begin},\n" if begin else span
    span += f"  every: {every},\n" if every else ""
    return f"hourly(\n{span}  points: (start) =>\n    {inner},\n)\n"


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
    others = f"otherColumns: [{kept}]" if keep else ""
    return f"{beside(columns, keep)}  |> experimental.unpivot({others})\n"


def beside(columns: Mapping[str, str], keep: Sequence[str] = ()) -> str:
    """From a row a field to the columns beside each other."""
    kept = ", ".join(f'"{name}"' for name in ["_time", *keep])
    made = "".join(f'    "{name}": {expression(text)},\n' for name, text in columns.items())
    also = "".join(f"    {name}: r.{name},\n" for name in keep)
    return f"""\
  |> group()
  |> pivot(rowKey: [{kept}], columnKey: ["_field"], valueColumn: "_value")
  |> map(fn: (r) => ({{
    _time: r._time,
{also}{made}  }}))
"""


BY_NAME: Final = '  |> group(columns: ["_field"])\n  |> sort(columns: ["_time"])\n'


def bars(every: str) -> str:
    """Draw a bar for each hour, day or month: the UI has lines alone, so it goes (0, v, v, 0).

    The first of a range may be a part of one, so its begin is looked up.
    """
    begin = f"date.truncate(t: r._time, unit: {every}, location: location)"
    if every == "1h":  # as everywhere: two hours of a night have one name
        begin = "date.truncate(t: r._time, unit: 1h)"
    if every == "1w":
        begin = "monday(t: r._time)"
    return f"""\
  |> map(fn: (r) => {{
    begin = {begin}

    return {{
      _time: begin,
      name: r._field,
      long: int(v: date.add(d: {every}, to: begin)) - int(v: begin),
      "08": 0.0,
      "09": r._value,
      "91": r._value,
      "92": 0.0,
    }}
  }})
  |> experimental.unpivot(otherColumns: ["_time", "name", "long"])
  |> group()
  |> map(fn: (r) => ({{
    _time: time(v: int(v: r._time) + r.long / 100 * int(v: r._field)),
    _field: r.name,
    _value: r._value,
  }}))
"""


def periods(
    columns: Mapping[str, str],
    every: str,
    measurement: str = "readings",
    *,
    earlier: bool = False,
) -> str:
    """Use per hour, day, week, month or year, a row each and column."""
    return (
        hourly(measurement, fields_of(columns), earlier=earlier)
        + '  |> group(columns: ["_field"])\n'
        + per(every)
        + named(columns)
    )


def energy(columns: Mapping[str, str], every: str, measurement: str = "readings") -> Ask:
    """Use per hour, day, week, month or year of the household's clock."""
    body = periods(columns, every, measurement) + bars(every) + BY_NAME
    return Ask(body, tuple(columns), steps=True)


def totals(columns: Mapping[str, str], measurement: str = "readings") -> Ask:
    """Use in the whole range."""
    body = hourly(measurement, fields_of(columns))
    body += '  |> group(columns: ["_field"])\n  |> sum()\n'
    return numbers(body, columns)


def compared(column: str, back: str) -> Ask:
    """Use in a period so far, in the same time of the one before, and the difference."""
    fields = fields_of({"": column})
    return difference([hourly("readings", fields, earlier=each) for each in (False, True)], back)


def difference(streams: Sequence[str], back: str) -> Ask:
    """The sums of a period so far and of the same time of the one before, and the difference."""
    made = "".join(
        f"{name} = {rows}  |> group()\n  |> sum()\n"
        f'  |> map(fn: (r) => ({{_time: end, _field: "{name}", _value: r._value}}))\n'
        for name, rows in zip(("sofar", "before"), streams, strict=True)
    )
    body = f"""\
{made}
union(tables: [sofar, before])
{BY_TIME}  |> map(fn: (r) => ({{
    _time: r._time,
    "so far": r.sofar,
    before: r.before,
    difference: (r.sofar / r.before - 1.0) * 100.0,
  }}))
  |> experimental.unpivot()
"""
    return Ask(body, ("so far", "before", "difference"), earlier=back)


BY_TIME: Final = '  |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")\n'


def numbers(body: str, columns: Mapping[str, str]) -> Ask:
    """From one value a field to a number each column."""
    body += "  |> map(fn: (r) => ({_time: end, _field: r._field, _value: float(v: r._value)}))\n"
    return Ask(body + named(columns), tuple(columns))
