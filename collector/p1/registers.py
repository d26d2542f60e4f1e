"""The readers of lines about the meter itself; those about M-Bus devices are in `devices`."""

from datetime import timedelta
from typing import Final

from collector.p1 import values
from collector.p1.lines import Unreadable, groups
from collector.p1.quantity import quantity
from collector.p1.sheet import Route, Sheet

_SAME_CLOCK: Final = timedelta(hours=2)
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
    if not body:
        return
    count = values.counter(body)
    if count is None:
        raise Unreadable("not a count", 0)
    sheet.note(route.name, count)


def code(sheet: Sheet, route: Route, body: str) -> None:
    if not body:
        return
    number = values.code(body)
    if number is None:
        raise Unreadable("not a code", 0)
    sheet.note(route.name, number)


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
    meter = values.identity(body)

    def note(sheet: Sheet) -> None:
        if meter:
            sheet.meters.setdefault(route.rank, meter)

    sheet.keep(note)


def about(sheet: Sheet, route: Route, body: str) -> None:
    text = values.identity(body.strip("()"))
    channel = "" if route.code[:3] in ("0-0", "1-0", "1-1") else f"_{route.code[2]}"

    def note(sheet: Sheet) -> None:
        if text:
            sheet.about.setdefault(route.name + channel, text)

    sheet.keep(note)


def message(sheet: Sheet, route: Route, body: str) -> None:
    text = values.message(body)

    def note(sheet: Sheet) -> None:
        if text:
            sheet.texts.setdefault(route.code, text)

    sheet.keep(note)


def message_code(sheet: Sheet, _route: Route, body: str) -> None:
    sheet.code = sheet.code or values.message(body)
