"""The meter: its books add up, whatever day the clock changes and whatever tariff it is."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from itertools import pairwise

import pytest

from bed.house import Eventful
from collector.simulate.house import Household
from collector.simulate.localtime import midnight
from collector.simulate.meter import Build, Counters, Meter, Peak, counters_on


@cache
def a_year() -> Meter:
    return Meter(Household(grain=60), midnight(date(2026, 1, 1)))


def used(meter: Meter, begin: datetime, end: datetime) -> Counters:
    """Give what one says who reads the counters twice: whole Wh and dm³."""
    before, after = meter.counters(begin), meter.counters(end)
    parts = dict.fromkeys(Counters.__slots__, 3600) | {"gas": 1000, "water": 1000}
    return Counters(
        *(getattr(after, name) // n - getattr(before, name) // n for name, n in parts.items())
    )


def used_between(meter: Meter, first: date, end: date) -> Counters:
    return used(meter, midnight(first), midnight(end))


def total(uses: Iterable[Counters]) -> Counters:
    return sum(uses, start=Counters())


@pytest.mark.slow
def test_the_books_of_days_add_up_to_months_and_those_to_the_year() -> None:
    meter = a_year()
    starts = [*(date(2026, month, 1) for month in range(1, 13)), date(2027, 1, 1)]
    months = [used_between(meter, *pair) for pair in pairwise(starts)]
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(366)]

    year = used_between(meter, date(2026, 1, 1), date(2027, 1, 1))
    assert total(months) == year == total(used_between(meter, *pair) for pair in pairwise(days))


@pytest.mark.slow
def test_a_later_reading_is_never_lower() -> None:
    meter = a_year()
    start = datetime(2026, 3, 27, tzinfo=UTC)
    names = ["energy_import_t1_kwh", "energy_import_t2_kwh", "energy_export_kwh"]
    readings = [meter.at(start + timedelta(minutes=17 * n)).electricity for n in range(400)]
    rows = [[reading[name] for reading in readings] for name in names]

    assert rows == [sorted(row, key=Decimal) for row in rows]


def test_what_the_meter_shows_is_what_the_books_say() -> None:
    begin = datetime(2026, 7, 15, 3, 2, 1, tzinfo=UTC)
    end = datetime(2026, 7, 15, 21, 4, 7, tzinfo=UTC)
    meter = Meter(Household(), midnight(date(2026, 7, 14)))
    before, after = meter.at(begin).electricity, meter.at(end).electricity
    shown = [
        Decimal(after[name]) - Decimal(before[name])
        for name in ("energy_import_t1_kwh", "energy_import_t2_kwh", "energy_export_kwh")
    ]
    books = used(meter, begin, end)

    exported = books.export_low + books.export_normal
    assert shown == [
        Decimal(wh) / 1000 for wh in (books.import_low, books.import_normal, exported)
    ]


def test_energy_is_counted_at_the_power_that_is_shown() -> None:
    """Every second's power, added up, is the energy of the minute."""
    meter = Meter(Household(grain=1), midnight(date(2026, 7, 15)))
    begin = datetime(2026, 7, 15, 10, 0, tzinfo=UTC)
    seconds = [meter.at(begin + timedelta(seconds=n)).electricity for n in range(60)]
    power = sum(
        (Decimal(s["power_import_kw"]) - Decimal(s["power_export_kw"])) * 1000 for s in seconds
    )
    before, after = meter.counters(begin), meter.counters(begin + timedelta(minutes=1))
    energy = (after.import_low + after.import_normal - after.export_low - after.export_normal) - (
        before.import_low + before.import_normal - before.export_low - before.export_normal
    )

    assert power == energy


@pytest.mark.parametrize(
    ("when", "tariff"),
    [
        ((2026, 7, 15, 4, 59, 59), 1),  # a Wednesday, 06:59:59
        ((2026, 7, 15, 5, 0, 0), 2),
        ((2026, 7, 15, 20, 59, 59), 2),
        ((2026, 7, 15, 21, 0, 0), 1),
        ((2026, 7, 18, 10, 0, 0), 1),  # a Saturday
        ((2026, 1, 14, 6, 0, 0), 2),  # 07:00 in winter
    ],
)
def test_nights_and_weekends_are_tariff_one(when: tuple[int, ...], tariff: int) -> None:
    instant = datetime(*when, tzinfo=UTC)  # type: ignore[arg-type, misc]  # year, month, …
    meter = Meter(Household(grain=60), midnight(instant.date()))

    assert meter.at(instant).electricity["tariff"] == tariff


def test_only_the_tariff_in_force_counts() -> None:
    meter = Meter(Household(), midnight(date(2026, 7, 15)))
    night = used(meter, midnight(date(2026, 7, 15)), datetime(2026, 7, 15, 5, tzinfo=UTC))

    assert (night.import_normal, night.import_low > 500) == (0, True)


