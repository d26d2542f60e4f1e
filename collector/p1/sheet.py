"""Line by line, what a telegram says: the readers, one for each kind of the field table.

A line costs one look-up of its code in `ROUTES`, which is the field table turned round. A reader
takes what stands between the outer brackets and notes it on the sheet, or raises Unreadable and
notes nothing; putting the notes together is for `telegram`.
"""

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final

from collector.p1 import devices, obis, values
from collector.p1.lines import OBIS, LineError, Unfamiliar, Unreadable, groups
from collector.p1.obis import Field, Kind
from collector.p1.quantity import Units, quantity
from collector.p1.time import Unset, instant


@dataclass(slots=True)
class Slot:
    """What the telegram says about one M-Bus channel. `dead`: there is no device behind it."""

    channel: int
    type: str = ""
    meter: str | None = None
    time: datetime | None = None
    readings: dict[str, Decimal] = field(default_factory=dict)
    rank: int = sys.maxsize
    valve: int | None = None
    medium: str = ""
    dead: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """Where a line goes: its rows of the field table, made ready for reading."""

    code: str
    name: str
    rank: int
    read: Callable[["Sheet", "Route", str], None]
    units: Units
    more_units: tuple[Units, ...]


class Sheet:
    """The notes taken from one telegram."""

    def __init__(self, utc_offset_hours: int) -> None:
        self.utc_offset_hours = utc_offset_hours
        self.version: str | None = None
        self.time: datetime | None = None
        self.date = ""
        self.time_of_day = ""
        self.meters: dict[int, str] = {}
        self.electricity: dict[str, Decimal | int | str] = {}
        self.slots: dict[str, Slot] = {}
        self.peaks: list[tuple[datetime, Decimal]] = []
        self.failures: list[tuple[datetime, int]] = []
        self.month_end: tuple[datetime, dict[str, Decimal]] | None = None
        self.texts: list[str] = []
        self.code: str | None = None
        self.about: dict[str, str] = {}
        self.unknown: list[str] = []
        self.errors: list[LineError] = []
        self.lost: set[str] = set()
        self._line = ""
        self._kept = _KEPT.setdefault(utc_offset_hours, {})

    def read(self, lines: Iterable[str]) -> None:
        """Note what the lines say. Never raises."""
        electricity, plain, kept = self.electricity, _PLAIN.get, self._kept.get
        for line in lines:
            if seen := plain(line):
                electricity[seen[0]] = seen[1]
            elif again := kept(line):
                again(self)
            else:
                self._read(line)

    def _read(self, line: str) -> None:
        self._line = line
        code, _, rest = line.partition("(")
        route = ROUTES.get(code)
        if route is None:
            route = self._unusual(line, code)
            if route is None:
                return
        try:
            if rest[-1:] != ")":
                _refuse_open(rest)
            route.read(self, route, rest[:-1])
        except Unreadable as error:
            self.lost.add(route.name)
            column = min(len(code) + 1 + error.column, len(line))
            self.errors.append(LineError(error.message, line, column))
        except Unfamiliar:
            self.unknown.append(line)

    def note(self, name: str, value: Decimal | int) -> None:
        """Note the one value that the line gives, whatever else is in the telegram."""
        self.electricity[name] = value
        if len(_PLAIN) >= _PLAIN_LINES:
            _PLAIN.clear()
        _PLAIN[self._line] = name, value

    def keep(self, noting: Callable[["Sheet"], None]) -> None:
        """Note something now, and the same whenever this line comes again."""
        if len(self._kept) >= _KEPT_LINES:
            self._kept.clear()
        self._kept[self._line] = noting
        noting(self)

    def _unusual(self, line: str, code: str) -> Route | None:
        """Find the route of a code printed in full (`1-0:1.8.0*255`); else note the line."""
        match = OBIS.match(code)
        if match is None or match.end() < len(code):
            self.lost.add(UNREADABLE_CODE)
            self.errors.append(LineError("not an OBIS code", line, match.end() if match else 0))
            return None
        if "(" not in line:
            self.lost.add(UNREADABLE_CODE)
            self.errors.append(LineError("missing value", line, len(line)))
            return None
        route = ROUTES.get(match["code"])
        if route is None:
            self.unknown.append(line)
        return route

    def moment(self, text: str, column: int = 0) -> datetime | None:
        """Read a time; None is a clock that was never set."""
        try:
            return instant(text, self.utc_offset_hours)
        except Unset:
            return None
        except ValueError as error:
            raise Unreadable(str(error), column) from None

    def slot(self, code: str) -> Slot:
        """Return the notes on the M-Bus channel that `code` names: `0-1:`, or `7-0:` of DSMR 2."""
        name = code[:3]
        if name not in self.slots:
            self.slots[name] = Slot(int(code[2]), medium=OLD_MEDIA.get(name, ""))
        return self.slots[name]


