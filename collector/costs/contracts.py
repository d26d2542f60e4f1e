"""The contracts: a file of TOML that a person writes, `infra/contracts.toml` shows all of it.

A table is a contract from its day on, until the next of its medium. All money is in euros, of the
decimals that stand there. Reading is strict: what cannot be used is named with its line, its value
and what is expected, and nothing of the file counts, for half a contract makes a wrong cost.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Final

from collector.errors import SettingsError

PLACE: Final = Path("/etc/p1-collector/contracts.toml")
_HEADER: Final = re.compile(r"\s*\[\[\s*(\w+)\s*\]\]")
_KEY: Final = re.compile(r"\s*(\w+)\s*=\s*(.*?)\s*(?:#.*)?$")
_AT: Final = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


class ContractsError(SettingsError):
    """The file of contracts cannot be used."""


class _WrongError(ValueError):
    """A value is not what its key wants, which the text says."""


@dataclass(frozen=True, slots=True)
class Contract:
    """What is in force from a day on; what the file leaves out costs nothing."""

    medium: str
    start: date
    kind: str
    amounts: Mapping[str, Decimal]
    zone: str = "NL"
    netting: date | None = None
    """The last day on which what is exported is taken off what is imported."""
    year: tuple[int, int] = (1, 1)  # month and day on which the contract's year begins

    @property
    def dynamic(self) -> bool:
        return self.kind == "dynamic"


Contracts = Sequence[Contract]


_Place = tuple[str, int, str]  # a medium, the number of its table from 0, and a key in there


def _number(value: Any, least: int, most: int, unit: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise _WrongError(f"a number in {unit}, with a point for the decimals")
    if not Decimal(value).is_finite() or not least <= value <= most:
        raise _WrongError(f"a number of {unit} between {least} and {most}")
    return Decimal(value)


_price = partial(_number, least=-5, most=5, unit="euros a unit (25 cents are 0.25)")
_charge = partial(_number, least=-100_000, most=100_000, unit="euros")
_percent = partial(_number, least=0, most=100, unit="per cent")
_device_price = partial(_number, least=0, most=1000, unit="euros a unit")


def _day(value: Any) -> date:
    if isinstance(value, datetime) or not isinstance(value, date):
        raise _WrongError("a date without quotes, such as 2026-07-01")
    return value


def _year(value: Any) -> tuple[int, int]:
    try:
        day = date.fromisoformat(f"2027-{value}")  # every year has it
    except ValueError:
        raise _WrongError('month and day in quotes, such as "07-01"') from None
    return day.month, day.day


def _kind(value: Any) -> str:
    if not isinstance(value, str) or value not in TARIFFS:
        raise _WrongError(" or ".join(f'"{kind}"' for kind in TARIFFS))
    return value


def _zone(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Z]{2}[A-Z0-9-]{0,8}", value):
        raise _WrongError('a bidding zone, such as "NL" or "BE"')
    return value


TARIFFS: Final[Mapping[str, Sequence[str]]] = {
    "flat": ("import", "export"),
    "two tariffs": ("import_t1", "import_t2", "export_t1", "export_t2"),
    "dynamic": ("markup", "export_markup"),
}
"""The prices that each kind of contract has; those for import it must have."""

_EVERY: Final = {"from": _day, "vat": _percent, "standing": _charge, "standing_year": _charge}
_KEYS: Final[Mapping[str, Mapping[str, Any]]] = {
    "electricity": {
        **_EVERY,
        "kind": _kind,
        **{name: _price for names in TARIFFS.values() for name in names},
        "energy_tax": _price,
        "export_fee": _price,
        "capacity": _charge,
        "zone": _zone,
        "netting_until": _day,
        "year": _year,
    },
    **{medium: {**_EVERY, "price": _device_price} for medium in ("gas", "water", "heat")},
}
_PLAIN: Final = ("from", "kind", "zone", "netting_until", "year")


def read(path: Path) -> Contracts:
    """Give the contracts of a file, oldest first; without one none. Raises `ContractsError`."""
    try:
        if path == PLACE and not path.exists():
            return []
        return _File(str(path), path.read_text(encoding="utf-8")).contracts()
    except (OSError, UnicodeError) as error:
        words = f"the contracts in `{path}` cannot be read: {error}"
        raise ContractsError(words, hint="it is a text file that the service may read") from error


class _File:
    """A file's text, and where in it each table and key stands."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._lines = text.splitlines()
        self._at: dict[_Place, int] = {}
        self._text = text

    def contracts(self) -> Contracts:
        try:
            tables = tomllib.loads(self._text, parse_float=Decimal)
        except tomllib.TOMLDecodeError as error:
            raise self._not_toml(error) from error
        self._find()
        found = [
            self._contract(medium, number, table)
            for medium in tables
            for number, table in enumerate(self._tables(medium, tables[medium]))
        ]
        found.sort(key=lambda contract: contract.start)
        return found

    def _not_toml(self, error: tomllib.TOMLDecodeError) -> ContractsError:
        words, match = str(error), _AT.search(str(error))
        line = int(match[1]) if match and match[1] else max(1, len(self._lines))
        return self._error(line, f"TOML ({_AT.sub('', words)})")

    def _find(self) -> None:
        medium, counts = "", dict.fromkeys(_KEYS, -1)
        for number, line in enumerate(self._lines, start=1):
            if match := _HEADER.match(line):
                medium = match[1]
                counts[medium] = counts.get(medium, -1) + 1
                self._at[medium, counts[medium], ""] = number
            elif match := _KEY.match(line):
                self._at[medium, counts.get(medium, 0), match[1]] = number

    def _tables(self, medium: str, tables: Any) -> Sequence[Mapping[str, Any]]:
        of_tables = isinstance(tables, list) and all(isinstance(each, dict) for each in tables)
        if medium not in _KEYS or not of_tables:
            line = self._at.get((medium, 0, ""), self._at.get(("", 0, medium), 1))
            raise self._error(line, f"one of {', '.join(f'[[{name}]]' for name in _KEYS)}")
        starts = [table.get("from") for table in tables]
        for number, start in enumerate(starts):
            if start in starts[:number]:
                words = "a day on which no other contract of its medium begins"
                raise self._error((medium, number, "from"), words)
        return tables  # type: ignore[no-any-return]  # looked at above

    def _contract(self, medium: str, number: int, table: Mapping[str, Any]) -> Contract:
        values = {}
        for key, value in table.items():
            if key not in _KEYS[medium]:
                known = ", ".join(f"`{name}`" for name in _KEYS[medium])
                raise self._error((medium, number, key), f"one of {known}")
            try:
                values[key] = _KEYS[medium][key](value)
            except _WrongError as error:
                raise self._error((medium, number, key), str(error)) from error
        self._complete(medium, number, values)
        start = values["from"]
        return Contract(
            medium,
            start,
            values.get("kind", ""),
            {key: value for key, value in values.items() if key not in _PLAIN},
            values.get("zone", "NL"),
            values.get("netting_until"),
            values.get("year", (start.month, min(start.day, 28))),
        )

    def _complete(self, medium: str, number: int, values: Mapping[str, Any]) -> None:
        """Miss what must be there, and refuse the prices of another kind of contract."""
        own: Sequence[str] = TARIFFS.get(values.get("kind", ""), ())
        for key in {name for names in TARIFFS.values() for name in names} & values.keys():
            if key not in own:
                has = " and ".join(f"`{name}`" for name in own)
                words = f'{has}, which a contract of the kind "{values["kind"]}" has'
                raise self._error((medium, number, key), words)
        needed = ["from", *(["kind"] if medium == "electricity" else ["price"])]
        needed += [name for name in own if not name.startswith("export")]
        for key in needed:
            if key not in values:
                raise self._error((medium, number, ""), f"`{key}` in this contract")

    def _error(self, place: _Place | int, expected: str) -> ContractsError:
        line = place if isinstance(place, int) else self._at.get(place, 1)
        text = self._lines[line - 1].strip() if self._lines else ""
        words = f"{self._name}, line {line}: `{text}`; expected: {expected}"
        return ContractsError(words, hint="dashboards/README.md says what may stand there")
