"""Line protocol, read strictly: what is taken here every InfluxDB takes, and as the same point.

    measurement[,tag=value]... field=value[,field=value]... time

A value is a float, an integer (`1i`), a truth (`true`) or a text in quotes. InfluxDB takes more: a
line without a time, a key that comes twice, control characters. `collector.points` writes what is
read here, and so may others (`p1-collector put`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

Scalar = Decimal | int | bool | str
"""A float, an integer, a truth or a text."""

_END: Final = r"\x00-\x1f\x7f"
_MEASUREMENT: Final = re.compile(rf"(?!\#)(?:[^\\, {_END}]|\\[^{_END}])+")
_NAME: Final = re.compile(rf"(?:[^\\,= {_END}]|\\[^{_END}])+")
_TEXT: Final = re.compile(rf'"(?:[^"\\{_END}]|\\[^{_END}])*"')
_NUMBER: Final = re.compile(r"-?[0-9]+(?:i|(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)(?![^, ])")
_TRUTH: Final = re.compile(r"(?:[tT]|true|True|TRUE|[fF]|false|False|FALSE)(?![^, ])")
_TRUE: Final = ("t", "T", "true", "True", "TRUE")
_TIME: Final = re.compile(r"-?[0-9]+$")
_ESCAPED: Final = re.compile(r"\\([,= ])")
_ESCAPED_IN_TEXT: Final = re.compile(r'\\(["\\])')
_INTEGERS: Final = range(-(2**63), 2**63)
_LARGEST: Final = Decimal("1.7976931348623157e308")


class LineError(ValueError):
    """This is no line of line protocol; `column` is where, from 1."""

    def __init__(self, words: str, column: int) -> None:
        super().__init__(f"{words}, at column {column}")
        self.column = column


@dataclass(frozen=True, slots=True)
class Point:
    """What a line says; `time` is in the precision that its writer had in mind."""

    measurement: str
    tags: Mapping[str, str]
    fields: Mapping[str, Scalar]
    time: int


def read(line: str) -> Point:
    """Read a line, without its line end. Raises `LineError`."""
    rest = _Rest(line)
    measurement = rest.take(_MEASUREMENT, "no measurement")
    tags: dict[str, str] = {}
    while rest.skips(","):
        rest.put(tags, lambda: _plain(rest.take(_NAME, "a tag without a value")))
    rest.skip(" ", "no field")
    fields: dict[str, Scalar] = {}
    rest.put(fields, lambda: _scalar(rest))
    while rest.skips(","):
        rest.put(fields, lambda: _scalar(rest))
    rest.skip(" ", "a value that is none, or no time")
    time = _whole(rest, rest.take(_TIME, "no time"))
    return Point(_plain(measurement), tags, fields, time)


class _Rest:
    """A line, and how far it is read."""

    def __init__(self, line: str) -> None:
        self._line = line
        self._at = 0

    def error(self, words: str) -> LineError:
        return LineError(words, self._at + 1)

    def take(self, pattern: re.Pattern[str], lack: str) -> str:
        match = pattern.match(self._line, self._at)
        if match is None:
            raise self.error(lack)
        self._at = match.end()
        return match[0]

    def takes(self, pattern: re.Pattern[str]) -> str:
        """Take what fits, if anything does."""
        return self.take(pattern, "") if pattern.match(self._line, self._at) else ""

    def skips(self, text: str) -> bool:
        found = self._line.startswith(text, self._at)
        self._at += len(text) if found else 0
        return found

    def skip(self, text: str, lack: str) -> None:
        if not self.skips(text):
            raise self.error(lack)

    def put(self, pairs: dict[str, Any], value: Any) -> None:
        """Read a key, `=` and what `value` reads, and put them there."""
        key = _plain(self.take(_NAME, "no key"))
        if key in pairs:
            raise self.error(f"`{key}` comes twice")
        self.skip("=", f"`{key}` has no value")
        pairs[key] = value()


def _scalar(rest: _Rest) -> Scalar:
    if text := rest.takes(_TEXT):
        return _ESCAPED_IN_TEXT.sub(r"\1", text[1:-1])
    if truth := rest.takes(_TRUTH):
        return truth in _TRUE
    number = rest.take(_NUMBER, "no value")
    if number.endswith("i"):
        return _whole(rest, number[:-1])
    value = Decimal(number)
    if abs(value) > _LARGEST:
        raise rest.error("a float that is too large")
    return value


def _whole(rest: _Rest, digits: str) -> int:
    number = int(digits) if len(digits) <= len(str(_INTEGERS.start)) else _INTEGERS.stop
    if number not in _INTEGERS:
        raise rest.error("an integer that is too large")
    return number


def _plain(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)
