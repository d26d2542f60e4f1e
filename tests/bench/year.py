"""A year of a Belgian household, a telegram every ten seconds, as lines of line protocol.

Simulator, telegram, parser and points take 1.2 ms of CPU a telegram, an hour for a year. So the
lines of the second and every later telegram of a day are written straight from the simulator's
day, in 25 µs each. The first of each day, and two drawn from it, come by the collector's own path,
and the short one must have written the same.
"""

import gzip
import random
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Final
from zlib import crc32

from bed.kinds import numbered
from collector.p1.framing import Framer
from collector.p1.telegram import parse
from collector.points import Points
from collector.service.status import collector_line
from collector.simulate.house import Day, Household
from collector.simulate.likeness import Likeness
from collector.simulate.localtime import local, midnight
from collector.simulate.meter import Build, Counters, Meter

SITE: Final = "gent"
SERIAL: Final = "E0000000000000081"
NOW: Final = datetime(2026, 10, 5, 18, 0, tzinfo=UTC)
FIRST: Final = date(2025, 10, 5)
STEP: Final = 10
QUARTER: Final = 900
DEVICES: Final = 300
SAMPLES: Final = 2
SEED: Final = 8
OWN_DAYS: Final = 30
"""For so many days the collector's own state is there as well."""

_ONE_DAY: Final = timedelta(days=1)
_TAGS: Final = f"site={SITE},meter={SERIAL}"


class UnfaithfulError(Exception):
    """The short path wrote another line than the collector."""


def days() -> list[date]:
    return [FIRST + _ONE_DAY * n for n in range((local(NOW).date() - FIRST).days + 1)]


@cache
def _house() -> Household:
    return Household(SEED, grain=STEP, solar_peak_w=2000)


@cache
def _meter() -> Meter:
    return Meter(_house(), midnight(FIRST), Build(low_tariff=2))


@cache
def _printer() -> Likeness:
    return numbered("belgium", SERIAL)


def body(day: date) -> tuple[int, bytes]:
    """Give how many telegrams a day has until `NOW`, and all its lines, gzipped."""
    lines = list(_telegrams(_house().day(day)))
    by_hand = {line.rpartition(" ")[2]: line for line in lines if line.startswith("electricity")}
    own: list[str] = []
    dice = random.Random(f"{SEED}/{day}")  # noqa: S311  a household, no secret
    begin = midnight(day)
    points, framer = Points(site=SITE), Framer()
    for step in [0, *sorted(dice.sample(range(1, len(by_hand)), SAMPLES))]:
        (frame,) = framer.feed(
            _printer().telegram(_meter().at(begin + timedelta(seconds=STEP * step)))
        )
        telegram = parse(frame)
        assert telegram.time is not None
        made = points.lines(telegram, telegram.time) or []
        own += made if step == 0 else []
        if made[0] != by_hand[made[0].rpartition(" ")[2]]:
            raise UnfaithfulError(f"{made[0]}{by_hand[made[0].rpartition(' ')[2]]}")
    text = "".join([*own, *lines, *_collector(day)])
    return len(by_hand), gzip.compress(text.encode(), 1)


