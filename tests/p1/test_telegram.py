"""A frame to values: one bad thing costs one thing."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from collector.p1 import sheet
from collector.p1.checksum import Checksum, crc16
from collector.p1.framing import Frame, Framer
from collector.p1.obis import BY_CODE
from collector.p1.telegram import Medium, Policy, Telegram, acceptable, parse
from p1.golden import frames, names, stream, with_checksums


def said(*lines: str, checksum: str | None = None, utc_offset_hours: int = 1) -> Telegram:
    """Parse a telegram of these lines; the right checksum unless another is given."""
    data = ("/TST5\\TEST\r\n\r\n" + "".join(f"{line}\r\n" for line in lines) + "!").encode(
        "latin-1"
    )
    behind = f"{crc16(data):04X}" if checksum is None else checksum
    return parse(Frame(data, behind.encode()), utc_offset_hours=utc_offset_hours)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# --- the checksum


def test_a_right_checksum_is_ok() -> None:
    assert said("1-3:0.2.8(50)").checksum is Checksum.OK


@pytest.mark.parametrize("checksum", ["", "  25803103", "   "])
def test_nothing_or_a_number_after_a_space_is_no_checksum(checksum: str) -> None:
    assert said(checksum=checksum).checksum is Checksum.ABSENT


@pytest.mark.parametrize("checksum", ["0000", "0001", "12345", "1G2H", "\x00\x01", "ok"])
def test_anything_else_is_a_bad_one(checksum: str) -> None:
    assert said(checksum=checksum).checksum is Checksum.BAD


def test_cr_is_put_back_before_the_checksum_is_computed() -> None:
    (frame,) = frames("dsmr50-1phase-gas")
    for eaten in (b"\n", b"\n\n", b"\r\r\n"):
        data = frame.data.replace(b"\r\n", eaten)
        assert parse(Frame(data, frame.checksum)).checksum is Checksum.OK


@given(st.data())
def test_no_changed_byte_goes_unnoticed(draws: st.DataObject) -> None:
    """A CR that became a line end is put right, and then nothing else is different either."""
    (frame,) = frames("dsmr50-1phase-gas")
    data = bytearray(frame.data)
    place = draws.draw(st.integers(0, len(data) - 2))
    data[place] ^= draws.draw(st.integers(1, 255))

    telegram = parse(Frame(bytes(data), frame.checksum))

    assert telegram.checksum is Checksum.BAD or telegram == parse(frame)


@pytest.mark.parametrize(
    ("version", "checksum", "policies"),
    [
        ("1-3:0.2.8(50)", None, set(Policy)),
        ("1-3:0.2.8(50)", "", {Policy.ACCEPT_MISSING, Policy.IGNORE}),
        ("0-0:96.1.4(50217)", "", {Policy.ACCEPT_MISSING, Policy.IGNORE}),
        ("0-0:96.1.4(50217)", "0000", {Policy.IGNORE}),
        ("0-0:96.14.0(0001)", "", set(Policy)),
        ("0-0:96.14.0(0001)", "0000", {Policy.IGNORE}),
    ],
)
def test_a_checksum_is_required_where_the_version_has_one(
    version: str, checksum: str | None, policies: set[Policy]
) -> None:
    telegram = said(version, checksum=checksum)

    assert {policy for policy in Policy if acceptable(telegram, policy)} == policies


# --- lines


def test_a_bad_line_costs_that_line() -> None:
    telegram = said("1-0:1.7.0(00.123*kW)", "1-0:2.7.0(0o.456*kW)", "0-0:96.14.0(0002)")

    assert telegram.electricity == {"power_import_kw": Decimal("0.123"), "tariff": 2}
    assert [error.line for error in telegram.errors] == ["1-0:2.7.0(0o.456*kW)"]


def test_an_error_shows_the_line_and_a_caret_under_the_place() -> None:
    (error,) = said("1-0:1.8.1(000671.578*XWh)").errors

    assert str(error).split("\n") == [
        "unknown unit",
        "  1-0:1.8.1(000671.578*XWh)",
        "                       ^",
    ]
    assert error.line[error.column :] == "XWh)"


@pytest.mark.parametrize(
    ("line", "message", "rest"),
    [
        ("1-0:1.7.0(00.4l2*kW)", "not a number", "00.4l2*kW)"),
        ("1-0:1.7.0(1E3*kW)", "not a number", "1E3*kW)"),
        ("1-0:1.7.0(NaN*kW)", "not a number", "NaN*kW)"),
        ("1-0:1.7.0(*kW)", "not a number", "*kW)"),
        ("1-0:1.7.0(00.412)", "missing unit", ")"),
        ("1-0:1.7.0(00.412*furlong)", "unknown unit", "furlong)"),
        ("1-0:1.7.0(00.412*kWh)", "unknown unit", "kWh)"),
        ("1-0:1.7.0(00.412*kW", "missing )", ""),
        ("1-0:1.7.0(00.412*kW)x", "extra data", "x"),
        ("1-0:1.7.0", "missing value", ""),
        ("1-0:1.7.0(", "missing value", ""),
        ("1-0:1.7.0(1*kW)(2*kW)", "extra value", "2*kW)"),
        ("1-1:31.4.0(1*A)(2*A)(3*A)", "extra value", "3*A)"),
        ("1-1:31.4.0(1*A)(2*B)", "unknown unit", "B)"),
        ("0-0:96.7.21(many)", "not a count", "many)"),
        ("0-0:96.14.0(day and night)", "not a code", "day and night)"),
        ("0-0:1.0.0(today)", "not a time", "today)"),
        ("1-0:1.6.0(today)(1*kW)", "not a time", "today)(1*kW)"),
        ("1-0:1.6.0(240101000000W)(1*kW)(2*kW)", "extra value", "2*kW)"),
        ("0-1:24.2.1(240101000000W)(1*m3)(2*m3)", "extra value", "2*m3)"),
        ("0-1:24.2.1(soon)(1*m3)", "not a time", "soon)(1*m3)"),
        ("0-1:24.2.1(240101000000W)(1)", "missing unit", ")"),
        ("0-1:24.4.0(ajar)", "not a code", "ajar)"),
        ("0-1:24.3.0(090212160000)(00)(60)(1)", "not the seven values of an hourly reading", "1)"),
        ("1-0:99.97.0(1)(0-0:96.7.19)(240101000000W)", "a time without a duration",
         "240101000000W)"),
        ("1-0:99.97.0(1)(0-0:96.7.19)(240101000000W)(long)", "not a number of seconds", "long)"),
        ("0-0:98.1.0(1)(1-0:1.6.0)(1-0:1.6.0)(240101000000W)(1*kW)", "a peak without its time",
         "1*kW)"),
        ("1-O:1.7.0(1*kW)", "not an OBIS code", "1-O:1.7.0(1*kW)"),
        ("stray text", "not an OBIS code", "stray text"),
        ("(00123.456)", "not an OBIS code", "(00123.456)"),
    ],
)  # fmt: skip
def test_damage_is_named_and_pointed_at(line: str, message: str, rest: str) -> None:
    (error,) = said(line).errors

    assert (error.message, error.line[error.column :]) == (message, rest)


def test_a_line_of_an_unknown_code_is_kept() -> None:
    telegram = said("0-0:199.1.0(what)", "C.1.0(12)", "1-0:1.99.0*255(1*kW)")

    assert telegram.unknown == ("0-0:199.1.0(what)", "C.1.0(12)", "1-0:1.99.0*255(1*kW)")
    assert telegram.errors == ()


def test_an_empty_value_is_no_value_and_no_damage() -> None:
    codes = [code for code in BY_CODE if code != "0-0:98.1.0"]

    telegram = said(*(f"{code}()" for code in codes))

    assert (telegram.electricity, telegram.devices) == ({}, ())
    assert {error.line for error in telegram.errors} == {
        f"0-{n}:24.3.{k}()" for n in range(1, 10) for k in (0, 1)
    }


def test_a_zero_needs_no_unit() -> None:
    assert said("1-0:1.7.0(00.000)").electricity == {"power_import_kw": 0}


def test_the_decimals_of_the_meter_are_kept() -> None:
    telegram = said("1-0:1.8.0(00052185.7825309*kWh)", "1-0:1.7.0(0000.30*kW)")

    assert str(telegram.electricity["energy_import_kwh"]) == "52185.7825309"
    assert str(telegram.electricity["power_import_kw"]) == "0.30"


def test_the_header_may_be_anything() -> None:
    frame = Frame(b"/KMP5 ZABF!001/x\r\n1-0:1.7.0(1*kW)\r\n!", b"")

    assert parse(frame).header == "KMP5 ZABF!001/x"


def test_a_text_may_run_over_lines() -> None:
    hexadecimal = said("0-0:96.13.0(54657374", "2074776F", "206C696E6573)", "1-0:1.7.0(1*kW)")
    plain = said("0-0:96.13.0(three lines,", "of plain", "text)", "1-0:1.7.0(1*kW)")

    assert hexadecimal.text == "Test two lines"
    assert plain.text == "three lines, of plain text"
    assert hexadecimal.electricity == plain.electricity == {"power_import_kw": 1}


def test_a_line_that_never_closes_costs_no_other() -> None:
    telegram = said("1-0:2.7.0(00.1", "1-0:1.7.0(1*kW)")

    assert telegram.electricity == {"power_import_kw": 1}
    assert len(telegram.errors) == 1


# --- totals


def test_a_total_that_is_not_sent_is_the_exact_sum_of_the_tariffs() -> None:
    telegram = said("1-0:1.8.1(000000.001*kWh)", "1-0:1.8.2(99999999.999*kWh)")

    assert str(telegram.electricity["energy_import_kwh"]) == "100000000.000"
    assert "energy_export_kwh" not in telegram.electricity


def test_a_total_that_is_sent_is_taken() -> None:
    telegram = said("1-0:1.8.0(5.0*kWh)", "1-0:1.8.1(1.0*kWh)", "1-0:1.8.2(2.0*kWh)")

    assert telegram.electricity["energy_import_kwh"] == Decimal("5.0")


@pytest.mark.parametrize(
    "lost", ["1-0:1.8.2(2.o*kWh)", "1-0:1.8.2()", "1-0:1.8.2(2.0*kWh", "1-O:1.8.2(2.0*kWh)"]
)
def test_there_is_no_total_if_a_tariff_may_be_missing(lost: str) -> None:
    assert "energy_import_kwh" not in said("1-0:1.8.1(1.0*kWh)", lost).electricity


# --- devices


def device_of(*lines: str) -> tuple[Medium, dict[str, object]]:
    (device,) = said("0-0:1.0.0(240101120000W)", *lines).devices
    return device.medium, dict(device.fields)


@pytest.mark.parametrize(
    ("kind", "value", "medium"),
    [
        ("3", "1*m3", Medium.GAS),
        ("03", "1*m3", Medium.GAS),
        ("003", "1*m3", Medium.GAS),
        ("007", "1*m3", Medium.WATER),
        ("06", "1*m3", Medium.WATER),
        ("06", "1*GJ", Medium.COOLING),
        ("15", "1*m3", Medium.WATER),
        ("0c", "1*GJ", Medium.HEAT),
        ("004", "1*m3", Medium.HEAT),
        ("00A", "1*GJ", Medium.COOLING),
        ("002", "1*kWh", Medium.SUBMETER),
        ("255", "1*m3", Medium.GAS),
        ("", "1*GJ", Medium.HEAT),
        ("", "1*kWh", Medium.SUBMETER),
    ],
)  # fmt: skip
def test_a_device_is_what_its_type_says(kind: str, value: str, medium: Medium) -> None:
    """An unknown type, or none, leaves it to the unit."""
    found, _ = device_of(f"0-1:24.1.0({kind})", f"0-1:24.2.1(240101115500W)({value})")

    assert found is medium


@pytest.mark.parametrize("code", ["24.2.1", "24.2.3"])
def test_the_code_of_the_value_does_not_say_what_it_is(code: str) -> None:
    medium, _ = device_of("0-1:24.1.0(007)", f"0-1:{code}(240101115500W)(1*m3)")

    assert medium is Medium.WATER


@pytest.mark.parametrize(
    "value",
    [
        "(700101010000W)(00000000)",
        "(632525252525W)(00000.000)",
        "(632525252525S)(00000.000*m3)",
        "(000101000000W)(00000000.0000)",
        "(240101000000W)(00000.000)",
        "()(00000.000*m3)",
        "()()",
        "()",
    ],
)
def test_a_dead_channel_gives_no_reading(value: str) -> None:
    assert said("0-1:24.1.0(003)", f"0-1:24.2.1{value}").devices == ()


def test_a_zero_at_a_time_is_a_reading() -> None:
    _, fields = device_of("0-1:24.2.3(230119124005W)(00000.000*m3)")

    assert fields == {"volume_m3": 0}


@pytest.mark.parametrize("time", ["632525252525W", "240101130001W", "250101000000W", ""])
def test_a_time_that_cannot_be_is_none(time: str) -> None:
    """It was never set, or lies more than an hour ahead of the telegram's."""
    (device,) = said("0-0:1.0.0(240101120000W)", f"0-1:24.2.1({time})(1.5*m3)").devices

    assert device.time is None


