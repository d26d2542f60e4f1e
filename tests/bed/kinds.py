"""The simulator's kinds of meter, with numbers and power failures that a test chooses."""

from collections.abc import Sequence
from datetime import datetime

from collector.p1.checksum import crc16
from collector.simulate.likeness import Likeness, file_of
from collector.simulate.localtime import local

_SERIAL = b"E0000000000000001"
_LOG = b"1-0:99.97.0(2)"


def numbered(kind: str, serial: str, failures: Sequence[tuple[datetime, int]] = ()) -> Likeness:
    """Give a meter with this number, whose log of long failures has these last, in winter."""
    data = file_of(kind).read_bytes()
    data = data.replace(_SERIAL.hex().upper().encode(), serial.encode().hex().upper().encode())
    for code, count in ((b"0-0:96.7.21", 8), (b"0-0:96.7.9", 2)):
        data = data.replace(
            b"%b(%05d)" % (code, count), b"%b(%05d)" % (code, count + len(failures))
        )
    start = data.find(_LOG)
    if start >= 0:
        end = data.index(b"\r\n", start)
        log = b"1-0:99.97.0(%d)" % (2 + len(failures)) + data[start + len(_LOG) : end]
        for ended, seconds in failures:
            log += f"({local(ended):%y%m%d%H%M%S}W)({seconds:010d}*s)".encode()
        data = data[:start] + log + data[end:]
    body = data[: data.rindex(b"!") + 1]
    return Likeness(body + b"%04X\r\n" % crc16(body))
