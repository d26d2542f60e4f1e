"""The promises that hold for any bytes, tried on damaged ones; `./tests/run fuzz` goes further."""

import pytest
from hypothesis import given, settings, strategies as st

from fuzz.properties import PROPERTIES, seeds


@st.composite
def damaged(draw: st.DrawFn, name: str) -> bytes:
    """Take bytes that are right, and cut, repeat, swap and spoil them."""
    data = draw(st.sampled_from(seeds(name)))
    for _ in range(draw(st.integers(0, 4))):
        a, b = sorted(draw(st.tuples(*[st.integers(0, len(data))] * 2)))
        middle = draw(
            st.sampled_from([b"", data[a:b] * 2, data[a:b][::-1], b"\r\n/", b")(", b"!", b"*"])
            | st.binary(max_size=8)
        )
        data = data[:a] + middle + data[b:]
    return data


@pytest.mark.parametrize("name", PROPERTIES)
def test_it_holds_for_what_is_right(name: str) -> None:
    for data in seeds(name):
        PROPERTIES[name](data)


@pytest.mark.parametrize("name", PROPERTIES)
def test_it_holds_for_what_is_damaged(name: str) -> None:
    @settings(max_examples=60)
    @given(damaged(name))
    def hold(data: bytes) -> None:
        PROPERTIES[name](data)

    hold()


@pytest.mark.parametrize("name", PROPERTIES)
def test_it_holds_for_any_bytes(name: str) -> None:
    @settings(max_examples=50)
    @given(st.binary(max_size=400))
    def hold(data: bytes) -> None:
        PROPERTIES[name](data)

    hold()
