"""The queries in InfluxQL, which InfluxDB 1, 2, 3 and the cloud understand.

Energy is the sum of the differences of successive readings of each meter, never an integral of
power: a gap costs nothing, a replaced meter starts from its own first reading, and what arrives
late falls into place. `readings` has a register at each quarter hour, so a difference that is
stamped 00:00 belongs to the day before: days begin five minutes late, and the last day of a range
ends five minutes late with them.

InfluxDB 3 asks for some forms. A range stands in the innermost SELECT: one that stands outside of
`tz()` is not used to leave files out, and each of them is read. Where days do not matter there is
no `tz()` at all. A number alone in brackets is refused, so a price is added to nought.
"""

# ruff: noqa: S608  names of our own and of Grafana's variables; nobody's words

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

SITE: Final = '"site" =~ /^${site:regex}$/'
METER: Final = '"meter" =~ /^${meter:regex}$/'
WHO: Final = f"{SITE} AND {METER}"
ZONE: Final = "tz('${zone}')"
SPAN: Final = "time >= ${__from}ms AND time < ${__to}ms + 5m"
SINCE: Final = "time > ${__from}ms - 1d"
"""What the menus look through: version 3 would take the last day."""

RECENT: Final = "time > now() - 2m AND time <= now()"
"""What is older than two minutes is not now."""

LATE: Final = "5m"


def past(days: int, back: int = 0) -> str:
    """A range that ends now, or some days ago, whatever time the dashboard shows."""
    end = f"now() - {back}d" if back else "now()"
    return f"time >= now() - {days + back}d AND time < {end} + 5m"


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
    span: str = SPAN,
    fill: str = "none",
) -> Query:
    """Use per `every` of the household's clock, or of the whole range.

    `columns` maps a series' name to an expression in which a register's name stands for what was
    used: `{"net": "{energy_import_kwh} - {energy_export_kwh}"}`. Each register has a sub-query of
    its own: one for four takes InfluxDB six times as long.
    """
    fields = fields_of(columns.values())
    where = WHO if measurement == "readings" else SITE
    series = '"meter"' if measurement == "readings" else '"meter", "channel"'
    inner = ", ".join(
        f'(SELECT non_negative_difference("{name}") AS "{name}" FROM "{measurement}"'
        f" WHERE {where} AND {span} GROUP BY {series})"
        for name in fields
    )
    group = f" GROUP BY time({every}, {LATE}) fill({fill}){_zone(every)}" if every else ""
    return Query(
        f"SELECT {_shown(columns, 'sum')} FROM {inner} WHERE {span}{group}",
        tuple(columns),
        table=table,
    )


def course(
    columns: Mapping[str, str],
    *,
    measurement: str = "electricity",
    how: str = "mean",
    every: str = "$__interval",
    table: bool = False,
) -> Query:
    """How values went: one point each `every`, `how` taking many together."""
    where = WHO if measurement == "electricity" else SITE
    return Query(
        f'SELECT {_shown(columns, how)} FROM "{measurement}" WHERE {where} AND $timeFilter'
        f" GROUP BY time({every}) fill(null)",
        tuple(columns),
        table=table,
    )


def last(
    columns: Mapping[str, str],
    *,
    measurement: str = "electricity",
    span: str = RECENT,
    table: bool = False,
) -> Query:
    """The newest value of each column; the fields need not come together."""
    where = WHO if measurement == "electricity" else SITE
    return Query(
        f'SELECT {_shown(columns, "last")} FROM "{measurement}" WHERE {where} AND {span}',
        tuple(columns),
        table=table,
    )


def newest(fields: Mapping[str, str]) -> Query:
    """Values of the newest telegram that has the first of them, with its time."""
    outer = ", ".join(f'"{field}" AS "{name}"' for name, field in fields.items())
    there = f'"{next(iter(fields.values()))}" >= 0'
    return Query(
        f'SELECT {outer} FROM "electricity" WHERE {WHO} AND {there} AND {RECENT}'
        " ORDER BY time DESC LIMIT 1",
        tuple(fields),
        table=True,
    )


def tens_of_seconds() -> Query:
    """How many readings each ten seconds of the last hour had, the newest first."""
    return Query(
        f'SELECT count("energy_import_kwh") AS "readings" FROM "electricity" WHERE {WHO}'
        " AND time > now() - 1h AND time <= now() GROUP BY time(10s) fill(0) ORDER BY time DESC",
        ("readings",),
        table=True,
    )


