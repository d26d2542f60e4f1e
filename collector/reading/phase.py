"""When to ask a gateway that gives its last telegram to whoever asks: just after each new one.

The meter sends at its own pace, which nobody tells. So each ask moves a little forward, until one
comes too early: that one is repeated in half a second, and the next ones come a little later. Two
clocks that drift, and telegrams that jitter, are followed by that. A meter that sends each ten
seconds is asked as seldom, once a few telegrams have come at that pace.
"""

from collections import deque
from statistics import median
from typing import Final

SHORTEST_SECONDS: Final = 0.5
"""Between two asks, whatever comes of them."""
SECOND: Final = 1.0
_EARLIER: Final = 0.02
_LATER: Final = 0.1
_ALIKE: Final = 0.75
_DOUBT: Final = 30
"""After so many telegrams the pace is found out anew: the meter may send more often now."""


class Phase:
    """Learns from each answer; all times are on the monotonic clock."""

    def __init__(self) -> None:
        self._due: float | None = None
        self._asks = 0
        self._news_at: float | None = None
        self._paces: deque[float] = deque(maxlen=4)
        self._telegrams = 0

    def next(self, asked: float, *, news: bool) -> float:
        """Say when to ask again after an ask that brought a new telegram, or the old one."""
        self._asks += 1
        if not news:
            return asked + SHORTEST_SECONDS
        self._learn(asked)
        self._due = self._moved(asked) + self._pace
        self._asks = 0
        return max(self._due, asked + SHORTEST_SECONDS)

    def _moved(self, asked: float) -> float:
        """Say when the ask for this telegram should have been."""
        if self._due is None or self._asks > 2:  # noqa: PLR2004  it was not near at all
            return asked - SHORTEST_SECONDS / 2
        return asked - _EARLIER if self._asks == 1 else self._due + _LATER

    def _learn(self, asked: float) -> None:
        if self._news_at is not None:
            self._paces.append(asked - self._news_at)
        self._news_at = asked
        self._telegrams += 1

    @property
    def _pace(self) -> float:
        """Give the seconds between two telegrams, as far as they are sure."""
        if len(self._paces) < 4 or self._telegrams % _DOUBT == 0:  # noqa: PLR2004
            return SECOND
        usual = median(self._paces)
        alike = all(abs(pace - usual) < _ALIKE for pace in self._paces)
        return max(SECOND, round(usual)) if alike else SECOND