def _telegrams(day: Day) -> Iterator[str]:
    """Every telegram's lines, without what is written only when it is new."""
    begin = int(day.begin.timestamp())
    count = min(len(day.phases[0]), (int(NOW.timestamp()) - begin) // STEP)
    base = _meter().counters(day.begin)
    low, out_low, normal, out_normal = (
        base.import_low,
        base.export_low,
        base.import_normal,
        base.export_normal,
    )
    peak, quarter = _peak_before(day.date), 0
    cheap = _cheap(day)
    imported, exported = day.imported, day.exported
    for n in range(count):
        second = begin + STEP * n
        if n and second % QUARTER == 0:
            peak = max(peak, (imported[n] - imported[quarter]) // QUARTER)
            quarter = n
        t1, t2, x1, x2 = normal // 3600, low // 3600, out_normal // 3600, out_low // 3600
        energy = (
            f"energy_import_t1_kwh={_milli(t1)},energy_import_t2_kwh={_milli(t2)},"
            f"energy_export_t1_kwh={_milli(x1)},energy_export_t2_kwh={_milli(x2)}"
        )
        sums = f"energy_import_kwh={_milli(t1 + t2)},energy_export_kwh={_milli(x1 + x2)}"
        is_low = cheap[n * STEP // 3600]
        demand = (imported[n] - imported[quarter]) // QUARTER
        yield (
            f"electricity,{_TAGS} {energy},tariff={2 if is_low else 1}i,"
            f"demand_kw={_milli(demand)},demand_month_peak_kw={_milli(peak)},"
            f"{_powers([phase[n] for phase in day.phases], second)},"
            f"switch=1i,limiter_kw=999.9,fuse_l1_a=999,{sums} {second}\n"
        )
        if second % QUARTER == 0:
            yield f"readings,{_TAGS} {energy},{sums} {second}\n"
        if second % DEVICES == 0:
            yield from _devices(base, day, second - begin, second)
        taken, given = imported[n + 1] - imported[n], exported[n + 1] - exported[n]
        if is_low:
            low, out_low = low + taken, out_low + given
        else:
            normal, out_normal = normal + taken, out_normal + given


def _peak_before(day: date) -> int:
    """The highest quarter hour of the month's days that are over, in W."""
    first = max(day.replace(day=1), FIRST)
    before = [_meter().peak_of(first + _ONE_DAY * n).watts for n in range((day - first).days)]
    return max(before, default=0)


def _cheap(day: Day) -> list[bool]:
    """Whether the low tariff is in force: each hour of the day as it passes."""
    clocks = [local(day.begin + timedelta(hours=n)) for n in range(25)]
    return [clock.weekday() >= 5 or not 7 <= clock.hour < 23 for clock in clocks]


def _powers(watts: list[int], second: int) -> str:
    taken = ",".join(
        f"power_import_l{n}_kw={_milli(max(0, each))}" for n, each in enumerate(watts, start=1)
    )
    given = ",".join(
        f"power_export_l{n}_kw={_milli(max(0, -each))}" for n, each in enumerate(watts, start=1)
    )
    volts = [_street(phase, second // 300) - each // 90 for phase, each in enumerate(watts)]
    volts = [each + _noise(f"{SEED}/{phase}/{second}", 4) for phase, each in enumerate(volts)]
    voltage = ",".join(
        f"voltage_l{n}_v={each // 10}.{each % 10}" for n, each in enumerate(volts, start=1)
    )
    amperes = [abs(power) * 1000 // each for power, each in zip(watts, volts, strict=True)]
    current = ",".join(
        f"current_l{n}_a={each // 100}.{each % 100:02}" for n, each in enumerate(amperes, start=1)
    )
    net = sum(watts)
    return (
        f"power_import_kw={_milli(max(0, net))},power_export_kw={_milli(max(0, -net))},"
        f"{taken},{given},{voltage},{current}"
    )


@cache
def _street(phase: int, stretch: int) -> int:
    return 2315 + _noise(f"{SEED}/{phase}/{stretch}", 36)


def _noise(what: str, width: int) -> int:
    return crc32(what.encode()) % (2 * width + 1) - width


def _devices(base: Counters, day: Day, passed: int, second: int) -> Iterator[str]:
    gas, water = base.gas + day.gas[passed // 60], base.water + day.water[passed // 60]
    yield (
        f"gas,site={SITE},meter=G0000000000000001,channel=1"
        f" volume_m3={_milli(gas // 1000)},valve=1i {second}\n"
    )
    yield (
        f"water,site={SITE},meter=W0000000000000001,channel=2"
        f" volume_m3={_milli(water // 1000)} {second}\n"
    )


def _milli(number: int) -> str:
    return f"{number // 1000}.{number % 1000:03}"


_COUNTS: Final = (
    *("read", "delivered", "waiting", "repeated", "bad_checksums", "bad_lines"),
    *("rejected", "dropped", "damaged", "retries", "spool_bytes"),
)


def _collector(day: date) -> Iterator[str]:
    """What the collector says of itself once a minute."""
    begin = midnight(day)
    if begin < NOW - OWN_DAYS * _ONE_DAY:
        return
    for minute in range(min(1440, int((NOW - begin).total_seconds()) // 60)):
        counts: Mapping[str, int] = dict.fromkeys(_COUNTS, 0) | {
            "read": 6 * minute,
            "delivered": 6 * minute,
            "bad_checksums": minute // 400,
        }
        updated = int(begin.timestamp()) + 60 * minute
        yield collector_line(
            {"counts": counts, "lag_s": 3, "version": "1", "site": SITE, "updated": updated}
        )
