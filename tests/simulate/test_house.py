"""The household: the same from the same seed, and what one expects of a house."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from statistics import mean

from collector.simulate.house import Day, Household, Weather

WINTER, SUMMER = date(2026, 1, 14), date(2026, 7, 15)
WATT_SECONDS_A_KWH = 3_600_000


def kwh(sums: list[int]) -> float:
    return sums[-1] / WATT_SECONDS_A_KWH


def net(day: Day) -> list[int]:
    return list(map(sum, zip(*day.phases, strict=True)))


def test_the_same_seed_is_the_same_house_in_any_order() -> None:
    forwards, backwards = Household(7), Household(7)
    one = [forwards.day(day) for day in (WINTER, SUMMER)]
    other = [backwards.day(day) for day in (SUMMER, WINTER)]

    assert one == other[::-1]


def test_another_seed_is_another_house() -> None:
    assert Household(1).day(SUMMER).phases != Household(2).day(SUMMER).phases


def test_energy_is_the_sum_of_the_power_to_the_watt_second() -> None:
    day = Household().day(SUMMER)

    assert day.imported[-1] - day.exported[-1] == sum(net(day)) * day.grain


def test_the_sun_pays_back_in_summer_only() -> None:
    house = Household()
    exported = [kwh(house.day(day).exported) for day in (WINTER, SUMMER)]

    assert exported[0] < 1
    assert exported[1] > 5


def test_no_sun_shines_at_night() -> None:
    weather = Weather(1)
    nights = [datetime(2026, month, 15, 23, tzinfo=UTC) for month in range(1, 13)]

    assert [weather.sunshine(night) for night in nights] == [0] * 12


def test_winter_is_colder_than_summer() -> None:
    weather = Weather(1)

    def month(number: int) -> float:
        start = datetime(2026, number, 1, tzinfo=UTC)
        return mean(weather.temperature(start + timedelta(hours=n)) for n in range(28 * 24))

    assert -5 < month(1) < 8
    assert 13 < month(7) < 25


def test_the_weather_has_no_jumps() -> None:
    weather = Weather(3)
    start = datetime(2026, 5, 1, tzinfo=UTC)
    temperatures = [weather.temperature(start + timedelta(minutes=n)) for n in range(5000)]

    assert max(abs(a - b) for a, b in pairwise(temperatures)) < 0.1


def test_a_year_is_a_years_worth_of_a_house() -> None:
    """A household with a heat pump takes some 5 MWh from the street, less or more."""
    house = Household(grain=60)
    weeks = [house.day(date(2026, 1, 1) + timedelta(days=7 * n)) for n in range(52)]

    assert 3500 < 7 * sum(kwh(day.imported) for day in weeks) < 7500
    assert 1200 < 7 * sum(kwh(day.exported) for day in weeks) < 3600
    assert 100 < 7 * sum(day.gas[-1] for day in weeks) / 1e6 < 1200  # m³
    assert 40 < 7 * sum(day.water[-1] for day in weeks) / 1e6 < 140  # m³


def test_the_days_of_the_clock_change_are_short_and_long() -> None:
    house = Household(grain=60)
    lengths = [len(house.day(date(2026, *day)).phases[0]) for day in ((3, 29), (10, 25))]

    assert lengths == [23 * 60, 25 * 60]
