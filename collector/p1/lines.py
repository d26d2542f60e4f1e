"""The lines of a telegram: `code(value)(value)…`.

A value may stand on a line of its own behind its code's (DSMR 3), a text message may run over
several, lines may be doubled, end in anything and come in any order. Everything is read as
latin-1, which takes any byte; whether the bytes are right is for the checksum to say.

A list may stand over lines, and has lines of other codes in it (Holley, Hungary): it goes on to
the `)` that closes it, and all of it is one line here. Only the code of a list or a line that is
`(` alone opens one; a `)` that is missing elsewhere costs its own line. So does that of a list
which has something behind its `(` and never closes; one with nothing behind it goes on to the end.
A list may even have no brackets: behind its code alone, or behind a second clock, the energy
registers and peaks that follow at once are the list's.

`split` is for reading and forgets what does not matter; `lay_out` and `put_together` are for
writing: the same telegram with other values in it (`disguise`, the simulator).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

_CODED: Final = re.compile(r"[0-9]{1,3}-[0-9]{1,3}:[0-9A-F]{1,3}\.")
_HEX_TAIL: Final = re.compile(r"[0-9A-Fa-f]+\)?")
# C is 98 or 99: lists and profiles (IEC 62056-61).
_LIST_CODE: Final = r"[0-9]{1,3}-[0-9]{1,3}:9[89]\.[0-9]{1,3}\.[0-9]{1,3}(?:[*&.][0-9]{1,3})?"
_LIST: Final = re.compile(_LIST_CODE + r"[ \t]*(?:\(|\Z)")
_BARE_LIST: Final = re.compile(_LIST_CODE + r" [0-9]{1,3}-")
_CLOCK: Final = "0-0:1.0.0("
# What a list at a month's end has in it, behind a clock: energy (D=8) and peaks (D=6).
_LISTED: Final = re.compile(r"1-[0-9]:[0-9]{1,2}\.[68]\.[0-9]{1,3}(?:[*&.][0-9]{1,3})?[ \t]*\(")
_VALUE_FOLLOWS: Final = re.compile(r"0-[0-9]:24\.3\.")
# A line of a telegram, whatever its code: `1-0:1.8.0*255(`, `1-0:1.8.0.255(`, `0.0.0(`, `C.1.0(`.
OBIS: Final = re.compile(
    r"(?P<code>(?:[0-9]{1,3}-[0-9]{1,3}:)?[0-9A-F]{1,3}\.[0-9]{1,3}(?:\.[0-9]{1,3})?)"
    r"(?:[*&.](?P<period>[0-9]{1,3}))?"
)
_CURRENT: Final = 255

_PIECES: Final = re.compile(r"[^\r\n]*[\r\n]+|[^\r\n]+")
_BLANK: Final = " \t\0\r\n"
# Between the code and the first bracket there may be a line end.
_HEAD: Final = re.compile(rf"[ \t\0]*{OBIS.pattern}[ \t\0\r\n]*\(")


def is_current(code: re.Match[str]) -> bool:
    """Tell by group F, the billing period, whether a code that was matched is of this one."""
    return code["period"] is None or int(code["period"]) == _CURRENT


def is_past(line: str) -> bool:
    """Tell whether a line is of an earlier billing period."""
    match = OBIS.match(line)
    return match is not None and not is_current(match)


def is_bare_list(code: str) -> bool:
    """Tell whether a line that begins so is a list without brackets of its own."""
    return bool(_BARE_LIST.match(code))


def is_open_list(line: str) -> bool:
    """Tell whether this is a list that goes on over the lines that follow."""
    return bool(_LIST.match(line)) and line.count("(") != line.count(")")


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


def split(data: bytes, *, listed: bool = False) -> tuple[str, list[str]]:
    """Return the header and the lines with something on them of a frame's data.

    `listed`: there may be a list over lines that are complete each, which is rare, and shows only
    when they are read.
    """
    text = data[1:-1].decode("latin-1").replace("\r\n", "\n")
    if listed:
        return _split_oddities(text, listed=True)
    header, _, body = text.partition("\n")
    # A value on a line of its own, as DSMR 3 prints it, is the rest of the line before.
    body = body.lstrip("\n")
    while "\n(" in body:
        body = body.replace("\n(", "(")
    if _is_plain(body):
        return header.strip(), body[:-1].split("\n")
    return _split_oddities(text, listed=False)


def _is_plain(body: str) -> bool:
    """Tell whether each line is complete in itself, as nearly always: it saves looking at each."""
    return (
        body.count(")\n") == body.count("\n") > 0
        and body[-1] == "\n"
        and body[0] != "("
        and "\n " not in body
        and "\r" not in body
        and "\t" not in body
        and "\0" not in body
    )


def _split_oddities(text: str, *, listed: bool) -> tuple[str, list[str]]:
    header, *rest = text.replace("\r", "\n").split("\n")
    pieces = [line for raw in rest if (line := raw.strip(" \t\0"))]
    if not listed and all(line[0] != "(" and line[-1] == ")" for line in pieces):
        return header.strip(), pieces
    lines: list[str] = []
    for line, more in zip(pieces, continuing(pieces), strict=True):
        if not more:
            lines.append(line)
        elif line[0] in "()" or _HEX_TAIL.fullmatch(line):
            lines[-1] += line
        else:
            lines[-1] += f" {line}"
    return header.strip(), lines


def continuing(lines: Sequence[str]) -> list[bool]:
    """Tell of each line whether it is the rest of the one before: value, text, or list."""
    found = []
    before, end, clocks = "", 0, 0
    for place, line in enumerate(lines):
        # Nearly always: complete in itself, behind one that is.
        new = place >= end and line[0] != "(" and (not before or before[-1] == ")")
        more = not new and (place < end or (before != "" and _continues(before, line)))
        before = before + line if more else line
        found.append(more)
        if line.startswith(_CLOCK):
            clocks += place >= end
            if clocks > 1 and place >= end:
                end = _end_of_listed(lines, place + 1)
        elif place >= end and (line == "(" or (":9" in before and _LIST.match(before))):
            end = _end_of_list(before, lines, place + 1)
    return found


def _end_of_listed(lines: Sequence[str], start: int) -> int:
    """Return the number of the line behind a list that has no brackets."""
    places = range(start, len(lines))
    return next((place for place in places if not _LISTED.match(lines[place])), len(lines))


def _continues(before: str, line: str) -> bool:
    if line == "(" and before[-1] == ")":
        # A list whose code is missing, behind a line that is complete.
        return bool(_VALUE_FOLLOWS.match(before))
    return line[0] == "(" or (before[-1] != ")" and "(" in before and not _CODED.match(line))


def _end_of_list(before: str, lines: Sequence[str], start: int) -> int:
    """Return the number of the line behind the list that is open by now, if one is."""
    if "(" not in before:
        first = lines[start] if start < len(lines) else ""
        has_clock = first.startswith(_CLOCK)
        return start if first[:1] == "(" else _end_of_listed(lines, start + has_clock)
    depth = before.count("(") - before.count(")")
    if depth <= 0:
        return start
    for place in range(start, len(lines)):
        depth += lines[place].count("(") - lines[place].count(")")
        if depth <= 0:
            return place + 1
    return len(lines) if before[-1] == "(" else start


def groups(body: str) -> list[tuple[str, int]]:
    """Cut `a)(b)(c` into its values, each with the column where it begins."""
    parts = []
    column = 0
    for part in body.split(")("):
        parts.append((part, column))
        column += len(part) + 2
    return parts


@dataclass(frozen=True, slots=True)
class Line:
    """One line, `head + body + tail`.

    `code` is the OBIS code without group F, "" if the line has none; `current` is whether it is of
    this billing period, as far as group F says. `head` ends in the first bracket, `tail` begins
    with the last one; the line ends are in `tail`, and in `body` where a value runs over several
    lines.
    """

    code: str
    current: bool
    head: str
    body: str
    tail: str

    def __str__(self) -> str:
        return self.head + self.body + self.tail

    def saying(self, body: str) -> "Line":
        """Give the same line with something else between the brackets."""
        return replace(self, body=body)


def lay_out(data: bytes) -> tuple[str, list[Line]]:
    """Cut a frame's data into the header, with its line ends, and the lines up to the `!`."""
    header, *pieces = _PIECES.findall(data[:-1].decode("latin-1"))
    return header, [_line(text) for text in _joined(pieces)]


def put_together(header: str, lines: list[Line]) -> bytes:
    """Give the data of a frame that is laid out so."""
    return "".join([header, *map(str, lines), "!"]).encode("latin-1")


def _joined(pieces: list[str]) -> list[str]:
    """Put together what is one line for reading too."""
    stripped = [piece.strip(_BLANK) for piece in pieces]
    more = iter(continuing([line for line in stripped if line]))
    joined: list[str] = []
    for piece, line in zip(pieces, stripped, strict=True):
        if (next(more) if line else True) and joined:
            joined[-1] += piece
        else:
            joined.append(piece)
    return joined


def _line(text: str) -> Line:
    match = _HEAD.match(text)
    start = match.end() if match else 0
    end = len(text.rstrip(_BLANK))
    if match and text[start:end].endswith(")"):
        end -= 1
    end = max(start, end)
    code, current = (match["code"], is_current(match)) if match else ("", True)
    return Line(code, current, text[:start], text[start:end], text[end:])
