"""`number*unit` to a field and its value, by the unit that the meter printed."""

from decimal import Decimal
from typing import Final

from collector.p1 import values
from collector.p1.lines import Unfamiliar, Unreadable
from collector.p1.obis import Field, Kind

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


def units_of(rows: tuple[Field, ...], place: int = 0) -> Units:
    """Give the units of one code's values, with what each makes of them."""
    units: Units = {}
    for row in rows:
        if row.place == place:
            units |= {unit: (row.name, by) for unit, by in values.UNITS[row.unit].items()}
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
