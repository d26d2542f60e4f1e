"""Telegrams: what the meter knows, printed as its kind prints it, and read back by the parser."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from collector.p1.checksum import Checksum
from collector.p1.framing import Framer
from collector.p1.telegram import Telegram, parse
from collector.simulate.dialect import DIALECTS, Dialect, fixed
from collector.simulate.house import Household, Outage
from collector.simulate.meter import Meter
from collector.simulate.reading import Reading, Value

SUMMER = datetime(2026, 6, 11, 15, 2, 3, tzinfo=UTC)
WINTER = datetime(2026, 11, 20, 16, 45, 50, tzinfo=UTC)


def reading(dialect: Dialect, when: datetime, *outages: Outage) -> Reading:
    house = Household(outages=outages)
    return Meter(house, when - timedelta(days=1), dialect.build).at(when)


def parsed(data: bytes) -> Telegram:
    framer = Framer()
    (frame,) = framer.feed(data) + framer.flush()
    return parse(frame)


@pytest.mark.parametrize("when", [SUMMER, WINTER])
@pytest.mark.parametrize("kind", DIALECTS)
def test_the_parser_reads_what_the_meter_knows(kind: str, when: datetime) -> None:
    dialect = DIALECTS[kind]
    known = reading(dialect, when)
    telegram = parsed(dialect.telegram(known))
    shown = {name: v for name, v in telegram.electricity.items() if name in known.electricity}
    expected = {name: cut(known.electricity[name], value) for name, value in shown.items()}

    assert (telegram.errors, telegram.unknown) == ((), ())
    assert (telegram.meter, shown) == (known.serial, expected)
    assert len(shown) >= 9


def cut(known: Value, shown: Value) -> Value:
    """The known value with as many decimals as were printed."""
    if isinstance(known, Decimal) and isinstance(shown, Decimal):
        return Decimal(fixed(known, 1, -int(shown.as_tuple().exponent)))
    return known


@pytest.mark.parametrize(
    ("kind", "version", "checksum", "time"),
    [
        ("dsmr5", "50", Checksum.OK, SUMMER),
        ("dsmr4", "42", Checksum.OK, SUMMER),
        ("dsmr3", None, Checksum.ABSENT, None),
        ("belgium", "50217", Checksum.OK, SUMMER),
    ],
)
def test_each_kind_says_what_it_is(
    kind: str, version: str | None, checksum: Checksum, time: datetime | None
) -> None:
    dialect = DIALECTS[kind]
    telegram = parsed(dialect.telegram(reading(dialect, SUMMER)))

    assert (telegram.version, telegram.checksum, telegram.time) == (version, checksum, time)


@pytest.mark.parametrize(
    ("kind", "devices"),
    [
        ("dsmr5", [("gas", 1, datetime(2026, 6, 11, 15, 0, tzinfo=UTC))]),
        ("dsmr4", [("gas", 1, datetime(2026, 6, 11, 15, 0, tzinfo=UTC))]),
        ("belgium", [("gas", 1, SUMMER.replace(minute=0, second=0)), ("water", 2, None)]),
    ],
)
def test_gas_and_water_have_the_time_of_their_reading(
    kind: str, devices: list[tuple[str, int, datetime | None]]
) -> None:
    dialect = DIALECTS[kind]
    known = reading(dialect, SUMMER)
    telegram = parsed(dialect.telegram(known))
    found = [(str(d.medium), d.channel, d.time, d.fields["volume_m3"]) for d in telegram.devices]

    assert found == [
        (medium, channel, time or found[0][2], known.devices[medium].volume)  # type: ignore[index]
        for medium, channel, time in devices
    ]


def test_the_gas_of_dsmr_3_stands_on_the_next_line() -> None:
    dialect = DIALECTS["dsmr3"]
    known = reading(dialect, SUMMER)
    lines = dialect.telegram(known).split(b"\r\n")
    place = next(n for n, line in enumerate(lines) if b":24.3.0" in line)
    (gas,) = parsed(dialect.telegram(known)).devices

    assert lines[place + 1] == b"(%09.3f)" % known.devices["gas"].volume
    assert gas.fields["volume_m3"] == known.devices["gas"].volume


def test_belgian_peaks_are_all_read() -> None:
    dialect = DIALECTS["belgium"]
    known = reading(dialect, WINTER)
    telegram = parsed(dialect.telegram(known))
    found = [(peak.time, peak.power_kw * 1000) for peak in telegram.demand_peaks]

    assert found == [(m.peak.time, Decimal(m.peak.watts)) for m in known.month_peaks]
    assert len(found) == 12


def test_the_failure_log_is_read() -> None:
    dialect = DIALECTS["dsmr5"]
    outage = Outage(SUMMER - timedelta(hours=2), 600)
    telegram = parsed(dialect.telegram(reading(dialect, SUMMER, outage)))
    last = telegram.power_failures[-1]

    assert (len(telegram.power_failures), last.time, last.duration_s) == (3, outage.end, 600)


@pytest.mark.parametrize("kind", DIALECTS)
def test_lines_end_in_crlf(kind: str) -> None:
    data = DIALECTS[kind].telegram(reading(DIALECTS[kind], SUMMER))

    assert data.count(b"\n") == data.count(b"\r\n") == data.count(b"\r")
    assert data.endswith(b"\r\n")


@pytest.mark.parametrize(
    ("value", "integers", "decimals", "text"),
    [
        ("1.2345", 3, 2, "001.23"),
        ("0.999", 2, 0, "00"),
        ("22241.734", 6, 3, "022241.734"),
        ("7", 3, 1, "007.0"),
    ],
)
def test_digits_are_cut_off_and_filled_up(
    value: str, integers: int, decimals: int, text: str
) -> None:
    assert fixed(Decimal(value), integers, decimals) == text
