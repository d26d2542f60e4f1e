"""What is no telegram is recognised and named."""

import pytest
from hypothesis import given, strategies as st

from collector.p1.diagnosis import diagnose
from p1.golden import names, stream


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


@pytest.mark.parametrize("name", names())
def test_telegrams_are_not_taken_for_anything_else(name: str) -> None:
    assert diagnose(stream(name)) is None


@given(st.binary(max_size=200))
def test_any_bytes_get_an_answer(data: bytes) -> None:
    assert diagnose(data) != ""
