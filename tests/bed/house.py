"""A household of the simulator's in which something happens that a test chooses."""

from dataclasses import replace
from datetime import date, datetime
from itertools import accumulate

from collector.simulate.house import Day, Household


class Eventful(Household):
    """From `start` on, for so many seconds, `watts` more are used; without them, nothing is."""

    def __init__(
        self,
        start: datetime,
        seconds: int,
        watts: int | None = None,
        *,
        seed: int = 1,
        grain: int = 10,
        solar_peak_w: int = 3600,
    ) -> None:
        super().__init__(seed, grain=grain, solar_peak_w=solar_peak_w)
        self._event = start, seconds, watts

    def _planned(self, day: date) -> Day:
        plain, (start, seconds, watts) = super()._planned(day), self._event
        first = int((start - plain.begin).total_seconds()) // self.grain
        there = range(max(0, first), first + seconds // self.grain)
        first_phase, *others = (
            [0 if watts is None and n in there else w for n, w in enumerate(phase)]
            for phase in plain.phases
        )
        more = [w + (watts or 0) * (n in there) for n, w in enumerate(first_phase)]
        net = list(map(sum, zip(more, *others, strict=True)))
        return replace(
            plain,
            phases=(more, *others),
            imported=list(accumulate((max(0, w) * self.grain for w in net), initial=0)),
            exported=list(accumulate((max(0, -w) * self.grain for w in net), initial=0)),
        )
