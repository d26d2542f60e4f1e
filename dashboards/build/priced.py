"""In InfluxQL, what things cost by the contracts: use times the price that lies beside it.

A price has the time at which its quarter hour ends, and the meter `contract`. What changes at
midnight alone is multiplied by the day: that takes a tenth of the time. What the market makes is
multiplied by the quarter hour. A column in which a price is missing is missing.
"""

# ruff: noqa: S608  names of our own and of Grafana's variables; nobody's words

from collections.abc import Mapping
from typing import Final

from dashboards.build.influxql import LATE, SITE, SPAN, WHO, ZONE, Query, fields_of

OF_CONTRACT: Final = f"{SITE} AND \"meter\" = 'contract'"
SUMMED: Final = ("standing", "capacity")
"""Parts of a day's charge, which add up; of a price there is one."""
USES: Final = ("_kwh", "_m3", "_gj")
"""How the names of registers end."""

YEAR: Final = "time >= 0${contract_year}s AND time < now() + 5m"
"""The contract's year; without a contract the variable is empty, and the range has nothing."""


def priced(
    columns: Mapping[str, str],
    *,
    measurement: str = "readings",
    by: str = "1d",
    every: str | None = "1d",
    span: str = SPAN,
) -> Query:
    """What each column comes to per `every` or in all, its fields multiplied `by` so long.

    `{energy_import_kwh} * {energy_tax}`: of a register what was used, of a price what it was.
    """
    names = fields_of(columns.values())
    inner = ", ".join(_source(name, measurement, span, by) for name in names)
    taken = {name: f'{_how(name)}("{name}")' for name in names}
    shown = ", ".join(f'{text.format(**taken)} AS "{name}"' for name, text in columns.items())
    text = f"SELECT {shown} FROM {inner} WHERE {span}{_grouped(by)}"
    if by != every:
        sums = ", ".join(f'sum("{name}") AS "{name}"' for name in columns)
        text = f"SELECT {sums} FROM ({text}) WHERE {span}{_grouped(every)}"
    return Query(text, tuple(columns), table=True)


def _how(name: str) -> str:
    return "sum" if name in SUMMED or name.endswith(USES) else "last"


def _source(name: str, measurement: str, span: str, by: str) -> str:
    if not name.endswith(USES):
        return _price(name, measurement, span, by)
    who, more = (WHO, "") if measurement == "readings" else (SITE, ', "channel"')
    used = f'non_negative_difference("{name}") AS "{name}"'
    return f'(SELECT {used} FROM "{measurement}" WHERE {who} AND {span} GROUP BY "meter"{more})'


def _price(name: str, measurement: str, span: str, by: str) -> str:
    """By the hour, or the quarter hour: points as they are come out of order at a shard's end."""
    every = by if by == "15m" else "1h"
    taken = f'{_how(name)}("{name}") AS "{name}" FROM "{measurement}"'
    where = f"{OF_CONTRACT} AND {_behind(span)}"
    return f"(SELECT {taken} WHERE {where} GROUP BY time({every}, {LATE}) fill(none))"


def _behind(span: str) -> str:
    """A range without its begin, where the price of the quarter hour before stands.

    That one would have a row before the range, at which InfluxQL gives up the sum of all.
    """
    return span.replace(" AND", " + 15m AND", 1)


def _grouped(every: str | None) -> str:
    if every is None:
        return ""
    zone = "" if every == "15m" else f" {ZONE}"
    return f" GROUP BY time({every}, {LATE}) fill(none){zone}"


def _netted(tariff: str, span: str) -> str:
    """By day: what was imported and exported while netting lasts, and what netting would make."""
    return priced(netted(tariff), span=span).text


def netted(tariff: str) -> dict[str, str]:
    return {
        "i": f"{{energy_import{tariff}_kwh}} + 0 * {{netting{tariff}}}",
        "e": f"{{energy_export{tariff}_kwh}} + 0 * {{netting{tariff}}}",
        "v": f"{{energy_import{tariff}_kwh}} * {{netting{tariff}}}",
    }


_LESS: Final = '("i" + "e" - abs("i" - "e")) / 2'
"""The lesser of the two: InfluxQL has no such function."""


def netting(tariff: str, name: str) -> Query:
    """What netting has made of the contract's year so far, below nought: it is taken off."""
    sums = ", ".join(f'sum("{n}") AS "{n}"' for n in "iev")
    text = f"SELECT {sums} FROM ({_netted(tariff, YEAR)}) WHERE {YEAR}"
    return _off(text, name)


def netting_course(tariff: str, name: str) -> Query:
    """The same, day by day."""
    sums = ", ".join(f'cumulative_sum("{n}") AS "{n}"' for n in "iev")
    text = f"SELECT {sums} FROM ({_netted(tariff, YEAR)}) WHERE {YEAR}"
    return _off(text, name)


def _off(sums: str, name: str) -> Query:
    """Every level has the range: without one the innermost is given more."""
    text = f'SELECT 0 - "v" / "i" * {_LESS} AS "{name}" FROM ({sums}) WHERE {YEAR}'
    return Query(text, (name,), table=True)


def price_paid(name: str) -> Query:
    """The mean price of what was imported, with the energy tax."""
    columns = {
        "cost": "{energy_import_kwh} * ({import_price} + {energy_tax})",
        "used": "{energy_import_kwh} + 0 * {import_price}",
    }
    text = priced(columns, by="15m", every=None).text
    text = f'SELECT "cost" / "used" AS "{name}" FROM ({text}) WHERE {SPAN}'
    return Query(text, (name,), table=True)


def price_meant(name: str) -> Query:
    """The mean price of all quarter hours alike."""
    both = '"import_price" + "energy_tax" AS "p"'
    return Query(
        f'SELECT mean("p") AS "{name}" FROM (SELECT {both} FROM "readings"'
        f" WHERE {OF_CONTRACT} AND {_behind(SPAN)}) WHERE {SPAN}",
        (name,),
        table=True,
    )


NOW: Final = "time > now() AND time <= now() + 15m"
NEXT_DAY: Final = "time > now() AND time <= now() + 1d"


def price_now(columns: Mapping[str, str]) -> Query:
    """The price of this quarter hour; it has the time at which that ends."""
    return _prices(columns, "first", NOW)


def price_next(name: str, text: str, how: str = "") -> Query:
    """The prices of the next day, or the least or greatest of them with its time."""
    return _prices({name: text}, how, NEXT_DAY)


def _prices(columns: Mapping[str, str], how: str, span: str) -> Query:
    quoted = {name: f'"{name}"' for name in fields_of(columns.values())}
    inner = ", ".join(f'{text.format(**quoted)} AS "{name}"' for name, text in columns.items())
    text = f'SELECT {inner} FROM "readings" WHERE {OF_CONTRACT} AND {span}'
    outer = ", ".join(f'{how}("{name}") AS "{name}"' for name in columns)
    return Query(f"SELECT {outer} FROM ({text}) WHERE {span}", tuple(columns), table=True)
