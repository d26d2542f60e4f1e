"""A telegram to line protocol: the schema, the decimals, and what is written only once."""

import json
import random
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st
from line_protocol_parser import parse_line

from bed.telegrams import METER, meter, said, utc
from collector.memory import Memory, Seconds
from collector.p1.obis import BY_CODE
from collector.p1.telegram import Telegram, parse
from collector.points import HASH, CrowdedError, Points, encode, line_of
from p1.golden import frames, names

NOON = utc("2026-02-03T12:00:00")
SECOND = timedelta(seconds=1)


def points(**settings: Any) -> Points:
    return Points(site=settings.pop("site", "home"), **settings)


def lines(telegram: Telegram, time: datetime = NOON, **settings: Any) -> list[str]:
    """Give the lines of one telegram alone."""
    return points(**settings).lines(telegram, time) or []


def of(measurement: str, found: Iterable[str] | None) -> list[str]:
    return [line for line in found or [] if line.split(",")[0] == measurement]


def again(memory: Memory) -> Memory:
    """Give what is left of a memory after a restart."""
    return Memory.from_dict(json.loads(json.dumps(memory.as_dict())))


def energy(*values: str, number: str = METER) -> Telegram:
    return said(meter(number), *(f"1-0:1.8.{n}({v}*kWh)" for n, v in enumerate(values, 1)))


# --- the schema


def test_a_line_is_measurement_tags_fields_and_whole_seconds() -> None:
    telegram = said(meter(), "1-0:1.7.0(00.321*kW)", "0-0:96.7.21(00003)")
    (line,) = lines(telegram)
    assert line == (
        "electricity,site=home,meter=E0042000000000042"
        " power_import_kw=0.321,power_failures=3i 1770120000\n"
    )


@pytest.mark.parametrize("name", names())
def test_every_line_of_every_meter_is_line_protocol_with_the_tags_of_the_schema(name: str) -> None:
    devices = ("gas", "water", "heat", "cooling", "submeter")
    others = (
        "electricity",
        "readings",
        "demand_peak",
        "demand_running_peak",
        "power_failure",
        "message",
        "month_end",
    )
    tags = {name: {"site", "meter"} for name in others}
    tags |= {name: {"site", "meter", "channel"} for name in devices}
    source = points()
    for frame in frames(name):
        for line in source.lines(parse(frame), NOON) or []:
            point = parse_line(line.rstrip("\n"))
            assert set(point["tags"]) == tags[point["measurement"]]
            assert all(point["tags"].values())


@pytest.mark.parametrize("name", names())
def test_registers_are_floats_and_counters_and_codes_are_integers_in_every_telegram(
    name: str,
) -> None:
    kinds = {field.name: field.kind.value for fields in BY_CODE.values() for field in fields}
    for frame in frames(name):
        for line in of("electricity", lines(parse(frame))):
            for field in line.split(" ")[1].split(","):
                key, _, text = field.partition("=")
                assert text.endswith("i") == (kinds.get(key) in {"counter", "code"}), field


def test_a_value_that_is_not_sent_is_not_written() -> None:
    assert lines(said(meter(), "0-0:96.14.0(0002)")) == [
        "electricity,site=home,meter=E0042000000000042 tariff=2i 1770120000\n"
    ]


def test_a_telegram_that_says_nothing_gives_no_line() -> None:
    assert lines(said(meter())) == []


# --- decimals


@pytest.mark.parametrize("printed", ["000123.450", "000000.000", "123456.789", "7", "0.10"])
def test_the_decimals_that_the_meter_printed_are_copied(printed: str) -> None:
    (line,) = of("readings", lines(energy(printed)))
    value = line.partition("energy_import_t1_kwh=")[2].partition(",")[0]
    assert value == str(Decimal(printed))


@given(st.decimals(allow_nan=False, allow_infinity=False, places=None))
def test_a_float_is_every_digit_of_the_decimal_and_has_no_exponent(value: Decimal) -> None:
    (line,) = line_of("m", {"t": "v"}, {"f": value}, 1)
    text = line.split(" ")[1].removeprefix("f=")
    assert set(text) <= set("-0123456789.")
    assert Decimal(text) == value


# --- odd text


