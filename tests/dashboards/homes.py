"""Two households and what their meters say in 400 days: the telegrams, and the books beside them.

`UTRECHT` is Dutch: sun, gas, a power failure, a meter that is replaced, an afternoon without a
reading. `GENT` is Belgian: quarter-hour peaks, water, and three days that arrive late. The days
have both changes of the clock. Each has contracts. Everything is a pure function of what stands
here.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from bed.house import Eventful
from bed.kinds import numbered
from collector.costs.contracts import read
from collector.costs.prices import Market, Prices
from collector.p1.framing import Framer
from collector.p1.telegram import parse
from collector.points import Points
from collector.simulate.house import Household
from collector.simulate.likeness import Likeness
from collector.simulate.localtime import local, midnight
from collector.simulate.meter import Build, Counters, Meter

FIRST: Final = date(2025, 9, 1)
BEGIN: Final = midnight(FIRST)
NOW: Final = datetime(2026, 10, 5, 17, 59, 53, 217_000, tzinfo=UTC)  # 20:00 on a Monday, summer
"""No person looks at a whole quarter of the clock, so the tests do not either."""

FINE_FROM: Final = datetime(2026, 10, 5, 11, 45, tzinfo=UTC)  # from here on every ten seconds
QUARTER: Final = timedelta(minutes=15)
SECOND: Final = timedelta(seconds=1)
DAY: Final = timedelta(days=1)

GENT: Final = "E0000000000000081"
SWAP: Final = datetime(2026, 2, 11, 9, 7, tzinfo=UTC)
FAILURE: Final = datetime(2026, 1, 15, 17, 20, tzinfo=UTC)
FAILURE_SECONDS: Final = 47 * 60
FAILURE_END: Final = FAILURE + timedelta(seconds=FAILURE_SECONDS)
UNREAD: Final = (
    datetime(2026, 6, 3, 7, 10, tzinfo=UTC),
    datetime(2026, 6, 3, 13, 20, tzinfo=UTC),
)
LATE: Final = (
    datetime(2026, 5, 10, 6, 40, tzinfo=UTC),
    datetime(2026, 5, 13, 15, 25, tzinfo=UTC),
)


@dataclass(frozen=True, slots=True)
class Home:
    """A household: its meters one after the other, each with the instant it was taken away."""

    site: str
    printer: Callable[[datetime], Likeness]
    house: Household
    meters: Sequence[tuple[Meter, datetime]]
    unread: Sequence[tuple[datetime, datetime]] = ()
    late: tuple[datetime, datetime] | None = None

    def parts(self) -> list[list[bytes]]:
        """Give the telegrams in order, in pieces: before, during and after what came late."""
        pieces: list[list[bytes]] = [[], [], []]
        begin, end = self.late or (NOW, NOW)
        for time, telegram in self.telegrams():
            pieces[(time >= begin) + (time >= end)].append(telegram)
        return [piece for piece in pieces if piece]

    def telegrams(self) -> Iterator[tuple[datetime, bytes]]:
        start = BEGIN
        for meter, gone in self.meters:
            for time in _times(start, gone):
                if not any(begin <= time < end for begin, end in self.unread):
                    yield time, self.printer(time).telegram(meter.at(time))
            start = gone


def _times(start: datetime, gone: datetime) -> Iterator[datetime]:
    """Every quarter of the clock, more often at the end, and both ends of a meter."""
    time = start
    while time < gone:
        yield time
        if time >= FINE_FROM:
            time += timedelta(seconds=10)
        else:
            time += QUARTER - (time - BEGIN) % QUARTER
    if gone < NOW:
        yield gone - SECOND


def utrecht() -> Home:
    house = Eventful(FAILURE, FAILURE_SECONDS, seed=3, grain=60, solar_peak_w=3000)
    old = Meter(house, BEGIN)
    flow = old.counters(SWAP)
    start = Counters(gas=flow.gas, water=flow.water)
    new = Meter(house, SWAP, start=start)
    before = numbered("dsmr5", "E0000000000000031")
    behind = numbered("dsmr5", "E0000000000000031", [(FAILURE_END, FAILURE_SECONDS)])
    last = numbered("dsmr5", "E0000000000000032")

    def printer(time: datetime) -> Likeness:
        return last if time >= SWAP else behind if time >= FAILURE_END else before

    unread = [UNREAD, (FAILURE, FAILURE_END)]
    return Home("utrecht", printer, house, [(old, SWAP), (new, NOW)], unread)


def gent() -> Home:
    house = Household(8, grain=60, solar_peak_w=2000)
    meter, printer = Meter(house, BEGIN, Build(low_tariff=2)), numbered("belgium", GENT)
    return Home("gent", lambda _: printer, house, [(meter, NOW)], late=LATE)


HOMES: Final = {"utrecht": utrecht, "gent": gent}
CONTRACTS: Final = {
    "utrecht": """
