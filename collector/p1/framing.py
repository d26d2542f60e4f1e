"""Bytes to frames: finds telegrams in whatever comes down the line.

A telegram starts at a `/` at the start of a line and ends at a `!` at the start of a line (or
behind the `)` of the last line, as some meters print it). What stands behind the `!` on its line
is handed on as it is; whether it is a checksum is not decided here. Nothing is decoded, repaired
or refused, so the bytes of a frame are exactly those of the line.

A telegram that was torn within a line has the next one in that line. So where the checksum is
wrong, and only there, a `/XXX` within is tried: if it is right from there on, that is the frame.

    feed(bytes)   the frames that these bytes complete; however a stream is cut, the same frames
    flush()       the line has fallen silent: a `!` that still waits for its line end counts now
    break_off()   the line broke: what comes next is no continuation of what came before

Bytes that belong to no frame are counted in `noise` and forgotten: the rest of a telegram whose
start was missed, one that a new `/` breaks off, one longer than the limit. The last two are also
counted in `torn`. Line ends and NULs between telegrams are no noise. Memory is bounded by the
limit and the chunk fed, whatever comes.
"""

import re
from typing import Final, NamedTuple

from collector.p1.checksum import fits

# A text message of 4 KiB and a hundred lines besides stay far below this.
LIMIT: Final = 32 * 1024

# Line noise, which may stand before the first character of a line: never printable ASCII.
_NOISE: Final = rb"[^\r\n!-~]*+"
_BLANK: Final = re.compile(_NOISE)
_START: Final = re.compile(rb"[\r\n]" + _NOISE + rb"(?=/)")
_START_AT_ONCE: Final = re.compile(rb"(?:\A|[\r\n])" + _NOISE + rb"(?=/)")

# What ends a telegram hangs on the start of a line, so the first to be complete is also the first
# to begin, and the cut of the stream cannot matter. A `/` at the start of a line: broken off.
_BROKEN: Final = re.compile(rb"[\r\n]" + _NOISE + rb"/")
# A `!` at the start of a line, whatever follows on its line; behind a checksum also the `/` of the
# next telegram. Or `)!` at the end of a line with nothing but a checksum behind it; anything else
# may be a text message.
_END: Final = re.compile(
    rb"[\r\n]" + _NOISE + rb"(?:"
    rb"!(?:(?P<glued>[0-9A-Fa-f]{0,4}[\x00 ]*)/|(?P<usual>[^\r\n]*)[\r\n])"
    rb"|(?!!)[^\r\n]*\)!(?P<behind>[0-9A-Fa-f]{0,4}[\x00 ]*)[\r\n]"
    rb")"
)
_LINE_END: Final = re.compile(rb"[\r\n]")
_HEADER: Final = re.compile(rb"/[A-Za-z0-9]{3}[!-~]")
_TRIES: Final = 16
_LINE_ENDS: Final = b"\r\n\0"
_SLASH: Final = ord("/")


class Frame(NamedTuple):
    """One telegram as it came, undecoded.

    `data` is everything from `/` up to and including `!`, which is what a checksum is over.
    `checksum` is what stood behind the `!` on its line, spaces in front kept, NULs and spaces
    behind removed: `b"1A2B"`, or `b""` for a bare `!`.
    """

    data: bytes
    checksum: bytes