def test_a_clock_that_is_a_little_ahead_is_believed() -> None:
    (device,) = said("0-0:1.0.0(240101120000W)", "0-1:24.2.1(240101130000W)(1.5*m3)").devices

    assert device.time == utc("2024-01-01 12:00:00")


def test_channels_are_kept_apart() -> None:
    telegram = said(
        "0-1:24.1.0(003)", "0-1:96.1.0(473030303030303031)", "0-1:24.2.1(240101115500W)(1*m3)",
        "0-2:24.1.0(003)", "0-2:96.1.1(473030303030303032)", "0-2:24.2.3(240101115500W)(2*m3)",
    )  # fmt: skip

    assert [(d.channel, d.meter, d.fields) for d in telegram.devices] == [
        (1, "G00000001", {"volume_m3": 1}),
        (2, "G00000002", {"volume_m3": 2}),
    ]


def test_a_device_number_is_not_that_of_the_electricity_meter() -> None:
    telegram = said("0-0:96.1.1(453030303030303031)", "0-1:96.1.1(473030303030303031)")

    assert telegram.meter == "E00000001"


def test_the_better_number_counts_in_any_order() -> None:
    assert said("0-0:42.0.0(AUX1)", "0-0:96.1.0(990001)").meter == "990001"
    assert said("0-0:96.1.1(453030303030303031)", "0-0:42.0.0(AUX1)").meter == "E00000001"


