"""Line protocol, read strictly: what is taken here every InfluxDB takes, and as the same point.

    measurement[,tag=value]... field=value[,field=value]... time

A value is a float, an integer (`1i`), a truth (`true`) or a text in quotes. InfluxDB takes more: a
line without a time, a key that comes twice, control characters. `collector.points` writes what is
read here, and so may others (`p1-collector put`).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeVar

T = TypeVar("T")
Scalar = Decimal | int | bool | str  # a float, an integer, a truth or a text
_END: Final = r"\x00-\x1f\x7f"
_MEASUREMENT: Final = re.compile(rf"(?!\#)(?:[^\\, {_END}]|\\[^{_END}])+")
_NAME: Final = re.compile(rf"(?:[^\\,= {_END}]|\\[^{_END}])+")
_TEXT: Final = re.compile(rf'"(?:[^"\\{_END}]|\\[^{_END}])*"')
_NUMBER: Final = re.compile(r"-?[0-9]+(?:i|(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)(?![^, ])")
_TRUTH: Final = re.compile(r"(?:[tT]|true|True|TRUE|[fF]|false|False|FALSE)(?![^, ])")
_COMMA: Final = re.compile(",")
_EQUALS: Final = re.compile("=")
_BLANK: Final = re.compile(" ")
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
    measurement = _plain(rest.take(_MEASUREMENT, "no measurement"))
    has_tags = rest.take(_COMMA)
    tags = (
        rest.pairs(lambda: _plain(rest.take(_NAME, "a tag without a value"))) if has_tags else {}
    )
    rest.take(_BLANK, "no field")
    fields = rest.pairs(rest.scalar)
    rest.take(_BLANK, "a value that is none, or no time")
    return Point(measurement, tags, fields, rest.whole(rest.take(_TIME, "no time")))


class _Rest:
    """A line, and how far it is read."""

    def __init__(self, line: str) -> None:
        self._line = line
        self._at = 0

    def error(self, words: str) -> LineError:
        return LineError(words, self._at + 1)

    def take(self, pattern: re.Pattern[str], lack: str = "") -> str:
        """Take what fits; without it there is a `lack`, or nothing."""
        match = pattern.match(self._line, self._at)
        if match is None and lack:
            raise self.error(lack)
        self._at = match.end() if match else self._at
        return match[0] if match else ""

    def pairs(self, value: Callable[[], T]) -> dict[str, T]:
        """Take keys, each with `=` and what `value` takes."""
        found: dict[str, T] = {}
        while not found or self.take(_COMMA):
            key = _plain(self.take(_NAME, "no key"))
            if key in found:
                raise self.error(f"`{key}` comes twice")
            self.take(_EQUALS, f"`{key}` has no value")
            found[key] = value()
        return found

    def scalar(self) -> Scalar:
        if text := self.take(_TEXT):
            return _ESCAPED_IN_TEXT.sub(r"\1", text[1:-1])
        if truth := self.take(_TRUTH):
            return truth[0] in "tT"
        number = self.take(_NUMBER)
        if not number:
            text = re.split("[ ,]", self._line[self._at :], maxsplit=1)[0]
            what = f"`{text}` is no value (a text stands in quotes)"
            raise self.error(what if text else "no value")
        if number.endswith("i"):
            return self.whole(number[:-1])
        value = Decimal(number)
        if abs(value) > _LARGEST:
            raise self.error("a float that is too large")
        return value

    def whole(self, digits: str) -> int:
        number = int(digits) if len(digits) <= len(str(_INTEGERS.start)) else _INTEGERS.stop
        if number not in _INTEGERS:
            raise self.error("an integer that is too large")
        return number


def _plain(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)
