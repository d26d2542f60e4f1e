"""Telegrams that the meter's clock says there were, and that did not come."""

from collections import deque
from datetime import datetime
from heapq import nsmallest
from typing import Final

_LONGEST: Final = 3600.0
"""Seconds: more is a clock that was set, or a line that was away."""
_FEW: Final = 2


class Gaps:
    """Knows how often a meter sends by the shortest of the clock's last steps, but for one.

    A single one may be that of a clock that was set; another meter may be slower.
    """

    def __init__(self) -> None:
        self._last: datetime | None = None
        self._steps: deque[float] = deque(maxlen=60)
        self._pace = 0.0

    def missed(self, time: datetime | None) -> int:
        """Give how many are missing between the last telegram and this one."""
        last, self._last = self._last, time
        if last is None or time is None:
            return 0
        step = (time - last).total_seconds()
        if not 0 < step <= _LONGEST:
            return 0
        self._steps.append(step)
        if step == self._pace:
            return 0
        shortest = nsmallest(2, self._steps)
        self._pace = shortest[len(self._steps) > _FEW]
        return max(0, int(step / self._pace) - 1)