# --- everything, and anything


def test_the_offset_of_the_meter_is_a_parameter() -> None:
    assert said("0-0:1.0.0(240101120000W)", utc_offset_hours=2).time == utc("2024-01-01 10:00:00")


def test_a_code_within_a_list_is_no_line() -> None:
    telegram = said("0-0:98.1.0(1)(1-0:1.6.0)(1-0:1.6.0)(240101000000W)(231212180000W)(3.5*kW)")

    assert "demand_month_peak_kw" not in telegram.electricity
    assert [peak.power_kw for peak in telegram.demand_peaks] == [Decimal("3.5")]


@pytest.mark.parametrize("name", names())
def test_the_order_of_the_lines_does_not_matter(name: str) -> None:
    """Except for the parts of a message, which are read as they come."""
    for frame in frames(name):
        if b"\xff" in frame.data or b"0-0:96.13.3" in frame.data or b"\n(" in frame.data:
            continue
        head, *lines, end = frame.data.split(b"\n")
        turned = parse(Frame(b"\n".join([head, *lines[::-1], end]), frame.checksum))
        telegram = parse(frame)
        assert turned.electricity == telegram.electricity
        assert sorted(map(repr, turned.devices)) == sorted(map(repr, telegram.devices))
        assert turned.meter == telegram.meter