def extreme_net(name: str, how: str) -> Query:
    """The highest or lowest net power in the range, in W, with its time."""
    net = '("power_import_kw" - "power_export_kw") * 1000'
    return Query(
        f'SELECT {how}("net") AS "{name}" FROM (SELECT {net} AS "net" FROM "electricity"'
        f" WHERE {WHO} AND $timeFilter)",
        (name,),
        table=True,
    )


def rows(fields: Mapping[str, str], *, measurement: str, span: str = "$timeFilter") -> Query:
    """Points as they are, for a table: an event each."""
    outer = ", ".join(f'"{field}" AS "{name}"' for name, field in fields.items())
    return Query(
        f'SELECT {outer} FROM "{measurement}" WHERE {WHO} AND {span}',
        tuple(fields),
        table=True,
    )


def _used(span: str = SPAN) -> str:
    inner = 'non_negative_difference("energy_import_kwh") AS "i"'
    return f'(SELECT {inner} FROM "readings" WHERE {WHO} AND {span} GROUP BY "meter")'


def quarter_hours(name: str) -> Query:
    """The mean power of each quarter hour, in kW, from the register."""
    return Query(
        f'SELECT sum("i") * 4 AS "{name}" FROM {_used()} WHERE {SPAN}'
        f" GROUP BY time(15m, {LATE}) fill(none)",
        (name,),
    )


def highest_quarter(name: str) -> Query:
    """The highest quarter hour of the range, in kW, with the time at which it ended."""
    kilowatts = '"i" * 4 AS "kw"'
    return Query(
        f'SELECT max("kw") AS "{name}" FROM (SELECT {kilowatts} FROM {_used()}) WHERE {SPAN}',
        (name,),
        table=True,
    )


def highest_quarters(name: str, span: str) -> Query:
    """The highest quarter hour of each day, in kW."""
    return Query(
        f'SELECT max("i") * 4 AS "{name}" FROM {_used(span)} WHERE {span}'
        f" GROUP BY time(1d, {LATE}) fill(none) {ZONE}",
        (name,),
        table=True,
    )


def standby(*, table: bool = False) -> Query:
    """The lowest quarter hour of each quarter of a day, in W; nights are those of midnight."""
    return Query(
        f'SELECT min("i") * 4000 AS "standby" FROM {_used()} WHERE {SPAN}'
        f" GROUP BY time(6h, {LATE}) fill(none) {ZONE}",
        ("standby",),
        table=table,
    )


def summed_up(name: str, field: str) -> Query:
    """What a register has gained since the range began, at each of its readings.

    The reading before the range is among those that are asked for.
    """
    inner = f'non_negative_difference("{field}") AS "d"'
    span = "time > ${__from}ms - 15m AND time <= ${__to}ms"
    return Query(
        f'SELECT cumulative_sum(sum("d")) AS "{name}" FROM (SELECT {inner} FROM "readings"'
        f' WHERE {WHO} AND {span} GROUP BY "meter") WHERE {span} GROUP BY time(15m) fill(none)',
        (name,),
    )


