"""`number*unit` to a field and its value, by the unit that the meter printed."""

from decimal import Decimal
from typing import Final

from collector.p1 import values
from collector.p1.lines import Unreadable

# unit as printed, in lower case -> name of the field, places to move the point
Units = dict[str, tuple[str, int]]

_WIDE: Final = 20


def quantity(units: Units, text: str, column: int = 0) -> tuple[str, Decimal]:
    """Read `number*unit` into the name of the field that has such a unit, and the value."""
    number, star, unit = text.partition("*")
    try:
        name, places = units[unit.lower()]
    except KeyError:
        name, places = _odd_unit(units, number, unit if star else None, column)
    if not _is_plain_number(number) and not values.NUMBER.fullmatch(number):
        raise Unreadable("not a number", column)
    value = Decimal(number)
    return name, values.scaled(value, places) if places else value


def _is_plain_number(text: str) -> bool:
    """Tell whether these are digits with one point at most, as nearly always."""
    return text.replace(".", "", 1).isdecimal() and text[0] != "." and len(text) <= _WIDE


def _odd_unit(units: Units, number: str, unit: str | None, column: int) -> tuple[str, int]:
    if not values.NUMBER.fullmatch(number):
        raise Unreadable("not a number", column)
    if unit:
        raise Unreadable("unknown unit", column + len(number) + 1)
    if Decimal(number):
        raise Unreadable("missing unit", column + len(number))
    # A zero is a zero in any unit.
    return next(iter(units.values()))[0], 0
