"""The field table turned round: which reader takes the lines of a code, and the readers."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, TypeVar

from collector.p1 import values
from collector.p1.lines import OBIS, Unfamiliar, Unreadable, groups
from collector.p1.obis import BY_CODE, FIELDS, MONTH_END, Field, Kind
from collector.p1.sheet import Route, Sheet
from collector.p1.values import quantity, units_of

Key = TypeVar("Key")
Entry = TypeVar("Entry")

_SAME_CLOCK: Final = timedelta(hours=2)
# What is never zero in a device that has been read, but without a time.
_COUNTED: Final = ("volume_m3", "energy_gj", "energy_kwh")
_PAIR: Final = 2
_TRIPLE: Final = 3
_MONTH_END_UNITS: Final = [units_of(BY_CODE[code]) for code in MONTH_END]


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
    if len(parts) == _PAIR and len(places) == 1:
        time, timed = _time_first(parts)
        with suppress(Unreadable):
            sheet.moment(*time)
            parts = [timed]
    if len(parts) > len(places):
        raise Unreadable("extra value", parts[len(places)][1])
    found = [quantity(units, *part) for units, part in zip(places, parts, strict=False)]
    for name, value in found:
        sheet.electricity.setdefault(name, value)


def _time_first(parts: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Give `(time)(value)` in that order; Logarex prints `(value)(time)`."""
    return parts[::-1] if "*" in parts[0][0] else parts


def peak(sheet: Sheet, route: Route, body: str) -> None:
    """Read the month's highest quarter hour: when it was, if that is said, and the value."""
    if not body:
        return
    parts = groups(body)
    if len(parts) > _PAIR:
        raise Unreadable("extra value", parts[_PAIR][1])
    *timed, last = _time_first(parts)
    name, value = quantity(route.units, *last)
    time = sheet.moment(*timed[0]) if timed else None
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


def version(sheet: Sheet, route: Route, body: str) -> None:
    _keep_first(sheet, lambda sheet: sheet.heads, route.name, body.strip("() ") or None)


def clock(sheet: Sheet, _route: Route, body: str) -> None:
    """Note the clock, unless date and time of day have told another time already."""
    sheet.listed = sheet.listed or sheet.has_clock
    sheet.has_clock = True
    if not body or sheet.time:
        return
    moment, separate = sheet.moment(body), sheet.separate_clock()
    if not (moment and separate) or abs(moment - separate) <= _SAME_CLOCK:
        sheet.time = moment


def clock_part(sheet: Sheet, route: Route, body: str) -> None:
    _keep_first(sheet, lambda sheet: sheet.heads, route.name, body or None)


def meter(sheet: Sheet, route: Route, body: str) -> None:
    _keep_first(sheet, lambda sheet: sheet.meters, route.rank, values.identity(body))


def about(sheet: Sheet, route: Route, body: str) -> None:
    channel = "" if route.code[:3] in ("0-0", "1-0", "1-1") else f"_{route.code[2]}"
    text = values.identity(body.strip("()"))
    _keep_first(sheet, lambda sheet: sheet.about, route.name + channel, text)


def message(sheet: Sheet, route: Route, body: str) -> None:
    _keep_first(sheet, lambda sheet: sheet.texts, route.code, values.message(body))


def message_code(sheet: Sheet, route: Route, body: str) -> None:
    _keep_first(sheet, lambda sheet: sheet.heads, route.name, values.message(body))


def device_type(sheet: Sheet, route: Route, body: str) -> None:
    _keep_of_device(sheet, route, "type", body)


def device_meter(sheet: Sheet, route: Route, body: str) -> None:
    _keep_of_device(sheet, route, "meter", values.identity(body))


def valve(sheet: Sheet, route: Route, body: str) -> None:
    if body:
        _keep_of_device(sheet, route, "valve", _whole(values.code(body), "not a code"))


def _keep_of_device(sheet: Sheet, route: Route, what: str, value: str | int | None) -> None:
    """Note what a device is; of several the first that says something counts."""

    def note(sheet: Sheet) -> None:
        slot = sheet.slot(route.code)
        if getattr(slot, what) in ("", None):
            setattr(slot, what, value)

    sheet.keep(note)


