"""The weather over the house: how cold it is and how much of the sun comes through.

A pure function of the seed and the instant, for 52° N 5° E. Days differ and hang together: each
day has a character of its own, and the hours pass smoothly from one to the next.
"""

import math
import random
from datetime import date, datetime, timedelta
from functools import lru_cache

_LATITUDE = math.radians(52)
_LONGITUDE_HOURS = 5 / 15
_CLOUD_MINUTES = 5


class Weather:
    """One place's weather; the same seed gives the same weather."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._clouds = lru_cache(maxsize=4)(self._clouds_of)

    def temperature(self, when: datetime) -> float:
        """Outdoors, °C."""
        day = when.date()
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=when.tzinfo)
        if when < noon:
            day, noon = day - timedelta(days=1), noon - timedelta(days=1)
        share = (when - noon) / timedelta(days=1)
        mean = (1 - share) * self._mean(day) + share * self._mean(day + timedelta(days=1))
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
        spells = sum(_noise(self._seed, f"spell{k}", day - timedelta(days=k)) for k in range(4))
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


def _noise(seed: int, what: str, day: date) -> float:
    return random.Random(f"{seed}/{what}/{day}").gauss(0, 1)  # noqa: S311 - weather, no secret


def _sun(when: datetime) -> float:
    """The sine of the sun's height; below zero at night."""
    tilt = math.radians(-23.44) * math.cos((when.timetuple().tm_yday + 10) / 365.25 * math.tau)
    hours = when.hour + when.minute / 60 + when.second / 3600 + _LONGITUDE_HOURS - 12
    turn = math.radians(15 * hours)
    return math.sin(_LATITUDE) * math.sin(tilt) + math.cos(_LATITUDE) * math.cos(tilt) * math.cos(
        turn
    )
