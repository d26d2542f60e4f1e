"""The lines of a telegram: `code(value)(value)…`.

A value may stand on a line of its own behind its code's (DSMR 3), a text message may run over
several, lines may be doubled, end in anything and come in any order. Everything is read as
latin-1, which takes any byte; whether the bytes are right is for the checksum to say.
"""

import re
from dataclasses import dataclass
from typing import Final

_CODED: Final = re.compile(r"[0-9]{1,3}-[0-9]{1,3}:[0-9A-F]{1,3}\.")
_HEX_TAIL: Final = re.compile(r"[0-9A-Fa-f]+\)?")
# A line of a telegram, whatever its code: `1-0:1.8.0*255(`, `0.0.0(`, `C.1.0(`.
OBIS: Final = re.compile(
    r"(?P<code>(?:[0-9]{1,3}-[0-9]{1,3}:)?[0-9A-F]{1,3}\.[0-9]{1,3}(?:\.[0-9]{1,3})?)"
    r"(?:[*&][0-9]{1,3})?"
)


@dataclass(frozen=True, slots=True)
class LineError:
    """A line that could not be read; `column` counts from 0."""

    message: str
    line: str
    column: int

    def __str__(self) -> str:
        """Show the message, the line, and a caret under the place."""
        return f"{self.message}\n  {self.line}\n  {'^':>{self.column + 1}}"


class Unreadable(ValueError):  # noqa: N818  it says what the line is
    """A value cannot be read; `column` is where, counted from behind the first bracket."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.message = message
        self.column = column


class Unfamiliar(ValueError):  # noqa: N818  it says what the line is
    """The code is known, the shape of what stands behind it is not."""


def split(data: bytes) -> tuple[str, list[str]]:
    """Return the header and the lines with something on them of a frame's data."""
    text = data[1:-1].decode("latin-1").replace("\r\n", "\n")
    header, _, body = text.partition("\n")
    # A value on a line of its own, as DSMR 3 prints it, is the rest of the line before.
    body = body.lstrip("\n").replace("\n(", "(")
    if _is_plain(body):
        return header.strip(), body[:-1].split("\n")
    return _split_oddities(text)


def _is_plain(body: str) -> bool:
    """Tell whether each line is complete in itself, as nearly always: it saves looking at each."""
    return (
        body.count(")\n") == body.count("\n") > 0
        and body[-1] == "\n"
        and body[0] != "("
        and "\n(" not in body
        and "\n " not in body
        and "\r" not in body
        and "\t" not in body
        and "\0" not in body
    )


def _split_oddities(text: str) -> tuple[str, list[str]]:
    header, *rest = text.replace("\r", "\n").split("\n")
    lines: list[str] = []
    for raw in rest:
        line = raw.strip(" \t\0")
        if line:
            _add(lines, line)
    return header.strip(), lines


def _add(lines: list[str], line: str) -> None:
    """Add a line that may not be complete in itself, or follow one that is not."""
    if not lines or not continues(lines[-1], line):
        lines.append(line)
    elif line[0] == "(" or _HEX_TAIL.fullmatch(line):
        lines[-1] += line
    else:
        lines[-1] += f" {line}"


def continues(before: str, line: str) -> bool:
    """Tell whether `line` is the rest of the one before it: its value, or more of its text."""
    return line[0] == "(" or (before[-1] != ")" and "(" in before and not _CODED.match(line))


def groups(body: str) -> list[tuple[str, int]]:
    """Cut `a)(b)(c` into its values, each with the column where it begins."""
    parts = []
    column = 0
    for part in body.split(")("):
        parts.append((part, column))
        column += len(part) + 2
    return parts
