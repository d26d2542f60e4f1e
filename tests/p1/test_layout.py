"""A telegram laid out and put together again is the same bytes."""

import pytest
from hypothesis import given, strategies as st

from collector.p1.lines import lay_out, put_together, split
from p1.golden import frames, names


@pytest.mark.parametrize("name", names())
def test_what_is_laid_out_is_put_together_as_it_was(name: str) -> None:
    for frame in frames(name):
        assert put_together(*lay_out(frame.data)) == frame.data


@given(st.binary(max_size=120) | st.text("1-0:.8*(5)\r\n\0 A", max_size=60).map(str.encode))
def test_any_bytes_are_put_together_as_they_were(body: bytes) -> None:
    data = b"/" + body + b"!"

    assert put_together(*lay_out(data)) == data


@pytest.mark.parametrize("name", names())
def test_the_lines_are_those_that_are_read(name: str) -> None:
    """But for the blanks between a text's parts, the same lines in the same order."""
    for frame in frames(name):
        _, laid_out = lay_out(frame.data)
        _, read = split(frame.data)
        plain = [bare(str(line)) for line in laid_out]

        assert [line for line in plain if line] == [bare(line) for line in read]


def bare(line: str) -> str:
    return "".join(char for char in line if char not in "\r\n\t\0 ")


def test_a_line_has_its_code_and_what_stands_between_the_outer_brackets() -> None:
    data = (
        b"/X\r\n\r\n1-0:1.8.0*255(1.5*kWh)\r\n0-1:24.3.0(1)(m3)\r\n(5.0)\r\n"
        b"1-0:9(\r\n1-0:1.7.0\r\n(2*W)\r\n!"
    )
    _, lines = lay_out(data)

    assert [(line.code, line.body) for line in lines] == [
        ("1-0:1.8.0", "1.5*kWh"),
        ("0-1:24.3.0", "1)(m3)\r\n(5.0"),
        ("", "1-0:9("),
        ("1-0:1.7.0", "2*W"),
    ]
