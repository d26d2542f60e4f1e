"""Coloured text that knows its own width: lines of a screen, made first and painted last."""

from collections.abc import Iterable, Sequence
from enum import Enum
from itertools import zip_longest
from typing import Final

from collector.commands.output import visible

_OFF: Final = "\x1b[0m"


class Ink(Enum):
    """What a piece of text means; the value is its escape sequence.

    Import and export have the same two colours everywhere.
    """

    PLAIN = ""
    TITLE = "\x1b[1m"
    FAINT = "\x1b[2m"
    IMPORT = "\x1b[33m"
    EXPORT = "\x1b[32m"
    WELL = "\x1b[36m"
    CARE = "\x1b[35m"
    ALARM = "\x1b[1;31m"


Piece = tuple[str, Ink]
Line = Sequence[Piece]


def length(line: Line) -> int:
    """How many columns the line takes; each character of ours takes one."""
    return sum(len(text) for text, _ in line)


def padded(line: Line, width: int) -> list[Piece]:
    return [*line, (" " * max(0, width - length(line)), Ink.PLAIN)]


def beside(left: Iterable[Line], right: Iterable[Line], width: int) -> list[Line]:
    """Two blocks next to each other, the right one from column `width` on."""
    return [[*padded(a, width), *b] for a, b in zip_longest(left, right, fillvalue=())]


def paint(line: Line, width: int, *, colour: bool) -> str:
    """The line as it is written, cut off at `width`."""
    parts, room = [], width
    for text, ink in line:
        shown = visible(text)[:room]
        room -= len(shown)
        if colour and ink is not Ink.PLAIN and shown.strip():
            shown = f"{ink.value}{shown}{_OFF}"
        parts.append(shown)
    return "".join(parts) if colour else "".join(parts).rstrip()
