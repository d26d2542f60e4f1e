"""What must hold whatever bytes come: one function a part, for Hypothesis and for atheris.

Each takes any bytes and raises AssertionError if a promise is broken; anything else that it raises
is a mistake too. What the bytes are to be cut by is in their own last bytes, so that a fuzzer
that changes bytes changes the cuts.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

import crcmod

from collector.p1.decryption import LIMIT as SEALED_LIMIT, Decryptor, Keys
from collector.p1.diagnosis import diagnose
from collector.p1.disguise import Disguise
from collector.p1.document import document
from collector.p1.framing import LIMIT, Frame, Framer
from collector.p1.lines import lay_out, put_together
from collector.p1.telegram import Telegram, acceptable, parse
from collector.points import Points, encode
from collector.spool.record import Record, RecordId, decode
from p1.golden import names, stream
from p1.sealing import KEY, seal

NOON: Final = datetime(2026, 1, 31, 12, tzinfo=UTC)
PLAIN: Final = stream("luxembourg-3phase")[:400]
RUN: Final = "0123456789ab"
_CRC: Final = crcmod.predefined.mkPredefinedCrcFun("crc-16")


def pieces(data: bytes) -> list[bytes]:
    """Cut bytes as their last eight say."""
    cuts = sorted(byte * len(data) // 255 for byte in data[-8:])
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]


def framing(data: bytes) -> None:
    """However a stream is cut, the same frames come out; none is invented; memory is bounded."""
    whole = Framer()
    frames = whole.feed(data) + whole.flush()
    cut = Framer()
    found: list[Frame] = []
    for piece in pieces(data):
        found += cut.feed(piece)
        assert cut.pending <= LIMIT
    assert found + cut.flush() == frames
    assert (cut.noise, cut.torn) == (whole.noise, whole.torn)
    at = 0
    for frame in frames:
        at = data.index(frame.data, at) + len(frame.data)


def telegram(data: bytes) -> None:
    """Any telegram is read, shown, stored and disguised; none is used that was changed.

    One whose checksum is wrong is never stored; that it could be shows what a right one may hold.
    """
    for frame in Framer().feed(data + b"\n!\r\n"):
        read = parse(frame)
        document(read)
        assert all(map(str, read.errors))
        if acceptable(read):
            assert read.version is None or fits(frame)
        stored(read)
        assert put_together(*lay_out(frame.data)) == frame.data
        hidden = Disguise(b"a salt").disguised(frame)
        assert len(hidden.data) == len(frame.data)
        assert quantities(parse(hidden)) == quantities(read)
    diagnose(data)


def quantities(read: Telegram) -> dict[str, object]:
    """Give what was measured; a code may be long enough to name somebody, and is disguised."""
    return {
        name: value if isinstance(value, Decimal) else ...
        for name, value in read.electricity.items()
    }


def stored(read: Telegram) -> None:
    """The points of a telegram are lines of a record that is found again."""
    lines = Points(site="home").lines(read, read.time or NOON)
    if lines:
        record = Record(RecordId(RUN, 1), encode(lines))
        assert decode(record.encode()).records == (record,)


def fits(frame: Frame) -> bool:
    """Compute the checksum with another implementation; line ends may have suffered."""
    data, expected = frame.data, int(frame.checksum, 16)
    ends = data.replace(b"\r\n", b"\n")
    while b"\r\n" in ends:
        ends = ends.replace(b"\r\n", b"\n")
    guesses = (
        data,
        ends.replace(b"\n", b"\r\n"),
        data.replace(b"\n\n", b"\r\n"),
        data[:-1] + b"\r\n!",
    )
    return expected in map(_CRC, guesses)


def decryption(data: bytes) -> None:
    """However a stream is cut, the same comes out, and nothing that does not verify."""
    whole = Decryptor(Keys(KEY))
    out = whole.feed(data) + whole.flush()
    cut = Decryptor(Keys(KEY))
    found = b""
    for piece in pieces(data):
        found += cut.feed(piece)
        assert len(cut._buffer) <= SEALED_LIMIT + 13
    assert found + cut.flush() == out
    assert (cut.read, cut.refused, cut.refusal) == (whole.read, whole.refused, whole.refusal)
    assert out.count(PLAIN) >= whole.read
    assert whole.read or whole.refused or len(out) <= len(data)


def segment(data: bytes) -> None:
    """Every good record of a file is found, in order; what is no record is no record's."""
    contents = decode(data)
    at = 0
    for record in contents.records:
        at = data.index(record.encode(), at) + len(record.encode())
    for damage in contents.damage:
        assert data[damage.offset :].startswith(damage.data)
    good = b"".join(record.encode() for record in contents.records)
    assert decode(good).records == contents.records
    assert len(good) + sum(len(damage.data) for damage in contents.damage) <= len(data)


PROPERTIES: Final[Mapping[str, Callable[[bytes], None]]] = {
    "framing": framing,
    "telegram": telegram,
    "decryption": decryption,
    "segment": segment,
}


def seeds(name: str) -> list[bytes]:
    """Give the bytes from which the search begins."""
    if name == "decryption":
        other = bytes(reversed(KEY))
        return [seal(PLAIN), seal(PLAIN, 2)[:200] + seal(PLAIN, 3), seal(PLAIN, key=other), PLAIN]
    if name == "segment":
        bodies = [b"electricity,site=home power=1 %d\n" % n for n in range(4)]
        records = [Record(RecordId(RUN, n), body).encode() for n, body in enumerate(bodies)]
        return [b"".join(records), records[0] + b"\0" * 100, records[1][:-3] + records[2]]
    return [stream(one) for one in names()]
