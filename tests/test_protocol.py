"""Line protocol is read strictly, and what is read is what was written."""

from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from collector.points import line_of
from collector.protocol import LineError, Point, read

TEXT = st.text(st.characters(exclude_categories=["C", "Z"], include_characters=" "))


@pytest.mark.parametrize(
    ("line", "point"),
    [
        ("gas v=1 5", Point("gas", {}, {"v": Decimal(1)}, 5)),
        (
            r"my\ gas,a\,b=c\ d,e=f\=g v=1.50,n=-3i,t=true,s=" + '"a, b=\\"c\\" \\\\" -7',
            Point(
                "my gas",
                {"a,b": "c d", "e": "f=g"},
                {"v": Decimal("1.50"), "n": -3, "t": True, "s": 'a, b="c" \\'},
                -7,
            ),
        ),
        (
            "m v=1e3,w=9223372036854775807i 9223372036854775807",
            Point("m", {}, {"v": Decimal("1e3"), "w": 2**63 - 1}, 2**63 - 1),
        ),
    ],
)
def test_a_line_is_a_point(line: str, point: Point) -> None:
    assert read(line) == point


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "no measurement, at column 1"),
        ("# gas v=1 1", "no measurement, at column 1"),
        ("gas 1", "`1` has no value, at column 6"),
        ("gas v=1", "a value that is none, or no time, at column 8"),
        ("gas v=1 ", "no time, at column 9"),
        ("gas v=1 5 ", "no time, at column 9"),
        ("gas v=1 1.5", "no time, at column 9"),
        ("gas v=1 9223372036854775808", "an integer that is too large, at column 28"),
        ("gas  v=1 1", "no key, at column 5"),
        ("gas,a= v=1 1", "a tag without a value, at column 7"),
        ("gas,a v=1 1", "`a` has no value, at column 6"),
        ("gas,a=1,a=2 v=1 1", "`a` comes twice, at column 10"),
        ("gas v=1,v=2 1", "`v` comes twice, at column 10"),
        ("gas v= 1", "no value, at column 7"),
        ("gas v=NaN 1", "`NaN` is no value (a text stands in quotes), at column 7"),
        ("gas v=1e400 1", "a float that is too large, at column 12"),
        ("gas v=9223372036854775808i 1", "an integer that is too large, at column 27"),
        ("gas v=1u 1", "`1u` is no value (a text stands in quotes), at column 7"),
        ("gas v=1.5i 1", "`1.5i` is no value (a text stands in quotes), at column 7"),
        ('gas v="a 1', '`"a` is no value (a text stands in quotes), at column 7'),
        ("gas v=1 1\r", "no time, at column 9"),
        ("gas v=1 1\x00", "no time, at column 9"),
        ("gas,a=b\\", "no field, at column 8"),
        ("gas v=1 1\ngas v=2 2", "no time, at column 9"),
    ],
)
def test_what_is_no_line_says_where(line: str, words: str) -> None:
    with pytest.raises(LineError) as caught:
        read(line)
    assert str(caught.value) == words


@given(
    TEXT,
    TEXT,
    st.integers(-(2**63), 2**63 - 1),
    st.decimals(allow_nan=False, allow_infinity=False, places=3),
)
def test_what_the_collector_writes_is_read_as_it_was_meant(
    tag: str, text: str, second: int, value: Decimal
) -> None:
    (line,) = line_of("gas", {"meter": tag}, {"text": text, "v": value, "n": second}, second)
    point = read(line)
    assert point.fields == {"text": text, "v": value, "n": second}
    assert point.tags == {"meter": tag.strip().rstrip("\\ ") or "unknown"}
    assert (point.measurement, point.time) == ("gas", second)