def _keep_first(
    sheet: Sheet, of: Callable[[Sheet], dict[Key, str]], key: Key, text: str | None
) -> None:
    """Note a text; of several the first that says something counts."""
    if text is None:
        sheet.keep(_nothing)
        return

    def note(sheet: Sheet) -> None:
        of(sheet).setdefault(key, text)

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
    units = route.units
    if "*" not in text and "" not in units and values.NUMBER.fullmatch(text) and not Decimal(text):
        sheet.keep(_nothing)
        return
    name, value = quantity(units, text, column)
    if not value and time is None and name in _COUNTED:
        sheet.keep(_nothing)
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


def _nothing(sheet: Sheet) -> None:
    """Note that a line says nothing: it is empty, or there is no device behind the channel."""


def failures(sheet: Sheet, _route: Route, body: str) -> None:
    """Read the log of power failures: a count, a code, pairs of end and duration.

    The count is not trusted, since meters print one that disagrees with the pairs; entries that
    were never filled are empty, or have the time of an unset clock.
    """
    _look_for_more(sheet, body)
    if not body:
        return
    entries = [part for part in groups(body)[1:] if part[0] and "." not in part[0]]
    if len(entries) % _PAIR:
        raise Unreadable("a time without a duration", entries[-1][1])
    found = []
    for end, (duration, place) in zip(entries[::2], entries[1::2], strict=True):
        time = sheet.moment(*end)
        seconds = values.counter(duration.removesuffix("*s"))
        if seconds is None:
            raise Unreadable("not a number of seconds", place)
        if time:
            found.append((time, seconds))
    _keep_list(sheet, lambda sheet: sheet.failures, found)


def history(sheet: Sheet, route: Route, body: str) -> None:
    """Read what stands behind 98.1.0: peaks (Belgium), or readings (Hungary)."""
    _look_for_more(sheet, body)
    parts = groups(body)
    count, codes = parts[0][0], parts[1:_TRIPLE]
    if values.counter(count) is not None and all(OBIS.fullmatch(code) for code, _ in codes):
        _peaks(sheet, route, [part for part in parts[_TRIPLE:] if part[0]])
    else:
        _month_end(sheet, parts)


def _look_for_more(sheet: Sheet, body: str) -> None:
    """Have the telegram looked through again if this list goes on over lines."""
    sheet.listed = sheet.listed or body.count("(") != body.count(")")


def _peaks(sheet: Sheet, route: Route, parts: list[tuple[str, int]]) -> None:
    """Read triples: the month's end, the time of its peak, the peak; in either order of months."""
    if len(parts) % _TRIPLE:
        raise Unreadable("a peak without its time", parts[-1][1])
    found = []
    for time, power in zip(parts[1::3], parts[2::3], strict=True):
        moment = sheet.moment(*time)
        _, value = quantity(route.units, *power)
        if moment:
            found.append((moment, value))
    _keep_list(sheet, lambda sheet: sheet.peaks, found)


def _keep_list(sheet: Sheet, of: Callable[[Sheet], list[Entry]], found: list[Entry]) -> None:
    """Note a list; of several the first that has something in it counts."""

    def note(sheet: Sheet) -> None:
        noted = of(sheet)
        if not noted:
            noted.extend(found)

    sheet.keep(note)


def _month_end(sheet: Sheet, parts: list[tuple[str, int]]) -> None:
    """Read a moment and the registers of `MONTH_END`; any other list is unfamiliar."""
    time, *registers = parts
    if len(registers) != len(MONTH_END):
        raise Unfamiliar
    try:
        moment = sheet.moment(*time)
        readings = dict(
            quantity(units, *part) for units, part in zip(_MONTH_END_UNITS, registers, strict=True)
        )
    except Unreadable as error:
        raise Unfamiliar from error
    if moment and sheet.month_end is None:
        sheet.month_end = moment, readings


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
    Kind.CLOCK_DATE: clock_part,
    Kind.CLOCK_TIME: clock_part,
    Kind.METER: meter,
    Kind.ABOUT: about,
    Kind.MESSAGE: message,
    Kind.MESSAGE_CODE: message_code,
    Kind.FAILURES: failures,
    Kind.HISTORY: history,
}
_TEXTS: Final = (Kind.MESSAGE, Kind.MESSAGE_CODE, Kind.ABOUT)


def _route(code: str, rows: tuple[Field, ...]) -> Route:
    first = rows[0]
    places = range(max(row.place for row in rows) + 1)
    units, *more = (units_of(rows, place) for place in places)
    read, is_text = _READERS[first.kind], first.kind in _TEXTS
    return Route(code, first.name, FIELDS.index(first), read, units, tuple(more), is_text)


ROUTES: Final = {code: _route(code, rows) for code, rows in BY_CODE.items()}
