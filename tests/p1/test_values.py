"""What stands between brackets: decimals as they are, octet strings spelt out."""

from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from collector.p1.values import NUMBER, code, counter, identity, message, printable, scaled


@pytest.mark.parametrize(
    ("number", "places", "text"),
    [
        ("006545766", -3, "6545.766"),
        ("0000.242", 3, "242"),
        ("000000000", -3, "0.000"),
        ("24000", -3, "24.000"),
        ("1", 3, "1000"),
        ("-00120", -3, "-0.120"),
    ],
)
def test_a_unit_is_changed_by_moving_the_point(number: str, places: int, text: str) -> None:
    assert str(scaled(Decimal(number), places)) == text


@given(st.integers(0, 10**15), st.integers(0, 6), st.sampled_from([-6, -3, 3]))
def test_moving_the_point_loses_no_digit(digits: int, decimals: int, places: int) -> None:
    number = Decimal(digits).scaleb(-decimals)

    assert scaled(number, places) * Decimal(10) ** -places == number


@pytest.mark.parametrize(
    ("text", "number"),
    [("00004", 4), ("0", 0), ("", None), ("-1", None), ("1.5", None), ("9" * 19, None)],
)
def test_a_counter_is_digits_and_nothing_else(text: str, number: int | None) -> None:
    assert counter(text) == number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0002", 2),
        ("TARIFF 1", 1),
        ("T3", 3),
        ("ON", 1),
        ("off", 0),
        ("", None),
        ("high", None),
        ("1 2", None),
    ],
)
def test_a_code_may_be_a_word(text: str, number: int | None) -> None:
    assert code(text) == number


@pytest.mark.parametrize(
    ("text", "spelt"),
    [
        pytest.param("4530303033", "E0003", id="hexadecimal"),
        pytest.param("4b414d", "KAM", id="small letters"),
        pytest.param("4B414D0000", "KAM", id="filled with zeros"),
        pytest.param("9903218166", "9903218166", id="digits that are no hexadecimal text"),
        pytest.param("AUX1030303218166", "AUX1030303218166", id="plain"),
        pytest.param("ABC", "ABC", id="an odd number of digits"),
        pytest.param("C3A9", "é", id="UTF-8"),
        pytest.param("E9", "é", id="latin-1"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_an_octet_string_is_spelt_out(text: str, spelt: str) -> None:
    assert printable(text) == spelt


@pytest.mark.parametrize("text", ["", "0000", "00000000000000000000", "2D2D2D2D", "----", "2020"])
def test_an_identity_that_was_never_set_is_none(text: str) -> None:
    assert identity(text) is None


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", None),
        ("FFFFFFFF", None),
        ("\xff\xff", None),
        ("546573740D0A74776F", "Test two"),
        ("plain text", "plain text"),
        ("a\x07b", "a b"),
    ],
)
def test_a_message_is_one_printable_line(text: str, line: str | None) -> None:
    assert message(text) == line


@given(st.text(max_size=50))
def test_no_text_makes_a_message_that_is_not_printable(text: str) -> None:
    line = message(text)

    assert line is None or (line.isprintable() and line.strip())


@pytest.mark.parametrize(
    "text", ["1E3", "1e-3", "NaN", "Infinity", "1_000", "1,5", ".5", "+-1", ""]
)
def test_what_no_meter_prints_is_no_number(text: str) -> None:
    """`Decimal` would take most of these."""
    assert NUMBER.fullmatch(text) is None
