"""The people in the house and what they switch on: power, gas and water of each local day.

A `Household` is a pure function of its seed and the date: any day can be asked for in any order
and comes out the same. Within a day the power is constant over each `grain` seconds and whole
watts, so that energy is an exact integer: watts times seconds.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Final

from collector.simulate.localtime import hours, local, midnight

_LATITUDE = math.radians(52)
_LONGITUDE_HOURS = 5 / 15
_CLOUD_MINUTES = 5
_ONE_DAY: Final = timedelta(days=1)
PHASES: Final = 3
SOLAR_PEAK_W: Final = 3600
SUN_MINUTES: Final = 5  # the sun's power goes in a straight line for so long


class Weather:
    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._clouds = lru_cache(maxsize=4)(self._clouds_of)

    def temperature(self, when: datetime) -> float:
        """Outdoors, °C."""
        noon = when.replace(hour=12, minute=0, second=0, microsecond=0)
        if when < noon:
            noon -= _ONE_DAY
        share, day = (when - noon) / _ONE_DAY, noon.date()
        mean = (1 - share) * self._mean(day) + share * self._mean(day + _ONE_DAY)
        hour = when.hour + when.minute / 60
        return mean + 3.5 * math.cos((hour - 14) / 24 * math.tau)

    def sunshine(self, when: datetime) -> float:
        """What a panel facing south yields, as a share of its peak: 0 to about 0.9."""
        height = _sun(when)
        if height <= 0:
            return 0.0
        minutes = when.hour * 60 + when.minute + when.second / 60
        position, rest = divmod(minutes / _CLOUD_MINUTES, 1)
        clouds = self._clouds(when.date())
        clear = clouds[int(position)] * (1 - rest) + clouds[int(position) + 1] * rest
        return 0.95 * float(height**1.15) * clear

    def _mean(self, day: date) -> float:
        season = 10.5 - 7.5 * math.cos((day.timetuple().tm_yday - 20) / 365 * math.tau)
        past = (f"{self._seed}/spell{k}/{day - k * _ONE_DAY}" for k in range(4))
        spells = sum(random.Random(spell).gauss(0, 1) for spell in past)  # noqa: S311 - weather, no secret
        return season + 1.3 * spells

    def _clouds_of(self, day: date) -> list[float]:
        """How much comes through, every five minutes of this day (UTC): 0.08 to 1."""
        dice = random.Random(f"{self._seed}/clouds/{day}")  # noqa: S311 - weather, no secret
        middle, spread = dice.choice(((0.97, 0.03), (0.6, 0.35), (0.25, 0.12)))
        values, now = [], middle
        for _ in range(24 * 60 // _CLOUD_MINUTES + 1):
            now += 0.35 * (middle - now) + dice.gauss(0, spread * 0.6)
            values.append(min(1.0, max(0.08, now)))
        return values


def _sun(when: datetime) -> float:
    """The sine of the sun's height; below zero at night."""
    tilt = math.radians(-23.44) * math.cos((when.timetuple().tm_yday + 10) / 365.25 * math.tau)
    hours = when.hour + when.minute / 60 + when.second / 3600 + _LONGITUDE_HOURS - 12
    turned = math.cos(_LATITUDE) * math.cos(tilt) * math.cos(math.radians(15 * hours))
    return math.sin(_LATITUDE) * math.sin(tilt) + turned


@dataclass(frozen=True, slots=True)
class Day:
    """One local day; its lists go by the grain (power) or the minute (gas, water).

    The lists of sums start with 0, so that the sum up to step n stands at n.
    """

    date: date
    begin: datetime
    grain: int
    phases: tuple[list[int], ...]  # W, net: negative when feeding in
    imported: list[int]  # Ws, the sum so far
    exported: list[int]  # Ws, the sum so far
    gas: list[int]  # ml, the sum so far
    water: list[int]  # ml, the sum so far

    @property
    def end(self) -> datetime:
        return self.begin + timedelta(seconds=self.grain * len(self.phases[0]))

    def between(self, sums: list[int], first: datetime, last: datetime) -> int:
        """What `imported` or `exported` have more at one moment than at another."""
        found = []
        for moment in (first, last):
            step, rest = divmod(int((moment - self.begin).total_seconds()), self.grain)
            part = (sums[step + 1] - sums[step]) // self.grain * rest if rest else 0
            found.append(sums[step] + part)
        return found[1] - found[0]


class Household:
    """A house with three phases, solar panels, a heat pump, gas and water.

    `seed` decides everything that is not given. `grain` is how long, in seconds, the power stays
    as it is: 1 for something to look at, 10 or 60 (it divides 60) for years of history.
    """

    def __init__(
        self, seed: int = 1, *, grain: int = 10, solar_peak_w: int = SOLAR_PEAK_W
    ) -> None:
        self.seed = seed
        self.grain = grain
        self.solar_peak_w = solar_peak_w
        self.weather = Weather(seed)
        self.day = lru_cache(maxsize=4)(self._planned)

    def _planned(self, day: date) -> Day:
        return _Plan(self, day).done()


@dataclass(frozen=True, slots=True)
class _Habit:
    """What begins between two hours of the clock on the wall, on so many days of a hundred.

    `runs` are what it switches on: minutes after that, for how many, how many watts, on which
    phase. Of `water` and `gas` so many millilitres flow in each of so many minutes.
    """

    days: int
    hours: tuple[float, float]
    runs: Sequence[tuple[float, float, int, int]] = ()
    water: tuple[int, int] = (0, 0)
    gas: tuple[int, int] = (0, 0)