[[electricity]]
from = 2025-07-01
kind = "two tariffs"
import_t1 = 0.1190
import_t2 = 0.1370
export_t1 = 0.0450
export_t2 = 0.0460
energy_tax = 0.1228
export_fee = 0.0200
standing = 0.2300
netting_until = 2026-12-31
year = "11-12"

[[electricity]]
from = 2025-11-12
kind = "flat"
vat = 21
import = 0.1000
export = 0.0500
energy_tax = 0.1015
standing_year = 90.00
netting_until = 2026-08-31

[[electricity]]
from = 2026-02-01
kind = "dynamic"
vat = 21
markup = 0.0150
export_markup = -0.0040
energy_tax = 0.0916
export_fee = 0.0100
standing = 0.2000
netting_until = 2026-08-31
year = "11-12"

[[gas]]
from = 2025-07-01
price = 1.29
standing = 0.21

[[gas]]
from = 2026-01-01
price = 1.35
standing = 0.24
""",
    "gent": """
[[electricity]]
from = 2025-07-01
kind = "two tariffs"
import_t1 = 0.1690
import_t2 = 0.1370
export_t1 = 0.0350
export_t2 = 0.0360
energy_tax = 0.0503
standing_year = 65.00
capacity = 50.00
netting_until = 2026-12-31

[[electricity]]
from = 2026-01-01
kind = "two tariffs"
import_t1 = 0.1790
import_t2 = 0.1470
energy_tax = 0.0503
standing_year = 65.00
capacity = 53.00
netting_until = 2026-12-31
year = "07-01"

[[water]]
from = 2025-07-01
price = 5.50
""",
}


HOURS: Final = (
    *(68, 62, 59, 57, 60, 75, 110, 140, 128, 90, 50, 15),
    *(-15, -40, -50, -20, 25, 80, 150, 205, 190, 140, 105, 80),
)
"""€/MWh, by the hours of UTC."""


def market() -> Market:
    """Give an invented price of each quarter hour, some below nought; the last are of tomorrow.

    Cheap at noon and dear in the evening, as with much sun.
    """
    begin, end = int(BEGIN.timestamp()), int((midnight(local(NOW).date()) + 2 * DAY).timestamp())
    return {t: Decimal(HOURS[t // 3600 % 24] + t // 900 * 37 % 41) for t in range(begin, end, 900)}


def prices(site: str, directory: Path) -> Prices:
    return Prices(site, read(directory / "contracts.toml"), 1, market())


def price_lines(site: str, directory: Path) -> list[str]:
    """Give all that `prices --from` would write, for the service has no market."""
    made = prices(site, directory)
    known, now = int(max(made.market)) + 900, int(NOW.timestamp())
    return made.lines(int(BEGIN.timestamp()), known if made.zone(now) else now + 900)


def write(site: str, directory: Path) -> int:
    """Write a home's telegrams as `part-N.txt`, and `lines.lp` as another tool would load them.

    Gives the number of parts.
    """
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "contracts.toml").write_text(CONTRACTS[site])
    parts = HOMES[site]().parts()
    points, framer = Points(site=site), Framer()
    with (directory / "lines.lp").open("w") as lines:
        for number, part in enumerate(parts):
            (directory / f"part-{number}.txt").write_bytes(b"".join(part))
            for frame in (frame for data in part for frame in framer.feed(data)):
                telegram = parse(frame)
                assert telegram.time is not None
                lines.writelines(points.lines(telegram, telegram.time) or ())
        lines.writelines(price_lines(site, directory))
    (directory / "books.json").write_text(json.dumps(_books(site)))
    return len(parts)


def _books(site: str) -> dict[str, Any]:
    """What the meters had truly counted, whatever was read, and the peaks of the months."""
    home = HOMES[site]()
    registers, start = [], BEGIN
    for meter, gone in home.meters:
        last = gone - SECOND if gone < NOW else gone
        marks = [start, *_quarters(start, last), last]
        registers.append([[int(t.timestamp()), *_registers(meter.counters(t))] for t in marks])
        start = gone
    return {"registers": registers, "peaks": _peaks(home)}


def _quarters(start: datetime, last: datetime) -> Iterator[datetime]:
    time = start + QUARTER - (start - BEGIN) % QUARTER
    while time < last:
        yield time
        time += QUARTER


def _registers(counters: Counters) -> list[int]:
    """Wh and dm³, rounded down as on the meter."""
    energy = (
        counters.import_low,
        counters.import_normal,
        counters.export_low,
        counters.export_normal,
    )
    return [*(each // 3600 for each in energy), counters.gas // 1000, counters.water // 1000]


def _peaks(home: Home) -> dict[str, int]:
    """The highest quarter hour of each month that one meter saw whole, in W."""
    peaks: dict[str, int] = {}
    (meter, _), *_ = home.meters
    for n in range((local(home.meters[0][1]).date() - FIRST).days):
        day = FIRST + timedelta(days=n)
        month = day.strftime("%Y-%m")
        peaks[month] = max(peaks.get(month, 0), meter.peak_of(day).watts)
    return peaks