@given(st.text() | st.text("\\ =,a"), st.text() | st.text('\\"\n'))
def test_any_tag_and_any_text_can_be_read_back(tag: str, text: str) -> None:
    (line,) = line_of("m", {"site": tag}, {"text": text}, 1)
    assert encode([line]).count(b"\n") == 0
    point = parse_line(line)
    assert point["fields"] == {"text": _plain(text)}
    shown = _plain(tag).strip().rstrip("\\ ")
    assert point["tags"] == {"site": shown or "unknown"}


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)


@given(st.text())
def test_no_text_in_a_message_breaks_its_record_up(text: str) -> None:
    (line,) = line_of("message", {"site": "home"}, {"text": text}, 1)
    assert len(line.splitlines()) == 1


def test_a_message_is_written_once_with_spaces_for_control_characters() -> None:
    text = b'Hallo\tdaar, "u"'.hex().upper()
    hello = said(meter(), f"0-0:96.13.0({text})")
    source = points()
    assert of("message", source.lines(hello, NOON)) == [
        'message,site=home,meter=E0042000000000042 text="Hallo daar, \\"u\\"" 1770120000\n'
    ]
    assert of("message", source.lines(hello, NOON + SECOND)) == []


def test_a_message_that_comes_back_is_written_again() -> None:
    hello, silence = said(meter(), "0-0:96.13.0(48616C6C6F)"), said(meter(), "0-0:96.13.0()")
    source = points()
    found = [source.lines(said_, NOON + n * SECOND) for n, said_ in enumerate((hello, silence))]
    found.append(source.lines(hello, NOON + 2 * SECOND))
    assert [len(of("message", each)) for each in found] == [1, 0, 1]


# --- the meter's name


def test_the_meter_is_its_number() -> None:
    assert _meters(lines(energy("1"))) == {METER}


def test_a_name_takes_the_place_of_the_electricity_meters_number_alone() -> None:
    found = lines(_with_gas("260203120000W", "00001.000"), meter="attic")
    assert {line.split(",")[0]: _meters([line]) for line in found} == {
        "electricity": {"attic"},
        "gas": {"G0042"},
    }


def test_a_hash_takes_the_place_of_every_number_and_gives_none_away() -> None:
    found = lines(_with_gas("260203120000W", "00001.000"), meter=HASH)
    meters = _meters(found)
    assert len(meters) == 2
    assert {len(name) for name in meters} == {8}
    assert METER not in "".join(found)
    assert _meters(lines(_with_gas("260203120000W", "00001.000"), meter=HASH)) == meters


def test_a_salt_makes_a_hash_that_nobody_finds_by_trying() -> None:
    telegram = _with_gas("260203120000W", "00001.000")
    plain, salted, other = (
        _meters(lines(telegram, meter=HASH, salt=salt)) for salt in ("", "a" * 32, "b" * 32)
    )
    assert {len(name) for name in salted} == {16}
    assert not any(new.startswith(old) for new in salted for old in plain)
    assert salted.isdisjoint(other)
    assert _meters(lines(telegram, meter=HASH, salt="a" * 32)) == salted


def test_a_salt_changes_nothing_where_there_is_no_hash() -> None:
    telegram = _with_gas("260203120000W", "00001.000")
    assert lines(telegram, salt="a" * 32) == lines(telegram)
    assert lines(telegram, meter="attic", salt="a" * 32) == lines(telegram, meter="attic")


def test_a_telegram_without_a_number_is_of_the_last_meter_seen_also_after_a_restart() -> None:
    source = points()
    source.lines(energy("1"), NOON)
    nameless = said("1-0:1.8.1(000002.000*kWh)")
    assert _meters(source.lines(nameless, NOON + SECOND)) == {METER}
    restarted = points(memory=again(source.memory))
    assert _meters(restarted.lines(nameless, NOON + 2 * SECOND)) == {METER}


def test_without_any_number_the_meter_is_unknown() -> None:
    assert _meters(lines(said("1-0:1.7.0(00.1*kW)"))) == {"unknown"}
    assert _meters(lines(said("1-0:1.7.0(00.1*kW)"), meter=HASH)) == {"unknown"}


def _meters(found: Iterable[str] | None) -> set[str]:
    return {parse_line(line.rstrip("\n"))["tags"]["meter"] for line in found or []}