def test_belgium_numbers_the_tariffs_the_other_way_round() -> None:
    instant = datetime(2026, 7, 15, 10, tzinfo=UTC)
    dutch = Meter(Household(), midnight(instant.date())).at(instant).electricity
    belgian = Meter(Household(), midnight(instant.date()), Build(low_tariff=2)).at(instant)

    assert belgian.electricity["tariff"] == 1
    assert belgian.electricity["energy_import_t1_kwh"] == dutch["energy_import_t2_kwh"]
    assert belgian.electricity["energy_import_kwh"] == dutch["energy_import_kwh"]


def test_one_phase_carries_the_whole_house() -> None:
    instant = datetime(2026, 7, 15, 10, tzinfo=UTC)
    shown = Meter(Household(), midnight(instant.date()), Build(phases=1)).at(instant).electricity

    assert shown["power_export_l1_kw"] == shown["power_export_kw"]
    assert "power_export_l2_kw" not in shown


@pytest.mark.parametrize(("minutes", "read"), [(5, (10, 35)), (60, (10, 0))])
def test_gas_is_read_every_five_minutes_or_every_hour(minutes: int, read: tuple[int, int]) -> None:
    instant = datetime(2026, 1, 14, 10, 39, 59, tzinfo=UTC)
    meter = Meter(Household(), midnight(instant.date()), Build(device_minutes=minutes))
    shown = meter.at(instant)
    then = datetime(2026, 1, 14, *read, tzinfo=UTC)

    assert (shown.read, shown.gas) == (then, Decimal(meter.counters(then).gas // 1000) / 1000)


def test_the_quarter_of_an_hour_fills_up_and_begins_again() -> None:
    """An even load of 100 kW is 50 kW after half of the quarter."""
    start = datetime(2026, 1, 14, 0, 0, tzinfo=UTC)
    house = Eventful(start, 1800, 100_000)
    meter = Meter(house, midnight(start.date()))
    demands = [
        meter.at(start + timedelta(seconds=s)).electricity["demand_kw"] for s in (0, 450, 899, 900)
    ]

    assert demands[0] == demands[3] == 0
    assert 50 < demands[1] < 51
    assert 99 < demands[2] < 102


def test_the_months_peak_is_its_highest_finished_quarter() -> None:
    start = datetime(2026, 1, 14, 12, 0, tzinfo=UTC)
    house = Eventful(start, 900, 50_000, solar_peak_w=0)
    meter = Meter(house, midnight(date(2026, 1, 13)))
    end = start + timedelta(minutes=15)
    before, after = meter.at(end - timedelta(seconds=1)), meter.at(end)
    took = meter.counters(end).import_normal - meter.counters(start).import_normal

    assert before.month_peak.watts < 10_000
    assert after.month_peak == Peak(end, took // 900)
    assert meter.at(datetime(2026, 1, 20, tzinfo=UTC)).month_peak == after.month_peak


def test_a_new_month_begins_without_a_peak_and_remembers_the_last_one() -> None:
    meter = Meter(Household(grain=60), midnight(date(2026, 1, 30)))
    before = meter.at(datetime(2026, 1, 31, 22, 59, 59, tzinfo=UTC))
    after = meter.at(datetime(2026, 1, 31, 23, 0, 1, tzinfo=UTC))

    assert (after.month_peak.watts, len(before.month_peaks), len(after.month_peaks)) == (0, 13, 13)
    last, peak = list(after.month_peaks.items())[-1]
    assert last == midnight(date(2026, 2, 1))
    assert peak.watts >= before.month_peak.watts


def test_a_meter_goes_on_from_where_the_other_stopped() -> None:
    house = Household()
    swap = datetime(2026, 1, 14, 12, 0, tzinfo=UTC)
    old = Meter(house, midnight(date(2026, 1, 14)))
    new = Meter(house, swap, start=Counters())
    begin, end = midnight(date(2026, 1, 14)), midnight(date(2026, 1, 15))
    both, whole = total([used(old, begin, swap), used(new, swap, end)]), used(old, begin, end)

    assert 0 <= whole.import_low - both.import_low <= 1  # a started Wh
    assert 0 <= whole.import_normal - both.import_normal <= 1


def test_a_meter_simulated_again_another_day_has_not_run_backwards() -> None:
    house = Household(grain=60)
    days = [date(2026, 1, 10) + timedelta(days=n) for n in range(9)]
    ends = [
        Meter(house, midnight(day)).counters(midnight(day + timedelta(days=1))) for day in days
    ]
    starts = [counters_on(day + timedelta(days=1)) for day in days]
    gained = [
        getattr(start, name) - getattr(end, name)
        for start, end in zip(starts, ends, strict=True)
        for name in Counters.__slots__
    ]

    assert min(gained) >= 0


def test_there_is_nothing_before_the_installation() -> None:
    meter = Meter(Household(), datetime(2026, 1, 14, 12, tzinfo=UTC))

    with pytest.raises(ValueError, match="installed"):
        meter.at(datetime(2026, 1, 14, 11, 59, tzinfo=UTC))
