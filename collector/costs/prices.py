"""The price of each quarter hour, as points beside the readings that they are multiplied with.

A point has the time at which its quarter hour ends, as the reading has that closes it, and the
meter `contract`. What the market makes of a dynamic price is added when it is known.
"""

from calendar import isleap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Final

from collector.costs.contracts import Contract, Contracts, ContractsError, read
from collector.p1.telegram import Value
from collector.p1.time import from_local, local
from collector.points import QUARTER_SECONDS, Priced, line_of

METER: Final = "contract"
_HOUR: Final = 3600
_ROUNDED: Final = Decimal("1e-10")
_MWH: Final = 1000
_NOTHING: Final = Decimal(0)
_SUFFIXES: Final[Mapping[str, tuple[str, ...]]] = {
    "flat": ("",),
    "dynamic": ("",),
    "two tariffs": ("_t1", "_t2"),
}

Market = Mapping[int, Decimal]  # €/MWh, by the second at which a quarter hour begins


def prices_of(contracts: Path, site: str, hours: int) -> Priced | None:
    """Give what makes the lines; None without a contract, or with a file that is refused."""
    try:
        found = read(contracts)
    except ContractsError:
        return None
    return Prices(site, found, hours).lines if found else None


def midnight(day: date, hours: int) -> int:
    """Give the second at which a day begins on the clock on the wall."""
    return int(from_local(datetime.combine(day, time()), hours).timestamp())


@dataclass(frozen=True, slots=True)
class Prices:
    """Makes the lines of the contracts' prices; `hours` is the offset of winter time."""

    site: str
    contracts: Contracts
    hours: int
    market: Market = field(default_factory=dict)

    def lines(self, start: int, end: int) -> list[str]:
        """Give the lines of all quarter hours that end after `start`, and at `end` or before."""
        first = start // QUARTER_SECONDS * QUARTER_SECONDS
        return [
            f"{line}\n"
            for second in range(first, end - QUARTER_SECONDS + 1, QUARTER_SECONDS)
            for line in self._quarter(second)
        ]

    def contract(self, medium: str, day: date) -> Contract | None:
        """Give the contract in force on a day."""
        started = [c for c in self.contracts if c.medium == medium and c.start <= day]
        return started[-1] if started else None

    def wanted(self, start: int, end: int) -> list[int]:
        """Give the quarter hours, by their begin, that have a dynamic price but none known."""
        seconds = range(start, end, QUARTER_SECONDS)
        return [s for s in seconds if self.zone(s) and s not in self.market]

    def zone(self, second: int) -> str:
        """Give the bidding zone whose market makes the price; empty if none does."""
        found = self.contract("electricity", local(second, self.hours).date())
        return found.zone if found and found.dynamic else ""

    def _quarter(self, second: int) -> Iterator[str]:
        day, end = local(second, self.hours).date(), second + QUARTER_SECONDS
        if contract := self.contract("electricity", day):
            fields = _by_day(contract, day, self.hours) | self._market(contract, second)
            yield from self._line("readings", {}, fields, end)
        for medium in ("gas", "water", "heat"):
            if end % _HOUR == 0 and (contract := self.contract(medium, day)):
                fields = _of_device(contract, day, self.hours)
                yield from self._line(medium, {"channel": "0"}, fields, end)

    def _market(self, contract: Contract, second: int) -> dict[str, Value]:
        price = self.market.get(second) if contract.dynamic else None
        if price is None:
            return {}
        amounts, bare = contract.amounts, price / _MWH
        return {
            "import_price": _taxed(contract, bare + amounts["markup"]),
            "export_price": bare + amounts.get("export_markup", _NOTHING),
        }

    def _line(
        self, measurement: str, more: Mapping[str, str], fields: Mapping[str, Value], end: int
    ) -> list[str]:
        return line_of(measurement, {"site": self.site, "meter": METER, **more}, fields, end)


def _taxed(contract: Contract, amount: Decimal) -> Decimal:
    return amount * (100 + contract.amounts.get("vat", _NOTHING)) / 100


@lru_cache(maxsize=64)
def _quarters(day: date, hours: int) -> int:
    return (midnight(day + timedelta(days=1), hours) - midnight(day, hours)) // QUARTER_SECONDS


def _standing(contract: Contract, day: date) -> Decimal:
    """Give a day's part of what is paid whatever is used."""
    amounts = contract.amounts
    yearly = amounts.get("standing_year", _NOTHING) / (365 + isleap(day.year))
    return _taxed(contract, amounts.get("standing", _NOTHING) + yearly)


def _of_device(contract: Contract, day: date, hours: int) -> dict[str, Value]:
    """Give what an hour's point says."""
    standing = _standing(contract, day) / _quarters(day, hours) * (_HOUR // QUARTER_SECONDS)
    price = _taxed(contract, contract.amounts["price"])
    return {"price": price, "standing": standing.quantize(_ROUNDED)}


def _by_day(contract: Contract, day: date, hours: int) -> dict[str, Value]:
    """Give what the price of a quarter hour consists of, but for what the market makes."""
    amounts, quarters = contract.amounts, _quarters(day, hours)
    tax = _taxed(contract, amounts.get("energy_tax", _NOTHING))
    fields: dict[str, Value] = {
        "energy_tax": tax,
        "export_fee": _taxed(contract, amounts.get("export_fee", _NOTHING)),
        "standing": (_standing(contract, day) / quarters).quantize(_ROUNDED),
    }
    if "capacity" in amounts:
        capacity = _taxed(contract, amounts["capacity"]) / (365 + isleap(day.year)) / quarters
        fields["capacity"] = capacity.quantize(_ROUNDED)
    netted = contract.netting is not None and day <= contract.netting
    for suffix in _SUFFIXES[contract.kind]:
        saved = tax
        if contract.dynamic:
            saved += _taxed(contract, amounts["markup"])
        else:
            imported = _taxed(contract, amounts[f"import{suffix}"])
            exported = amounts.get(f"export{suffix}", _NOTHING)
            fields |= {f"import{suffix}_price": imported, f"export{suffix}_price": exported}
            saved += imported - exported
        if netted:
            fields[f"netting{suffix}"] = saved
    began = day.year - ((day.month, day.day) < contract.year)
    return {**fields, "contract_year": midnight(date(began, *contract.year), hours)}
