"""In Flux, own solar production: what `solar` asks in InfluxQL."""

from dataclasses import replace
from typing import Final

from dashboards.build.figures import figures
from dashboards.build.flux import BY_NAME, BY_TIME, Ask, bars, named, periods, source

_ROWS: Final = "  |> experimental.unpivot()\n"
_DAYS: Final = f"""\
made = {periods({"solar": "{energy_kwh}"}, "1d", "solar")}
exported = {periods({"export": "{energy_export_kwh}"}, "1d")}
days = union(tables: [made, exported])
  |> group()
  |> map(fn: (r) => ({{r with _time: date.truncate(t: r._time, unit: 1d, location: location)}}))
{BY_TIME}  |> filter(fn: (r) => exists r.solar and r.solar > 0.0)
  |> map(fn: (r) => ({{
    _time: r._time,
    solar: r.solar,
    "used at home": r.solar - (if exists r.export then r.export else 0.0),
  }}))

"""
_SHARED: Final = """\
  |> map(fn: (r) => ({r with share: r["used at home"] / r.solar * 100.0}))
"""


def today() -> Ask:
    return Ask(f"{_DAYS}days\n{_SHARED}{_ROWS}{BY_NAME}", ("solar", "used at home", "share"))


def each_day() -> Ask:
    body = f"{_DAYS}days\n{_ROWS}{bars('1d')}{BY_NAME}"
    return Ask(body, ("solar", "used at home"), steps=True)


def by_month() -> Ask:
    summed = f"""\
{_DAYS}days
{_ROWS}  |> map(fn: (r) => ({{
    r with _time: date.truncate(t: r._time, unit: 1mo, location: location)
  }}))
  |> group(columns: ["_time", "_field"])
  |> sum()
"""
    made = figures(summed, "1mo", ("solar", "used at home", "share"))
    return replace(made, body=made.body + _SHARED)


def power() -> Ask:
    """Where both are there."""
    watts = {
        "solar": "{power_kw} * 1000 + 0 * {power_export_kw}",
        "used at home": "({power_kw} - {power_export_kw}) * 1000",
    }
    body = f"""\
union(
  tables: [
    {source("solar", ["power_kw"])},
    {source("electricity", ["power_export_kw"])},
  ],
)
  |> aggregateWindow(every: v.windowPeriod, fn: mean, createEmpty: false)
{named(watts)}{BY_NAME}"""
    return Ask(body, tuple(watts))
