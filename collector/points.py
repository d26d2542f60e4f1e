"""A telegram to lines of line protocol: measurements, tags, and what is written only once.

The schema is the one that README.md prints; the names come from the field table. Timestamps are
whole seconds, values are the meter's own decimals.
"""

import hashlib
import hmac
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final

from collector.memory import Memory, Seconds
from collector.p1.obis import FIELDS
from collector.p1.telegram import Device, Medium, Telegram, Value

QUARTER_SECONDS: Final = 900
_HOUR_SECONDS: Final = 3600
MOST_AHEAD_SECONDS: Final = _HOUR_SECONDS
"""A device whose clock is further ahead than this was not read when it says."""
HASH: Final = "hash"
"""The value of `P1_METER` that puts a hash in the place of every equipment number."""

COLLECTOR: Final = "collector"
MEASUREMENTS: Final = frozenset(
    {
        *("electricity", "readings", "demand_peak", "demand_running_peak", "power_failure"),
        *("month_end", "message", COLLECTOR, *Medium),
    }
)
"""Where a telegram's values are, and the program's own state: all that the collector writes to."""

SHORTEST_SALT: Final = 16
"""Characters: with less in it, a hash of a number is found by trying."""

_TAG: Final = str.maketrans({",": "\\,", "=": "\\=", " ": "\\ "})
_ENERGY: Final = frozenset(
    field.name for field in FIELDS if field.name.startswith(("energy_import_", "energy_export_"))
)
_REACH_SECONDS: Final = 10
"""How far a second that is taken may be avoided: DSMR 2 and 3 send every ten seconds."""
_MOST_PUSHED: Final = 60
"""Readings in a row that may push each other on, before one is given up and the others have their
own seconds again: each of them takes the one that the next should have, until a second is free."""

MOST_PRICED_SECONDS: Final = 31 * 24 * 3600
"""How far back a meter that speaks again has prices written; `prices --from` writes all."""

Priced = Callable[[int, int], list[str]]
"""Gives the lines of the prices of the quarter hours that end in a time."""


class CrowdedError(Exception):
    """Every second that a telegram could be stored under has another reading already."""


def usable(salt: str) -> str:
    """Give a salt, or none if it is too short to be one."""
    return salt if len(salt) >= SHORTEST_SALT else ""


