"""The readers of lists: the log of power failures, peaks, the readings at a month's end."""

from collections.abc import Callable
from typing import Final, TypeVar

from collector.p1 import values
from collector.p1.lines import OBIS, Unfamiliar, Unreadable, groups
from collector.p1.obis import BY_CODE, MONTH_END
from collector.p1.sheet import Route, Sheet
from collector.p1.values import quantity, units_of

Entry = TypeVar("Entry")

_UNITS: Final = {code: units_of(BY_CODE[code]) for code in MONTH_END}
_PAIR: Final = 2
_TRIPLE: Final = 3


def _look_for_more(sheet: Sheet, body: str) -> None:
    """Have the telegram looked through again if this list goes on over lines."""
    sheet.listed = sheet.listed or body.count("(") != body.count(")")


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
    for (end, at), (duration, place) in zip(entries[::2], entries[1::2], strict=True):
        time = sheet.moment(end, at)
        seconds = values.counter(duration.removesuffix("*s"))
        if seconds is None:
            raise Unreadable("not a number of seconds", place)
        if time:
            found.append((time, seconds))
    _keep_list(sheet, lambda sheet: sheet.failures, found)


def _keep_list(sheet: Sheet, of: Callable[[Sheet], list[Entry]], found: list[Entry]) -> None:
    """Note a list; of several the first that has something in it counts."""

    def note(sheet: Sheet) -> None:
        noted = of(sheet)
        if not noted:
            noted.extend(found)

    sheet.keep(note)


def history(sheet: Sheet, route: Route, body: str) -> None:
    """Read what stands behind 98.1.0: peaks (Belgium), or readings (Hungary)."""
    _look_for_more(sheet, body)
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
    _keep_list(sheet, lambda sheet: sheet.peaks, found)


def _month_end(sheet: Sheet, parts: list[tuple[str, int]]) -> None:
    """Read a moment and the registers of `MONTH_END`; any other list is unfamiliar."""
    time, *registers = parts
    if len(registers) != len(MONTH_END):
        raise Unfamiliar
    try:
        moment = sheet.moment(*time)
        readings = dict(
            quantity(_UNITS[code], *part) for code, part in zip(MONTH_END, registers, strict=True)
        )
    except Unreadable as error:
        raise Unfamiliar from error
    if moment and sheet.month_end is None:
        sheet.month_end = moment, readings
