"""What a stream of bytes is in which no telegram was found.

A P1 port speaks text. What else comes out of meters and wires is recognised here, so that a person
is told what it is instead of "no telegram": it is named, not read. Framing is judged before
encryption, since a key is of no use for what is not P1, and both before the speed.

Frames are believed if they end where their length says, if they are the first thing that came, or
if what must follow does: bytes at the wrong speed hold the two bytes that begin one by chance.
"""

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What it is, in words."""

    HDLC = "DLMS in HDLC frames (7E A.), not P1 telegrams: ask the grid operator for P1 text"
    MBUS = "DLMS in M-Bus frames (68 .. .. 68), not P1 telegrams: Norway and much of Austria"
    SML = "SML, which German meters send on their optical port, not P1 telegrams"
    ENCRYPTED = (
        "encrypted telegrams (DB 08), which need the grid operator's key in `P1_DECRYPT_KEY`"
    )
    ENCRYPTED_UNTITLED = (
        "encrypted telegrams behind a plain header, which do not say their system title (Poland):"
        " the grid operator gives two keys, `P1_DECRYPT_KEY` and `P1_DECRYPT_AUTH_KEY`"
    )
    HTTP = "HTTP, not P1 telegrams: a web server answers there"
    JSON = "JSON, not P1 telegrams: a web interface, or a port of DSMR 6"
    ZEROS = "nothing but zeros: the line is inverted or held down"
    SEVEN_BITS = "telegrams with seven bits and parity (DSMR 2 and 3): set 9600 baud, 7E1"
    EVEN_PARITY = (
        "telegrams of which half the characters are damaged, as with 115200 baud and even parity"
        " (8E1, NES meters): set `P1_BAUD=115200-8E1`"
    )
    NOISE = "bytes, but no text: the wrong baud rate, or the line is inverted"
    HEADLESS = "lines of telegrams, but never the `/` that starts one"
    TEXT = "text, but no telegrams: nothing starts with `/` and has lines like 1-0:1.8.1(…)"


_TELEGRAM: Final = re.compile(rb"(?:\A|[\r\n])[^\r\n!-~]*/[ -~]")
_DATA_LINE: Final = re.compile(
    rb"[0-9]-[0-9]{1,2}:[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{1,3}(?:[*&.][0-9]{1,3})?\("
)
# 7E, then four bits A, one that says segmented, eleven of length, which counts all but the flags.
_HDLC: Final = re.compile(rb"\x7e(?=([\xa0-\xaf].))", re.DOTALL)
_LLC: Final = re.compile(rb"\xe6[\xe6\xe7]\x00")
_LLC_WITHIN: Final = 16
_MBUS: Final = re.compile(rb"\x68(?=(.)\1\x68)", re.DOTALL)
_MBUS_CONTROL: Final = b"\x53\x73\x08\x18"
# Length as BER has it, security control, the first bytes of a frame counter.
_UNTITLED: Final = re.compile(
    rb"/[ -~]{3,}[\r\n]+\xdb?\x00(?:\x82..|\x81.|[\x11-\x7f])[\x20\x21\x30\x31]", re.DOTALL
)
_DB08: Final = re.compile(rb"\xdb\x08.{8}(?:\x82..|\x81.|[\x11-\x7f])[\x20-\x31]", re.DOTALL)
_SML: Final = re.compile(rb"\x1b{4}(?:\x01{4}|\x1a)")
_HTTP: Final = re.compile(
    rb"(?:\A|[\r\n])HTTP/[0-9.]+ [0-9]{3}|\A\s*<(?:!doctype|html)", re.IGNORECASE
)
_JSON: Final = re.compile(rb"\A\s*[{\[]|\"[A-Za-z_]\w*\"\s*:.*\"[A-Za-z_]\w*\"\s*:", re.DOTALL)
# Units whose characters have an odd number of bits: their parity looks like a stop bit.
_ODD_UNITS: Final = re.compile(rb"\*kWh?\)")
_PRINTABLE: Final = re.compile(rb"[\r\n\t -~]")
_SEVEN_BITS: Final = bytes(byte & 0x7F for byte in range(256))
_MOSTLY: Final = 0.9


def diagnose(data: bytes) -> str | None:
    """Say what `data`, in which no telegram was found, looks like; None: like telegrams.

    `data` is best two periods of the meter long, 20 seconds.
    """
    return kind_of(data) if data else "no bytes at all"


def kind_of(data: bytes) -> Kind | None:
    """Tell what kind of bytes these are; None: telegrams."""
    if _TELEGRAM.search(data) and _DATA_LINE.search(data):
        return None
    return next((kind for kind, holds in _KINDS if holds(data)), None) or _kind_of_line(data)


def is_foreign(data: bytes) -> bool:
    """Tell whether these are frames of something else, in which a key is of no use."""
    return bool(data) and kind_of(data) in (Kind.HDLC, Kind.MBUS, Kind.SML)


def _kind_of_line(data: bytes) -> Kind:
    """Say what is wrong with a line on which bytes come that are of no known kind."""
    if not data.strip(b"\0"):
        return Kind.ZEROS
    if _DATA_LINE.search(data):
        return Kind.HEADLESS if _is_text(data) else Kind.NOISE
    if _DATA_LINE.search(data.translate(_SEVEN_BITS)):
        return Kind.SEVEN_BITS
    if _ODD_UNITS.search(data):
        return Kind.EVEN_PARITY
    return Kind.TEXT if _is_text(data) else Kind.NOISE


def _is_text(data: bytes) -> bool:
    return len(_PRINTABLE.findall(data)) >= _MOSTLY * len(data)


def _is_hdlc(data: bytes) -> bool:
    for start in _HDLC.finditer(data):
        end = start.start() + 1 + (int.from_bytes(start[1], "big") & 0x7FF)
        if data[end : end + 1] == b"\x7e" or (not start.start() and end >= len(data)):
            return True
        if _LLC.search(data, start.end(1), start.end(1) + _LLC_WITHIN):
            return True
    return False


def _is_mbus(data: bytes) -> bool:
    for start in _MBUS.finditer(data) if not _is_text(data) else ():
        control, end = start.start() + 4, start.start() + start[1][0] + 6
        if data[end - 1 : end] == b"\x16":
            return True
        if len(data) < end and (not start.start() or data[control : control + 1] in _MBUS_CONTROL):
            return True
    return False


_KINDS: Final[tuple[tuple[Kind, Callable[[bytes], object]], ...]] = (
    (Kind.HDLC, _is_hdlc),
    (Kind.MBUS, _is_mbus),
    (Kind.SML, _SML.search),
    (Kind.ENCRYPTED, _DB08.search),
    (Kind.ENCRYPTED_UNTITLED, _UNTITLED.search),
    (Kind.HTTP, _HTTP.search),
    (Kind.JSON, _JSON.search),
)
