"""What the dashboards must show, by the books: sums of the calendar, tariffs, what things cost."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

from collector.simulate.localtime import local, midnight
from dashboards.books import Books, Used
from dashboards.homes import FIRST, NOW, UNREAD
from dashboards.shipped import dashboards, defaults

LAST: Final = datetime(2026, 10, 5, 17, 45, tzinfo=UTC)  # the last quarter hour that was read
TODAY: Final = local(NOW).date()
WHOLE_DAYS: Final = [FIRST + timedelta(days=n) for n in range((TODAY - FIRST).days)]
ALL_DAYS: Final = [*WHOLE_DAYS, TODAY]
SWAPPED: Final = date(2026, 2, 11)
LOW_IS_ONE: Final = {"utrecht": True, "gent": False}
SITES: Final = tuple(LOW_IS_ONE)
ONE_DAY: Final = timedelta(days=1)

Prices = dict[str, Decimal]


def thousandths(number: float | str) -> int:
    return round(float(number) * 1000)


def days_with_all_readings(site: str) -> list[date]:
    """The day of the swap is left out: the new meter says when it had last read the gas meter."""
    return [day for day in WHOLE_DAYS if site == "gent" or day != SWAPPED]


def days_without_a_gap(site: str) -> list[date]:
    """After a gap one difference holds all of it; on the swap's day a quarter is in two."""
    gaps = {local(UNREAD[0]).date(), SWAPPED, date(2026, 1, 15)}
    return [day for day in WHOLE_DAYS if site == "gent" or day not in gaps]


def tariffs(used: Used, site: str) -> dict[str, int]:
    """Give the use by the numbers of the tariffs; what was exported below nought."""
    names = ("tariff 1", "tariff 2") if LOW_IS_ONE[site] else ("tariff 2", "tariff 1")
    return {
        names[0]: used.low,
        names[1]: used.normal,
        f"export {names[0]}": -used.out_low,
        f"export {names[1]}": -used.out_normal,
    }


def so_far(books: Books, day: date) -> Used:
    """The use of a day, as far as it has been read; gas and water were so last of all."""
    begin, end = midnight(day), midnight(day + ONE_DAY)
    devices = books.used(begin, min(end, NOW))
    energy = books.used(begin, min(end, LAST))
    return replace(energy, gas=devices.gas, water=devices.water)


def sums(books: Books, pattern: str) -> dict[str, Used]:
    """The use of the periods that `pattern` writes apart."""
    found: dict[str, Used] = {}
    for day in ALL_DAYS:
        period = day.strftime(pattern)
        found[period] = found.get(period, Used()) + so_far(books, day)
    return found


def days_of(pattern: str) -> dict[str, int]:
    """How many days have been seen of each period."""
    periods = [day.strftime(pattern) for day in ALL_DAYS]
    return {period: periods.count(period) for period in periods}


def lowest_quarter(books: Books, day: date) -> int:
    """The least of a night, in W."""
    return 4 * min(used.imported for used in books.quarters(midnight(day), six(day)))


def highest_quarter(books: Books, day: date) -> int:
    """The most of a day, in W."""
    quarters = books.quarters(midnight(day), midnight(day + ONE_DAY))
    return 4 * max(used.imported for used in quarters)


def six(day: date) -> datetime:
    """Six o'clock in the morning."""
    noon = midnight(day) + timedelta(hours=6)
    return noon + (datetime(day.year, day.month, day.day, 6) - local(noon))  # noqa: DTZ001  a clock on the wall


def prices() -> Prices:
    names = ("price_t1", "price_t2", "price_export", "energy_tax", "price_gas", "standing")
    shipped = defaults(dashboards()["cost"])
    return {name: Decimal(shipped[name]) for name in names}


def parts(used: Used, site: str, days: int) -> dict[str, Decimal]:
    """What some days come to, in euros, by the contract's own arithmetic."""
    price, energy = prices(), tariffs(used, site)
    return {
        "tariff 1": energy["tariff 1"] * price["price_t1"] / 1000,
        "tariff 2": energy["tariff 2"] * price["price_t2"] / 1000,
        "energy tax": used.imported * price["energy_tax"] / 1000,
        "standing charge": days * price["standing"],
        "export": -used.exported * price["price_export"] / 1000,
        "gas": used.gas * price["price_gas"] / 1000,
    }


def cost(used: Used, site: str, days: int) -> Decimal:
    return sum(parts(used, site, days).values(), Decimal(0))
