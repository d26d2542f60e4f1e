"""The current value wins, whatever else is in the telegram."""

import re
from decimal import Decimal

import pytest
from hypothesis import example, given, strategies as st

from collector.p1.checksum import crc16
from collector.p1.framing import Frame, Framer
from collector.p1.lines import split
from collector.p1.obis import BY_CODE, Nation
from collector.p1.telegram import Telegram, parse
from collector.p1.values import identity
from p1.golden import frames, names, stream
from p1.test_telegram import said, utc

# Of several files the first telegram stands for all.
FIRST = {name: frames(name)[0] for name in names()}
# A line more must not stand within a text or a value that runs over lines, or behind a code alone.
APART = re.compile(rb"\n\(|\n[0-9][^(\r\n]*\r?\n")
PLAIN = [name for name in names() if not APART.search(FIRST[name].data)]
SPELLINGS = ("*{:d}", "*{:02d}", "&{:d}", "&{:03d}", ".{:d}", ".{:02d}")
REGISTERS = ("1-0:1.8.0", "1-0:1.8.1", "1-0:2.8.0", "1-0:15.8.0", "1-0:1.6.0")
TIME = "0-0:1.0.0(220201000000T)"
LISTED = [
    TIME,
    *(f"{code}(00003700.000*{'kW' if '.6.' in code else 'kWh'})" for code in REGISTERS),
]


def with_lines(frame: Frame, place: int, *lines: str) -> Telegram:
    """Read a telegram with these lines between two of its own; the last place is behind them."""
    end = b"\r\n" if b"\r\n" in frame.data else b"\n"
    header, *own, bang = frame.data.split(end)
    place = min(place, len(own))
    new = [line.encode("latin-1") for line in lines]
    data = end.join([header, *own[:place], *new, *own[place:], bang])
    return parse(Frame(data, b"%04X" % crc16(data)))


def values(telegram: Telegram) -> Telegram:
    """What the telegram gives."""
    return telegram._replace(checksum=parse(FIRST["dsmr50-1phase-gas"]).checksum, unknown=())


periods = st.builds(
    lambda form, period: form.format(period),
    st.sampled_from(SPELLINGS),
    st.integers(0, 254),
)


@given(st.sampled_from(PLAIN), st.integers(1, 120), st.sampled_from(sorted(BY_CODE)), periods)
def test_no_line_of_another_billing_period_changes_a_value(
    name: str, place: int, code: str, period: str
) -> None:
    line = f"{code}{period}(210101000000W)(00077.7*kWh)"

    assert values(with_lines(FIRST[name], place, line)) == values(with_lines(FIRST[name], 0))


@given(st.sampled_from(PLAIN), st.integers(1, 120))
def test_no_unknown_line_changes_a_value(name: str, place: int) -> None:
    telegram = with_lines(FIRST[name], place, "0-0:199.1.0(12.3*kWh)", "C.1.0(7)")

    assert values(telegram) == values(with_lines(FIRST[name], 0))


@pytest.mark.parametrize(
    "opening",
    [("0-0:98.1.0", "("), ("0-0:98.1.0(",), ("1-0:99.97.0", "("), ("0-0:97.1.0", "("), ("(",)],
)
@given(st.sampled_from(PLAIN), st.integers(1, 120))
def test_no_list_over_lines_changes_a_value(
    opening: tuple[str, ...], name: str, place: int
) -> None:
    listed = with_lines(FIRST[name], place, *opening, *LISTED, ")")

    assert values(listed) == values(with_lines(FIRST[name], 0))


@pytest.mark.parametrize("name", names())
def test_a_list_without_brackets_behind_the_registers_changes_no_value(name: str) -> None:
    before, after = parse(FIRST[name]), with_lines(FIRST[name], 9999, "0-0:98.1.0", *LISTED)

    assert before.electricity.items() <= after.electricity.items()
    assert (after.devices, after.meter) == (before.devices, before.meter)
    assert before.time in (None, after.time)


