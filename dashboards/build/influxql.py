"""The queries in InfluxQL, which InfluxDB 1.x, 2.x and Cloud understand.

Energy is the sum of the differences of successive readings of each meter, never an integral of
power: a gap costs nothing, a replaced meter starts from its own first reading, and what arrives
late falls into place. `readings` has a register at each quarter hour, so a difference that is
stamped 00:00 belongs to the day before: days begin five minutes late, and the last day of a range
ends five minutes late with them.
"""

# ruff: noqa: S608  names of our own and of Grafana's variables; nobody's words

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

SITE: Final = '"site" =~ /^${site:regex}$/'
METER: Final = '"meter" =~ /^${meter:regex}$/'
WHO: Final = f"{SITE} AND {METER}"
ZONE: Final = "tz('${zone}')"
SPAN: Final = "time >= ${__from}ms AND time < ${__to}ms + 5m"
LATE: Final = "5m"


@dataclass(frozen=True, slots=True)
class Query:
    """A query, and the names of the series that it gives.

    `table` asks for one table, which transformations need; otherwise each column is a series.
    """

    text: str
    names: tuple[str, ...]
    table: bool = False
    alias: str = "$col"


def energy(
    columns: Mapping[str, str],
    *,
    measurement: str = "readings",
    every: str | None = "1d",
    table: bool = False,
) -> Query:
    """Use per `every` of the household's clock, or of the whole range.

    `columns` maps a series' name to an expression in which a register's name stands for what was
    used: `{"net": "{energy_import_kwh} - {energy_export_kwh}"}`. Each register has a sub-query of
    its own: one for four takes InfluxDB six times as long.
    """
    fields = _fields(columns.values())
    where = WHO if measurement == "readings" else SITE
    series = '"meter"' if measurement == "readings" else '"meter", "channel"'
    inner = ", ".join(
        f'(SELECT non_negative_difference("{name}") AS "{name}" FROM "{measurement}"'
        f" WHERE {where} GROUP BY {series})"
        for name in fields
    )
    used = {name: f'sum("{name}")' for name in fields}
    outer = ", ".join(f'{text.format(**used)} AS "{name}"' for name, text in columns.items())
    group = f" GROUP BY time({every}, {LATE}) fill(none) {ZONE}" if every else ""
    return Query(
        f"SELECT {outer} FROM {inner} WHERE {SPAN}{group}",
        tuple(columns),
        table=table,
    )


def course(
    columns: Mapping[str, str],
    *,
    measurement: str = "electricity",
    how: str = "mean",
    every: str = "$__interval",
) -> Query:
    """How values went: one point each `every`, `how` taking many together."""
    used = {name: f'{how}("{name}")' for name in _fields(columns.values())}
    outer = ", ".join(f'{text.format(**used)} AS "{name}"' for name, text in columns.items())
    where = WHO if measurement == "electricity" else SITE
    return Query(
        f'SELECT {outer} FROM "{measurement}" WHERE {where} AND $timeFilter'
        f" GROUP BY time({every}) fill(null) {ZONE}",
        tuple(columns),
    )


def last(columns: Mapping[str, str], *, measurement: str = "electricity") -> Query:
    """The newest value of each column in the range; the fields need not come together."""
    used = {name: f'last("{name}")' for name in _fields(columns.values())}
    outer = ", ".join(f'{text.format(**used)} AS "{name}"' for name, text in columns.items())
    where = WHO if measurement == "electricity" else SITE
    return Query(
        f'SELECT {outer} FROM "{measurement}" WHERE {where} AND $timeFilter', tuple(columns)
    )


def last_seen() -> Query:
    """The newest reading; its time is what a panel shows."""
    return Query(
        f'SELECT last("energy_import_kwh") AS "import" FROM "electricity"'
        f" WHERE {WHO} AND $timeFilter",
        ("import",),
        table=True,
    )