# --- readings


def test_the_first_telegram_of_each_quarter_hour_is_a_reading() -> None:
    source = points()
    start = utc("2026-02-03T12:14:58")
    for n in range(905):
        time = start + n * SECOND
        found = of("readings", source.lines(energy(f"{n}.000"), time))
        expected = [f"{n}.000"] if n in (0, 2, 902) else []
        assert [line.partition("t1_kwh=")[2].partition(",")[0] for line in found] == expected


def test_a_quarter_hour_that_begins_late_has_its_reading_too() -> None:
    source = points()
    source.lines(energy("1"), utc("2026-02-03T12:00:00"))
    assert len(of("readings", source.lines(energy("2"), utc("2026-02-03T13:37:11")))) == 1


def test_a_reading_holds_the_energy_registers_and_nothing_else() -> None:
    telegram = said(
        meter(),
        "1-0:1.8.1(000001.000*kWh)",
        "1-0:2.8.1(000002.000*kWh)",
        "1-0:1.7.0(00.321*kW)",
        "0-0:96.14.0(0002)",
    )
    (line,) = of("readings", lines(telegram))
    fields = parse_line(line.rstrip("\n"))["fields"]
    assert set(fields) == {
        "energy_import_t1_kwh",
        "energy_export_t1_kwh",
        "energy_import_kwh",
        "energy_export_kwh",
    }


@pytest.mark.parametrize("settings", [{}, {"meter": "attic"}, {"meter": HASH}])
def test_a_swap_writes_the_last_reading_of_the_old_meter_and_the_first_of_the_new(
    settings: Mapping[str, str],
) -> None:
    source = points(**settings)
    for n in range(3):
        source.lines(energy(f"100{n}.0", number="OLD"), NOON + n * SECOND)
    found = of("readings", source.lines(energy("0.5", number="NEW"), NOON + 60 * SECOND))

    read = [parse_line(line.rstrip("\n")) for line in found]
    assert [(point["time"], point["fields"]["energy_import_kwh"]) for point in read] == [
        (1770120002, 1002.0),
        (1770120060, 0.5),
    ]
    assert of("readings", source.lines(energy("0.6", number="NEW"), NOON + 61 * SECOND)) == []


def test_a_swap_while_the_program_is_away_is_seen_too() -> None:
    source = points()
    source.lines(energy("1001.0", number="OLD"), NOON)
    source.lines(energy("1002.0", number="OLD"), NOON + SECOND)
    restarted = points(memory=again(source.memory))
    found = of("readings", restarted.lines(energy("0.5", number="NEW"), NOON + 60 * SECOND))
    assert [_meters([line]) for line in found] == [{"OLD"}, {"NEW"}]


def test_a_site_that_looks_like_a_field_does_not_hide_a_swap() -> None:
    source = points(site="my energy_house")
    for n in range(2):
        source.lines(energy(f"100{n}.0", number="OLD"), NOON + n * SECOND)
    found = of("readings", source.lines(energy("0.5", number="NEW"), NOON + 2 * SECOND))
    assert [_meters([line]) for line in found] == [{"OLD"}, {"NEW"}]


def test_the_first_reading_of_the_quarter_hour_is_of_each_name_that_the_meter_gets() -> None:
    source = points()
    source.lines(energy("1"), NOON)
    for settings in ({"meter": "attic"}, {"site": "my energy house"}):
        renamed = points(memory=again(source.memory), **settings)
        assert len(of("readings", renamed.lines(energy("2"), NOON + SECOND))) == 1
        assert of("readings", renamed.lines(energy("3"), NOON + 2 * SECOND)) == []


# --- M-Bus


def _with_gas(time: str, value: str, valve: str = "") -> Telegram:
    return said(
        meter(),
        "1-0:1.7.0(00.321*kW)",
        "0-1:24.1.0(003)",
        f"0-1:96.1.0({b'G0042'.hex()})",
        f"0-1:24.2.1({time})({value}*m3)",
        *([f"0-1:24.4.0({valve})"] if valve else []),
    )


def test_gas_is_stored_under_the_time_at_which_it_was_read() -> None:
    (line,) = of("gas", lines(_with_gas("260203120000W", "00012.345")))
    assert line == "gas,site=home,meter=G0042,channel=1 volume_m3=12.345 1770116400\n"


