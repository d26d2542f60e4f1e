"""The queries in Flux, for the dashboards of InfluxDB 2's own UI. They ask what influxql's ask.

A day's energy is the sum of the differences of readings; the reading of midnight closes a day, so
the times go back five minutes before the days are told apart. `v` holds the dashboard's variables.
"""

from collections.abc import Mapping, Sequence
from typing import Final

PERIODS: Final = ("1h", "1d", "1w", "1mo", "1y")

_ZONE: Final = """\
import "date"
import "timezone"

location = timezone.location(name: v.zone)

"""


def _per(every: str, how: str, offset: str = "") -> str:
    """Take each hour, day or month of the household's clock together, stamped with its begin.

    The location is said each time: an option may not depend on `v`, which is an option itself.
    """
    return f"""\
  |> aggregateWindow(
    every: {every}{offset},
    fn: {how},
    location: location,
    timeSrc: "_start",
    createEmpty: false,
  )
"""


def course(fields: Mapping[str, str], how: str = "mean") -> str:
    """How some fields of `electricity` went; `fields` maps them to expressions in `r._value`."""
    names = " or ".join(f'r._field == "{field}"' for field in fields)
    scaled = "".join(
        f'if r._field == "{field}" then {text} else ' for field, text in fields.items()
    )
    return f"""\
from(bucket: v.bucket)
  |> range(start: v.timeRangeStart, stop: v.timeRangeStop)
  |> filter(fn: (r) => r._measurement == "electricity" and r.site == v.site)
  |> filter(fn: (r) => {names})
  |> toFloat()
  |> map(fn: (r) => ({{r with _value: {scaled}r._value}}))
  |> group(columns: ["_field"])
  |> aggregateWindow(every: v.windowPeriod, fn: {how}, createEmpty: false)
"""


def last(field: str, text: str = "r._value", measurement: str = "electricity") -> str:
    return f"""\
from(bucket: v.bucket)
  |> range(start: v.timeRangeStart, stop: v.timeRangeStop)
  |> filter(fn: (r) => r._measurement == "{measurement}" and r.site == v.site)
  |> filter(fn: (r) => r._field == "{field}")
  |> group()
  |> last()
  |> toFloat()
  |> map(fn: (r) => ({{r with _value: {text}}}))
"""


def _used(measurement: str, fields: Sequence[str], *, since: str, series: Sequence[str]) -> str:
    names = " or ".join(f'r._field == "{field}"' for field in fields)
    by = ", ".join(f'"{name}"' for name in series)
    return f"""\
from(bucket: v.bucket)
  |> range(start: {since}, stop: v.timeRangeStop)
  |> filter(fn: (r) => r._measurement == "{measurement}" and r.site == v.site)
  |> filter(fn: (r) => {names})
  |> group(columns: [{by}])
  |> sort(columns: ["_time"])
  |> difference(nonNegative: true)
  |> timeShift(duration: -5m)
"""


def energy(
    fields: Sequence[str], every: str, *, measurement: str = "readings", since: str = ""
) -> str:
    """Use per hour, day, week, month or year of the household's clock, stamped with its begin."""
    series = ("meter", "_field") if measurement == "readings" else ("meter", "channel", "_field")
    offset = ", offset: -3d" if every == "1w" else ""
    return (
        _ZONE
        + _used(measurement, fields, since=since or "v.timeRangeStart", series=series)
        + f"""\
  |> group(columns: ["_field"])
{_per(every, "sum", offset)}"""
    )


def today(field: str, measurement: str = "readings") -> str:
    """Use since midnight of the household's clock, of one register."""
    series = ("meter",) if measurement == "readings" else ("meter", "channel")
    return (
        _ZONE
        + _used(
            measurement,
            [field],
            since="date.truncate(t: v.timeRangeStop, unit: 1d, location: location)",
            series=series,
        )
        + '  |> group()\n  |> sum(column: "_value")\n'
    )


def cost(every: str) -> str:
    """Euros per period: both tariffs, energy tax, what is returned, standing charge, gas."""
    electricity = _used(
        "readings",
        [
            "energy_import_t1_kwh",
            "energy_import_t2_kwh",
            "energy_import_kwh",
            "energy_export_kwh",
        ],
        since="v.timeRangeStart",
        series=("meter", "_field"),
    )
    gas = _used("gas", ["volume_m3"], since="v.timeRangeStart", series=("meter", "channel"))
    return f"""\
{_ZONE}prices = [
  {{_field: "energy_import_t1_kwh", price: float(v: v.price_t1)}},
  {{_field: "energy_import_t2_kwh", price: float(v: v.price_t2)}},
  {{_field: "energy_import_kwh", price: float(v: v.energy_tax)}},
  {{_field: "energy_export_kwh", price: -float(v: v.price_return)}},
]
price = (field) => (prices |> array.filter(fn: (x) => x._field == field))[0].price

electricity = {electricity}  |> map(
    fn: (r) => ({{_time: r._time, _value: r._value * price(field: r._field)}}),
  )

gas = {gas}  |> map(fn: (r) => ({{_time: r._time, _value: r._value * float(v: v.price_gas)}}))

days = {electricity}  |> filter(fn: (r) => r._field == "energy_import_kwh")
  |> group()
{_per("1d", "count")}  |> map(fn: (r) => ({{_time: r._time, _value: float(v: v.standing)}}))

union(tables: [electricity |> group(), gas |> group(), days |> group()])
  |> group()
{_per(every, "sum")}""".replace('import "date"', 'import "array"\nimport "date"')


