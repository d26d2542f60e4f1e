"""A checksum is judged, and printed anew in the form that it had."""

import crcmod.predefined
import pytest
from hypothesis import given, strategies as st

from collector.p1.checksum import Checksum, crc16, judge, reprinted
from collector.p1.framing import Frame
from p1.golden import frames, names

_other = crcmod.predefined.mkCrcFun("crc-16")
BODY = b"/XYZ5\\TEST\r\n\r\n1-0:1.7.0(00.%03d*kW)\r\n!"


def padded(number: int) -> Frame:
    data = BODY % number
    return Frame(data, b"%04X" % crc16(data))


# Of some thousand telegrams one has a checksum that begins with a zero.
ZERO = next(frame for frame in map(padded, range(1000)) if frame.checksum.startswith(b"0"))
USUAL = next(f for f in map(padded, range(1000)) if f.checksum.isalnum() and f.checksum[0] > 0x40)


@pytest.mark.parametrize("name", names())
def test_the_same_telegram_has_the_same_checksum(name: str) -> None:
    for frame in frames(name):
        assert reprinted(frame.data, frame.checksum, frame.data) == frame.checksum


@pytest.mark.parametrize(
    ("model", "form"),
    [
        pytest.param(USUAL, b"%04X", id="as it should be"),
        pytest.param(Frame(USUAL.data, USUAL.checksum.lower()), b"%04x", id="small letters"),
        pytest.param(Frame(ZERO.data, ZERO.checksum.lstrip(b"0")), b"%X", id="no leading zeros"),
        pytest.param(Frame(USUAL.data, b" " + USUAL.checksum), b" %04X", id="a blank before"),
    ],
)
def test_another_telegram_has_its_own_in_the_same_form(model: Frame, form: bytes) -> None:
    for other in (USUAL, ZERO):
        assert reprinted(model.data, model.checksum, other.data) == form % crc16(other.data)
        assert judge(other.data, reprinted(model.data, model.checksum, other.data)) is Checksum.OK


def test_eaten_crs_count() -> None:
    eaten = Frame(USUAL.data.replace(b"\r", b""), USUAL.checksum)

    assert judge(eaten.data, eaten.checksum) is Checksum.OK
    assert reprinted(eaten.data, eaten.checksum, ZERO.data.replace(b"\r", b"")) == ZERO.checksum


@pytest.mark.parametrize("printed", [b"", b"  25803103", b"0000", b"XYZ"])
def test_what_never_fitted_stays_as_it_is(printed: bytes) -> None:
    assert reprinted(USUAL.data, printed, ZERO.data) == printed


def test_the_check_value_of_the_catalogue_comes_out() -> None:
    assert crc16(b"123456789") == 0xBB3D


def test_nothing_has_the_checksum_zero() -> None:
    assert crc16(b"") == 0


@given(st.binary(max_size=300))
def test_it_agrees_with_crcmod(data: bytes) -> None:
    assert crc16(data) == _other(data)