_PANS: Final = [(3 * n, 1.5, watts, n % 2 + 1) for n, watts in enumerate((1400, 1800) * 6)]
_HABITS: Final = (
    _Habit(100, (0, 0.9), [(60 * hour, 25, 82, 1) for hour in range(24)]),  # the fridge
    *(_Habit(75, (hour, hour + 1), [(0, 3, 2020, 0)], (1, 1200)) for hour in (6.5, 7, 10, 15, 20)),
    _Habit(100, (7, 7.5), [(n, 0.5, 1600, 2) for n in range(0, 900, 5)]),  # the tap keeps warm
    _Habit(100, (17.4, 18.4), _PANS, (6, 1500)),
    _Habit(30, (17, 18), [(0, 40, 1950, 2)]),  # the oven
    _Habit(100, (17, 20), [(0, 200, 210, 0)]),  # lamps
    _Habit(100, (19, 19.5), [(0, 210, 105, 1)]),  # a screen
    _Habit(50, (9, 14), [(5, 22, 2050, 2), (27, 53, 170, 2), (80, 7, 520, 2)], (50, 1000)),
    _Habit(75, (19.5, 21.5), [(4, 15, 1850, 0), (19, 60, 60, 0), (79, 12, 1850, 0)], (12, 1000)),
    *(_Habit(80, (hour, hour + 1), (), (8, 8500), (8, 38_000)) for hour in (6.9, 7.4, 22)),
    *(_Habit(80, (hour, hour + 1), (), (1, 6000)) for hour in range(7, 22)),
)


class _Plan:
    """A day in the making: all that is used is laid over one another, then summed."""

    def __init__(self, house: Household, day: date) -> None:
        self._house = house
        self._day = day
        self._begin = midnight(day)
        self._minutes = hours(day) * 60
        self._steps = self._minutes * 60 // house.grain
        self._phases = [[0] * self._steps for _ in range(PHASES)]
        self._gas = [0] * self._minutes
        self._water = [0] * self._minutes

    def done(self) -> Day:
        self._always_on()
        for number, habit in enumerate(_HABITS):
            self._follow(habit, self._dice(number))
        self._heating()
        self._sun()
        grain = self._house.grain
        net = list(map(sum, zip(*self._phases, strict=True)))
        return Day(
            date=self._day,
            begin=self._begin,
            grain=grain,
            phases=tuple(self._phases),
            imported=list(accumulate((max(0, w) * grain for w in net), initial=0)),
            exported=list(accumulate((max(0, -w) * grain for w in net), initial=0)),
            gas=list(accumulate(self._gas, initial=0)),
            water=list(accumulate(self._water, initial=0)),
        )

    def _dice(self, what: object) -> random.Random:
        return random.Random(f"{self._house.seed}/{what}/{self._day}")  # noqa: S311 - no secret

    def _run(self, start: float, minutes: float, watts: int, phase: int) -> None:
        grain, values = self._house.grain, self._phases[phase]
        first, last = int(start * 60) // grain, int((start + minutes) * 60) // grain
        for step in range(first, min(self._steps, last)):
            values[step] += watts

    def _flow(self, sums: list[int], start: float, minutes: int, millilitres: int) -> None:
        for minute in range(int(start), min(self._minutes, int(start) + minutes)):
            sums[minute] += millilitres

    def _always_on(self) -> None:
        dice = self._dice("base")
        for phase, least in enumerate((60, 35, 60)):
            busy, watts = 0, []
            for _ in range(self._steps):
                if dice.random() < self._house.grain / 45:
                    busy = dice.randrange(50)
                watts.append(least + busy + int(6 * dice.random()))
            self._phases[phase] = watts

    def _follow(self, habit: _Habit, dice: random.Random) -> None:
        if dice.randrange(100) >= habit.days:
            return
        after = timedelta(hours=dice.uniform(*habit.hours))
        # The clock on the wall counts, on the days too on which it changes.
        late = datetime.combine(self._day, time()) + after - local(self._begin + after)
        start = (after + late) / timedelta(minutes=1)
        for begin, minutes, watts, phase in habit.runs:
            self._run(start + begin, minutes, watts + dice.randrange(-9, 10), phase)
        self._flow(self._water, start, *habit.water)
        self._flow(self._gas, start, *habit.gas)

    def _heating(self) -> None:
        """The heat pump carries the house; below 3 °C the boiler helps in the mornings."""
        dice = self._dice("heating")
        for minute in range(0, self._minutes, 15):
            when = self._begin + timedelta(minutes=minute)
            outdoors, hour = self._house.weather.temperature(when), local(when).hour
            wanted = 19.5 if 6 <= hour < 22 else 17.0  # noqa: PLR2004 - the thermostat's day
            missing = max(0.0, wanted - 4 - outdoors)
            watts, least = int(130 * missing / min(5.0, max(2.2, 3.0 + 0.08 * outdoors))), 450
            # Below its least power it runs a part of the quarter of an hour.
            power = min(max(watts, least), 2400) + dice.randrange(-15, 16)
            for phase in range(PHASES):
                self._run(minute, min(15, 15 * watts / least), power // PHASES, phase)
            if outdoors < 3 and 6 <= hour < 9:  # noqa: PLR2004 - see above
                self._flow(self._gas, minute, 15, int(2500 * (3 - outdoors)))

    def _sun(self) -> None:
        """The inverter is on the third phase."""
        weather, peak = self._house.weather, self._house.solar_peak_w
        values, span = self._phases[2], SUN_MINUTES * 60 // self._house.grain
        moments = range(0, self._minutes + 1, SUN_MINUTES)
        yields = [peak * weather.sunshine(self._begin + timedelta(minutes=n)) for n in moments]
        for part, (now, then) in enumerate(pairwise(yields)):
            if now or then:
                for step in range(span):
                    values[part * span + step] -= int(now + (then - now) * step / span)
