"""A meter like any file of telegrams: the file's layout, the household's values, no new errors."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from threading import Event

import pytest

from collector.errors import SourceError
from collector.p1.framing import Framer
from collector.p1.telegram import Telegram, parse
from collector.simulate.house import Household
from collector.simulate.likeness import Likeness
from collector.simulate.meter import Build, Meter, Reading
from collector.simulate.stream import stream_like
from collector.simulate.wire import Outcome
from p1.golden import TELEGRAMS, golden, names, stream, telegrams

SUMMER = datetime(2026, 6, 11, 15, 2, 3, tzinfo=UTC)
WINTER = datetime(2026, 11, 20, 16, 45, 50, tzinfo=UTC)
COUNT = 4


class Tape:
    """A wire that takes everything."""

    def __init__(self) -> None:
        self.data = b""

    def send(self, telegram: bytes, stopping: Event) -> Outcome:
        assert not stopping.is_set()
        self.data += telegram
        return Outcome.TAKEN


def offset(name: str) -> int:
    return int(golden(name).get("utc_offset_hours", 1))


@cache
def meter(build: Build, start: datetime, *, solar: bool) -> Meter:
    house = Household(grain=60, solar_peak_w=3600 if solar else 0)
    return Meter(house, start - timedelta(days=2), build)


@cache
def like(name: str) -> Likeness:
    return Likeness(stream(name), utc_offset_hours=offset(name))


@cache
def readings(name: str, start: datetime) -> list[Reading]:
    period = timedelta(seconds=like(name).period)
    source = meter(like(name).build, start, solar=like(name).solar)
    return [source.at(start + n * period) for n in range(COUNT)]


@cache
def imitated(name: str, start: datetime = SUMMER) -> list[Telegram]:
    """Send a few telegrams like those of the file and read them back."""
    data = b"".join(map(like(name).telegram, readings(name, start)))
    framer = Framer()
    frames = framer.feed(data) + framer.flush()
    return [parse(frame, utc_offset_hours=offset(name)) for frame in frames]


def printed(name: str) -> bytes:
    return like(name).telegram(readings(name, SUMMER)[0])


def models(name: str, start: datetime) -> list[Telegram]:
    """Say which telegrams of the file are imitated, in turn."""
    file = telegrams(name)
    first = int(start.timestamp()) // like(name).period
    return [file[(first + n) % len(file)] for n in range(COUNT)]


@pytest.mark.parametrize("start", [SUMMER, WINTER], ids=["summer", "winter"])
@pytest.mark.parametrize("name", names())
def test_it_says_what_the_file_says_in_the_same_way(name: str, start: datetime) -> None:
    """The same fields, devices, lists, verdicts and errors, telegram by telegram."""

    def shape(telegram: Telegram) -> tuple[object, ...]:
        return (
            telegram.header,
            telegram.checksum,
            telegram.meter,
            list(telegram.electricity),
            [(d.medium, d.channel, d.meter, list(d.fields)) for d in telegram.devices],
            (len(telegram.demand_peaks), telegram.power_failures, telegram.month_end is None),
            (telegram.text, telegram.code, telegram.about, telegram.unknown),
            [error.message for error in telegram.errors],
        )

    assert list(map(shape, imitated(name, start))) == list(map(shape, models(name, start)))


@pytest.mark.parametrize("start", [SUMMER, WINTER], ids=["summer", "winter"])
@pytest.mark.parametrize("name", names())
def test_its_clock_is_right_wherever_the_file_had_one(name: str, start: datetime) -> None:
    period = timedelta(seconds=like(name).period)
    expected = [model.time and start + n * period for n, model in enumerate(models(name, start))]

    assert [telegram.time for telegram in imitated(name, start)] == expected


@pytest.mark.parametrize("name", names())
def test_its_values_are_the_household_s(name: str) -> None:
    """As the built-in kinds print them, for what those print: cut off, never rounded up."""
    for reading, telegram in zip(readings(name, SUMMER), imitated(name), strict=True):
        known = reading.electricity
        for field in ("energy_import_t1_kwh", "power_import_kw", "voltage_l1_v", "tariff"):
            shown = telegram.electricity.get(field)
            damaged = name == "dsmr50-damaged-lines"
            if shown is not None and not damaged:
                places = shown.as_tuple().exponent if isinstance(shown, Decimal) else 0
                step = Decimal(1).scaleb(int(places))
                assert Decimal(shown) <= Decimal(known[field]) < Decimal(shown) + step


def test_a_house_without_panels_feeds_nothing_in() -> None:
    (first, *_) = imitated("dsmr50-1phase-gas")

    assert not like("dsmr50-1phase-gas").solar
    assert first.electricity["energy_export_kwh"] == 0


def test_no_byte_but_digits_is_changed_where_no_letter_says_summer() -> None:
    shape = re.compile(rb"[0-9]|![0-9A-F]{4}|(?<=[0-9])[SW](?=\))")

    def blank(data: bytes) -> bytes:
        return shape.sub(b"#", data)

    assert blank(printed("austria-sagemcom")) == blank(stream("austria-sagemcom"))


def test_a_swedish_meter_stays_at_winter_time() -> None:
    """Its file says W in July."""
    assert b"0-0:1.0.0(260611160203W)" in printed("sweden-winter-time-in-summer")


def test_a_small_letter_stays_small() -> None:

    assert b"(260611170000s)" in printed("dsmr42-3phase-solar")


def test_clocks_that_were_never_set_stay_so() -> None:
    stamps = [line for line in stream("dsmr50-unset-clock").split(b"\r\n") if b":1.0.0(" in line]

    assert stamps[0] in printed("dsmr50-unset-clock")


def test_belgian_peaks_keep_their_order_and_their_dead_entries() -> None:
    for name in ("belgium-3phase-water-peaks", "belgium-emucs21"):
        (new, *_), (old, *_) = imitated(name), telegrams(name)
        rising = old.demand_peaks[0].time < old.demand_peaks[-1].time
        times = [peak.time for peak in new.demand_peaks]

        assert times == sorted(times, reverse=not rising)
        assert max(times) > SUMMER - timedelta(days=62)


def test_a_register_that_is_too_narrow_rolls_over() -> None:
    data = b"/XXX5\r\n\r\n1-0:1.8.1(01.25*kWh)\r\n1-0:1.8.2(1*kWh)\r\n1-0:2.8.1(7.*kWh)\r\n!\r\n"
    reading = readings("dsmr50-1phase-gas", SUMMER)[0]
    known = reading.electricity["energy_import_t1_kwh"]
    new = Likeness(data).telegram(reading)

    assert b"1-0:1.8.1(%05.2f*kWh)" % (int(Decimal(known) * 100) / 100 % 100) in new
    assert len(new) == len(data)


def test_a_stream_follows_the_file_s_pace() -> None:
    tape = Tape()
    file = TELEGRAMS / "dsmr42-1phase-gas.txt"
    stream_like(file, start=SUMMER, speed=0).run(tape, Event(), count=2)
    first, second = [parse(frame).time for frame in Framer().feed(tape.data)]

    assert (first, second) == (SUMMER, SUMMER + timedelta(seconds=10))


def test_a_file_without_telegrams_is_named_for_what_it_is(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(b"\x7e\xa0\x8b\xce\xff\x03")

    with pytest.raises(SourceError, match="no telegram") as error:
        stream_like(file)
    assert "HDLC" in (error.value.hint or "")
