"""Telegrams that the meter's clock says there were, and that did not come."""

from datetime import datetime
from math import inf
from typing import Final

_LONGEST: Final = 3600.0
"""Seconds: more is a clock that was set, or a line that was away."""


class Gaps:
    """Knows how often a meter sends by the shortest step of its clock so far."""

    def __init__(self) -> None:
        self._last: datetime | None = None
        self._pace = inf

    def missed(self, time: datetime | None) -> int:
        """Give how many are missing between the last telegram and this one."""
        last, self._last = self._last, time
        if last is None or time is None:
            return 0
        step = (time - last).total_seconds()
        if not 0 < step <= _LONGEST:
            return 0
        self._pace = min(self._pace, step)
        return int(step / self._pace) - 1
