"""The meter on the wall: what it has counted at any instant.

Counters are integers of watt-seconds and millilitres inside, Wh and dm³ outside (rounded down, as
a counter does), so what is counted in the days adds up exactly to that of the months and years.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final, Literal
from zlib import crc32

from collector.simulate.house import Day, Household
from collector.simulate.localtime import local, midnight

Value = Decimal | int

QUARTER: Final = 900
_ONE_DAY: Final = timedelta(days=1)


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
class MonthPeak:
    """The highest quarter of an hour of the month that ended at `month_end`."""

    month_end: datetime
    peak: Peak


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything the meter knows at one instant, with all the decimals that it has.

    `electricity` has the names and units of the field table; `gas` and `water`, in m³, are those
    of the instant `read`.
    """

    time: datetime
    electricity: Mapping[str, Value]
    read: datetime
    gas: Decimal
    water: Decimal
    month_peak: Peak
    month_peaks: Sequence[MonthPeak]


@dataclass(frozen=True, slots=True)
class Build:
    """What a meter is made for.

    Attributes:
        phases: 3, or 1: then everything in the house is on it.
        low_tariff: Which of the two tariffs is nights and weekends: 1 in the Netherlands, 2 in
            Belgium.
        device_minutes: How often the gas meter is read: 5 (DSMR 5), or 60 (DSMR 4).
    """

    phases: Literal[1, 3] = 3
    low_tariff: Literal[1, 2] = 1
    device_minutes: int = 5


