"""What the contracts of the two homes come to, by the books: quarter hour by quarter hour.

The prices stand here once more, as a person would read them off the contracts, taxes included.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final

from collector.simulate.localtime import hours, local, midnight
from dashboards.books import Books, Used
from dashboards.expected import LAST, LOW_IS_ONE, ONE_DAY
from dashboards.homes import FIRST, NOW, QUARTER, UNREAD, market

_MARKET: Final = market()


@dataclass(frozen=True, slots=True)
class Rates:
    """What holds on a day: €/kWh for import and export by tariff, or the market's; € a day."""

    low: Decimal | None
    normal: Decimal | None
    out_low: Decimal
    out_normal: Decimal
    tax: Decimal
    fee: Decimal
    standing: Fraction
    two: bool
    capacity: Decimal = Decimal(0)


def _euros(text: str) -> Decimal:
    return Decimal(text)


def rates(site: str, day: date) -> Rates:
    days = 366 if day.year % 4 == 0 else 365
    if site == "gent":
        early = day < date(2026, 1, 1)
        return Rates(
            low=_euros("0.1370" if early else "0.1470"),
            normal=_euros("0.1690" if early else "0.1790"),
            out_low=_euros("0.0360" if early else "0"),
            out_normal=_euros("0.0350" if early else "0"),
            tax=_euros("0.0503"),
            fee=Decimal(0),
            standing=Fraction(65, days),
            two=True,
            capacity=_euros("50" if early else "53"),
        )
    if day < date(2025, 11, 12):
        return Rates(
            low=_euros("0.1190"),
            normal=_euros("0.1370"),
            out_low=_euros("0.0450"),
            out_normal=_euros("0.0460"),
            tax=_euros("0.1228"),
            fee=_euros("0.0200"),
            standing=Fraction("0.23"),
            two=True,
        )
    if day < date(2026, 2, 1):
        price, paid = _euros("0.121"), _euros("0.05")
        standing = Fraction(90, days) * Fraction("1.21")
        return Rates(price, price, paid, paid, _euros("0.122815"), Decimal(0), standing, two=False)
    return Rates(
        None,
        None,
        Decimal(0),
        Decimal(0),
        _euros("0.110836"),
        _euros("0.0121"),
        Fraction("0.242"),
        two=False,
    )


def quarters(site: str, books: Books) -> Iterator[tuple[datetime, Used]]:
    """Give each quarter hour with its use; what nobody read counts in the one that ends it."""
    begin, end = midnight(FIRST), LAST
    unread = (UNREAD[0] - timedelta(minutes=10), UNREAD[1] - timedelta(minutes=5))
    waiting = Used()
    for n, used in enumerate(books.quarters(begin, end)):
        time = begin + n * QUARTER
        waiting += used
        if site == "utrecht" and unread[0] <= time < unread[1]:
            continue
        yield time, waiting
        waiting = Used()


def parts(site: str, time: datetime, used: Used) -> dict[str, Decimal]:
    """What a quarter hour's electricity comes to, part by part."""
    rate = rates(site, local(time).date())
    shared = {
        "energy tax": used.imported * rate.tax / 1000,
        "export fee": used.exported * rate.fee / 1000,
    }
    if rate.low is None or rate.normal is None:
        bare = _MARKET[int(time.timestamp())] / 1000
        price, paid = (bare + Decimal("0.0150")) * Decimal("1.21"), bare - Decimal("0.0040")
        return {
            **shared,
            "import": used.imported * price / 1000,
            "export": -used.exported * paid / 1000,
        }
    if not rate.two:
        return {
            **shared,
            "import": used.imported * rate.low / 1000,
            "export": -used.exported * rate.out_low / 1000,
        }
    low, normal = ("tariff 1", "tariff 2") if LOW_IS_ONE[site] else ("tariff 2", "tariff 1")
    return {
        **shared,
        low: used.low * rate.low / 1000,
        normal: used.normal * rate.normal / 1000,
        f"export {low}": -used.out_low * rate.out_low / 1000,
        f"export {normal}": -used.out_normal * rate.out_normal / 1000,
    }


def standing(site: str, day: date) -> Fraction:
    """A day's charge, or of today what has passed of it, the running quarter hour included."""
    seconds = min(midnight(day + ONE_DAY), NOW + QUARTER) - midnight(day)
    passed = Fraction(seconds // QUARTER, 4 * hours(day))
    return rates(site, day).standing * passed


def bills(site: str, books: Books, pattern: str) -> dict[str, dict[str, float]]:
    """What the periods come to that `pattern` writes apart; without gas and water."""
    found: dict[str, dict[str, Decimal]] = {}
    for time, used in quarters(site, books):
        bill = found.setdefault(local(time).strftime(pattern), {})
        for name, euros in parts(site, time, used).items():
            bill[name] = bill.get(name, Decimal(0)) + euros
    charges: dict[str, Fraction] = {}
    for n in range((local(NOW).date() - FIRST).days + 1):
        day = FIRST + n * ONE_DAY
        period = day.strftime(pattern)
        charges[period] = charges.get(period, Fraction(0)) + standing(site, day)
    return {
        period: {
            **{name: float(euros) for name, euros in bill.items()},
            "standing charge": float(charges[period]),
        }
        for period, bill in found.items()
    }


def netting(site: str, books: Books, begin: date) -> tuple[float, float]:
    """What a year comes to that is not netted, and what netting takes off of it."""
    total, saved = Decimal(0), Decimal(0)
    channels: dict[str, list[Decimal]] = {}
    for time, used in quarters(site, books):
        day = local(time).date()
        if day < begin:
            continue
        total += sum(parts(site, time, used).values(), Decimal(0))
        if site == "utrecht" and day > date(2026, 8, 31):
            continue
        for name, imported, exported, worth in _netted(site, day, used):
            sums = channels.setdefault(name, [Decimal(0)] * 3)
            channels[name] = [
                sums[0] + imported, sums[1] + exported, sums[2] + imported * worth
            ]  # fmt: skip
    for imported, exported, value in channels.values():
        saved += min(imported, exported) * value / imported / 1000
    days = [FIRST + n * ONE_DAY for n in range((local(NOW).date() - FIRST).days + 1)]
    charges = sum((standing(site, day) for day in days if day >= begin), Fraction(0))
    return float(total) + float(charges), float(saved)


def _netted(site: str, day: date, used: Used) -> Iterator[tuple[str, Decimal, Decimal, Decimal]]:
    rate = rates(site, day)
    if rate.low is None or rate.normal is None:
        worth = rate.tax + Decimal("0.01815")
        yield "", Decimal(used.imported), Decimal(used.exported), worth
    elif not rate.two:
        worth = rate.low + rate.tax - rate.out_low
        yield "", Decimal(used.imported), Decimal(used.exported), worth
    else:
        yield "low", Decimal(used.low), Decimal(used.out_low), rate.low + rate.tax - rate.out_low
        normal = rate.normal + rate.tax - rate.out_normal
        yield "normal", Decimal(used.normal), Decimal(used.out_normal), normal


def capacity(books: Books, month: str) -> tuple[float, float]:
    """The mean of twelve months' peaks, in kW, and what it costs in a month."""
    months = [name for name in sorted(books.peaks) if name <= month][-12:]
    mean = sum(max(2500, books.peaks[name]) for name in months) / len(months) / 1000
    days = [FIRST + n * ONE_DAY for n in range((local(NOW).date() - FIRST).days + 1)]
    rate = sum(
        float(rates("gent", day).capacity) / 365 for day in days if day.strftime("%Y-%m") == month
    )
    return mean, mean * rate
