"""Frames come out of any stream, however it is cut up, and none is invented."""

from itertools import pairwise

import pytest
from hypothesis import example, given, strategies as st

from collector.p1.checksum import crc16
from collector.p1.framing import LIMIT, Frame, Framer
from p1.golden import names, stream

BODY = b"/XYZ5\\TEST\r\n\r\n1-3:0.2.8(50)\r\n1-0:1.7.0(00.123*kW)\r\n!"
TELEGRAM = BODY + b"%04X\r\n" % crc16(BODY)
FRAME = Frame(BODY, b"%04X" % crc16(BODY))

SECOND = BODY.replace(b"00.123", b"04.567")


def framed(data: bytes, limit: int = LIMIT) -> list[Frame]:
    framer = Framer(limit)
    return framer.feed(data) + framer.flush()


def in_pieces(data: bytes, cuts: list[int], limit: int = LIMIT) -> tuple[list[Frame], int]:
    framer = Framer(limit)
    frames = []
    for start, end in pairwise([0, *sorted(cuts), len(data)]):
        frames += framer.feed(data[start:end])
    return frames + framer.flush(), framer.noise


def test_a_telegram_is_framed_byte_for_byte() -> None:
    assert framed(TELEGRAM) == [FRAME]


@pytest.mark.parametrize(
    ("data", "frames"),
    [
        pytest.param(b"", [], id="nothing"),
        pytest.param(BODY[9:] + b"ABCD\r\n" + TELEGRAM, [FRAME], id="begun in the middle"),
        pytest.param(TELEGRAM * 3, [FRAME] * 3, id="one after the other"),
        pytest.param(TELEGRAM.rstrip() + TELEGRAM, [FRAME] * 2, id="glued without a line end"),
        pytest.param(TELEGRAM.rstrip() + b"\0" + TELEGRAM, [FRAME] * 2, id="glued by a NUL"),
        pytest.param(TELEGRAM[:-2], [FRAME], id="no last line end"),
        pytest.param(TELEGRAM[:-1], [FRAME], id="only a CR at the end"),
        pytest.param(b"\xff\x00\x80" + TELEGRAM, [FRAME], id="noise on the line of the start"),
        pytest.param(b"\xff\r\n \t" + TELEGRAM, [FRAME], id="blanks before the start"),
        pytest.param(b"text" + TELEGRAM + TELEGRAM, [FRAME], id="text before the start"),
        pytest.param(TELEGRAM[:30] + b"\r\n" + TELEGRAM, [FRAME], id="broken off by the next"),
        pytest.param(BODY + b"\r\n", [Frame(BODY, b"")], id="a bare end"),
        pytest.param(BODY + b"b9f\r\n", [Frame(BODY, b"b9f")], id="small letters, no padding"),
        pytest.param(TELEGRAM[:-2] + b"\0\r\n", [FRAME], id="a NUL behind the checksum"),
        pytest.param(BODY + b"  25803103\n", [Frame(BODY, b"  25803103")], id="a number"),
        pytest.param(BODY + b"12 a/b\r\n" + TELEGRAM, [Frame(BODY, b"12 a/b"), FRAME], id="text"),
        pytest.param(
            BODY.replace(b"\r\n", b"\n") + b"\n",
            [Frame(BODY.replace(b"\r\n", b"\n"), b"")],
            id="no CRs",
        ),
        pytest.param(
            BODY.replace(b"\r\n", b"\r") + b"\r",
            [Frame(BODY.replace(b"\r\n", b"\r"), b"")],
            id="no LFs",
        ),
        pytest.param(
            b"/X\r\n1-0:1.7.0(1*kW)!B1F2\r\n",
            [Frame(b"/X\r\n1-0:1.7.0(1*kW)!", b"B1F2")],
            id="the end glued to the last line",
        ),
        pytest.param(
            b"/X\r\n0-0:96.13.0(a/b!)\r\n0-0:96.13.1(/)\r\n!\r\n",
            [Frame(b"/X\r\n0-0:96.13.0(a/b!)\r\n0-0:96.13.1(/)\r\n!", b"")],
            id="a slash and an exclamation mark within a text",
        ),
        pytest.param(
            b"/X!Y/Z\r\n1-0:1.7.0(1*kW)\r\n!\r\n",
            [Frame(b"/X!Y/Z\r\n1-0:1.7.0(1*kW)\r\n!", b"")],
            id="the same in the header",
        ),
        pytest.param(
            BODY + b"\r\n1-0:2.7.0(1*kW)\r\n!EF2F\r\n" + TELEGRAM,
            [Frame(BODY, b""), FRAME],
            id="more lines and a second end behind a bare one",
        ),
        pytest.param(b"no telegrams here! / none\r\n!1234\r\n", [], id="nothing like a telegram"),
    ],
)
def test_whole_and_byte_by_byte_give_the_same(data: bytes, frames: list[Frame]) -> None:
    assert framed(data) == frames
    assert in_pieces(data, list(range(len(data))))[0] == frames


@pytest.mark.parametrize("name", names())
def test_every_telegram_comes_out_of_single_bytes(name: str) -> None:
    data = stream(name)

    frames, noise = in_pieces(data, list(range(len(data))))

    framer = Framer()
    assert frames == framer.feed(data) + framer.flush()
    assert noise == framer.noise


