"""In Flux, tables of the calendar and what things cost; Grafana has transformations for them."""

from collections.abc import Mapping, Sequence
from typing import Final

from dashboards.build.cost import ELECTRICITY
from dashboards.build.flux import BY_TIME, Ask, bars, difference, hourly, per, periods

GAS: Final = {"gas": "{volume_m3} * ($price_gas)"}
PARTS: Final = (*ELECTRICITY, "gas")

_YEAR: Final = "string(v: date.year(t: r._time, location: location))"
_MONTH: Final = "two(n: date.month(t: r._time, location: location))"
_LABELS: Final = {"1mo": ("Month", f'{_YEAR} + "-" + {_MONTH}'), "1y": ("Year", _YEAR)}


def calendar(every: str, *uses: tuple[str, Mapping[str, str]]) -> Ask:
    """One row a month or year, the newest first; `uses` are measurements with their columns."""
    streams = [periods(columns, every, measurement) for measurement, columns in uses]
    names = [name for _, columns in uses for name in columns]
    joined = ", ".join(f"used{n}" for n in range(len(streams)))
    made = "".join(f"used{n} = {text}\n" for n, text in enumerate(streams))
    return figures(f"{made}union(tables: [{joined}])\n", every, names)


def figures(body: str, every: str, names: Sequence[str]) -> Ask:
    """The first month may be a part of one, for gas another than for electricity: by its begin."""
    label, text = _LABELS[every]
    begin = f"date.truncate(t: r._time, unit: {every}, location: location)"
    body = f"""\
{body}  |> group()
  |> map(fn: (r) => ({{r with _time: {begin}}}))
{BY_TIME}  |> sort(columns: ["_time"], desc: true)
  |> map(fn: (r) => ({{r with {label}: {text}, order: -int(v: r._time)}}))
  |> drop(columns: ["_time"])
"""
    return Ask(body, tuple(names), table=True, labels=(label,), order="order")


def year_beside_year(column: str, measurement: str = "readings") -> Ask:
    """The months down, the years along."""
    body = f"""\
{periods({"used": column}, "1mo", measurement)}\
  |> map(fn: (r) => ({{
    Month: {_MONTH},
    year: {_YEAR},
    _value: r._value,
  }}))
  |> group()
  |> pivot(rowKey: ["Month"], columnKey: ["year"], valueColumn: "_value")
  |> sort(columns: ["Month"])
"""
    return Ask(body, table=True, labels=("Month",), order="Month")


WEEK: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def hours_of_the_week() -> Ask:
    """The mean import of each hour of the week: hours down, weekdays along."""
    days = ", ".join(f'"{name}"' for name in (WEEK[-1], *WEEK[:-1]))
    body = f"""\
days = [{days}]

{hourly("readings", ["energy_import_kwh"])}\
  |> group(columns: ["_field"])
{per("1h")}\
  |> map(fn: (r) => {{
    hours = int(v: r._time) / 3600000000000
    hour = date.hour(t: r._time, location: location)
    ahead = (hour - hours % 24 + 24) % 24

    // 1970 began on a Thursday. To ask for the weekday too would take twice as long.
    return {{hour: hour, day: ((hours + ahead) / 24 + 4) % 7, _value: r._value}}
  }})
  |> group(columns: ["hour", "day"])
  |> mean()
  |> group()
  |> map(fn: (r) => ({{Hour: two(n: r.hour), day: days[r.day], _value: r._value}}))
  |> pivot(rowKey: ["Hour"], columnKey: ["day"], valueColumn: "_value")
  |> sort(columns: ["Hour"])
"""
    return Ask(body, WEEK, table=True, labels=("Hour",), order="Hour")


TYPED_IN: Final = (periods(ELECTRICITY, "1d"), periods(GAS, "1d", "gas"))
"""What each part of the bill comes to each day, at the prices typed in."""


def _parts(every: str, streams: Sequence[str]) -> str:
    """Define `parts`: what each part of the bill comes to, per day, month or year."""
    time = f"date.truncate(t: r._time, unit: {every}, location: location)"
    made = "".join(f"part{n} = {text}" for n, text in enumerate(streams))
    return f"""\
{made}
parts = union(tables: [{", ".join(f"part{n}" for n in range(len(streams)))}])
  |> map(fn: (r) => ({{r with _time: {time}}}))
  |> group(columns: ["_time", "_field"])
  |> sum()
  |> group()

"""


def cost(every: str, streams: Sequence[str] = TYPED_IN) -> Ask:
    """Euros per day or month: the total alone, for six outlines over each other are none."""
    body = f"""\
{_parts(every, streams)}parts
  |> group(columns: ["_time"])
  |> sum()
  |> group()
  |> map(fn: (r) => ({{r with _field: "total"}}))
{bars(every)}\
  |> group(columns: ["_field"])
  |> sort(columns: ["_time"])
"""
    return Ask(body, ("total",), steps=True)


def cost_figures(
    every: str, streams: Sequence[str] = TYPED_IN, parts: Sequence[str] = PARTS
) -> Ask:
    """Euros per month or year as a table, with their total."""
    body = f"""\
{_parts(every, streams)}totals = parts
  |> group(columns: ["_time"])
  |> sum()
  |> group()
  |> map(fn: (r) => ({{r with _field: "total"}}))

union(tables: [parts, totals])
"""
    return figures(body, every, (*parts, "total"))


def cost_in_all() -> Ask:
    """Euros in the whole range."""
    return Ask(f"{_parts('1d', TYPED_IN)}parts\n  |> sum()\n", ("total",))


def cost_compared(back: str) -> Ask:
    """Euros of a period so far, of the same time of the one before, and the difference."""
    both = (
        (periods(ELECTRICITY, "1d", earlier=each), periods(GAS, "1d", "gas", earlier=each))
        for each in (False, True)
    )
    return difference([f"union(tables: [{', '.join(each)}])\n" for each in both], back)