def rows(fields: Mapping[str, str], *, measurement: str) -> Query:
    """Points as they are, for a table: an event each."""
    outer = ", ".join(f'"{field}" AS "{name}"' for name, field in fields.items())
    return Query(
        f'SELECT {outer} FROM "{measurement}" WHERE {WHO} AND $timeFilter',
        tuple(fields),
        table=True,
    )


_USED: Final = (
    '(SELECT non_negative_difference("energy_import_kwh") AS "i"'
    f' FROM "readings" WHERE {WHO} GROUP BY "meter")'
)


def quarter_hours(name: str) -> Query:
    """The mean power of each quarter hour, in kW, from the register."""
    return Query(
        f'SELECT sum("i") * 4 AS "{name}" FROM {_USED} WHERE {SPAN}'
        f" GROUP BY time(15m, {LATE}) fill(none) {ZONE}",
        (name,),
    )


def highest_quarter(name: str) -> Query:
    """The highest quarter hour of each day, in kW."""
    return Query(
        f'SELECT max("i") * 4 AS "{name}" FROM {_USED} WHERE {SPAN}'
        f" GROUP BY time(1d, {LATE}) fill(none) {ZONE}",
        (name,),
    )


def standby(*, table: bool = False) -> Query:
    """The lowest quarter hour of each quarter of a day, in W; nights are those of midnight."""
    return Query(
        f'SELECT min("i") * 4000 AS "standby" FROM {_USED} WHERE {SPAN}'
        f" GROUP BY time(6h, {LATE}) fill(none) {ZONE}",
        ("standby",),
        table=table,
    )


def summed_up(name: str, field: str) -> Query:
    """What a register has gained since the range began, at each of its readings."""
    inner = f'non_negative_difference("{field}") AS "d"'
    return Query(
        f'SELECT cumulative_sum(sum("d")) AS "{name}" FROM (SELECT {inner} FROM "readings"'
        f' WHERE {WHO} GROUP BY "meter") WHERE $timeFilter GROUP BY time(15m) fill(none)',
        (name,),
    )


def extreme(columns: Mapping[str, str], how: str) -> Query:
    """The highest or lowest ten-minute mean of each field in the range (EN 50160's measure)."""
    inner = ", ".join(f'mean("{field}") AS "{field}"' for field in columns.values())
    outer = ", ".join(f'{how}("{field}") AS "{name}"' for name, field in columns.items())
    return Query(
        f'SELECT {outer} FROM (SELECT {inner} FROM "electricity" WHERE {WHO} AND $timeFilter'
        f' GROUP BY time(10m), "meter" fill(none)) WHERE $timeFilter',
        tuple(columns),
    )


def counted(columns: Mapping[str, str]) -> Query:
    """How far counters went up in the range; each meter counts for itself."""
    inner = ", ".join(f'spread("{field}") AS "{field}"' for field in columns.values())
    outer = ", ".join(f'sum("{field}") AS "{name}"' for name, field in columns.items())
    return Query(
        f'SELECT {outer} FROM (SELECT {inner} FROM "electricity" WHERE {WHO} AND $timeFilter'
        f' GROUP BY "meter") WHERE $timeFilter',
        tuple(columns),
    )


def floored_peaks(floor: float, factor: str = "") -> tuple[Query, Query]:
    """The months' peaks, none below `floor`: those in the meter's log, and this month's so far.

    `(p + floor + |p - floor|) / 2` is the greater of the two: InfluxQL has no such function.
    """
    greater = f'("p" + {floor} + abs("p" - {floor})) / 2 {factor}'.rstrip() + ' AS "peak"'
    log = f'SELECT "power_kw" AS "p" FROM "demand_peak" WHERE {WHO} AND $timeFilter'
    now = (
        f'SELECT last("demand_month_peak_kw") AS "p" FROM "electricity" WHERE {WHO}'
        " AND time > ${__to}ms - 1d AND time <= ${__to}ms"
    )
    return (
        Query(f"SELECT {greater} FROM ({log})", ("peak",), table=True),
        Query(f"SELECT {greater} FROM ({now})", ("peak",), table=True),
    )


