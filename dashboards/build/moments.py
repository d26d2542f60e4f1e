"""What cells ask of single readings in Flux: the newest, the highest, how values went, events."""

from collections.abc import Mapping
from typing import Final

from dashboards.build.flux import (
    BY_NAME,
    BY_TIME,
    Ask,
    bars,
    expression,
    fields_of,
    named,
    numbers,
    per,
    source,
    used,
)


def course(columns: Mapping[str, str], how: str = "mean", measurement: str = "electricity") -> Ask:
    """How some values went."""
    body = f"""\
{source(measurement, fields_of(columns))}\
  |> aggregateWindow(every: v.windowPeriod, fn: {how}, createEmpty: false)
  |> toFloat()
{named(columns)}{BY_NAME}"""
    return Ask(body, tuple(columns))


def power() -> Ask:
    """Import, export, the peak of this month and what the own panels make, in W."""
    meters = course(
        {
            "import": "{power_import_kw} * 1000",
            "export": "{power_export_kw} * -1000",
            "peak of this month": "{demand_month_peak_kw} * 1000",
        }
    )
    own = course({"solar": "{power_kw} * 1000"}, measurement="solar")
    body = f"union(tables: [{meters.body}, {own.body}])\n{BY_NAME}"
    return Ask(body, (*meters.names, *own.names))


RECENT: Final = "date.sub(d: 2m, from: end)"
"""What is older than two minutes is not now."""


def last(columns: Mapping[str, str], measurement: str = "electricity", begin: str = RECENT) -> Ask:
    """The newest value; the fields need not come together, and a replaced meter is not asked."""
    body = f"""\
{source(measurement, fields_of(columns), begin=begin)}\
  |> last()
  |> toFloat()
  |> group(columns: ["_field"])
  |> sort(columns: ["_time"])
  |> last()
"""
    return numbers(body, columns)


def summed_up(columns: Mapping[str, str]) -> Ask:
    """What registers have gained since the range began, at each of their readings."""
    body = f"""\
{used("readings", fields_of(columns))}\
  |> group(columns: ["_field"])
  |> sort(columns: ["_time"])
  |> cumulativeSum()
{named(columns)}{BY_NAME}"""
    return Ask(body, tuple(columns))


_QUARTER: Final = {"quarter hour": "{energy_import_kwh} * 4"}


def _quarters(every: str, how: str, name: str) -> str:
    """The mean power of quarter hours in kW, taken together by `every`."""
    column = {name: _QUARTER["quarter hour"]}
    return (
        used("readings", fields_of(column))
        + '  |> group(columns: ["_field"])\n'
        + per(every, how)
        + named(column)
    )


def quarter_hours() -> Ask:
    return Ask(_quarters("15m", "sum", "quarter hour") + BY_NAME, ("quarter hour",))


def highest_quarters() -> Ask:
    """The highest quarter hour of each day."""
    return Ask(_quarters("1d", "max", "peak") + bars("1d") + BY_NAME, ("peak",), steps=True)


def highest_quarter() -> Ask:
    """The highest quarter hour of the range, and when it ended."""
    body = f"""\
{_quarters("15m", "sum", "power")}\
  |> group()
  |> max()
  |> map(fn: (r) => ({{power: r._value, until: clock(t: date.add(d: 15m, to: r._time))}}))
"""
    return Ask(body, ("power",), table=True, labels=("until",))


def quarter_to_come() -> Ask:
    """How long the quarter hour still is, what it ends at, and what it may still be."""
    fields = ("demand_kw", "power_import_kw", "demand_month_peak_kw")
    body = f"""\
{source("electricity", fields, begin=RECENT)}\
  |> last()
  |> group()
{BY_TIME}  |> sort(columns: ["_time"])
  |> tail(n: 1)
  |> filter(fn: (r) => exists r.demand_kw)
  |> map(fn: (r) => {{
    left = 1.0 - float(v: int(v: r._time) % 900000000000) / 900000000000.0

    return {{
      _time: r._time,
      "time left": left * 900.0,
      "ends at": r.demand_kw + r.power_import_kw * left,
      room: (r.demand_month_peak_kw - r.demand_kw) / left,
    }}
  }})
  |> experimental.unpivot()
"""
    return Ask(body, ("time left", "ends at", "room"))


