"""The readers of lines about M-Bus devices; the others are in `collector.p1.sheet`."""

from datetime import datetime
from typing import TYPE_CHECKING, Final

from collector.p1 import values
from collector.p1.lines import Unreadable, groups
from collector.p1.quantity import quantity

if TYPE_CHECKING:  # it has a table of these readers
    from collector.p1.sheet import Route, Sheet

_PAIR: Final = 2


def device_type(sheet: "Sheet", route: "Route", body: str) -> None:
    def note(sheet: "Sheet") -> None:
        sheet.slot(route.code).type = body

    sheet.keep(note)


def device_meter(sheet: "Sheet", route: "Route", body: str) -> None:
    meter = values.identity(body)

    def note(sheet: "Sheet") -> None:
        slot = sheet.slot(route.code)
        slot.meter = slot.meter or meter

    sheet.keep(note)


def reading(sheet: "Sheet", route: "Route", body: str) -> None:
    """Read when an M-Bus device was read, and its value."""
    before, bracket, value = body.rpartition(")(")
    if ")(" in before:
        raise Unreadable("extra value", groups(body)[_PAIR][1])
    time = sheet.moment(before) if before else None
    _note_reading(sheet, route, time, value, len(before) + len(bracket))


def hourly(sheet: "Sheet", route: "Route", body: str) -> None:
    """Read DSMR 3's `(time)(status)(minutes)(count)(code)(unit)(value)`; the status is hex."""
    parts = groups(body)
    if len(parts) != 7:  # noqa: PLR2004  as printed one line up
        raise Unreadable("not the seven values of an hourly reading", parts[-1][1])
    text, column = parts[6]
    time = sheet.moment(*parts[0]) if parts[0][0] else None
    if text and "*" not in text:
        text += f"*{parts[5][0]}"
    medium = "cooling" if route.code.endswith(".1") else ""
    _note_reading(sheet, route, time, text, column, medium)


def _note_reading(
    sheet: "Sheet", route: "Route", time: datetime | None, text: str, column: int, medium: str = ""
) -> None:
    if not text:
        return
    name, value = quantity(route.units, text, column)
    bare = "*" not in text and "" not in route.units
    dead = not value and (time is None or bare)

    def note(sheet: "Sheet") -> None:
        slot = sheet.slot(route.code)
        slot.medium = slot.medium or medium
        if dead:
            slot.dead = True
        # Of two values for one field the one that is first in the table counts.
        elif name not in slot.readings or route.rank < slot.rank:
            slot.readings[name] = value
            slot.rank, slot.time = route.rank, time

    sheet.keep(note)


def valve(sheet: "Sheet", route: "Route", body: str) -> None:
    if not body:
        return
    position = values.code(body)
    if position is None:
        raise Unreadable("not a code", 0)

    def note(sheet: "Sheet") -> None:
        sheet.slot(route.code).valve = position

    sheet.keep(note)