def own(columns: Mapping[str, str]) -> Query:
    """The collector's own state, a series a site and column."""
    used = {name: f'max("{name}")' for name in _fields(columns.values())}
    outer = ", ".join(f'{text.format(**used)} AS "{name}"' for name, text in columns.items())
    return Query(
        f'SELECT {outer} FROM "collector" WHERE {SITE} AND $timeFilter'
        ' GROUP BY time($__interval), "site" fill(null)',
        tuple(columns),
        alias="$tag_site: $col",
    )


def own_steps(columns: Mapping[str, str]) -> Query:
    """What the collector counted in each interval. A restart counts from nought again."""
    fields = _fields(columns.values())
    inner = ", ".join(f'non_negative_difference("{name}") AS "{name}"' for name in fields)
    used = {name: f'sum("{name}")' for name in fields}
    outer = ", ".join(f'{text.format(**used)} AS "{name}"' for name, text in columns.items())
    return Query(
        f'SELECT {outer} FROM (SELECT {inner} FROM "collector" WHERE {SITE}'
        ' GROUP BY "site", "host") WHERE $timeFilter'
        ' GROUP BY time($__interval), "site" fill(null)',
        tuple(columns),
        alias="$tag_site: $col",
    )


def own_total(name: str, text: str) -> Query:
    """What the collectors counted in the range, all together."""
    fields = _fields([text])
    inner = ", ".join(f'non_negative_difference("{field}") AS "{field}"' for field in fields)
    outer = text.format(**{field: f'sum("{field}")' for field in fields})
    return Query(
        f'SELECT {outer} AS "{name}" FROM (SELECT {inner} FROM "collector" WHERE {SITE}'
        ' GROUP BY "site", "host") WHERE $timeFilter',
        (name,),
    )


_WAITED: Final = (
    'SELECT sum("delivered") - sum("read") AS "late" FROM'
    ' (SELECT non_negative_difference("delivered") AS "delivered",'
    f' non_negative_difference("read") AS "read" FROM "collector" WHERE {SITE}'
    ' GROUP BY "site", "host") WHERE $timeFilter'
)


def own_late() -> Query:
    """What was delivered beyond what was read: it had waited."""
    return Query(
        f'SELECT "late" AS "delivered late" FROM ({_WAITED} GROUP BY time(5m), "site" fill(none))'
        ' WHERE "late" > 60 AND $timeFilter GROUP BY "site"',
        ("delivered late",),
        alias="$tag_site: $col",
    )


def own_late_total() -> Query:
    return Query(
        f'SELECT sum("late") AS "delivered late" FROM ({_WAITED} GROUP BY time(5m), "site"'
        ' fill(none)) WHERE "late" > 60 AND $timeFilter',
        ("delivered late",),
    )


def own_last(columns: Mapping[str, str]) -> Query:
    """The newest of the collector's own state, a row a site and host."""
    used = {name: f'last("{name}")' for name in _fields(columns.values())}
    outer = ", ".join(f'{text.format(**used)} AS "{name}"' for name, text in columns.items())
    return Query(
        f'SELECT {outer} FROM "collector" WHERE {SITE} AND $timeFilter GROUP BY "site", "host"',
        tuple(columns),
        table=True,
    )


def sites_seen() -> Query:
    """The newest reading of each site and meter."""
    return Query(
        'SELECT last("energy_import_kwh") AS "reading" FROM "electricity"'
        f' WHERE {SITE} AND $timeFilter GROUP BY "site", "meter"',
        ("reading",),
        table=True,
    )


def _fields(texts: Iterable[str]) -> list[str]:
    """The names in braces, each once, in the order in which they come."""
    found: dict[str, None] = {}
    for text in texts:
        for part in text.split("{")[1:]:
            found[part.split("}")[0]] = None
    return list(found)