def test_gas_over_an_hour_ahead_of_the_stored_time_gets_that_time() -> None:
    """The parser compares with the telegram's own time, which DSMR 2 and 3 have not."""
    telegram, ahead = _with_gas("260203120000W", "00012.345"), 1770116400
    for seconds, expected in ((3600, ahead), (3601, ahead - 3601)):
        (line,) = of("gas", points().lines(telegram, datetime.fromtimestamp(ahead - seconds, UTC)))
        assert line.endswith(f" {expected}\n")


def test_gas_of_a_clock_without_letters_was_never_read_after_its_telegram() -> None:
    """In the hour that comes twice its time has two meanings."""
    telegram, start = _with_gas("261025020000", "00012.345"), utc("2026-10-25T00:00:00")
    for minutes, expected in ((1, start), (59, start), (61, start + timedelta(hours=1))):
        (line,) = of("gas", points().lines(telegram, start + timedelta(minutes=minutes)))
        assert line.endswith(f" {int(expected.timestamp())}\n")


def test_gas_is_written_when_its_time_its_value_or_its_valve_changes() -> None:
    told = [
        (_with_gas("260203120000W", "00001.000"), 1),
        (_with_gas("260203120000W", "00001.000"), 0),
        (_with_gas("260203120500W", "00001.000"), 1),
        (_with_gas("260203120500W", "00001.001"), 1),
        (_with_gas("260203120500W", "00001.001", valve="1"), 1),
        (_with_gas("260203120500W", "00001.001", valve="1"), 0),
    ]
    source = points()
    for n, (telegram, expected) in enumerate(told):
        assert len(of("gas", source.lines(telegram, NOON + n * SECOND))) == expected


def test_gas_without_a_time_gets_the_telegrams_and_is_written_when_its_value_changes() -> None:
    source = points()
    unset = "632525252525W"
    told = ["00001.000", "00001.000", "00001.001"]
    found = [
        of("gas", source.lines(_with_gas(unset, value), NOON + n * SECOND))
        for n, value in enumerate(told)
    ]
    assert [[line.split(" ")[2] for line in each] for each in found] == [
        ["1770120000\n"],
        [],
        ["1770120002\n"],
    ]


def test_each_device_has_its_own_channel_and_is_remembered_for_itself() -> None:
    both = said(
        meter(),
        *(
            line
            for channel in (1, 2)
            for line in (
                f"0-{channel}:24.1.0(007)",
                f"0-{channel}:96.1.0({f'W000{channel}'.encode().hex()})",
                f"0-{channel}:24.2.1(260203120000W)(00001.000*m3)",
            )
        ),
    )
    source = points()
    assert [line.split(" ")[0] for line in source.lines(both, NOON) or []] == [
        "water,site=home,meter=W0001,channel=1",
        "water,site=home,meter=W0002,channel=2",
    ]
    assert source.lines(both, NOON + SECOND) == []


# --- what only repeats, over restarts

PEAKS = (
    "0-0:98.1.0(2)(1-0:1.6.0)(1-0:1.6.0)"
    "(230201000000W)(230117224500W)(04.329*kW)(230301000000W)(230202001500W)(04.529*kW)"
)
LATER_PEAKS = (
    "0-0:98.1.0(2)(1-0:1.6.0)(1-0:1.6.0)"
    "(230301000000W)(230202001500W)(04.529*kW)(230401000000S)(230310073000W)(05.500*kW)"
)
FAILURES = "1-0:99.97.0(2)(0-0:96.7.19)(221122113014W)(0000002100*s)(230109225312W)(0000004800*s)"


def test_peaks_have_the_peaks_own_time_and_are_written_once_also_over_a_restart() -> None:
    source = points()
    told = said(meter(), PEAKS)
    assert of("demand_peak", source.lines(told, NOON)) == [
        "demand_peak,site=home,meter=E0042000000000042 power_kw=4.329 1673991900\n",
        "demand_peak,site=home,meter=E0042000000000042 power_kw=4.529 1675293300\n",
    ]
    assert source.lines(told, NOON + SECOND) == []
    restarted = points(memory=again(source.memory))
    assert restarted.lines(told, NOON + 2 * SECOND) == []


