"""The field table turned round: which reader takes the lines of a code."""

from collections.abc import Callable
from typing import Final

from collector.p1 import devices, lists, obis, registers
from collector.p1.obis import Field, Kind
from collector.p1.quantity import units_of
from collector.p1.sheet import Route, Sheet

_READERS: Final[dict[Kind, Callable[[Sheet, Route, str], None]]] = {
    Kind.REGISTER: registers.register,
    Kind.COUNTER: registers.counter,
    Kind.CODE: registers.code,
    Kind.PEAK: registers.peak,
    Kind.READING: devices.reading,
    Kind.BARE_READING: devices.reading,
    Kind.HOURLY: devices.hourly,
    Kind.VALVE: devices.valve,
    Kind.DEVICE_TYPE: devices.device_type,
    Kind.DEVICE_METER: devices.device_meter,
    Kind.VERSION: registers.version,
    Kind.CLOCK: registers.clock,
    Kind.CLOCK_DATE: registers.clock_date,
    Kind.CLOCK_TIME: registers.clock_time,
    Kind.METER: registers.meter,
    Kind.ABOUT: registers.about,
    Kind.MESSAGE: registers.message,
    Kind.MESSAGE_CODE: registers.message_code,
    Kind.FAILURES: lists.failures,
    Kind.HISTORY: lists.history,
}


_TEXTS: Final = (Kind.MESSAGE, Kind.MESSAGE_CODE, Kind.ABOUT)


def _route(code: str, rows: tuple[Field, ...]) -> Route:
    first = rows[0]
    last_place = max(row.place for row in rows)
    more = tuple(units_of(rows, place) for place in range(1, last_place + 1))
    rank = obis.FIELDS.index(first)
    is_text = first.kind in _TEXTS
    return Route(code, first.name, rank, _READERS[first.kind], units_of(rows), more, is_text)


ROUTES: Final = {code: _route(code, rows) for code, rows in obis.BY_CODE.items()}
