"""Four households whose dashboards are drawn: what their meters said, up to one frozen moment.

`utrecht` and `gent` are those of the dashboards' tests. `almere` has no sun and a bigger family;
`meppel` has a meter of DSMR 4 with one phase, and has had the collector since this afternoon.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from bed.kinds import numbered
from collector.p1.framing import Framer
from collector.p1.telegram import parse
from collector.points import Points
from collector.simulate.house import Household
from collector.simulate.localtime import midnight
from collector.simulate.meter import Meter
from dashboards.expected import TODAY
from dashboards.homes import BEGIN, FINE_FROM, NOW, QUARTER

ALMERE_FROM: Final = midnight(TODAY - timedelta(days=45))
MEPPEL_FROM: Final = NOW - timedelta(hours=5, minutes=21)
_ALONE: Final[Mapping[str, tuple[Household, str, datetime]]] = {
    "almere": (Household(11, grain=60, solar_peak_w=0), "dsmr5", ALMERE_FROM),
    "meppel": (Household(14, grain=60, solar_peak_w=2500), "dsmr4", MEPPEL_FROM),
}
ALONE: Final = tuple(_ALONE)


def lines(site: str) -> Iterator[str]:
    """Give what a collector would have written at a site that only the pictures have."""
    house, kind, begin = _ALONE[site]
    meter, printer = Meter(house, BEGIN), numbered(kind, f"E00000000000000{house.seed}")
    points, framer = Points(site=site), Framer()
    for time in _times(begin):
        for frame in framer.feed(printer.telegram(meter.at(time))):
            telegram = parse(frame)
            assert telegram.time is not None
            yield from points.lines(telegram, telegram.time) or ()


def _times(begin: datetime) -> Iterator[datetime]:
    time = begin
    while time < NOW:
        yield time
        fine = time >= FINE_FROM
        time += timedelta(seconds=10) if fine else QUARTER - (time - BEGIN) % QUARTER