def test_group_f_of_the_current_period_is_the_register() -> None:
    for form in ("", "*255", "&255", ".255"):
        assert said(f"1-0:1.8.0{form}(1.5*kWh)").electricity == {
            "energy_import_kwh": Decimal("1.5")
        }


def test_of_a_field_that_comes_twice_the_first_counts_that_says_something() -> None:
    telegram = said("1-0:1.8.1()", "1-0:1.8.1(x*kWh)", "1-0:1.8.1(1*kWh)", "1-0:1.8.1(2*kWh)")
    clock = said("0-0:1.0.0(632525252525W)", "0-0:1.0.0(240101120000W)", TIME)

    assert telegram.electricity["energy_import_t1_kwh"] == 1
    assert telegram.electricity["energy_import_kwh"] == 1
    assert clock.time == utc("2024-01-01 11:00:00")


def test_rows_that_share_a_code_are_two_fields() -> None:
    limits = said("0-0:17.0.0(9*kW)", "0-0:17.0.0(16*A)")
    (heat,) = said("0-1:24.2.1(240101120000W)(2*m3)", "0-1:24.2.1(240101120000W)(3*GJ)").devices

    assert limits.electricity == {"limiter_kw": 9, "limiter_a": 16}
    assert heat.fields == {"volume_m3": 2, "energy_gj": 3}


def test_a_list_that_has_something_in_it_and_never_closes_costs_its_line() -> None:
    telegram = said("1-0:99.97.0(1)(0-0:96.7.19)(240101000000W)(7*s", "1-0:1.7.0(1*kW)")

    assert telegram.electricity == {"power_import_kw": 1}
    assert [error.message for error in telegram.errors] == ["extra data"]


def test_a_list_that_opens_and_never_closes_takes_what_follows() -> None:
    telegram = said("1-0:1.7.0(1*kW)", "0-0:98.1.0", "(", *LISTED)

    assert telegram.electricity == {"power_import_kw": 1}


# --- blanks

blanks = st.text(" \t", max_size=3)


@pytest.mark.parametrize(
    "line",
    [
        "1-0:16.7.0({}-{}03.5{}*{}kW{})",
        "1-0:1.6.0({}240101120000W{})({}03.5{}*{}kW{})",
        "1-0:1.6.0({}03.5{}*{}kW{})({}2104070015{})",
        "0-0:96.14.0({}0002{})",
        "0-0:96.7.21({}00004{})",
        "0-0:1.0.0({}240101120000W{})",
        "0-1:24.2.1({}240101120000W{})({}12.5{}*{}m3{})",
        "0-0:98.1.0({}1{})({}1-0:1.6.0{})({}1-0:1.6.0{})({}240101000000W{})({}231201121500W{})({}3*kW{})",
        "1-0:99.97.0({}1{})({}0-0:96.7.19{})({}240101000000W{})({}0000000240*s{})",
        "0-0:96.1.1({}4530303332303030303030303030303331{})",
    ],
)
@given(st.data())
def test_blanks_beside_brackets_numbers_and_units_mean_nothing(
    line: str, draws: st.DataObject
) -> None:
    count = line.count("{}")
    spaced = said(line.format(*(draws.draw(blanks) for _ in range(count))))

    assert values(spaced) == values(said(line.format(*[""] * count)))
    assert not spaced.errors


def test_a_blank_within_the_digits_is_damage() -> None:
    (error,) = said("1-0:1.8.0( 00 123.4*kWh)").errors

    assert error.message == "not a number"
    assert error.line[error.column :] == "00 123.4*kWh)"


@pytest.mark.parametrize("char", "\x1c\x1d\x1e\x1f\x85\xa0")
def test_only_a_blank_is_one_behind_a_code(char: str) -> None:
    read = said(f"1-0:1.8.1{char}(000001.000*kWh)")

    assert not read.electricity
    assert len(read.errors) == 1


