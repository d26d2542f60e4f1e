"""The readers of lines about M-Bus devices; the others are in `collector.p1.sheet`."""

from datetime import datetime
from decimal import Decimal
from typing import Final

from collector.p1 import values
from collector.p1.lines import Unreadable, groups
from collector.p1.quantity import quantity
from collector.p1.sheet import Route, Sheet

_PAIR: Final = 2
# What is never zero in a device that has been read, but without a time.
_COUNTED: Final = ("volume_m3", "energy_gj", "energy_kwh")


def device_type(sheet: Sheet, route: Route, body: str) -> None:
    def note(sheet: Sheet) -> None:
        slot = sheet.slot(route.code)
        slot.type = slot.type or body

    sheet.keep(note)


def device_meter(sheet: Sheet, route: Route, body: str) -> None:
    meter = values.identity(body)

    def note(sheet: Sheet) -> None:
        slot = sheet.slot(route.code)
        slot.meter = slot.meter or meter

    sheet.keep(note)


def reading(sheet: Sheet, route: Route, body: str) -> None:
    """Read when an M-Bus device was read, and its value."""
    before, bracket, value = body.rpartition(")(")
    if ")(" in before:
        raise Unreadable("extra value", groups(body)[_PAIR][1])
    time = sheet.moment(before) if before else None
    _note_reading(sheet, route, time, value, len(before) + len(bracket))


def hourly(sheet: Sheet, route: Route, body: str) -> None:
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
    sheet: Sheet, route: Route, time: datetime | None, text: str, column: int, medium: str = ""
) -> None:
    if not text:
        return
    if "*" not in text and "" not in route.units and _is_zero(text):
        sheet.keep(_no_device)
        return
    name, value = quantity(route.units, text, column)
    if not value and time is None and name in _COUNTED:
        sheet.keep(_no_device)
        return

    def note(sheet: Sheet) -> None:
        slot = sheet.slot(route.code)
        slot.medium = slot.medium or medium
        # Of two codes for one field the one that is first in the table counts.
        if name not in slot.ranks or route.rank < slot.ranks[name]:
            slot.readings[name], slot.ranks[name] = value, route.rank
            if time and route.rank < slot.rank:
                slot.rank, slot.time = route.rank, time

    sheet.keep(note)


def _is_zero(text: str) -> bool:
    return bool(values.NUMBER.fullmatch(text)) and not Decimal(text)


def _no_device(sheet: Sheet) -> None:
    """Note nothing: there is no device behind the channel."""


def valve(sheet: Sheet, route: Route, body: str) -> None:
    if not body:
        return
    position = values.code(body)
    if position is None:
        raise Unreadable("not a code", 0)

    def note(sheet: Sheet) -> None:
        slot = sheet.slot(route.code)
        slot.valve = position if slot.valve is None else slot.valve

    sheet.keep(note)
