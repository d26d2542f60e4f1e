"""Telegrams: what the meter knows, printed as its kind prints it, and read back by the parser."""

from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, Decimal

import pytest

from collector.p1.checksum import Checksum
from collector.p1.framing import Framer
from collector.p1.telegram import Telegram, parse
from collector.simulate.house import Household
from collector.simulate.likeness import Likeness, as_wide, like
from collector.simulate.meter import Meter, Reading, Value

SUMMER = datetime(2026, 6, 11, 15, 2, 3, tzinfo=UTC)
WINTER = datetime(2026, 11, 20, 16, 45, 50, tzinfo=UTC)
KINDS = ("dsmr5", "dsmr4", "dsmr3", "belgium")


def reading(dialect: Likeness, when: datetime) -> Reading:
    return Meter(Household(), when - timedelta(days=1), dialect.build).at(when)


def parsed(data: bytes) -> Telegram:
    framer = Framer()
    (frame,) = framer.feed(data) + framer.flush()
    return parse(frame)


@pytest.mark.parametrize("when", [SUMMER, WINTER])
@pytest.mark.parametrize("kind", KINDS)
def test_the_parser_reads_what_the_meter_knows(kind: str, when: datetime) -> None:
    dialect = like(kind)
    known = reading(dialect, when)
    telegram = parsed(dialect.telegram(known))
    shown = {name: v for name, v in telegram.electricity.items() if name in known.electricity}
    expected = {name: cut(known.electricity[name], value) for name, value in shown.items()}

    assert (telegram.errors, telegram.unknown) == ((), ())
    assert (telegram.meter, shown) == ("E0000000000000001", expected)
    assert len(shown) >= 9


def cut(known: Value, shown: object) -> Value:
    """The known value with as many decimals as were printed."""
    if isinstance(known, Decimal) and isinstance(shown, Decimal):
        step = Decimal(1).scaleb(int(shown.as_tuple().exponent))
        return known.quantize(step, ROUND_DOWN)
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
    dialect = like(kind)
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
    dialect = like(kind)
    known = reading(dialect, SUMMER)
    telegram = parsed(dialect.telegram(known))
    found = [(str(d.medium), d.channel, d.time, d.fields["volume_m3"]) for d in telegram.devices]

    assert found == [
        (medium, channel, time or found[0][2], getattr(known, medium))
        for medium, channel, time in devices
    ]


def test_the_gas_of_dsmr_3_stands_on_the_next_line() -> None:
    dialect = like("dsmr3")
    known = reading(dialect, SUMMER)
    lines = dialect.telegram(known).split(b"\r\n")
    place = next(n for n, line in enumerate(lines) if b":24.3.0" in line)
    (gas,) = parsed(dialect.telegram(known)).devices

    assert lines[place + 1] == b"(%09.3f)" % known.gas
    assert gas.fields["volume_m3"] == known.gas


OF_THE_FILE = datetime(2026, 3, 20, 16, 45, tzinfo=UTC)
"""A peak of the file that Belgian telegrams are printed like."""


@pytest.mark.parametrize("when", [WINTER, OF_THE_FILE])
def test_belgian_peaks_are_all_read(when: datetime) -> None:
    dialect = like("belgium")
    known = reading(dialect, when)
    telegram = parsed(dialect.telegram(known))
    found = [(peak.time, peak.power_kw * 1000) for peak in telegram.demand_peaks]

    assert found == [(p.time, Decimal(p.watts)) for p in known.month_peaks.values()]
    assert len(found) == 13


@pytest.mark.parametrize("kind", KINDS)
def test_lines_end_in_crlf(kind: str) -> None:
    data = like(kind).telegram(reading(like(kind), SUMMER))

    assert data.count(b"\n") == data.count(b"\r\n") == data.count(b"\r")
    assert data.endswith(b"\r\n")


@pytest.mark.parametrize(
    ("value", "like_this", "text"),
    [
        ("1.2345", "000.00", "001.23"),
        ("0.999", "00", "00"),
        ("22241.734", "000000.000", "022241.734"),
        ("7", "000.0", "007.0"),
    ],
)
def test_digits_are_cut_off_and_filled_up(value: str, like_this: str, text: str) -> None:
    assert as_wide(like_this, Decimal(value)) == text