class Meter:
    """A meter of a household, counting since it was installed (UTC).

    Args:
        house: What it measures.
        installed: The instant at which `start` was on the counters.
        build: What it is made for.
        start: The counters at `installed`; `counters_on` that day by default.
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
        self._dice = random.Random(f"{house.seed}/meter")  # noqa: S311 - a household, no secret
        self._begun = local(installed).date()
        self._midnights = [start or counters_on(self._begun)]  # at the begin of each day
        self._old_peaks = self._earlier_peaks()
        self._day_peaks: dict[date, Peak] = {}
        self._finished_months: dict[date, Peak] = {}
        self._month_so_far: tuple[date | None, Peak] = None, Peak(installed, 0)

    def at(self, when: datetime) -> Reading:
        """What the meter shows at this instant (UTC); ValueError before it was installed."""
        when = when.astimezone(UTC)
        day = self._house.day(local(when).date())
        seconds = int((when - datetime(2000, 1, 1, tzinfo=UTC)).total_seconds())
        late = timedelta(
            seconds=seconds % (60 * self._build.device_minutes), microseconds=when.microsecond
        )
        counters = self.counters(max(when - late, self._installed))
        return Reading(
            time=when,
            electricity=self._electricity(day, when),
            read=when - late,
            gas=_thousandths(counters.gas // 1000),
            water=_thousandths(counters.water // 1000),
            month_peak=self._month_peak(when),
            month_peaks=self._months_before(when),
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

    def peak_of(self, day: date) -> Peak:
        """The highest finished quarter of an hour of a local day."""
        return self._day_peak(day, midnight(day + _ONE_DAY))

    def _counted(self, day: Day, until: datetime) -> Counters:
        """What is counted from the begin of a day, or the installation on that day."""
        begin, end = max(day.begin, self._installed), until
        low = normal = 0
        out_low = out_normal = 0
        for start, stop, is_low in _tariff_hours(day):
            a, b = max(start, begin), min(stop, end)
            if a >= b:
                continue
            taken = _sum_at(day, day.imported, b) - _sum_at(day, day.imported, a)
            given = _sum_at(day, day.exported, b) - _sum_at(day, day.exported, a)
            if is_low:
                low, out_low = low + taken, out_low + given
            else:
                normal, out_normal = normal + taken, out_normal + given
        first, last = (int((t - day.begin).total_seconds()) // 60 for t in (begin, end))
        return Counters(
            low,
            normal,
            out_low,
            out_normal,
            day.gas[last] - day.gas[first],
            day.water[last] - day.water[first],
        )

    def _electricity(self, day: Day, when: datetime) -> dict[str, Value]:
        counters = self.counters(when)
        tariffs = [
            (counters.import_low, counters.export_low),
            (counters.import_normal, counters.export_normal),
        ]
        if self._build.low_tariff == 2:  # noqa: PLR2004 - Belgium
            tariffs.reverse()
        values: dict[str, Value] = {
            "energy_import_kwh": _thousandths(tariffs[0][0] // 3600 + tariffs[1][0] // 3600),
            "energy_export_kwh": _thousandths(tariffs[0][1] // 3600 + tariffs[1][1] // 3600),
            "tariff": self._build.low_tariff
            if _is_low(local(when))
            else 3 - self._build.low_tariff,
            "demand_kw": _thousandths(self._quarter_so_far(day, when) // QUARTER),
            "demand_month_peak_kw": _thousandths(self._month_peak(when).watts),
        }
        for number, (taken, given) in enumerate(tariffs, start=1):
            values[f"energy_import_t{number}_kwh"] = _thousandths(taken // 3600)
            values[f"energy_export_t{number}_kwh"] = _thousandths(given // 3600)
        return values | self._powers(day, when)

    def _powers(self, day: Day, when: datetime) -> dict[str, Value]:
        step = min(int((when - day.begin).total_seconds()) // day.grain, len(day.phases[0]) - 1)
        watts = [phase[step] for phase in day.phases]
        if self._build.phases == 1:
            watts = [sum(watts)]
        values = _directions("", sum(watts))
        for phase in range(self._build.phases):
            volts = self._decivolts(when, phase, watts[phase])
            values |= _directions(f"_l{phase + 1}", watts[phase])
            values[f"voltage_l{phase + 1}_v"] = Decimal(volts).scaleb(-1)
            values[f"current_l{phase + 1}_a"] = Decimal(abs(watts[phase]) * 1000 // volts).scaleb(
                -2
            )
        return values

    def _decivolts(self, when: datetime, phase: int, watts: int) -> int:
        """The street's voltage, and what the house's own load takes off it."""
        second = int(when.timestamp())
        street = _noise(f"{self._house.seed}/{phase}/{second // 300}", 36)
        return 2315 + street + _noise(f"{self._house.seed}/{phase}/{second}", 4) - watts // 90

    def _quarter_so_far(self, day: Day, when: datetime) -> int:
        """What was imported since the quarter of the clock began, Ws."""
        seconds = int((when - day.begin).total_seconds())
        begin = max(day.begin + timedelta(seconds=seconds - seconds % QUARTER), self._installed)
        return _sum_at(day, day.imported, when) - _sum_at(day, day.imported, begin)

    def _month_peak(self, when: datetime) -> Peak:
        today = local(when).date()
        return max(self._before(today), self._day_peak(today, when), key=lambda p: p.watts)

    def _before(self, today: date) -> Peak:
        """The peak of this month's days that are over."""
        if self._month_so_far[0] != today:
            day = max(today.replace(day=1), self._begun)
            peak = Peak(max(midnight(day), self._installed), 0)
            while day < today:
                peak = max(peak, self.peak_of(day), key=lambda p: p.watts)
                day += _ONE_DAY
            self._month_so_far = today, peak
        return self._month_so_far[1]

    def _day_peak(self, day: date, until: datetime) -> Peak:
        if day in self._day_peaks:
            return self._day_peaks[day]
        hours = self._house.day(day)
        peak = Peak(hours.begin, 0)
        for first in range(0, len(hours.imported) - 1, QUARTER // hours.grain):
            last = first + QUARTER // hours.grain
            end = hours.begin + timedelta(seconds=last * hours.grain)
            if end - timedelta(seconds=QUARTER) < self._installed or end > until:
                continue
            watts = (hours.imported[last] - hours.imported[first]) // QUARTER
            peak = max(peak, Peak(end, watts), key=lambda p: p.watts)
        if until >= hours.end:
            self._day_peaks[day] = peak
        return peak

    def _months_before(self, when: datetime) -> list[MonthPeak]:
        """The peaks of the finished months, oldest first, thirteen at most."""
        now, month = local(when).date().replace(day=1), self._begun.replace(day=1)
        peaks = list(self._old_peaks)
        while month < now:
            after = _next_month(month.year, month.month)
            peaks.append(MonthPeak(midnight(after), self._finished_month(month, after)))
            month = after
        return peaks[-13:]

    def _finished_month(self, month: date, after: date) -> Peak:
        """The peak of a month that is over, with its last quarter, which ends at midnight."""
        if month not in self._finished_months:
            first = max(month, self._begun)
            days = (first + _ONE_DAY * n for n in range((after - first).days))
            peak = max((self.peak_of(day) for day in days), key=lambda p: p.watts)
            self._finished_months[month] = peak
        return self._finished_months[month]

    def _earlier_peaks(self) -> list[MonthPeak]:
        """Thirteen months before the installation, made up: a meter of some years has them."""
        peaks: list[MonthPeak] = []
        end = self._begun.replace(day=1)
        for _ in range(13):
            begin = (end - _ONE_DAY).replace(day=1)
            day = begin.replace(day=self._dice.randrange(1, 29))
            moment = midnight(day) + timedelta(seconds=QUARTER * self._dice.randrange(64, 84))
            peaks.insert(
                0, MonthPeak(midnight(end), Peak(moment, self._dice.randrange(2300, 5400)))
            )
            end = begin
        return peaks


def counters_on(day: date) -> Counters:
    """What stands on a meter at the begin of a day if nobody says otherwise.

    It grows each day by more than the house ever uses in one, so a meter that is simulated again
    another day has not run backwards.
    """
    days = (day - date(2025, 1, 1)).days
    daily = (40_000, 35_000, 15_000, 25_000)  # Wh
    low, normal, low_out, normal_out = [
        max(0, 1_200_000 + days * watt_hours) * 3600 for watt_hours in daily
    ]
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


def _is_low(clock: datetime) -> bool:
    """Nights and weekends."""
    return clock.weekday() >= 5 or not 7 <= clock.hour < 23  # noqa: PLR2004 - Saturday; the contract's hours


def _tariff_hours(day: Day) -> list[tuple[datetime, datetime, bool]]:
    """The stretches of a day with one tariff, and whether it is the low one."""
    if day.date.weekday() >= 5:  # noqa: PLR2004 - Saturday; the clock changes only on Sundays
        return [(day.begin, day.end, True)]
    rise, rest = day.begin + timedelta(hours=7), day.begin + timedelta(hours=23)
    return [(day.begin, rise, True), (rise, rest, False), (rest, day.end, True)]


def _sum_at(day: Day, sums: list[int], when: datetime) -> int:
    step, rest = divmod(int((when - day.begin).total_seconds()), day.grain)
    if not rest:
        return sums[step]
    return sums[step] + (sums[step + 1] - sums[step]) // day.grain * rest


def _next_month(year: int, month: int) -> date:
    return date(year + month // 12, month % 12 + 1, 1)