def test_of_a_new_list_of_peaks_only_the_new_peak_is_written() -> None:
    source = points()
    source.lines(said(meter(), PEAKS), NOON)
    assert source.lines(said(meter(), LATER_PEAKS), NOON + SECOND) == [
        "demand_peak,site=home,meter=E0042000000000042 power_kw=5.500 1678429800\n"
    ]


def test_failures_have_the_time_of_their_end_and_are_written_once_also_over_a_restart() -> None:
    source = points()
    told = said(meter(), FAILURES)
    assert source.lines(told, NOON) == [
        "power_failure,site=home,meter=E0042000000000042 duration_s=2100i 1669113014\n",
        "power_failure,site=home,meter=E0042000000000042 duration_s=4800i 1673301192\n",
    ]
    restarted = points(memory=again(source.memory))
    assert restarted.lines(told, NOON + SECOND) == []


def test_gas_and_messages_and_readings_are_not_repeated_over_a_restart() -> None:
    told = said(
        meter(),
        "1-0:1.8.1(000001.000*kWh)",
        "0-0:96.13.0(48616C6C6F)",
        "0-1:24.1.0(003)",
        "0-1:24.2.1(260203120000W)(00001.000*m3)",
    )
    source = points()
    assert len(source.lines(told, NOON) or []) == 4
    restarted = points(memory=again(source.memory))
    found = restarted.lines(told, NOON + SECOND) or []
    assert [line.split(",")[0] for line in found] == ["electricity"]


@pytest.mark.parametrize(
    "kept", [{}, {"no such thing": 1}, {"shown": None, "targets": 3, "second": [], "meter": {}}]
)
def test_a_memory_that_is_no_memory_is_forgotten(kept: dict[str, Any]) -> None:
    source = points(memory=Memory.from_dict(kept))
    assert len(source.lines(said(meter(), PEAKS), NOON) or []) == 2


# --- once a second


def stored(source: Points, telegram: Telegram, time: datetime) -> int | None:
    """Give the second that a telegram is stored under; None if it was stored before."""
    found = source.lines(telegram, time)
    return int(found[0].rpartition(" ")[2]) if found else None


def kept(telegram: Telegram, time: datetime, *, points_: Points) -> int | None:
    with suppress(CrowdedError):
        return stored(points_, telegram, time)
    return None


def after(second: int | None) -> int | None:
    """Give the seconds since noon."""
    return None if second is None else second - int(NOON.timestamp())


def saved(seconds: Seconds, path: Path) -> Seconds:
    """Give what the next run knows."""
    seconds.save(path)
    return Seconds(path.read_bytes())


def test_a_telegram_that_comes_twice_in_its_second_gives_none_also_over_a_restart(
    tmp_path: Path,
) -> None:
    source = points()
    assert source.lines(energy("1"), NOON) is not None
    assert source.lines(energy("1"), NOON + timedelta(microseconds=999_999)) is None
    for restarted in (
        points(memory=again(source.memory)),
        points(seconds=saved(source.seconds, tmp_path / "seconds")),
    ):
        assert restarted.lines(energy("1"), NOON) is None
        assert restarted.lines(energy("1"), NOON + SECOND) is not None


def test_another_telegram_of_the_second_takes_the_next_free_one_also_over_a_restart(
    tmp_path: Path,
) -> None:
    source = points()
    found = [after(stored(source, energy(str(n)), NOON)) for n in range(3)]
    restarted = points(seconds=saved(source.seconds, tmp_path / "seconds"))
    found.append(after(stored(restarted, energy("3"), NOON)))
    assert found == [0, 1, 2, 3]


def test_one_that_was_moved_is_known_when_it_comes_again() -> None:
    source = points()
    for value in ("1", "2"):
        source.lines(energy(value), NOON)
    assert source.lines(energy("2"), NOON) is None


def test_a_second_for_which_there_is_no_room_is_no_repetition() -> None:
    source = points()
    for n in range(10):
        source.lines(energy("1"), NOON + n * SECOND)
    with pytest.raises(CrowdedError):
        source.lines(energy("2"), NOON)
    assert source.lines(energy("2"), NOON + 9 * SECOND) is not None


