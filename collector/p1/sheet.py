"""Line by line, what a telegram says: the notes, and how a line finds who reads it.

A line costs one look-up of its code among the routes, which are the field table turned round
(`readers`). A reader takes what stands between the outer brackets and notes it on the sheet, or
raises Unreadable and notes nothing; putting the notes together is for `telegram`.

**The current value wins, whatever else is in the telegram.** That is true of every register, the
clock, the meter's number and the M-Bus devices:

- A code whose group F is not 255 is of another billing period (IEC 62056-61, value group F), in
  whatever order the lines come. It is kept as an unknown line.
- What stands within a list belongs to the list (see `collector.p1.lines`).
- Of several values for one field the first counts; what is empty, unset or unreadable is none. By
  *field*, not by code: 17.0.0 in kW and in A are two. A list without brackets, which follows the
  registers, therefore changes nothing. Only where the table has two codes for a field of a device,
  or several for the meter's number, the order of the table goes before that of the lines.

Blanks beside a number, its sign, `*` and unit, and beside the brackets, mean nothing: Holley
prints `(000.5*kWh )`, Logarex `( 000.03*kW)`. Within the digits they are damage: a zero of which
one bit was lost is a blank.
"""

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final

from collector.p1.lines import (
    OBIS,
    LineError,
    Unfamiliar,
    Unreadable,
    is_bare_list,
    is_current,
    is_open_list,
)
from collector.p1.time import Unset, instant
from collector.p1.values import Units

_BLANK: Final = re.compile(r"[ \t]")
_BESIDE: Final = re.compile(r"[ \t]*([()*])[ \t]*")
_SIGN: Final = re.compile(r"(?:(?<=\()|^)([+-])[ \t]+")
_NO_BLANKS: Final = {ord(" "): None, ord("\t"): None}


@dataclass(slots=True)
class Slot:
    """What the telegram says about one M-Bus channel.

    `ranks` are the places in the table of what `readings` were read from, `rank` that of `time`.
    """

    channel: int
    medium: str
    type: str = ""
    meter: str | None = None
    valve: int | None = None
    time: datetime | None = None
    readings: dict[str, Decimal] = field(default_factory=dict)
    ranks: dict[str, int] = field(default_factory=dict)
    rank: int = sys.maxsize


@dataclass(frozen=True, slots=True)
class Route:
    """Where a line goes: its rows of the field table, made ready for reading.

    `units` are those of its first value, `more_units` those of each of the others.
    """

    code: str
    name: str
    rank: int
    read: Callable[["Sheet", "Route", str], None]
    units: Units
    more_units: tuple[Units, ...]
    is_text: bool


