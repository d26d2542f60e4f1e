"""What stands behind the `!`: judged, and printed anew for other data in the same layout."""

import re
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Final

from collector.p1.crc import crc16


class Checksum(StrEnum):
    """What the checksum behind the `!` says about the telegram."""

    OK = "ok"
    ABSENT = "absent"
    BAD = "bad"


_DIGITS: Final = re.compile(rb"[0-9A-Fa-f]{1,4}")
_LINE_END: Final = re.compile(rb"\r*\n")


def judge(data: bytes, printed: bytes) -> Checksum:
    """Judge what was `printed` behind the `!` that `data` ends in.

    Nothing, or a number of another kind after a space (EasyMeter), is no checksum. Anything else
    that is not one to four hexadecimal digits is a damaged one.
    """
    digits = printed.strip()
    if not digits:
        return Checksum.ABSENT
    if not _DIGITS.fullmatch(digits):
        return Checksum.ABSENT if printed[:1] == b" " else Checksum.BAD
    return Checksum.OK if _sent(data, digits) else Checksum.BAD


def fits(data: bytes, printed: bytes) -> bool:
    """Tell whether `printed` is the checksum of `data`, whatever happened to the line ends."""
    return bool(_DIGITS.fullmatch(printed.strip()) and _sent(data, printed))


def reprinted(was: bytes, behind: bytes, data: bytes) -> bytes:
    """Print what stands `behind` the `!` if `data` is in the place of what `was` before it.

    A checksum that fits is computed anew, over the same guess of what the meter sent and in the
    same form: small letters, or no leading zeros. Anything else stays as it is.
    """
    printed = behind.strip()
    sent = _sent(was, printed) if _DIGITS.fullmatch(printed) else None
    if sent is None:
        return behind
    digits = b"%04X" % crc16(sent(data))
    if len(printed) < len(digits):
        digits = digits.lstrip(b"0") or b"0"
    if printed != printed.upper():
        digits = digits.lower()
    return behind.replace(printed, digits)


def _sent(data: bytes, printed: bytes) -> Callable[[bytes], bytes] | None:
    """Find what to undo so that the checksum fits; None if nothing helps."""
    expected = int(printed, 16)
    if crc16(data) == expected:
        return bytes
    for undo in _undoings():
        undone = undo(data)
        if undone != data and crc16(undone) == expected:
            return undo
    return None


def _undoings() -> Iterator[Callable[[bytes], bytes]]:
    """Guess what happened to the line ends.

    A terminal line that is not raw, and some gateways, eat the CRs or turn them into line ends,
    and the checksum is over the CRs too.
    """
    yield lambda data: _LINE_END.sub(b"\r\n", data)
    yield lambda data: data.replace(b"\n\n", b"\r\n")
    yield lambda data: data if data.endswith((b"\n!", b"\r!")) else data[:-1] + b"\r\n!"
