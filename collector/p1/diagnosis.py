"""What a stream of bytes is in which no telegram was found.

A P1 port speaks text. What else comes out of meters and wires is recognised here, so that a person
is told what it is instead of "no telegram": it is named, not read.
"""

import re
from typing import Final

_TELEGRAM: Final = re.compile(rb"(?:\A|[\r\n])[^\r\n!-~]*/[ -~]")
_DATA_LINE: Final = re.compile(
    rb"[0-9]-[0-9]{1,2}:[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{1,3}(?:[*&.][0-9]{1,3})?\("
)
_KINDS: Final = (
    (
        re.compile(rb"\x7e\xa0"),
        "DLMS in HDLC frames (7E A0), not P1 telegrams: ask the grid operator for P1 text",
    ),
    (
        re.compile(rb"\xdb\x08.{8}\x82", re.DOTALL),
        "encrypted telegrams (DB 08), which need the grid operator's key in `P1_DECRYPT_KEY`",
    ),
    (
        re.compile(rb"\x1b{4}\x01{4}"),
        "SML, which German meters send on their optical port, not P1 telegrams",
    ),
    (
        re.compile(rb"\x68(.)\1\x68", re.DOTALL),
        "DLMS in M-Bus frames (68 .. .. 68), not P1 telegrams: Norway and much of Austria",
    ),
    (
        re.compile(rb"\A\s*[{\[]"),
        "JSON, not P1 telegrams: a web interface, or a port of DSMR 6",
    ),
)
_PRINTABLE: Final = re.compile(rb"[\r\n\t -~]")
_SEVEN_BITS: Final = bytes(byte & 0x7F for byte in range(256))
_MOSTLY: Final = 0.9


def diagnose(data: bytes) -> str | None:
    """Say what `data`, in which no telegram was found, looks like; None: like telegrams.

    `data` is best two periods of the meter long, 20 seconds.
    """
    if not data:
        return "no bytes at all"
    if _TELEGRAM.search(data) and _DATA_LINE.search(data):
        return None
    for pattern, kind in _KINDS:
        if pattern.search(data):
            return kind
    return _diagnose_line(data)


def _diagnose_line(data: bytes) -> str:
    """Say what is wrong with a line on which bytes come that are of no known kind."""
    if not data.strip(b"\0"):
        return "nothing but zeros: the line is inverted or held down"
    if _DATA_LINE.search(data.translate(_SEVEN_BITS)) and not _DATA_LINE.search(data):
        return "telegrams with seven bits and parity (DSMR 2 and 3): set 9600 baud, 7E1"
    if len(_PRINTABLE.findall(data)) < _MOSTLY * len(data):
        return "bytes, but no text: the wrong baud rate, or the line is inverted"
    if _DATA_LINE.search(data):
        return "lines of telegrams, but never the `/` that starts one"
    return "text, but no telegrams: nothing starts with `/` and has lines like 1-0:1.8.1(…)"
