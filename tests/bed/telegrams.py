"""Telegrams as a test needs them: a few lines, with the checksum that belongs to them."""

from datetime import UTC, datetime, timedelta
from typing import Final

from collector.p1.checksum import crc16
from collector.p1.framing import Framer
from collector.p1.telegram import Telegram, parse

METER: Final = "E0042000000000042"
_WINTER: Final = timedelta(hours=1)


def written(*lines: str, header: str = "TST5\\TEST") -> bytes:
    """Give a telegram of these lines as the meter sends it."""
    body = "".join(f"{line}\r\n" for line in lines)
    data = f"/{header}\r\n\r\n{body}!".encode("latin-1")
    return data + f"{crc16(data):04X}\r\n".encode()


def said(*lines: str) -> Telegram:
    """Give what a telegram of these lines says."""
    (frame,) = Framer().feed(written(*lines))
    return parse(frame)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def stamp(time: datetime) -> str:
    """Write a moment in the meter's way, in winter time."""
    return (time + _WINTER).strftime("%y%m%d%H%M%SW")


def meter(number: str = METER) -> str:
    """Give the line with the meter's number."""
    return f"0-0:96.1.1({number.encode().hex().upper()})"


def dsmr5(time: datetime, *lines: str, energy: str = "000123.450", number: str = METER) -> bytes:
    """Give a small telegram of DSMR 5 of a moment, and of what else it is to say."""
    return written(
        "1-3:0.2.8(50)",
        f"0-0:1.0.0({stamp(time)})",
        meter(number),
        f"1-0:1.8.1({energy}*kWh)",
        "1-0:1.7.0(00.321*kW)",
        *lines,
    )
