"""A telegram as the meter laid it out: lines that, put together again, are what was sent.

`lines` is for reading and forgets what does not matter; this is for writing: the same telegram
with other values in it (`disguise`, the simulator). Which lines belong together is decided as for
reading.
"""

import re
from dataclasses import dataclass, replace
from typing import Final

from collector.p1.lines import OBIS, continuing, is_current

_PIECES: Final = re.compile(r"[^\r\n]*[\r\n]+|[^\r\n]+")
_BLANK: Final = " \t\0\r\n"
# Between the code and the first bracket there may be a line end.
_HEAD: Final = re.compile(rf"[ \t\0]*{OBIS.pattern}[ \t\0\r\n]*\(")


@dataclass(frozen=True, slots=True)
class Line:
    """One line, `head + body + tail`.

    `code` is the OBIS code without group F, "" if the line has none; `current` is
    whether it is of this billing period, as far as group F says. `head` ends in the first bracket,
    `tail` begins with the last one; the line ends are in `tail`, and in `body` where a
    value runs over several lines.
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
    code = match["code"] if match else ""
    return Line(
        code, match is None or is_current(match), text[:start], text[start:end], text[end:]
    )