@given(st.sampled_from(names()), st.data())
def test_nothing_in_a_telegram_makes_it_raise(name: str, draws: st.DataObject) -> None:
    data = bytearray(stream(name))
    for _ in range(draws.draw(st.integers(0, 8))):
        place = draws.draw(st.integers(0, len(data) - 1))
        data[place : place + draws.draw(st.integers(0, 3))] = draws.draw(st.binary(max_size=3))
    framer = Framer()
    for frame in framer.feed(bytes(data)) + framer.flush():
        telegram = parse(frame)
        assert all(str(error) for error in telegram.errors)


@given(st.sampled_from(sorted(BY_CODE)), st.text("0123456789SW()*.-:kWhm3AGJFON ", max_size=40))
def test_no_value_makes_it_raise(code: str, value: str) -> None:
    telegram = said(f"{code}({value})")

    assert len(telegram.errors) + len(telegram.unknown) <= 1


def test_the_checksum_of_an_edited_telegram_can_be_computed_anew() -> None:
    edited = stream("dsmr50-1phase-gas").replace(b"00.412*kW", b"01.999*kW")
    (frame,) = Framer().feed(with_checksums(edited))

    assert parse(frame).checksum is Checksum.OK


def test_what_is_kept_of_a_line_hangs_on_the_offset() -> None:
    """Lines that were seen before are not read again, so they are read in two places here."""
    (frame,) = frames("dsmr50-1phase-gas")
    devices = [parse(frame, utc_offset_hours=hours).devices[0] for hours in (1, 2, 1)]

    assert devices[0].time == devices[2].time
    assert devices[0].time
    assert devices[1].time == devices[0].time - timedelta(hours=1)


def test_what_is_kept_of_lines_is_bounded() -> None:
    (frame,) = frames("dsmr50-1phase-gas")
    for n in range(3000):
        data = frame.data.replace(b"231.4", b"%05.1f" % (n / 10)).replace(b"00421.3", b"%07d" % n)
        assert not parse(Frame(data, b"")).errors

    assert len(sheet._PLAIN) <= sheet._PLAIN_LINES
    assert all(len(kept) <= sheet._KEPT_LINES for kept in sheet._KEPT.values())
