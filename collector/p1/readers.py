"""The field table turned round: which reader takes the lines of a code, and the readers.

Those of lists are in `collector.p1.lists`.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, TypeVar

from collector.p1 import lists, values
from collector.p1.lines import Unreadable, groups
from collector.p1.obis import BY_CODE, FIELDS, Field, Kind
from collector.p1.sheet import Route, Sheet
from collector.p1.values import quantity, units_of

Key = TypeVar("Key")

_SAME_CLOCK: Final = timedelta(hours=2)
# What is never zero in a device that has been read, but without a time.
_COUNTED: Final = ("volume_m3", "energy_gj", "energy_kwh")
_PAIR: Final = 2


def register(sheet: Sheet, route: Route, body: str) -> None:
    if ")" in body:
        _registers(sheet, route, body)
    elif body:
        sheet.note(*quantity(route.units, body))
    else:
        sheet.lost.add(route.name)


def _registers(sheet: Sheet, route: Route, body: str) -> None:
    """Read several values, or one with a time beside it."""
    places = (route.units, *route.more_units)
    parts = groups(body)
    if len(parts) == _PAIR and not route.more_units and _has_time(sheet, parts):
        parts = [_value(parts)]
    if len(parts) > len(places):
        raise Unreadable("extra value", parts[len(places)][1])
    found = [
        quantity(units, text, column) for units, (text, column) in zip(places, parts, strict=False)
    ]
    for name, value in found:
        sheet.electricity.setdefault(name, value)


def _has_time(sheet: Sheet, parts: list[tuple[str, int]]) -> bool:
    try:
        sheet.moment(*_time(parts))
    except Unreadable:
        return False
    return True


def _time(parts: list[tuple[str, int]]) -> tuple[str, int]:
    """Give the time of `(time)(value)`; Logarex prints `(value)(time)`."""
    return parts["*" in parts[0][0]]


def _value(parts: list[tuple[str, int]]) -> tuple[str, int]:
    return parts["*" not in parts[0][0]]


def peak(sheet: Sheet, route: Route, body: str) -> None:
    """Read the month's highest quarter hour: when it was, if that is said, and the value."""
    if not body:
        return
    parts = groups(body)
    if len(parts) > _PAIR:
        raise Unreadable("extra value", parts[_PAIR][1])
    timed = len(parts) == _PAIR
    name, value = quantity(route.units, *(_value(parts) if timed else parts[0]))
    time = sheet.moment(*_time(parts)) if timed else None
    if not value and timed and time is None:
        return

    def note(sheet: Sheet) -> None:
        if sheet.electricity.setdefault(name, value) is value and time:
            sheet.peak_times.setdefault(name, time)

    sheet.keep(note)


def counter(sheet: Sheet, route: Route, body: str) -> None:
    if body:
        sheet.note(route.name, _whole(values.counter(body), "not a count"))


def code(sheet: Sheet, route: Route, body: str) -> None:
    if body:
        sheet.note(route.name, _whole(values.code(body), "not a code"))


def _whole(number: int | None, lack: str) -> int:
    if number is None:
        raise Unreadable(lack, 0)
    return number


def version(sheet: Sheet, _route: Route, body: str) -> None:
    sheet.version = sheet.version or body.strip("() ") or None


def clock(sheet: Sheet, _route: Route, body: str) -> None:
    """Note the clock, unless date and time of day have told another time already."""
    sheet.listed = sheet.listed or sheet.has_clock
    sheet.has_clock = True
    if not body or sheet.time:
        return
    moment, separate = sheet.moment(body), sheet.separate_clock()
    if not (moment and separate) or abs(moment - separate) <= _SAME_CLOCK:
        sheet.time = moment


def clock_date(sheet: Sheet, _route: Route, body: str) -> None:
    sheet.date = sheet.date or body


def clock_time(sheet: Sheet, _route: Route, body: str) -> None:
    sheet.time_of_day = sheet.time_of_day or body


def meter(sheet: Sheet, route: Route, body: str) -> None:
    _keep_text(sheet, lambda sheet: sheet.meters, route.rank, values.identity(body))


def about(sheet: Sheet, route: Route, body: str) -> None:
    channel = "" if route.code[:3] in ("0-0", "1-0", "1-1") else f"_{route.code[2]}"
    text = values.identity(body.strip("()"))
    _keep_text(sheet, lambda sheet: sheet.about, route.name + channel, text)


def message(sheet: Sheet, route: Route, body: str) -> None:
    _keep_text(sheet, lambda sheet: sheet.texts, route.code, values.message(body))


def _keep_text(
    sheet: Sheet, of: Callable[[Sheet], dict[Key, str]], key: Key, text: str | None
) -> None:
    """Note a text; of several the first that says something counts."""

    def note(sheet: Sheet) -> None:
        if text:
            of(sheet).setdefault(key, text)

    sheet.keep(note)


def message_code(sheet: Sheet, _route: Route, body: str) -> None:
    sheet.code = sheet.code or values.message(body)


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
    position = _whole(values.code(body), "not a code")

    def note(sheet: Sheet) -> None:
        slot = sheet.slot(route.code)
        slot.valve = position if slot.valve is None else slot.valve

    sheet.keep(note)


_READERS: Final[dict[Kind, Callable[[Sheet, Route, str], None]]] = {
    Kind.REGISTER: register,
    Kind.COUNTER: counter,
    Kind.CODE: code,
    Kind.PEAK: peak,
    Kind.READING: reading,
    Kind.BARE_READING: reading,
    Kind.HOURLY: hourly,
    Kind.VALVE: valve,
    Kind.DEVICE_TYPE: device_type,
    Kind.DEVICE_METER: device_meter,
    Kind.VERSION: version,
    Kind.CLOCK: clock,
    Kind.CLOCK_DATE: clock_date,
    Kind.CLOCK_TIME: clock_time,
    Kind.METER: meter,
    Kind.ABOUT: about,
    Kind.MESSAGE: message,
    Kind.MESSAGE_CODE: message_code,
    Kind.FAILURES: lists.failures,
    Kind.HISTORY: lists.history,
}
_TEXTS: Final = (Kind.MESSAGE, Kind.MESSAGE_CODE, Kind.ABOUT)


def _route(code: str, rows: tuple[Field, ...]) -> Route:
    first = rows[0]
    last_place = max(row.place for row in rows)
    more = tuple(units_of(rows, place) for place in range(1, last_place + 1))
    rank = FIELDS.index(first)
    is_text = first.kind in _TEXTS
    return Route(code, first.name, rank, _READERS[first.kind], units_of(rows), more, is_text)


ROUTES: Final = {code: _route(code, rows) for code, rows in BY_CODE.items()}
