"""The people in the house and what they switch on: power, gas and water of each local day.

A `Household` is a pure function of its seed and the date: any day can be asked for in any order
and comes out the same. Within a day the power is constant over each `grain` seconds and whole
watts, so that energy is an exact integer: watts times seconds.
"""

import math
import random
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
        kind = dice.choice(("clear", "broken", "broken", "grey", "grey"))
        middle, spread = {"clear": (0.97, 0.03), "broken": (0.6, 0.35), "grey": (0.25, 0.12)}[kind]
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


class _Plan:
    """A day in the making: the appliances are laid over one another, then summed."""

    def __init__(self, house: Household, day: date) -> None:
        self._house = house
        self._day = day
        self._begin = midnight(day)
        self._minutes = hours(day) * 60
        self._steps = self._minutes * 60 // house.grain
        self._phases = [[0] * self._steps for _ in range(PHASES)]
        self._gas = [0] * self._minutes
        self._water = [0] * self._minutes
        self._weekend = day.weekday() >= 5  # noqa: PLR2004 - Saturday

    def done(self) -> Day:
        self._always_on()
        self._fridge()
        self._tap()
        self._kitchen()
        self._evening()
        self._machines()
        self._bathroom()
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

    def _dice(self, what: str) -> random.Random:
        return random.Random(f"{self._house.seed}/{what}/{self._day}")  # noqa: S311 - no secret

    def _hour(self, hour: float) -> int:
        """The second of this hour on the clock on the wall."""
        after = timedelta(hours=hour)
        plain = self._begin + after
        wall = datetime.combine(self._day, time()) + after
        return int((after + (wall - local(plain))).total_seconds())

    def _run(self, start: int, seconds: int, watts: int, phase: int) -> None:
        grain, values = self._house.grain, self._phases[phase]
        for step in range(max(0, start // grain), min(self._steps, (start + seconds) // grain)):
            values[step] += watts

    def _flow(self, sums: list[int], start: int, minutes: int, millilitres: int) -> None:
        for minute in range(max(0, start // 60), min(self._minutes, start // 60 + minutes)):
            sums[minute] += millilitres

    def _always_on(self) -> None:
        dice = self._dice("base")
        for phase, least in enumerate((60, 35, 20)):
            busy, watts = 0, []
            for _ in range(self._steps):
                if dice.random() < self._house.grain / 45:
                    busy = dice.randrange(50)
                watts.append(least + busy + int(6 * dice.random()))
            self._phases[phase] = watts

    def _tap(self) -> None:
        """A boiling-water tap, which heats up again after each cup and keeps warm at night."""
        dice, rise, rest = self._dice("tap"), self._hour(7.0), self._hour(23.0)
        second = dice.randrange(200)
        while second < self._minutes * 60:
            awake = rise <= second < rest
            self._run(second, dice.randrange(8, 20), 1600, 2)
            second += dice.randrange(110, 420) if awake else dice.randrange(600, 2000)

    def _fridge(self) -> None:
        dice = self._dice("fridge")
        second = -dice.randrange(1500)
        while second < self._minutes * 60:
            running = dice.randrange(1100, 1700)
            self._run(second, 10, 420, 1)  # the compressor's start
            self._run(second + 10, running, 78 + dice.randrange(8), 1)
            second += running + dice.randrange(1700, 2700)

    def _kitchen(self) -> None:
        dice = self._dice("kitchen")
        breakfast = 8.6 if self._weekend else 6.9
        for hour in (breakfast, breakfast + 0.4, 10.5, 15.6, 19.9, 21.1)[: dice.randrange(3, 7)]:
            start = self._hour(hour + dice.uniform(-0.3, 0.3))
            self._run(start, dice.randrange(120, 230), dice.randrange(1990, 2060), 0)
            self._flow(self._water, start - 60, 1, 1200)
        start = self._hour(dice.uniform(17.4, 18.4))
        for phase, watts in ((1, 1400), (2, 1800)):
            second = start + dice.randrange(300)
            while second < start + 2100:
                burst = dice.randrange(30, 150)
                self._run(second, burst, watts, phase)
                second += burst + dice.randrange(20, 90)
        if self._weekend:
            self._run(start - 900, 2400, 1950, 2)  # the oven
        self._flow(self._water, start, 6, 1500)

    def _evening(self) -> None:
        dice = self._dice("evening")
        rise, rest = self._hour(7.0), self._hour(dice.uniform(22.6, 23.6))
        dusk = self._hour(21.0 if self._day.month in range(4, 10) else 17.0)
        self._run(dusk, rest - dusk, 110, 0)  # lamps
        self._run(self._hour(19.5), rest - self._hour(19.5), 85 + dice.randrange(40), 1)  # screen
        self._run(rise, rest - rise, 45, 2)

    def _machines(self) -> None:
        dice = self._dice("machines")
        if dice.random() < (0.7 if self._weekend else 0.4):
            start = self._hour(dice.uniform(9, 14))
            for begin, seconds, watts in ((300, 1300, 2050), (1600, 3200, 170), (4800, 420, 520)):
                self._run(start + begin, seconds, watts, 2)
            self._flow(self._water, start, 50, 1000)
        if dice.random() < 0.75:  # noqa: PLR2004 - days with a full dishwasher
            start = self._hour(dice.uniform(19.5, 21.5))
            for begin, seconds, watts in ((240, 900, 1850), (1140, 3600, 60), (4740, 700, 1850)):
                self._run(start + begin, seconds, watts, 0)
            self._flow(self._water, start, 12, 1000)

    def _bathroom(self) -> None:
        dice = self._dice("bathroom")
        for hour in (7.2, 7.6, 22.2)[: dice.randrange(2, 4)]:
            start = self._hour(hour + (1.2 if self._weekend else 0) + dice.uniform(-0.2, 0.2))
            minutes = dice.randrange(5, 11)
            self._flow(self._water, start, minutes, 8500)
            self._flow(self._gas, start, minutes, 38_000)
        for _ in range(dice.randrange(9, 16)):
            hour = min(23.5, max(0, dice.gauss(14, 5)))
            self._flow(self._water, self._hour(hour), 1, 6000)

    def _heating(self) -> None:
        """The heat pump carries the house; below 3 °C the boiler helps in the mornings."""
        dice = self._dice("heating")
        for minute in range(0, self._minutes, 15):
            when = self._begin + timedelta(minutes=minute)
            outdoors = self._house.weather.temperature(when)
            wanted = 19.5 if 6 <= local(when).hour < 22 else 17.0  # noqa: PLR2004 - the thermostat's day
            missing = max(0.0, wanted - 4 - outdoors)
            self._pump(minute, missing, outdoors, dice)
            if outdoors < 3 and 6 <= local(when).hour < 9:  # noqa: PLR2004 - see above
                self._flow(self._gas, minute * 60, 15, int(2500 * (3 - outdoors)))

    def _pump(self, minute: int, missing: float, outdoors: float, dice: random.Random) -> None:
        watts, least = int(130 * missing / min(5.0, max(2.2, 3.0 + 0.08 * outdoors))), 450
        if watts <= 0:
            return
        # Below its least power it runs a part of the quarter of an hour.
        seconds = min(900, 900 * watts // least)
        power = min(max(watts, least), 2400) + dice.randrange(-15, 16)
        for phase in range(PHASES):
            self._run(minute * 60, seconds, power // PHASES, phase)

    def _sun(self) -> None:
        """The inverter is on the third phase."""
        if not self._house.solar_peak_w:
            return
        values, span = self._phases[2], SUN_MINUTES * 60 // self._house.grain
        moments = range(0, self._minutes + 1, SUN_MINUTES)
        shares = [
            self._house.weather.sunshine(self._begin + timedelta(minutes=n)) for n in moments
        ]
        yields = [self._house.solar_peak_w * share for share in shares]
        for part, (now, then) in enumerate(pairwise(yields)):
            if now or then:
                for step in range(span):
                    values[part * span + step] -= int(now + (then - now) * step / span)
