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