class Points:
    """Makes the lines of each telegram of one source, in order."""

    def __init__(
        self,
        *,
        site: str,
        meter: str | None = None,
        salt: str = "",
        memory: Memory | None = None,
        seconds: Seconds | None = None,
        priced: Priced | None = None,
    ) -> None:
        """Tag with `site`; `meter` is a name for the electricity meter, or `HASH` with a salt."""
        self._priced = priced
        self.memory = memory or Memory()
        self.seconds = seconds or Seconds()
        self._site = site
        self._is_hashed = meter == HASH
        self._name = None if self._is_hashed else meter
        self._salt = salt.encode()
        self._pushed = self._pushed_to = 0
        self._rest: Telegram | None = None
        self._rest_said = ""
        self._done: tuple[object, ...] = ()
        """What was found new for the last time in what a meter repeats, and what became of it."""
        self._texts: dict[str, tuple[Value, str]] = {}
        if self.memory.second is not None and self.memory.content is not None:
            self.seconds.store(self.memory.second, self.memory.content)

    def lines(self, telegram: Telegram, time: datetime) -> list[str] | None:
        """Give the lines, each with its line end; None for a telegram that came already.

        Raises `CrowdedError` if there is no second for it.
        """
        fields = [self._text(name, value) for name, value in telegram.electricity.items()]
        content = self._content(telegram, fields)
        second = self._free_second(int(time.timestamp()), content)
        if second is None:
            return None
        self.seconds.store(second, content)
        self.memory.second, self.memory.content = second, content
        # A telegram without a number is of the last meter seen.
        self.memory.meter = telegram.meter or self.memory.meter
        number = self.memory.meter or "unknown"
        tags = {"site": self._site, "meter": self._name or self._number(number)}
        lines = _line("electricity", tags, fields, second)
        energy = [
            text
            for name, text in zip(telegram.electricity, fields, strict=True)
            if name in _ENERGY
        ]
        readings = _line("readings", tags, energy, second)
        done = (number, second // QUARTER_SECONDS, bool(readings), self.memory.news())
        if done == self._done:
            self.memory.last_readings = readings[0] if readings else self.memory.last_readings
        else:
            self._done = done
            lines += self._readings(readings, number, second)
            lines += (line for device in telegram.devices for line in self._device(device, second))
            lines += self._moments(telegram, tags, second)
            texts = {"text": telegram.text, "code": telegram.code}
            message: dict[str, Value] = {name: text for name, text in texts.items() if text}
            lines += self._changed("message", "message", tags, message, second)
        return [f"{line}\n" for line in lines] + self._prices(second)

    def _content(self, telegram: Telegram, fields: list[str]) -> int:
        """Give a check of all that it says, for the electricity meter in the words of a line."""
        rest = telegram._replace(time=None, electricity={})
        if rest != self._rest:
            self._rest, self._rest_said, self._done = rest, repr(rest), ()
        return zlib.crc32(f"{telegram.time!r}{fields}{self._rest_said}".encode())

    def _prices(self, second: int) -> list[str]:
        """Give the prices of the quarter hours up to this one, each once."""
        if self._priced is None:
            return []
        end = (second // QUARTER_SECONDS + 1) * QUARTER_SECONDS
        start = self.memory.priced or end - QUARTER_SECONDS
        if start >= end:
            return []
        self.memory.priced = end
        return self._priced(max(start, end - MOST_PRICED_SECONDS), end)

    def _free_second(self, own: int, content: int) -> int | None:
        """Give its own second, or the first free one behind; None if it is stored already."""
        for second in range(own, own + _REACH_SECONDS):
            known = self.seconds.content(second)
            if known == content:
                return None
            if known is None:
                if self._may_take(second, own):
                    return second
                break
        raise CrowdedError

    def _may_take(self, second: int, own: int) -> bool:
        """Whether a telegram may have a free second; of many that move each other, one may not."""
        pushed = second > own <= self._pushed_to
        self._pushed = self._pushed % _MOST_PUSHED + 1 if pushed else 0
        if self._pushed == _MOST_PUSHED:
            return False
        self._pushed_to = second if second > own else self._pushed_to
        return True

    def _number(self, number: str | None) -> str:
        if number is None or number == "unknown" or not self._is_hashed:
            return number or "unknown"
        if not self._salt:  # as it always was: who has such names keeps them
            return hashlib.sha256(number.encode()).hexdigest()[:8]
        return hmac.new(self._salt, number.encode(), "sha256").hexdigest()[:16]

    def _readings(self, lines: list[str], number: str, second: int) -> list[str]:
        """Write the energy registers at each new quarter hour, and at both ends of a meter."""
        if not lines:
            return []
        memory, quarter = self.memory, second // QUARTER_SECONDS
        before, of = memory.last_readings, memory.last_readings_of
        memory.last_readings, memory.last_readings_of = lines[0], number
        known, memory.quarter = memory.quarter, quarter
        shown = [*memory.shown.get("readings", {}).values()]
        if before and of != number:
            lines = [before, *lines]
        elif quarter == known and shown and _series(shown[-1]) == _series(lines[0]):
            lines = shown
        return self._needed("readings", lines, second)

    def _device(self, device: Device, second: int) -> list[str]:
        channel, number = str(device.channel), self._number(device.meter)
        tags = {"site": self._site, "meter": number, "channel": channel}
        kind, taken = f"{channel} {device.medium}", _taken(device, second)
        return self._changed(kind, device.medium, tags, device.fields, second, taken)

    def _moments(self, telegram: Telegram, tags: Mapping[str, str], second: int) -> Iterator[str]:
        """Write what the telegram says of other moments.

        The running peak is that of the month that is not over yet, and no `demand_peak`, which is
        what the mean of twelve months is made from.
        """
        running, end = telegram.running_peak, telegram.month_end
        said: dict[str, list[tuple[datetime, Mapping[str, Value]]]] = {
            "demand_peak": [(p.time, {"power_kw": p.power_kw}) for p in telegram.demand_peaks],
            "demand_running_peak": (
                [(running.time, {"power_kw": running.power_kw})] if running else []
            ),
            "power_failure": [
                (f.time, {"duration_s": f.duration_s}) for f in telegram.power_failures
            ],
            "month_end": [(end.time, end.electricity)] if end else [],
        }
        for measurement, moments in said.items():
            lines = [
                line
                for time, fields in moments
                for line in line_of(measurement, tags, fields, int(time.timestamp()))
            ]
            yield from self._needed(measurement, lines, second)

    def _changed(
        self,
        kind: str,
        measurement: str,
        tags: Mapping[str, str],
        fields: Mapping[str, Value],
        second: int,
        taken: int | None = None,
    ) -> list[str]:
        """Write what has changed, under the second at which it was `taken`, if that is known."""
        names = line_of(measurement, tags, fields, taken or 0)
        lines = names if taken else line_of(measurement, tags, fields, second)
        return self.memory.needed(kind, dict(zip(names, lines, strict=True)), second)

    def _needed(self, kind: str, lines: list[str], second: int) -> list[str]:
        """Give those that the target needs, of lines that have a time of their own.

        A telegram that lacks them all says nothing about them.
        """
        return self.memory.needed(kind, {line: line for line in lines}, second) if lines else []

    def _text(self, name: str, value: Value) -> str:
        """Give a field as it stands in a line; the value of the last telegram was written then."""
        known = self._texts.get(name)
        if known is None or known[0] is not value:
            known = self._texts[name] = value, f"{name}={_field(value)}"
        return known[1]


def line_of(
    measurement: str, tags: Mapping[str, str], fields: Mapping[str, Value], second: int
) -> list[str]:
    """Give one line without its line end, or none if there is no field."""
    return _line(measurement, tags, [f"{n}={_field(v)}" for n, v in fields.items()], second)


def _line(measurement: str, tags: Mapping[str, str], fields: list[str], second: int) -> list[str]:
    head = "".join([f",{name}={_tag(text)}" for name, text in tags.items()])
    return [f"{measurement}{head} {','.join(fields)} {second}"] if fields else []


@lru_cache(64)
def _tag(text: str) -> str:
    """Escape a tag's value; it cannot be empty, hold a line end, or end in a backslash."""
    plain = _printable(text).strip().rstrip("\\ ")
    return (plain or "unknown").translate(_TAG)


def _field(value: Value) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, int):
        return f"{value}i"
    escaped = _printable(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _printable(text: str) -> str:
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def _taken(device: Device, second: int) -> int | None:
    """Give the second at which a device was read; None if it does not say, or cannot be right."""
    if device.time is None:
        return None
    taken = int(device.time.timestamp())
    if device.time.fold and taken > second:
        return taken - _HOUR_SECONDS  # its clock shows this hour twice
    return taken if taken <= second + MOST_AHEAD_SECONDS else None


def _series(line: str) -> str:
    """Give the measurement and the tags of a line whose fields have no space."""
    return line.rsplit(" ", 2)[0]


def encode(lines: Iterable[str]) -> bytes:
    """Give the lines as the body of a record."""
    return "".join(lines).encode()