# Most lines of a telegram were in the last one too. What a line gave is kept, for so many lines;
# then it starts anew. A line that is one field of the electricity meter is its name and value; any
# other is what is to be noted, and hangs on the offset if it has a time in it.
_PLAIN_LINES: Final = 1024
_PLAIN: Final[dict[str, tuple[str, Decimal | int]]] = {}
_KEPT_LINES: Final = 256
_KEPT: Final[dict[int, dict[str, Callable[[Sheet], None]]]] = {}

# Noted as lost when a line's code cannot be read: it may have been any.
UNREADABLE_CODE: Final = ""

OLD_MEDIA: Final = {"5-0": "heat", "6-0": "cooling", "7-0": "gas", "8-0": "water"}
_PAIR: Final = 2
_TRIPLE: Final = 3


def _refuse_open(rest: str) -> None:
    if not rest.strip():
        raise Unreadable("missing value", 0)
    closed = rest.rfind(")") + 1
    raise Unreadable("missing )" if not closed else "extra data", closed or len(rest))


def _register(sheet: Sheet, route: Route, body: str) -> None:
    if ")" in body:
        _registers(sheet, route, body)
    elif body:
        sheet.note(*quantity(route.units, body))
    else:
        sheet.lost.add(route.name)


def _registers(sheet: Sheet, route: Route, body: str) -> None:
    places = (route.units, *route.more_units)
    parts = groups(body)
    if len(parts) > len(places):
        raise Unreadable("extra value", parts[len(places)][1])
    sheet.electricity |= [
        quantity(units, text, column) for units, (text, column) in zip(places, parts, strict=False)
    ]


def _peak(sheet: Sheet, route: Route, body: str) -> None:
    """Read the month's highest quarter hour: the time, which is not kept, and the value."""
    if not body:
        return
    parts = groups(body)
    if len(parts) > _PAIR:
        raise Unreadable("extra value", parts[_PAIR][1])
    name, value = quantity(route.units, *parts[-1])
    unset = len(parts) == _PAIR and sheet.moment(*parts[0]) is None
    if value or not unset:
        sheet.keep(lambda sheet: sheet.electricity.update({name: value}))


def _counter(sheet: Sheet, route: Route, body: str) -> None:
    if not body:
        return
    count = values.counter(body)
    if count is None:
        raise Unreadable("not a count", 0)
    sheet.note(route.name, count)


def _code(sheet: Sheet, route: Route, body: str) -> None:
    if not body:
        return
    number = values.code(body)
    if number is None:
        raise Unreadable("not a code", 0)
    sheet.note(route.name, number)


def _version(sheet: Sheet, _route: Route, body: str) -> None:
    sheet.version = sheet.version or body.strip("() ") or None


def _clock(sheet: Sheet, _route: Route, body: str) -> None:
    if body:
        sheet.time = sheet.moment(body)


def _clock_date(sheet: Sheet, _route: Route, body: str) -> None:
    sheet.date = body


def _clock_time(sheet: Sheet, _route: Route, body: str) -> None:
    sheet.time_of_day = body


def _meter(sheet: Sheet, route: Route, body: str) -> None:
    meter = values.identity(body)

    def note(sheet: Sheet) -> None:
        if meter:
            sheet.meters.setdefault(route.rank, meter)

    sheet.keep(note)


def _about(sheet: Sheet, route: Route, body: str) -> None:
    text = values.identity(body.strip("()"))
    if text:
        channel = "" if route.code[:3] in ("0-0", "1-0", "1-1") else f"_{route.code[2]}"
        sheet.about[route.name + channel] = text


def _message(sheet: Sheet, _route: Route, body: str) -> None:
    text = values.message(body)
    sheet.keep(lambda sheet: sheet.texts.extend([text] if text else []))


