"""What stands behind the `!`: judged, and printed anew for other data in the same layout.

It is CRC-16/ARC: P = x^16 + x^15 + x^2 + 1, reflected, starting at zero, nothing XORed at the end;
over the bytes from `/` up to and including `!` (DSMR 4.0 P1, 5.2 and every later version).

A table and a loop over the bytes would be the most expensive thing done with a telegram, so the
division is done on the telegram as one integer, in some twenty operations. Over GF(2)

    P = (x + 1) Q   with   Q = x^15 + x + 1

- Modulo Q, x^15 is x + 1. Squaring keeps that true term by term: with s = 2^k, x^15s is x^s + 1.
  So what lies above bit 15s is folded down by two shifts and XORs, from the largest s to 1.
- Modulo x + 1, a polynomial is the parity of its bits.
- Q has three terms, which is odd: adding Q to a remainder modulo Q changes nothing but the parity.
  That makes it the remainder modulo P.
"""

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Final


class Checksum(StrEnum):
    """What the checksum behind the `!` says about the telegram."""

    OK = "ok"
    ABSENT = "absent"
    BAD = "bad"


_Q: Final = 1 << 15 | 1 << 1 | 1
# "Reflected": the first bit on the line is the lowest of the byte.
_REVERSED: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_DIGITS: Final = re.compile(rb"[0-9A-Fa-f]{1,4}")
_LINE_END: Final = re.compile(rb"\r*\n")
# A terminal line that is not raw, and some gateways, eat the CRs or turn them into line ends, and
# the checksum is over the CRs too.
_UNDOINGS: Final[tuple[Callable[[bytes], bytes], ...]] = (
    lambda data: _LINE_END.sub(b"\r\n", data),
    lambda data: data.replace(b"\n\n", b"\r\n"),
    lambda data: data if data.endswith((b"\n!", b"\r!")) else data[:-1] + b"\r\n!",
)


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
    for undo in _UNDOINGS:
        undone = undo(data)
        if undone != data and crc16(undone) == expected:
            return undo
    return None


def crc16(data: bytes) -> int:
    """Return the CRC-16/ARC of `data`, 0 to 0xFFFF."""
    polynomial = int.from_bytes(data.translate(_REVERSED), "big") << 16
    parity = polynomial.bit_count()
    step = 1 << max(polynomial.bit_length() // 15, 1).bit_length()
    while step:
        above = polynomial >> 15 * step
        if above:
            polynomial ^= above << 15 * step ^ above << step ^ above
        else:
            step >>= 1
    if (polynomial.bit_count() ^ parity) & 1:
        polynomial ^= _Q
    return int.from_bytes(polynomial.to_bytes(2, "big").translate(_REVERSED), "little")
