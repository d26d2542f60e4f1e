"""What is no telegram is recognised and named."""

import random

import pytest
from hypothesis import given, strategies as st

from collector.p1.diagnosis import Kind, diagnose, is_foreign, kind_of
from p1.golden import names, stream
from p1.sealing import seal, seal_untitled


def seven_bits(data: bytes) -> bytes:
    """Return what a line at 8N1 makes of bytes that were sent as 7E1."""
    return bytes(byte | (byte.bit_count() % 2) << 7 for byte in data)


@pytest.mark.parametrize(
    ("data", "word"),
    [
        pytest.param(b"", "no bytes", id="nothing"),
        pytest.param(b"\x7e\xa0\x8b\xce\xff\x03\x13\xee\xe1\xe6", "HDLC", id="HDLC"),
        pytest.param(b"\xdb\x08SAG\x05\x01\x02\x03\x04\x82\x01\xf8\x30", "encrypted", id="DB 08"),
        pytest.param(b"\x1b\x1b\x1b\x1b\x01\x01\x01\x01v\x05", "SML", id="SML"),
        pytest.param(b"\x68\xfa\xfa\x68\x53\xff\x00\x01", "M-Bus", id="M-Bus"),
        pytest.param(b'{"smr_version": 50}', "JSON", id="JSON"),
        pytest.param(b"\0" * 40, "inverted", id="zeros"),
        pytest.param(bytes(range(128, 256)) * 3, "wrong baud rate", id="wrong rate"),
        pytest.param(seven_bits(stream("dsmr30-gas")), "7E1", id="seven bits"),
        pytest.param(b"1-0:1.7.0(00.1*kW)\r\n!1234\r\n", "never the `/`", id="no start"),
        pytest.param(b"hello world, how are you\r\n", "no telegrams", id="other text"),
    ],
)
def test_what_is_no_telegram_is_named(data: bytes, word: str) -> None:
    assert word in (diagnose(data) or "")


def hdlc(size: int, *, segmented: int = 0, content: bytes = b"") -> bytes:
    """A frame of `size` bytes between its flags, which is what the length says."""
    head = (0xA000 | segmented << 11 | size).to_bytes(2, "big")
    return b"\x7e" + (head + content).ljust(size, b"\x55")[:size] + b"\x7e"


def mbus(size: int) -> bytes:
    return bytes([0x68, size, size, 0x68]) + bytes(size) + b"\x55\x16"


def misread_at_no_parity(data: bytes) -> bytes:
    """What is left of bytes sent with even parity, where a parity of 0 is a stop bit missed."""
    return bytes(byte if byte.bit_count() % 2 else 0 for byte in data)


@given(st.integers(9, 0x7FF), st.integers(0, 1), st.binary(max_size=40), st.binary(max_size=20))
def test_hdlc_of_any_length_is_named_before_what_is_in_it(
    size: int, segmented: int, before: bytes, inside: bytes
) -> None:
    content = inside + seal(b"1-0:1.8.0(1*kWh)")
    frame = hdlc(size, segmented=segmented, content=content)

    assert kind_of(before.replace(b"/", b"") + frame) is Kind.HDLC
    assert is_foreign(frame)


@given(st.integers(3, 252), st.binary(max_size=20))
def test_m_bus_of_any_length_is_named(size: int, before: bytes) -> None:
    assert (
        kind_of(before.replace(b"/", b"").replace(b"\x7e", b"") + b"\0\0" + mbus(size))
        is Kind.MBUS
    )


@pytest.mark.parametrize("long", [0, 1, 2])
@pytest.mark.parametrize("prefix", [b"\0", b"\xdb\0"])
def test_ciphering_behind_a_plain_header_is_named(prefix: bytes, long: int) -> None:
    frame = seal_untitled(b"1-0:1.8.0(1*kWh)", prefix=prefix, long=long)

    assert kind_of(b"/EGM5G35\r\n\r\n" + frame + b"!FE0C\r\n") is Kind.ENCRYPTED_UNTITLED


def test_even_parity_is_told_from_a_wrong_speed() -> None:
    assert kind_of(misread_at_no_parity(stream("dsmr50-1phase-gas"))) is Kind.EVEN_PARITY


def test_bytes_at_a_wrong_speed_are_no_frames() -> None:
    dice = random.Random(13)  # noqa: S311
    kinds = {kind_of(dice.randbytes(2000)) for _ in range(200)}

    assert len(kinds - {Kind.NOISE}) <= 2


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"HTTP/1.1 404 Not Found\r\nServer: x\r\n", Kind.HTTP),
        (b"<!DOCTYPE html><html>", Kind.HTTP),
        (b'er": 1, "power_w": 12, "wifi": "home"}', Kind.JSON),
        (b"[1, 2]", Kind.JSON),
    ],
)
def test_what_web_servers_say_is_named(data: bytes, kind: Kind) -> None:
    assert kind_of(data) is kind


@pytest.mark.parametrize("name", names())
def test_telegrams_are_not_taken_for_anything_else(name: str) -> None:
    assert diagnose(stream(name)) is None


@given(st.binary(max_size=200))
def test_any_bytes_get_an_answer(data: bytes) -> None:
    assert diagnose(data) != ""