# What the ends and starts of telegrams are made of, so that they meet in every way.
_PIECES = st.one_of(
    st.sampled_from(
        [
            b"/",
            b"!",
            b"\r",
            b"\n",
            b"\r\n",
            b")",
            b")!",
            b"\n!",
            b"\n/",
            b"1A2B",
            b"\0",
            b" ",
            b"x",
        ]
    ),
    st.sampled_from([TELEGRAM, SECOND + b"\r\n", BODY, TELEGRAM[:30], TELEGRAM[30:]]),
    st.binary(max_size=5),
)


@given(st.lists(_PIECES, max_size=12).map(b"".join), st.data())
def test_chunking_does_not_matter(data: bytes, draws: st.DataObject) -> None:
    """However the bytes are cut up, the same telegrams come out."""
    cuts = draws.draw(st.lists(st.integers(0, len(data)), max_size=20))

    frames, noise = in_pieces(data, cuts)

    framer = Framer()
    assert frames == framer.feed(data) + framer.flush()
    assert noise == framer.noise


@given(st.lists(_PIECES, max_size=12).map(b"".join), st.integers(1, 80), st.data())
def test_chunking_does_not_matter_at_the_limit(
    data: bytes, limit: int, draws: st.DataObject
) -> None:
    cuts = draws.draw(st.lists(st.integers(0, len(data)), max_size=20))

    assert in_pieces(data, cuts, limit)[0] == framed(data, limit)


# A `/` at the start of a line, as noise, breaks off a telegram, or swallows the next one's start.
_NOISE = st.binary(max_size=60).map(lambda noise: noise.replace(b"/", b"?") + b"\r\n")


@given(st.lists(st.tuples(_NOISE, st.sampled_from([BODY, SECOND])), max_size=6))
@example([(b"\r\n!\r\n", BODY)])
def test_noise_costs_no_telegram_and_makes_none(parts: list[tuple[bytes, bytes]]) -> None:
    data = b"".join(noise + body + b"%04X\r\n" % crc16(body) for noise, body in parts)

    assert framed(data) == [Frame(body, b"%04X" % crc16(body)) for _, body in parts]


def test_a_telegram_of_sixteen_kibibytes_is_framed() -> None:
    text = b"0-0:96.13.0(" + b"41" * 8000 + b")\r\n!"
    body = BODY[:-1] + text

    assert framed(body + b"\r\n" + TELEGRAM) == [Frame(body, b""), FRAME]


@given(st.sampled_from([b"/", b"/x\n", b"x", b"\n", b"!", b"/\n)!", b"\xff"]))
def test_memory_is_bounded_whatever_comes(filler: bytes) -> None:
    framer = Framer(limit=100)
    for _ in range(50):
        framer.feed(filler * 10)
        assert framer.pending < 100
    framer.feed(b"\r\n")

    assert framer.feed(TELEGRAM) == [FRAME]


def test_one_that_is_too_long_costs_no_other() -> None:
    frames = framed(TELEGRAM + b"/" + b"x\r\n" * 100 + TELEGRAM, limit=100)

    assert frames == [FRAME, FRAME]


def test_noise_is_counted_without_line_ends() -> None:
    framer = Framer()
    framer.feed(b"ab\r\n\0" + TELEGRAM + b"\r\n" + TELEGRAM + b"cde\r\n")

    assert framer.noise == 5


@pytest.mark.parametrize(
    ("data", "torn"),
    [
        pytest.param(TELEGRAM * 2, 0, id="whole"),
        pytest.param(TELEGRAM[30:] + TELEGRAM, 0, id="its start missed"),
        pytest.param(TELEGRAM + TELEGRAM[:30], 0, id="not ended yet"),
        pytest.param(TELEGRAM[:30] + b"\r\n" + TELEGRAM, 1, id="broken off by the next"),
        pytest.param((TELEGRAM[:30] + b"\n") * 3 + TELEGRAM, 3, id="three broken off"),
        pytest.param(b"/" + b"x\r\n" * LIMIT + TELEGRAM, 1, id="too long"),
    ],
)
def test_a_telegram_that_began_and_did_not_end_is_counted(data: bytes, torn: int) -> None:
    framer = Framer()
    framer.feed(data)

    assert framer.torn == torn


def test_what_comes_after_a_break_is_no_continuation() -> None:
    framer = Framer()

    frames = framer.feed(TELEGRAM[:40])
    framer.break_off()
    frames += framer.feed(TELEGRAM[40:] + TELEGRAM)
    framer.break_off()
    frames += framer.feed(TELEGRAM)

    assert frames == [FRAME, FRAME]
    assert (framer.torn, framer.pending) == (1, 0)


def test_a_silence_within_a_telegram_costs_nothing() -> None:
    framer = Framer()

    frames = framer.feed(TELEGRAM[:40]) + framer.flush() + framer.feed(TELEGRAM[40:])

    assert frames == [FRAME]


def test_a_silence_ends_a_telegram_that_has_its_end() -> None:
    framer = Framer()

    assert framer.feed(TELEGRAM[:-2]) == []
    assert framer.flush() == [FRAME]
    assert framer.pending == 0


def test_a_bang_within_a_line_ends_nothing_where_lines_end_in_cr_alone() -> None:
    body = BODY.replace(b"\r\n", b"\r").replace(b"TEST", b"TE!ST")
    framer = Framer()

    assert framer.feed(body + b"\r") == [Frame(body, b"")]
