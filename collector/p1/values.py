"""Text between parentheses to values.

The meter's decimals are copied, never computed: a Decimal keeps every digit that was printed, and
a unit other than the table's is converted by moving the decimal point. Units are compared without
case, because meters print `kVArh`, `kvarh` and `kVarh`.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Final

from collector.p1.lines import Unfamiliar, Unreadable
from collector.p1.obis import Field, Kind

# A unit of the table -> the units that a meter may print for it, in lower case, and how far the
# point moves. (`mw` and `mj` are mega: nobody prints a milliwatt.)
UNITS: Final[Mapping[str, Mapping[str, int]]] = {
    "kWh": {"kwh": 0, "wh": -3, "mwh": 3},
    "kW": {"kw": 0, "w": -3, "mw": 3},
    "kvarh": {"kvarh": 0, "varh": -3, "mvarh": 3},
    "kvar": {"kvar": 0, "var": -3, "mvar": 3},
    "kVA": {"kva": 0, "va": -3, "mva": 3},
    "V": {"v": 0, "kv": 3},
    "A": {"a": 0, "ka": 3},
    "Hz": {"hz": 0, "khz": 3},
    "s": {"s": 0},
    "deg": {"deg": 0, "\xb0": 0, "\xc2\xb0": 0, "": 0},
    "degC": {"degc": 0, "\xb0c": 0, "\xc2\xb0c": 0, "c": 0},
    "m3h": {"m3/h": 0, "m3h": 0, "l/h": -3, "dm3/h": -3},
    "m3": {"m3": 0, "m³": 0, "dm3": -3, "l": -3},
    "GJ": {"gj": 0, "mj": -3},
    "": {"": 0},
}

# unit as printed, in lower case -> name of the field, places to move the point
Units = dict[str, tuple[str, int]]

_WIDE: Final = 20
# Of IEC 62056-6-2, table 4, as far as a meter for gas, water, heat or power may print them.
_OTHER_UNITS: Final = frozenset(
    (
        *("h", "min", "s", "d", "%", "j", "kj", "mj", "gj", "mj/h", "gj/h", "w", "kw", "mw"),
        *("wh", "kwh", "mwh", "va", "kva", "var", "kvar", "varh", "kvarh", "v", "kv", "a", "ka"),
        *("hz", "k", "degc", "m3", "dm3", "l", "nm3", "m3/h", "m3/d", "l/h", "l/min", "kg", "t"),
        *("pa", "hpa", "kpa", "mpa", "bar", "mbar", "deg", "ppm", "kcal", "gcal"),
    )
)

# No exponents, no NaN, no underscores: Decimal() would take all of those.
NUMBER: Final = re.compile(r"[+-]?[0-9]{1,20}(?:\.[0-9]{0,20})?")
_COUNT: Final = re.compile(r"[0-9]{1,18}")
_CODE: Final = re.compile(r"(?:[A-Za-z]+[ _-]?)?([0-9]{1,9})")
_WORDS: Final = {"ON": 1, "OFF": 0}
_HEX: Final = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_ZERO: Final = Decimal(0)
_SPELT_BY_DIGITS: Final = re.compile(r" *(?:[A-Z][0-9]{4,}|[0-9]{6,}|[0-9A-Z]{8,}) *| {8,}")
_FILLED: Final = ("20", "2020")  # a blank or two, in hexadecimal
_UNSET_IDS: Final = re.compile(r"[0\x00\xff -]*")


def scaled(number: Decimal, places: int) -> Decimal:
    """Move the decimal point `places` to the right, keeping the digits."""
    # Adding zero writes 1E+3 out as 1000.
    return number.scaleb(places) + _ZERO


def counter(text: str) -> int | None:
    """Read digits; None is what cannot be read."""
    return int(text) if _COUNT.fullmatch(text) else None


def code(text: str) -> int | None:
    """Read `0002`, `TARIFF 1`, `ON` or `OFF`; None is what cannot be read."""
    match = _CODE.fullmatch(text)
    return int(match[1]) if match else _WORDS.get(text.strip().upper())


def printable(text: str) -> str:
    """Turn the hexadecimal digits of an octet string into what they spell.

    What is no hexadecimal, or would not be printable, was meant as it stands: many meters send
    plain text where the specifications want an octet string.
    """
    if not _HEX.fullmatch(text):
        return text
    octets = bytes.fromhex(text).strip(b"\0\xff")
    spelt = octets.decode("utf-8", "replace")
    if "\N{REPLACEMENT CHARACTER}" in spelt:
        spelt = octets.decode("latin-1")
    shown = all(char.isprintable() or char in "\t\r\n" for char in spelt)
    return spelt if shown else text


def identifier(text: str) -> str:
    """Turn an equipment number in hexadecimal into what it spells.

    Iskra prints decimal numbers, of which many spell something too. Digits alone are hexadecimal
    only where they spell what can be an identifier: a letter and four digits or more, six digits
    or more, eight capital letters and digits or more. So eight digits never are, and of a hundred
    thousand random numbers of ten digits two, of sixteen five. (P1's own identifiers have 17
    characters, 34 digits: DSMR 5.0.2 P1, 6.12.)
    """
    spelt = printable(text)
    digits_alone = text.isdecimal() and text not in _FILLED
    return text if digits_alone and not _SPELT_BY_DIGITS.fullmatch(spelt) else spelt


@lru_cache(maxsize=64)
def identity(text: str) -> str | None:
    """Read an equipment number; None is one that was never set: empty, zeros, dashes."""
    name = identifier(text.strip(" \t")).strip()
    return None if _UNSET_IDS.fullmatch(name) else name


@lru_cache(maxsize=16)
def message(text: str) -> str | None:
    """Read a message to the consumer on one line; None is an empty one."""
    spelt = printable(text.strip(" \t"))
    line = " ".join("".join(char if char.isprintable() else " " for char in spelt).split())
    return None if not line.strip("\xff ") else line


def units_of(rows: tuple[Field, ...], place: int = 0) -> Units:
    """Give the units of one code's values, with what each makes of them."""
    units: Units = {}
    for row in rows:
        if row.place == place:
            units |= {unit: (row.name, by) for unit, by in UNITS[row.unit].items()}
            if row.kind is Kind.BARE_READING:
                units[""] = (row.name, 0)
    return units


def quantity(units: Units, text: str, column: int = 0) -> tuple[str, Decimal]:
    """Read `number*unit` into the name of the field that has such a unit, and the value."""
    number, star, unit = text.partition("*")
    try:
        name, places = units[unit.lower()]
    except KeyError:
        name, places = _odd_unit(units, number, unit if star else None, column)
    # Nearly always these are digits with one point at most.
    digits = len(number) <= _WIDE and number.replace(".", "", 1)
    if not (digits and digits.isdecimal() and number[0] != ".") and not NUMBER.fullmatch(number):
        raise Unreadable("not a number", column)
    value = Decimal(number)
    return name, scaled(value, places) if places else value


def _odd_unit(units: Units, number: str, unit: str | None, column: int) -> tuple[str, int]:
    if not NUMBER.fullmatch(number):
        raise Unreadable("not a number", column)
    names = {name for name, _ in units.values()}
    if unit and len(names) > 1 and unit.lower() in _OTHER_UNITS:
        # The unit decides what it is, and it is something else.
        raise Unfamiliar
    if unit:
        raise Unreadable("unknown unit", column + len(number) + 1)
    if Decimal(number):
        raise Unreadable("missing unit", column + len(number))
    if len(names) > 1:
        # A zero is a zero in any unit, but of what?
        raise Unfamiliar
    return names.pop(), 0