def extreme(name: str, field: str, how: str) -> Query:
    """The highest or lowest ten-minute mean of a field in the range (EN 50160's measure).

    The first ten minutes may have begun before the range, so it stands in the inner SELECT alone.
    """
    return Query(
        f'SELECT {how}("mean") AS "{name}" FROM (SELECT mean("{field}") FROM "electricity"'
        f' WHERE {WHO} AND $timeFilter GROUP BY time(10m), "meter" fill(none))',
        (name,),
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


def floored_peaks(name: str, floor: float, factor: str = "") -> tuple[Query, Query]:
    """The months' peaks, none below `floor`: those in the meter's log, and this month's so far.

    `(p + floor + |p - floor|) / 2` is the greater of the two: InfluxQL has no such function.
    """
    greater = f'("p" + {floor} + abs("p" - {floor})) / 2 {factor}'.rstrip() + f' AS "{name}"'
    greater = re.sub(_PRICE, _ADDED, greater)
    log, now = (query.text for query in month_peaks("p"))
    return (
        Query(f"SELECT {greater} FROM ({log})", (name,), table=True),
        Query(f"SELECT {greater} FROM ({now})", (name,), table=True),
    )


def month_peaks(name: str) -> tuple[Query, Query]:
    """The peaks in the meter's log, thirteen months of them, and this month's so far."""
    return (
        rows({name: "power_kw"}, measurement="demand_peak", span=past(400)),
        Query(
            f'SELECT last("demand_month_peak_kw") AS "{name}" FROM "electricity" WHERE {WHO}'
            f" AND {past(1)}",
            (name,),
            table=True,
        ),
    )


def own(columns: Mapping[str, str]) -> Query:
    """The collector's own state, a series a site."""
    return Query(
        f'SELECT {_shown(columns, "max")} FROM "collector" WHERE {SITE} AND $timeFilter'
        ' GROUP BY time($__interval), "site" fill(null)',
        tuple(columns),
        alias="$tag_site",
    )


def own_steps(columns: Mapping[str, str]) -> Query:
    """What the collector counted in each interval. A restart counts from nought again."""
    fields = fields_of(columns.values())
    inner = ", ".join(f'non_negative_difference("{name}") AS "{name}"' for name in fields)
    return Query(
        f'SELECT {_shown(columns, "sum")} FROM (SELECT {inner} FROM "collector" WHERE {SITE}'
        ' AND $timeFilter GROUP BY "site", "host") WHERE $timeFilter'
        ' GROUP BY time($__interval), "site" fill(null)',
        tuple(columns),
        alias="$tag_site: $col",
    )


def own_total(name: str, text: str) -> Query:
    """What the collectors counted in the range, all together."""
    fields = fields_of([text])
    inner = ", ".join(f'non_negative_difference("{field}") AS "{field}"' for field in fields)
    return Query(
        f'SELECT {_shown({name: text}, "sum")} FROM (SELECT {inner} FROM "collector"'
        f' WHERE {SITE} AND $timeFilter GROUP BY "site", "host") WHERE $timeFilter',
        (name,),
    )


_COUNTED: Final = ", ".join(
    f'non_negative_difference("{name}") AS "{name}"' for name in ("delivered", "read")
)
_WAITED: Final = (
    'SELECT "delivered" - "read" AS "late" FROM'
    ' (SELECT sum("delivered") AS "delivered", sum("read") AS "read" FROM'
    f' (SELECT {_COUNTED} FROM "collector" WHERE {SITE} AND $timeFilter'
    ' GROUP BY "site", "host") WHERE $timeFilter GROUP BY time(5m), "site" fill(none))'
    ' GROUP BY "site"'
)
"""What each five minutes delivered beyond what they read: it had waited.

Version 3 plans no comparison with a difference of sums; it does with a column that was one.
"""


def own_late() -> Query:
    """What was delivered beyond what was read, more than a minute's telegrams of it."""
    return Query(
        f'SELECT "late" AS "delivered late" FROM ({_WAITED}) WHERE "late" > 60 GROUP BY "site"',
        ("delivered late",),
        alias="$tag_site: $col",
    )


def own_late_total() -> Query:
    return Query(
        f'SELECT sum("late") AS "delivered late" FROM ({_WAITED}) WHERE "late" > 60',
        ("delivered late",),
    )


def own_last(columns: Mapping[str, str]) -> Query:
    """The newest of the collector's own state, a row a site and host."""
    return Query(
        f'SELECT {_shown(columns, "last")} FROM "collector" WHERE {SITE} AND $timeFilter'
        ' GROUP BY "site", "host"',
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


def _zone(every: str) -> str:
    """Days, weeks and quarters of a day begin by the household's clock; an hour is an hour."""
    return "" if every in {"1h", "15m"} else f" {ZONE}"


def _shown(columns: Mapping[str, str], how: str) -> str:
    """Each column with its name, its fields taken together by `how`, its prices written out."""
    used = {name: f'{how}("{name}")' for name in fields_of(columns.values())}
    return ", ".join(
        f'{re.sub(_PRICE, _ADDED, text.format(**used))} AS "{name}"'
        for name, text in columns.items()
    )


_PRICE: Final = r"\(\$(\w+)\)"
_ADDED: Final = r"(0 + ${\1})"


def fields_of(texts: Iterable[str]) -> list[str]:
    """The names in braces, each once, in the order in which they come."""
    found: dict[str, None] = {}
    for text in texts:
        for part in text.split("{")[1:]:
            found[part.split("}")[0]] = None
    return list(found)