def standby() -> str:
    """The lowest quarter hour between midnight and six of each night, in W."""
    return (
        _ZONE
        + _used("readings", ["energy_import_kwh"], since="v.timeRangeStart", series=("meter",))
        + f"""\
  |> filter(fn: (r) => date.hour(t: r._time, location: location) < 6)
  |> group()
{_per("1d", "min")}  |> map(fn: (r) => ({{r with _value: r._value * 4000.0}}))
"""
    )


_DATE: Final = 'import "date"\n\n'


def back(duration: str) -> str:
    """A time before the end of the range, whatever its begin."""
    return f"date.sub(d: {duration}, from: v.timeRangeStop)"


def peaks() -> str:
    """The month peaks in the meter's log."""
    return f"""\
{_DATE}from(bucket: v.bucket)
  |> range(start: {back("14mo")}, stop: v.timeRangeStop)
  |> filter(fn: (r) => r._measurement == "demand_peak" and r.site == v.site)
  |> filter(fn: (r) => r._field == "power_kw")
  |> group()
  |> sort(columns: ["_time"])
  |> keep(columns: ["_time", "_value"])
"""


def mean_peak() -> str:
    """The mean of the last twelve month peaks in the log, none below 2.5 kW."""
    return (
        peaks()
        + """\
  |> tail(n: 12)
  |> map(fn: (r) => ({r with _value: if r._value < 2.5 then 2.5 else r._value}))
  |> mean()
"""
    )


def failures() -> str:
    """The long power failures in the meter's log: when each ended and its seconds."""
    return f"""\
{_DATE}from(bucket: v.bucket)
  |> range(start: {back("10y")}, stop: v.timeRangeStop)
  |> filter(fn: (r) => r._measurement == "power_failure" and r.site == v.site)
  |> group()
  |> sort(columns: ["_time"], desc: true)
  |> keep(columns: ["_time", "_value"])
"""


def own(fields: Sequence[str]) -> str:
    """The collector's own state."""
    names = " or ".join(f'r._field == "{field}"' for field in fields)
    return f"""\
from(bucket: v.bucket)
  |> range(start: v.timeRangeStart, stop: v.timeRangeStop)
  |> filter(fn: (r) => r._measurement == "collector")
  |> filter(fn: (r) => {names})
  |> toFloat()
  |> group(columns: ["site", "_field"])
  |> aggregateWindow(every: v.windowPeriod, fn: max, createEmpty: false)
"""


def last_seen() -> str:
    """How many seconds ago each site last spoke."""
    return """\
from(bucket: v.bucket)
  |> range(start: v.timeRangeStart, stop: v.timeRangeStop)
  |> filter(fn: (r) => r._measurement == "electricity" and r._field == "energy_import_kwh")
  |> group(columns: ["site"])
  |> last()
  |> map(fn: (r) => ({
    site: r.site,
    _time: r._time,
    _value: (int(v: now()) - int(v: r._time)) / 1000000000,
  }))
"""


DOWNSAMPLE: Final = """\
// Registers, gas, water, heat, peaks and failures as they are; power and voltage as means over
// five minutes. What has arrived up to two days late comes along; writing a point twice changes
// nothing.
from(bucket: "p1")
  |> range(start: -2d)
  |> filter(
    fn: (r) =>
      r._measurement == "readings" or r._measurement == "gas" or r._measurement == "water"
      or r._measurement == "heat" or r._measurement == "cooling" or r._measurement == "submeter"
      or r._measurement == "demand_peak" or r._measurement == "power_failure",
  )
  |> to(bucket: "p1-long")

from(bucket: "p1")
  |> range(start: -2d)
  |> filter(fn: (r) => r._measurement == "electricity")
  |> filter(fn: (r) => r._field =~ /^(power|voltage|current)_.*_(kw|v|a)$/)
  |> aggregateWindow(every: 5m, fn: mean, createEmpty: false)
  |> to(bucket: "p1-long")
"""

SILENCE: Final = """\
from(bucket: "p1")
  |> range(start: -1h)
  |> filter(fn: (r) => r._measurement == "electricity" and r._field == "energy_import_kwh")
"""

BACKLOG: Final = """\
from(bucket: "p1")
  |> range(start: -1h)
  |> filter(fn: (r) => r._measurement == "collector" and r._field == "spool_bytes")
  |> aggregateWindow(every: 5m, fn: last, createEmpty: false)
  |> yield(name: "last")
"""