def extremes() -> Ask:
    """The highest and the lowest net power of the range, in W, and when that was."""
    net = {"power": "({power_import_kw} - {power_export_kw}) * 1000"}
    body = f"""\
net = {source("electricity", fields_of(net))}{named(net)}  |> group()

union(tables: [net |> max(), net |> min()])
  |> group()
  |> sort(desc: true)
  |> map(fn: (r) => ({{power: r._value, at: clock(t: r._time)}}))
"""
    return Ask(body, ("power",), table=True, labels=("at",))


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
    return Ask(nights() + bars("1d") + BY_NAME, ("standby",), steps=True)


def standby_of_all(how: str) -> Ask:
    """`min` or `median` of the nights."""
    return Ask(f"{nights()}  |> group()\n  |> {how}()\n", ("standby",))


def extreme(columns: Mapping[str, str], how: str, *, every: str = "10m") -> Ask:
    """The highest or lowest mean of each field; those of ten minutes are what EN 50160 judges."""
    body = f"""\
{source("electricity", fields_of(columns))}\
  |> aggregateWindow(every: {every}, fn: mean, createEmpty: false)
  |> group(columns: ["_field"])
  |> {how}()
"""
    return numbers(body, columns)


def counted(columns: Mapping[str, str]) -> Ask:
    """How far counters went up in the range; each meter counts for itself."""
    body = f"""\
{source("electricity", fields_of(columns))}\
  |> spread()
  |> group(columns: ["_field"])
  |> sum()
"""
    return numbers(body, columns)


def last_seen() -> Ask:
    """How many seconds ago the meter last spoke."""
    body = f"""\
{source("electricity", ["energy_import_kwh"], begin="date.sub(d: 1h, from: end)")}\
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
  |> map(fn: (r) => ({{r with "{time}": clock(t: r._time), order: -int(v: r._time)}}))
  |> rename(columns: {{{renamed}}})
  |> keep(columns: [{kept}, "order"])
"""
    return Ask(body, tuple(fields), table=True, labels=(time,), order="order")


def peaks() -> str:
    """The month peaks in the meter's log."""
    return (
        source("demand_peak", ["power_kw"])
        + '  |> group()\n  |> sort(columns: ["_time"])\n'
        + '  |> keep(columns: ["_time", "_value"])\n'
    )


def log_and_running() -> str:
    """Define `log`, the meter's peaks, and `running`, this month's so far."""
    running = source(
        "electricity", ["demand_month_peak_kw"], begin="date.sub(d: 1d, from: v.timeRangeStop)"
    )
    return f"""\
log = {peaks()}
running = {running}  |> last()
  |> group()
  |> sort(columns: ["_time"])
  |> last()
  |> keep(columns: ["_time", "_value"])

union(tables: [log, running])
  |> group()
"""


def month_peaks() -> Ask:
    """The highest peak of each month in the log, and of this month so far."""
    body = log_and_running() + '  |> map(fn: (r) => ({r with _field: "peak"}))\n'
    # The last quarter hour of a month ends with it.
    body += '  |> timeShift(duration: -5m)\n  |> group(columns: ["_field"])\n'
    body += '  |> sort(columns: ["_time"])\n'
    body += f"  |> range(start: date.sub(d: 1d, from: begin), stop: end)\n{per('1mo', 'max')}"
    body += f"  |> group()\n{bars('1mo')}"
    return Ask(body + BY_NAME, ("peak",), steps=True)


def mean_peak(name: str, floor: float, factor: str = "") -> Ask:
    """The mean of the peaks in the log and this month's so far, none below `floor`."""
    price = expression(f" * {factor}") if factor else ""
    body = f"""\
{log_and_running()}\
  |> map(fn: (r) => ({{r with _value: if r._value < {floor} then {floor} else r._value}}))
  |> mean()
  |> map(fn: (r) => ({{_time: end, _field: "{name}", _value: r._value{price}}}))
"""
    return Ask(body, (name,))