def _message_code(sheet: Sheet, _route: Route, body: str) -> None:
    sheet.code = values.message(body)


def _failures(sheet: Sheet, _route: Route, body: str) -> None:
    """Read the log of power failures: a count, a code, pairs of end and duration.

    The count is not trusted, since meters print one that disagrees with the pairs; entries that
    were never filled are empty, or have the time of an unset clock.
    """
    if not body:
        return
    entries = [part for part in groups(body)[1:] if part[0] and "." not in part[0]]
    if len(entries) % _PAIR:
        raise Unreadable("a time without a duration", entries[-1][1])
    found = []
    for (end, at), (duration, place) in zip(entries[::2], entries[1::2], strict=True):
        time = sheet.moment(end, at)
        seconds = values.counter(duration.removesuffix("*s"))
        if seconds is None:
            raise Unreadable("not a number of seconds", place)
        if time:
            found.append((time, seconds))
    sheet.keep(lambda sheet: sheet.failures.extend(found))


def _history(sheet: Sheet, route: Route, body: str) -> None:
    """Read what stands behind 98.1.0: peaks (Belgium), or readings (Hungary)."""
    parts = groups(body)
    count, codes = parts[0][0], parts[1:_TRIPLE]
    if values.counter(count) is not None and all(OBIS.fullmatch(code) for code, _ in codes):
        _peaks(sheet, route, [part for part in parts[_TRIPLE:] if part[0]])
    else:
        _month_end(sheet, parts)


def _peaks(sheet: Sheet, route: Route, parts: list[tuple[str, int]]) -> None:
    """Read triples: the month's end, the time of its peak, the peak; in either order of months."""
    if len(parts) % _TRIPLE:
        raise Unreadable("a peak without its time", parts[-1][1])
    found = []
    for _, time, power in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        moment = sheet.moment(*time)
        _, value = quantity(route.units, *power)
        if moment:
            found.append((moment, value))
    sheet.keep(lambda sheet: sheet.peaks.extend(found))


def _month_end(sheet: Sheet, parts: list[tuple[str, int]]) -> None:
    """Read a moment and the registers of `obis.MONTH_END`; any other list is unfamiliar."""
    time, *registers = parts
    if len(registers) != len(obis.MONTH_END):
        raise Unfamiliar
    try:
        moment = sheet.moment(*time)
        readings = dict(
            quantity(ROUTES[code].units, *part)
            for code, part in zip(obis.MONTH_END, registers, strict=True)
        )
    except Unreadable as error:
        raise Unfamiliar from error
    if moment:
        sheet.month_end = moment, readings


_READERS: Final[dict[Kind, Callable[[Sheet, Route, str], None]]] = {
    Kind.REGISTER: _register,
    Kind.COUNTER: _counter,
    Kind.CODE: _code,
    Kind.PEAK: _peak,
    Kind.READING: devices.reading,
    Kind.BARE_READING: devices.reading,
    Kind.HOURLY: devices.hourly,
    Kind.VALVE: devices.valve,
    Kind.DEVICE_TYPE: devices.device_type,
    Kind.DEVICE_METER: devices.device_meter,
    Kind.VERSION: _version,
    Kind.CLOCK: _clock,
    Kind.CLOCK_DATE: _clock_date,
    Kind.CLOCK_TIME: _clock_time,
    Kind.METER: _meter,
    Kind.ABOUT: _about,
    Kind.MESSAGE: _message,
    Kind.MESSAGE_CODE: _message_code,
    Kind.FAILURES: _failures,
    Kind.HISTORY: _history,
}


def _units(rows: tuple[Field, ...], place: int) -> Units:
    units: Units = {}
    for row in rows:
        if row.place == place:
            units |= {unit: (row.name, by) for unit, by in values.UNITS[row.unit].items()}
            if row.kind is Kind.BARE_READING:
                units[""] = (row.name, 0)
    return units


def _route(code: str, rows: tuple[Field, ...]) -> Route:
    first = rows[0]
    last_place = max(row.place for row in rows)
    more = tuple(_units(rows, place) for place in range(1, last_place + 1))
    rank = obis.FIELDS.index(first)
    return Route(code, first.name, rank, _READERS[first.kind], _units(rows, 0), more)


ROUTES: Final = {code: _route(code, rows) for code, rows in obis.BY_CODE.items()}
