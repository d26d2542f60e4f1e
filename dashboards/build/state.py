"""In Flux, what the collectors say of themselves, all sites together. A restart counts anew."""

from collections.abc import Mapping, Sequence

from dashboards.build.flux import Ask, expression, fields_of, named, source

_BY_SITE = '  |> group(columns: ["site", "_field"])\n'
_NAMED = """\
  |> map(fn: (r) => ({r with _field: r.site + ": " + r._field}))
  |> group(columns: ["_field"])
  |> sort(columns: ["_time"])
"""


def _windows(every: str, how: str) -> str:
    return f"  |> aggregateWindow(every: {every}, fn: {how}, createEmpty: false)\n"


def _counted(fields: Sequence[str]) -> str:
    return source("collector", fields, site=False) + "  |> difference(nonNegative: true)\n"


def own(columns: Mapping[str, str]) -> Ask:
    """How the state went, a series a site and column."""
    body = source("collector", fields_of(columns), site=False) + _BY_SITE
    body += _windows("v.windowPeriod", "max") + "  |> toFloat()\n" + named(columns, ["site"])
    return Ask(body + _NAMED, tuple(columns))


def own_now(column: str) -> Ask:
    """The newest value of a column, the worst of all sites."""
    body = f"""\
{source("collector", fields_of({"": column}), site=False)}\
  |> last()
  |> toFloat()
  |> group()
  |> max()
"""
    return Ask(body, ("worst",))


def own_steps(columns: Mapping[str, str]) -> Ask:
    """What was counted in each interval."""
    body = _counted(fields_of(columns)) + "  |> toFloat()\n" + _BY_SITE
    body += _windows("v.windowPeriod", "sum") + named(columns, ["site"]) + _NAMED
    return Ask(body, tuple(columns), steps=True)


def own_total(column: str) -> Ask:
    """What was counted in the range, by all together."""
    return Ask(f"{_counted(fields_of({'': column}))}  |> group()\n  |> sum()\n", ("sum",))


def _late() -> str:
    """What each five minutes delivered beyond what they read: it had waited."""
    column = {"delivered late": "{delivered} - {read}"}
    return f"""\
{_counted(["delivered", "read"])}  |> toFloat()
{_BY_SITE}{_windows("5m", "sum")}{named(column, ["site"])}\
  |> filter(fn: (r) => r._value > {expression("60")})
"""


def own_late() -> Ask:
    return Ask(_late() + _NAMED, ("delivered late",), steps=True)


def own_late_total() -> Ask:
    return Ask(f"{_late()}  |> group()\n  |> sum()\n", ("delivered late",))


def own_last(columns: Mapping[str, str]) -> Ask:
    """The newest state, a row a site and host. All are texts: a version stands beside numbers."""
    renamed = ", ".join(f'{field}: "{name}"' for name, field in columns.items())
    body = f"""\
{source("collector", list(columns.values()), site=False)}\
  |> last()
  |> toString()
  |> group()
  |> pivot(rowKey: ["site", "host"], columnKey: ["_field"], valueColumn: "_value")
  |> rename(columns: {{{renamed}}})
"""
    return Ask(body, tuple(columns), table=True, labels=("site", "host"))


def sites_seen() -> Ask:
    """The newest reading of each site and meter."""
    body = f"""\
{source("electricity", ["energy_import_kwh"], site=False)}\
  |> last()
  |> group()
  |> map(fn: (r) => ({{r with "last reading": clock(t: r._time)}}))
  |> rename(columns: {{_value: "reading"}})
  |> keep(columns: ["last reading", "site", "meter", "reading"])
"""
    return Ask(body, ("reading",), table=True, labels=("last reading", "site", "meter"))