@pytest.mark.parametrize("ahead", [3, 300, 3600])
def test_a_clock_that_is_set_back_costs_as_many_telegrams_as_it_was_ahead_and_no_time(
    ahead: int,
) -> None:
    """For good nothing else is possible: each second has its telegram, and some have two."""
    source = points()
    clock = [*range(ahead, 2 * ahead), *range(ahead, 2 * ahead + 3600)]
    found = [
        after(kept(energy(str(n)), NOON + second * SECOND, points_=source))
        for n, second in enumerate(clock)
    ]
    assert found.count(None) == ahead
    assert len({*found} - {None}) == len(clock) - ahead
    assert found[-1] == clock[-1]
    assert all(0 <= at - own < 10 for at, own in zip(found, clock, strict=True) if at is not None)


def test_a_clock_set_back_an_hour_gives_the_seconds_between_to_a_slow_meter() -> None:
    source = points()
    clock = [*range(0, 3600, 10), *range(0, 3600, 10)]
    found = [
        after(stored(source, energy(str(n)), NOON + second * SECOND))
        for n, second in enumerate(clock)
    ]
    assert found == [*range(0, 3600, 10), *range(1, 3600, 10)]


@given(st.integers(), st.sampled_from([1.0, 10.0]))
def test_no_second_has_two_readings_however_the_clock_is_set(seed: int, period: float) -> None:
    chance = random.Random(seed)  # noqa: S311  weather, not secrets
    source, wall, found = points(), NOON.timestamp(), []
    for n in range(200):
        time = datetime.fromtimestamp(round(wall), UTC)
        found.append((round(wall), kept(energy(str(n)), time, points_=source)))
        wall += period + chance.uniform(-0.4, 0.4)
        if chance.random() < 0.1:
            wall += chance.choice([-1, 1]) * chance.choice([0.5, 1, 10, 300]) * period
    taken = [second for _, second in found if second is not None]
    assert len(taken) == len(set(taken))
    assert all(0 <= second - own < 10 for own, second in found if second is not None)


def test_it_does_not_remember_for_ever() -> None:
    source = points()
    for n in range(22_000):
        source.lines(said(), NOON + n * SECOND)
    assert source.lines(said(), datetime.fromtimestamp(0, UTC)) == []
    assert source.lines(said(), NOON) == []


def test_what_a_clock_five_hours_ahead_has_stored_is_known_when_it_is_set_back() -> None:
    seconds = Seconds()
    for second in range(5 * 3600 + 1):
        seconds.store(second, 7)
    assert seconds.content(0) == 7


def test_the_file_of_seconds_follows_also_when_it_was_deleted_or_is_another(
    tmp_path: Path,
) -> None:
    path, seconds = tmp_path / "seconds", Seconds()
    damages: tuple[Callable[[], object], ...] = (
        lambda: None,
        path.unlink,
        lambda: path.write_bytes(b"damaged"),
        lambda: None,
    )
    for second, damage in enumerate(damages):
        seconds.store(second, second + 7)
        found = saved(seconds, path)
        assert [found.content(n) for n in range(second + 1)] == [n + 7 for n in range(second + 1)]
        assert path.stat().st_mode & 0o777 == 0o600
        damage()


@pytest.mark.parametrize("kept", [b"", b"damaged", bytes(100_000)])
def test_seconds_that_are_none_are_forgotten(kept: bytes) -> None:
    assert Seconds(kept).content(0) == 0
    assert Seconds(kept).content(1) is None


def test_the_running_months_peak_is_a_measurement_of_its_own_and_written_when_it_changes() -> None:
    source = points()
    first = said(meter(), "1-0:1.6.0(230118120000W)(04.329*kW)")
    higher = said(meter(), "1-0:1.6.0(230119120000W)(04.400*kW)")
    lines = [source.lines(one, NOON + n * SECOND) for n, one in enumerate((first, first, higher))]

    assert [of("demand_running_peak", each) for each in lines] == [
        ["demand_running_peak,site=home,meter=E0042000000000042 power_kw=4.329 1674039600\n"],
        [],
        ["demand_running_peak,site=home,meter=E0042000000000042 power_kw=4.400 1674126000\n"],
    ]
    assert not any(of("demand_peak", each) for each in lines)
