"""The checksum, against another implementation of it."""

import crcmod.predefined
from hypothesis import given, strategies as st

from collector.p1.crc import crc16

_other = crcmod.predefined.mkCrcFun("crc-16")


def test_the_check_value_of_the_catalogue_comes_out() -> None:
    assert crc16(b"123456789") == 0xBB3D


def test_nothing_has_the_checksum_zero() -> None:
    assert crc16(b"") == 0


@given(st.binary(max_size=300))
def test_it_agrees_with_crcmod(data: bytes) -> None:
    assert crc16(data) == _other(data)
