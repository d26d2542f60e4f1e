"""The meter on the wall: what it has counted at any instant.

Counters are integers of watt-seconds and millilitres inside, Wh and dm³ outside (rounded down, as
a counter does), so what is counted in the days adds up exactly to that of the months and years.
"""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from operator import attrgetter
from typing import Final, Literal
from zlib import crc32

from collector.simulate.house import Day, Household
from collector.simulate.localtime import local, midnight

Value = Decimal | int

QUARTER: Final = 900
_ONE_DAY: Final = timedelta(days=1)
_WATTS: Final = attrgetter("watts")


@dataclass(frozen=True, slots=True)
class Counters:
    """Everything the meter adds up: Ws for energy, ml for gas and water."""

    import_low: int = 0
    import_normal: int = 0
    export_low: int = 0
    export_normal: int = 0
    gas: int = 0
    water: int = 0

    def __add__(self, other: "Counters") -> "Counters":
        return Counters(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class Peak:
    """A quarter of an hour of high import: when it ended and its mean power."""

    time: datetime
    watts: int


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything the meter knows at one instant, with all the decimals that it has.

    `electricity` has the names and units of the field table; `gas` and `water`, in m³, are those
    of the instant `read`; `month_peaks` are those of past months, by the ends of these.
    """

    time: datetime
    electricity: Mapping[str, Value]
    read: datetime
    gas: Decimal
    water: Decimal
    month_peak: Peak
    month_peaks: dict[datetime, Peak]


@dataclass(frozen=True, slots=True)
class Build:
    """What a meter is made for."""

    phases: Literal[1, 3] = 3  # on one, everything in the house is on it
    low_tariff: Literal[1, 2] = 1  # nights and weekends: 1 in the Netherlands, 2 in Belgium
    device_minutes: int = 5  # between two readings of gas: 5 (DSMR 5), or 60 (DSMR 4)


class Meter:
    """A meter of a household, counting since it was installed (UTC).

    `start` is what was on the counters at the instant `installed`; by default `counters_on` that
    day.
    """

    def __init__(
        self,
        house: Household,
        installed: datetime,
        build: Build | None = None,
        start: Counters | None = None,
    ) -> None:
        self._house = house
        self._installed = installed
        self._build = build or Build()
        self._begun = local(installed).date()
        self._midnights = [start or counters_on(self._begun)]  # at the begin of each day
        self.peak_of = cache(self._peak_of)
        self._highest = cache(self._highest_of)
        self._past = cache(self._months_before)

    def at(self, when: datetime) -> Reading:
        """What the meter shows at this instant (UTC); ValueError before it was installed."""
        when = when.astimezone(UTC)
        seconds = int((when - datetime(2000, 1, 1, tzinfo=UTC)).total_seconds())
        late = timedelta(
            seconds=seconds % (60 * self._build.device_minutes), microseconds=when.microsecond
        )
        counters = self.counters(max(when - late, self._installed))
        peak = self._month_peak(when)
        return Reading(
            time=when,
            electricity=self._electricity(when, peak),
            read=when - late,
            gas=_thousandths(counters.gas // 1000),
            water=_thousandths(counters.water // 1000),
            month_peak=peak,
            month_peaks=self._past(local(when).date().replace(day=1)),
        )

    def counters(self, when: datetime) -> Counters:
        """The exact counters at this instant (UTC); ValueError before the meter was installed."""
        if when < self._installed:
            message = f"the meter was installed at {self._installed}, after {when}"
            raise ValueError(message)
        today = local(when).date()
        index = (today - self._begun).days
        while len(self._midnights) <= index:
            past = self._house.day(self._begun + _ONE_DAY * (len(self._midnights) - 1))
            self._midnights.append(self._midnights[-1] + self._counted(past, past.end))
        return self._midnights[index] + self._counted(self._house.day(today), when)

    def _counted(self, day: Day, until: datetime) -> Counters:
        """What is counted from the begin of a day, or the installation on that day."""
        begin = max(day.begin, self._installed)
        counted: Counter[str] = Counter()
        for start, stop, tariff in _tariff_hours(day):
            first, last = max(start, begin), min(stop, until)
            if first < last:
                for way, sums in (("import", day.imported), ("export", day.exported)):
                    counted[f"{way}_{tariff}"] += day.between(sums, first, last)
        minutes = [int((t - day.begin).total_seconds()) // 60 for t in (begin, until)]
        gas, water = ([sums[minute] for minute in minutes] for sums in (day.gas, day.water))
        return Counters(**counted, gas=gas[1] - gas[0], water=water[1] - water[0])

    def _electricity(self, when: datetime, peak: Peak) -> dict[str, Value]:
        counters, day = self.counters(when), self._house.day(local(when).date())
        low, clock = self._build.low_tariff, local(when)
        # Nights and weekends.
        is_low = clock.weekday() >= 5 or not 7 <= clock.hour < 23  # noqa: PLR2004 - Saturday; the contract's hours
        quarter = timedelta(seconds=(when - day.begin).total_seconds() // QUARTER * QUARTER)
        quarter_began = max(day.begin + quarter, self._installed)
        values: dict[str, Value] = {
            "tariff": low if is_low else 3 - low,
            "demand_kw": _thousandths(day.between(day.imported, quarter_began, when) // QUARTER),
            "demand_month_peak_kw": _thousandths(peak.watts),
        }
        for way in ("import", "export"):
            parts = [getattr(counters, f"{way}_{name}") // 3600 for name in ("low", "normal")]
            values[f"energy_{way}_kwh"] = _thousandths(sum(parts))
            for number, part in zip((low, 3 - low), parts, strict=True):
                values[f"energy_{way}_t{number}_kwh"] = _thousandths(part)
        return values | self._powers(day, when)

    def _powers(self, day: Day, when: datetime) -> dict[str, Value]:
        step = min(int((when - day.begin).total_seconds()) // day.grain, len(day.phases[0]) - 1)
        watts = [phase[step] for phase in day.phases]
        if self._build.phases == 1:
            watts = [sum(watts)]
        values, second = _directions("", sum(watts)), int(when.timestamp())
        for phase, load in enumerate(watts):
            place = f"{self._house.seed}/{phase}"
            # Tenths of a volt: the street's, and what the house's own load takes off it.
            street = _noise(f"{place}/{second // 300}", 36)
            volts = 2315 + street + _noise(f"{place}/{second}", 4) - load // 90
            current = Decimal(abs(load) * 1000 // volts).scaleb(-2)
            values |= _directions(f"_l{phase + 1}", load)
            values[f"voltage_l{phase + 1}_v"] = Decimal(volts).scaleb(-1)
            values[f"current_l{phase + 1}_a"] = current
        return values

    def _month_peak(self, when: datetime) -> Peak:
        today = local(when).date()
        before = self._highest(today.replace(day=1), today)
        return max(before, self._peak_of(today, when), key=_WATTS)

    def _highest_of(self, first: date, end: date) -> Peak:
        """The peak of some days that are over, up to `end`."""
        first = max(first, self._begun)
        days = (first + _ONE_DAY * n for n in range((end - first).days))
        nothing = Peak(max(midnight(first), self._installed), 0)
        return max([nothing, *map(self.peak_of, days)], key=_WATTS)

    def _peak_of(self, day: date, until: datetime | None = None) -> Peak:
        """The highest finished quarter of an hour of a local day."""
        hours = self._house.day(day)
        peak, steps, quarter = Peak(hours.begin, 0), QUARTER // hours.grain, _ONE_DAY / 96
        for last in range(steps, len(hours.imported), steps):
            end = hours.begin + timedelta(seconds=last * hours.grain)
            if self._installed <= end - quarter and end <= (until or hours.end):
                watts = (hours.imported[last] - hours.imported[last - steps]) // QUARTER
                peak = max(peak, Peak(end, watts), key=_WATTS)
        return peak

    def _months_before(self, month: date) -> dict[datetime, Peak]:
        """The peaks of the last thirteen months, by their ends, oldest first.

        Those before the installation are made up: a meter of some years has them.
        """
        peaks, end = {}, month
        for _ in range(13):
            begin = (end - _ONE_DAY).replace(day=1)
            # With its last quarter, which ends at midnight.
            peaks[midnight(end)] = (
                self._highest(begin, end) if end > self._begun else self._made_up(begin)
            )
            end = begin
        return dict(reversed(peaks.items()))

    def _made_up(self, month: date) -> Peak:
        dice = random.Random(f"{self._house.seed}/{month}")  # noqa: S311 - a household, no secret
        evening = timedelta(days=dice.randrange(28), hours=dice.randrange(16, 21))
        return Peak(midnight(month) + evening, dice.randrange(2300, 5400))


def counters_on(day: date) -> Counters:
    """What stands on a meter at the begin of a day if nobody says otherwise.

    It grows each day by more than the house ever uses in one, so a meter that is simulated again
    another day has not run backwards.
    """
    days = (day - date(2025, 1, 1)).days
    low, normal, low_out, normal_out = (
        max(0, 1_200_000 + days * daily) * 3600 for daily in (40_000, 35_000, 15_000, 25_000)
    )
    gas, water = max(0, 300_000 + days * 5000), max(0, 50_000 + days * 500)
    return Counters(low, normal, low_out, normal_out, gas * 1000, water * 1000)


def _thousandths(number: int) -> Decimal:
    return Decimal(number).scaleb(-3)


def _directions(phase: str, watts: int) -> dict[str, Value]:
    return {
        f"power_import{phase}_kw": _thousandths(max(0, watts)),
        f"power_export{phase}_kw": _thousandths(max(0, -watts)),
    }


def _noise(what: str, width: int) -> int:
    return crc32(what.encode()) % (2 * width + 1) - width


def _tariff_hours(day: Day) -> list[tuple[datetime, datetime, str]]:
    """The stretches of a day with one tariff, and which."""
    if day.date.weekday() >= 5:  # noqa: PLR2004 - Saturday; the clock changes only on Sundays
        return [(day.begin, day.end, "low")]
    rise, rest = day.begin + timedelta(hours=7), day.begin + timedelta(hours=23)
    return [(day.begin, rise, "low"), (rise, rest, "normal"), (rest, day.end, "low")]