# --- identifiers


@given(st.integers(1, 99_999_999))
@example(2000)
def test_a_decimal_number_of_eight_digits_is_one(number: int) -> None:
    assert identity(f"{number:08d}") == f"{number:08d}"


@given(st.from_regex(r"[A-Z]{0,4}[0-9]{8,14}", fullmatch=True))
def test_an_identifier_in_hexadecimal_is_what_it_spells(number: str) -> None:
    spelt = number if number.strip("0") else None

    assert identity(number.encode().hex().upper()) == spelt


# --- nations


def test_a_current_in_kiloampere_is_no_fuse() -> None:
    lines = [f"1-0:{code}.4.0(0000.003*kA)" for code in (31, 51, 71)]

    assert list(said(*lines).electricity) == [f"current_average_l{n}_a" for n in (1, 2, 3)]


def test_three_fuses_are_no_currents() -> None:
    lines = [f"1-0:{code}.4.0(025*A)" for code in (31, 51, 71)]

    assert list(said(*lines).electricity) == [f"fuse_l{n}_a" for n in (1, 2, 3)]


def test_what_an_earlier_telegram_told_holds_where_a_line_is_lost() -> None:
    data = b"/KFM5MA309M\r\n\r\n0-0:96.1.1(4D413330394D)\r\n1-0:31.4.0(3*A)\r\n!"

    assert parse(Frame(data, b""), told={"KFM5MA309M": Nation.POLAND}).meter is None
    lithuania = parse(Frame(data, b""), told={"KFM5MA309M": Nation.LITHUANIA})
    assert lithuania.electricity == {"current_average_l1_a": 3}


# --- tariffs, units


def test_there_is_no_sum_of_tariffs_of_which_one_is_not_known() -> None:
    sent = [f"1-0:1.8.{tariff}(100*kWh)" for tariff in range(1, 9)]

    assert said(*sent).electricity["energy_import_kwh"] == 800
    assert "energy_import_kwh" not in said(*sent, "1-0:1.8.9(100*kWh)").electricity


def test_a_unit_of_something_else_is_no_damage_where_the_unit_decides() -> None:
    telegram = said("0-1:24.2.1(240101120000W)(1.5*bar)", "1-0:1.7.0(1*bar)")

    assert telegram.unknown == ("0-1:24.2.1(240101120000W)(1.5*bar)",)
    assert [error.message for error in telegram.errors] == ["unknown unit"]


def test_zeros_without_a_unit_are_no_limiter() -> None:
    telegram = said("0-0:17.0.0(00000)")

    assert (telegram.electricity, telegram.errors) == ({}, ())


# --- torn within a line


@given(st.sampled_from(["dsmr50-1phase-gas", "belgium-1phase-gas"]), st.data())
def test_a_telegram_torn_within_a_line_costs_itself_alone(name: str, draws: st.DataObject) -> None:
    whole = stream(name)
    cut = draws.draw(
        st.integers(10, whole.rindex(b"!")).filter(lambda n: whole[n - 1] not in b"\r\n")
    )
    framer = Framer()

    found = framer.feed(whole[:cut] + whole)

    assert found == frames(name)
    assert framer.torn == 1


def test_a_list_is_one_line() -> None:
    _, lines = split(FIRST["hungary-holley-list-over-lines"].data)

    assert [line[:11] for line in lines if "220201000000T" in line] == ["0-0:98.1.0("]


@pytest.mark.parametrize("name", names())
def test_what_is_kept_of_lines_changes_nothing(name: str) -> None:
    """A list over lines that are complete each is noticed again each time."""
    opened = "0-0:98.1.0(0-0:1.0.0(220201000000T)"
    first = [with_lines(FIRST[name], place, opened, *LISTED[1:], ")") for place in (3, 3, 3)]

    assert first[0] == first[1] == first[2]
