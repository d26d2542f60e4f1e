"""How much of a backlog is sent at once, and how soon after: what InfluxDB and the line can do.

How much: after a failure it begins small. Each request that is quick doubles the size, up to a
ceiling, and lets it grow slowly from there; one that takes long halves it, so that live readings
need not wait behind it. One that took too long sets the ceiling at half of what it was.

A plan's quota bounds both (`collector.delivery.quota`).

How soon: at once, until InfluxDB says or shows that it has too much to do. Each time it does, the
gap between two requests doubles; while it does not, their rate grows by so much a second. So who
gets through leaves room for who was refused, and who sends most is slowed down most often: after a
while all have the same. Live readings never wait for a gap.
"""

from collections.abc import Callable
from typing import Final

from collector.delivery.answer import Answer, Meaning, meaning, says_busy, was_too_slow
from collector.delivery.quota import Quota
from collector.spool.segment import MAX_LINES

LEAST_LINES: Final = 100
"""A request of so many lines is never too much for the line to InfluxDB."""
LONG_SECONDS: Final = 5.0
"""A request that takes longer keeps live readings waiting: they come in such steps."""
LEAST_GAP: Final = 1.0
MOST_GAP: Final = 60.0
FASTER: Final = 1 / 600
"""How much the rate grows: after ten minutes, a request a second and then no gap at all."""


class Pace:
    """What the sender keeps to with a backlog; all times are on the monotonic clock."""

    def __init__(self, *, draw: Callable[[], float], monotonic: Callable[[], float]) -> None:
        """Spread the gaps by `draw`, which is from 0 to 1."""
        self.most_lines = MAX_LINES
        self._ceiling = MAX_LINES
        self._draw = draw
        self._monotonic = monotonic
        self.quota = Quota(monotonic)
        self._rate: float | None = None  # requests a second when it was last busy
        self._busy_at = 0.0
        self._until = 0.0

    @property
    def pauses(self) -> bool:
        """Whether the backlog has to wait."""
        return self._monotonic() < self._until or self.quota.lines < LEAST_LINES

    @property
    def lines(self) -> int:
        """How many lines of the backlog may be sent at once."""
        return max(LEAST_LINES, min(self.most_lines, self.quota.lines))

    def passed(self, seconds: float) -> None:
        """Note a request of the backlog that was stored after so long."""
        if seconds > LONG_SECONDS:
            self.most_lines = self._ceiling = self._half()
        elif self.most_lines < self._ceiling:
            self.most_lines = min(2 * self.most_lines, self._ceiling)
        else:
            self.most_lines = self._ceiling = min(MAX_LINES, self.most_lines + LEAST_LINES)
        self._until = self._monotonic() + self._gap() * (0.5 + self._draw())

    def failed(self, answer: Answer) -> bool:
        """Note any request that is to be repeated; whether it may be the fault of its lines.

        It is not while InfluxDB is busy, or while fewer lines may take less time.
        """
        self.quota.refused(answer)
        if meaning(answer) is Meaning.UNCLEAR:
            return False  # whose fault it is shows when others pass
        too_slow, busy = was_too_slow(answer), says_busy(answer)
        smaller_may_do = too_slow and self.most_lines > LEAST_LINES
        if too_slow:
            self._ceiling = self._half()
        self.most_lines = LEAST_LINES
        if too_slow or busy:
            self._rate = 1 / min(MOST_GAP, 2 * max(LEAST_GAP, self._gap()))
            self._busy_at = self._monotonic()
        return not (smaller_may_do or busy)

    def _gap(self) -> float:
        """Give the seconds between two requests, on average."""
        if self._rate is None:
            return 0.0
        gap = 1 / (self._rate + FASTER * (self._monotonic() - self._busy_at))
        return gap if gap > LEAST_GAP else 0.0

    def _half(self) -> int:
        return max(LEAST_LINES, self.most_lines // 2)