class Sheet:
    """The notes taken from one telegram."""

    def __init__(self, utc_offset_hours: int, routes: Mapping[str, Route]) -> None:
        self.utc_offset_hours = utc_offset_hours
        self._routes = routes
        self.heads: dict[str, str] = {}  # what there is one of, by its name
        self.time: datetime | None = None
        self.has_clock = False
        self.meters: dict[int, str] = {}
        self.electricity: dict[str, Decimal | int] = {}
        self.slots: dict[str, Slot] = {}
        self.peak_times: dict[str, datetime] = {}
        self.peaks: list[tuple[datetime, Decimal]] = []
        self.failures: list[tuple[datetime, int]] = []
        self.month_end: tuple[datetime, dict[str, Decimal]] | None = None
        self.texts: dict[str, str] = {}
        self.about: dict[str, str] = {}
        self.listed = False  # there may be a list over lines: see `lines.split`
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
                name, value = seen
                if name not in electricity:
                    electricity[name] = value
            elif again := kept(line):
                again(self)
            else:
                self._read(line)

    def _read(self, line: str) -> None:
        self._line = line
        code, _, rest = line.partition("(")
        route = self._routes.get(code) or _SPELT.get(code) or self._unusual(line, code)
        if route is None:
            return
        body = rest[:-1]
        try:
            if rest[-1:] != ")":
                _refuse_open(rest)
            try:
                route.read(self, route, body)
            except (Unreadable, Unfamiliar):
                if route.is_text or not _BLANK.search(body):
                    raise
                route.read(self, route, _without_blanks(body))
        except Unfamiliar:
            self.keep(lambda sheet: sheet.unknown.append(line))
        except Unreadable as error:
            self.lost.add(route.name)
            behind = line.index("(") + 1 if "(" in line else len(line)
            column = min(behind + _with_blanks(body, error.column), len(line))
            self.errors.append(LineError(error.message, line, column))

    def note(self, name: str, value: Decimal | int) -> None:
        """Note the one value that the line gives; of several for one field the first counts."""
        self.electricity.setdefault(name, value)
        if len(_PLAIN) >= _PLAIN_LINES:
            _PLAIN.clear()
        _PLAIN[self._line] = name, value

    def keep(self, noting: Callable[["Sheet"], None]) -> None:
        """Note something now, and the same whenever this line comes again."""
        if len(self._kept) >= _KEPT_LINES:
            self._kept.clear()
        if not self.listed:  # else the line is read again, for it may have told that
            self._kept[self._line] = noting
        noting(self)

    def _unusual(self, line: str, code: str) -> Route | None:
        """Find the route of a code printed in full (`1-0:1.8.0*255`); else note the line."""
        match = OBIS.fullmatch(code.rstrip(" \t"))
        if match is None:
            self._note_codeless(line, code)
            return None
        current = is_current(match)
        route = self._routes.get(match["code"]) if current else None
        if route is None:
            self.unknown.append(line)
            self.listed = self.listed or is_open_list(line)
            if current and _TARIFF.fullmatch(code):
                self.lost.add(UNREADABLE_CODE)
        elif "(" not in line:
            self.lost.add(route.name)
            self.errors.append(LineError("missing value", line, len(line)))
            return None
        elif len(_SPELT) < _SPELT_CODES:
            _SPELT[code] = route
        return route

    def _note_codeless(self, line: str, code: str) -> None:
        """Note a line that has no code, or a damaged one: a list, or damage."""
        self.listed = self.listed or code.startswith(")")
        if is_bare_list(code) or (not code and OBIS.match(line.lstrip("( "))):
            self.unknown.append(line)
            return
        if code.strip(") "):
            self.lost.add(UNREADABLE_CODE)
        match = OBIS.match(code)
        self.errors.append(LineError("not an OBIS code", line, match.end() if match else 0))

    def moment(self, text: str, column: int = 0) -> datetime | None:
        """Read a time; None is a clock that was never set."""
        try:
            return instant(text, self.utc_offset_hours)
        except Unset:
            return None
        except ValueError as error:
            raise Unreadable(str(error), column) from None

    def separate_clock(self) -> datetime | None:
        """Put the date and the time of day together, which the Iskra AM550 sends apart."""
        date, time_of_day = self.heads.get("date"), self.heads.get("time_of_day")
        if date and time_of_day:
            with suppress(Unreadable):
                return self.moment(date[:6] + time_of_day)
        return None

    def slot(self, code: str) -> Slot:
        """Return the notes on the M-Bus channel that `code` names: `0-1:`, or `7-0:` of DSMR 2."""
        name = code[:3]
        slot = self.slots.get(name)
        if slot is None:
            slot = self.slots[name] = Slot(int(code[2]), OLD_MEDIA.get(name, ""))
        return slot


# Most lines of a telegram were in the last one too. What a line gave is kept, for so many lines;
# then it starts anew. A line that is one field of the electricity meter is its name and value; any
# other is what is to be noted, and hangs on the offset if it has a time in it.
_PLAIN_LINES: Final = 1024
_PLAIN: Final[dict[str, tuple[str, Decimal | int]]] = {}
_KEPT_LINES: Final = 256
_KEPT: Final[dict[int, dict[str, Callable[[Sheet], None]]]] = {}

# Codes as a meter prints them in full.
_SPELT_CODES: Final = 256
_SPELT: Final[dict[str, Route]] = {}

# Noted as lost when a line's code cannot be read: it may have been any.
UNREADABLE_CODE: Final = ""

# A tariff that the table does not have.
_TARIFF: Final = re.compile(r"1-[0-9]:[12]\.8\.[0-9]+.*")

OLD_MEDIA: Final = {"5-0": "heat", "6-0": "cooling", "7-0": "gas", "8-0": "water"}


def _refuse_open(rest: str) -> None:
    if not rest.strip():
        raise Unreadable("missing value", 0)
    closed = rest.rfind(")") + 1
    raise Unreadable("missing )" if not closed else "extra data", closed or len(rest))


def _without_blanks(body: str) -> str:
    """Leave out the blanks that mean nothing."""
    return _SIGN.sub(r"\1", _BESIDE.sub(r"\1", body.strip(" \t")))


def _with_blanks(body: str, column: int) -> int:
    """Find the place in `body` of a column of what it is without blanks."""
    places = [place for place, char in enumerate(body) if char not in " \t"]
    if len(places) == len(body):
        return column
    left = len(_without_blanks(body)[:column].translate(_NO_BLANKS))
    return places[left] if left < len(places) else len(body)