class Framer:
    """Cuts a stream of bytes into frames. See the module's docstring for the rules."""

    def __init__(self, limit: int = LIMIT) -> None:
        """Accept telegrams of up to `limit` bytes, the line of the `!` included."""
        self.noise = 0
        self.torn = 0  # telegrams that began and did not end
        self._limit = limit
        self._buffer = bytearray()
        self._open = False  # the buffer begins with the `/` of a telegram
        self._fresh = True  # not open, and nothing printable since the last line end
        self._scan = 0  # everything before this holds no end of a telegram

    @property
    def pending(self) -> int:
        """How many bytes of an unfinished telegram are waiting for the rest."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[Frame]:
        """Take the next bytes of the stream and return the frames that they complete."""
        self._buffer += data
        frames: list[Frame] = []
        while self._buffer and (self._search(frames) if self._open else self._hunt()):
            pass
        return frames

    def flush(self) -> list[Frame]:
        """Take the silence for the line end that a pending `!` is waiting for.

        A telegram without its `!` is kept: the meter may only be pausing.
        """
        waiting = self._open and _END.search(self._buffer + b"\n", self._scan)
        return self.feed(b"\n") if waiting else []

    def break_off(self) -> None:
        """Forget what was not ended, and begin as with a new line."""
        self.torn += self._open
        self._forget(len(self._buffer))
        self._open, self._fresh = False, True

    def _hunt(self) -> bool:
        """Look for the start of a telegram, forget everything before it."""
        if self._fresh and self._buffer[0] == _SLASH:
            self._begin()
            return True
        start = (_START_AT_ONCE if self._fresh else _START).search(self._buffer)
        if start is None:
            self._forget(len(self._buffer))
            return False
        self._forget(start.end())
        self._begin()
        return True

    def _search(self, frames: list[Frame]) -> bool:
        """Look for the end of the telegram in the buffer; tell whether there is more to do."""
        bang = self._buffer.find(b"!", self._scan, self._limit)
        if self._broken_off(before=bang if bang >= 0 else self._limit):
            return True
        if bang < 0:
            return self._wait()
        line = self._line_start(bang)
        end = _END.match(self._buffer, line, self._limit)
        if end:
            self._end(end, frames)
            return True
        rest = _LINE_END.search(self._buffer, bang, self._limit)
        if rest:
            # A `!` within a line.
            self._scan = rest.start()
            return True
        return self._wait()

    def _broken_off(self, before: int) -> bool:
        """Begin anew where a line starts with `/`, if one does."""
        if self._buffer.find(b"/", self._scan + 1, before) < 0:
            return False
        broken = _BROKEN.search(self._buffer, self._scan, before)
        if broken:
            self._forget(broken.end() - 1)
            self.torn += 1
            self._begin()
        return bool(broken)

    def _end(self, end: re.Match[bytes], frames: list[Frame]) -> None:
        behind = end.lastgroup or ""
        data, printed = bytes(self._buffer[: end.start(behind)]), end[behind].rstrip(b"\0 \t")
        if data.find(b"/", 1) > 0 and (start := _start_of_whole(data, printed)):
            self.torn += 1
            self.noise += len(data[:start].translate(None, _LINE_ENDS))
            data = data[start:]
        frames.append(Frame(data, printed))
        if behind == "glued":
            del self._buffer[: end.end() - 1]
            self._begin()
        else:
            line_feed = self._buffer[end.end() : end.end() + 1] == b"\n"
            del self._buffer[: end.end() + line_feed]
            self._open, self._fresh = False, True

    def _line_start(self, place: int) -> int:
        """Return where the line end before `place` is; 0 on the first line."""
        line_ends = self._buffer.rfind(b"\n", 0, place), self._buffer.rfind(b"\r", 0, place)
        return max(*line_ends, 0)

    def _wait(self) -> bool:
        """Wait for more bytes, unless the telegram has reached the limit."""
        size = len(self._buffer)
        if size < self._limit:
            self._scan = max(self._scan, self._line_start(size))
            return False
        self._forget(self._limit)
        self.torn += 1
        self._open = False
        return True

    def _begin(self) -> None:
        self._open, self._scan = True, 0

    def _forget(self, size: int) -> None:
        """Drop the first `size` bytes as noise; remember whether a line has just begun."""
        piece = bytes(self._buffer[:size])
        del self._buffer[:size]
        last = max(piece.rfind(b"\n"), piece.rfind(b"\r"))
        self._fresh = (self._fresh or last >= 0) and bool(_BLANK.fullmatch(piece, last + 1))
        self.noise += len(piece.translate(None, _LINE_ENDS))


def _start_of_whole(data: bytes, printed: bytes) -> int:
    """Find where a telegram begins whose checksum is right; 0 if that is at the beginning."""
    starts = [match.start() for match in _HEADER.finditer(data, 1)][-_TRIES:]
    if not starts or fits(data, printed):
        return 0
    return next((start for start in starts if fits(data[start:], printed)), 0)
