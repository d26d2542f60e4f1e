"""How much of a backlog is sent at once, and how soon after: what InfluxDB and the line can do.

How much: after a failure it begins small. Each request that is quick doubles the size, up to a
ceiling, and lets it grow slowly from there; one that takes long halves it, so that live readings
need not wait behind it. One that took too long sets the ceiling at half of what it was.

A plan's quota bounds both: a free plan takes so many bytes of line protocol in each window, and
then says 429 until the next one begins, which `Retry-After` tells. From there on what is stored is
counted: at the next 429 that is the quota, and the time between the beginnings of the two windows
is their length. After that the backlog leaves to live readings what they need; before, it has
whatever it gets.

How soon: at once, until InfluxDB says or shows that it has too much to do. Each time it does, the
gap between two requests doubles; while it does not, their rate grows by so much a second. So who
gets through leaves room for who was refused, and who sends most is slowed down most often: after a
while all have the same. Live readings never wait for a gap.
"""

from collections.abc import Callable
from typing import Final

from collector.delivery.answer import Answer, Meaning, Packed, meaning, says_busy, was_too_slow
from collector.spool.segment import MAX_LINES

LEAST_LINES: Final = 100
"""A request of so many lines is never too much for the line to InfluxDB."""
LONG_SECONDS: Final = 5.0
"""A request that takes longer keeps live readings waiting: they come in such steps."""
LEAST_GAP: Final = 1.0
MOST_GAP: Final = 60.0
FASTER: Final = 1 / 600
"""How much the rate grows: after ten minutes, a request a second and then no gap at all."""
LEARNING_LINES: Final = 500
"""While it is not known where the quota ends, requests are small, so that it is found closely."""
SHORTEST: Final = 60.0
"""Seconds: windows last whole minutes. Who says 429 in shorter ones is only busy."""
TAIL: Final = 10.0
"""Seconds: `Retry-After` is rounded, and clocks are not the same."""
LIVE_SHARE: Final = 0.05
LIVE_ROOM: Final = 1.25
"""Of what live readings took in the last window."""
MOSTLY: Final = 0.75
"""Of the quota: who is refused with less in use shares it with somebody else."""
LESS: Final = 0.97
"""What is taken of a quota for the new one, if that is refused sooner than before."""
FORGOTTEN: Final = 6 * 3600.0
"""Seconds without a 429 after which the quota is sought anew: it may have grown."""
NEVER_FOUND: Final = 900.0
"""Seconds without a second 429 after which there is none: the server was busy."""
_TOO_MANY: Final = 429


class Quota:
    """What is left of the running window; all times are on the monotonic clock."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._began: float | None = None
        self._length = 0.0
        self._size = 0
        self._refused_at = 0.0
        self._used = 0
        self._live = 0
        self._live_before = 0
        self._per_line = 1.0

    @property
    def lines(self) -> int:
        """How many lines of the backlog may be sent at once."""
        self._turn()
        if self._began is None:
            return MAX_LINES
        if not self._size:
            return LEARNING_LINES
        kept = max(LIVE_SHARE * self._size, LIVE_ROOM * max(self._live, self._live_before))
        room = self._size - self._used - max(0.0, kept - self._live)
        return max(0, min(MAX_LINES, int(room / self._per_line)))

    def stored(self, lines: bytes, *, live: bool) -> None:
        self._turn()
        packed = isinstance(lines, Packed)
        size = int.from_bytes(lines[-4:], "little") if packed else len(lines)  # gzip ends with it
        self._used += size
        self._live += size if live else 0
        if not (packed or live):
            self._per_line = size / max(1, lines.count(b"\n"))

    def refused(self, answer: Answer) -> None:
        """Note a refusal, which may be by the quota."""
        if answer.status != _TOO_MANY or not answer.retry_after:
            return
        self._turn()
        self._refused_at = self._monotonic()
        end = self._refused_at + answer.retry_after
        length = round((end - (self._began or end)) / SHORTEST) * SHORTEST
        # At the very end of a window it is our idea of the end that is wrong, not of the quota.
        if length and answer.retry_after > (TAIL if self._size else 0.0):
            # Who was refused well before the end was: a request was large, or others have a part.
            shared = self._used < MOSTLY * self._size
            least = self._size // 2 if shared else int(LESS * self._size)
            self._size = max(self._used, least)
            self._length = min(self._length or length, length)
        self._begin(end)

    def _turn(self) -> None:
        """Begin the next window where one is over."""
        now = self._monotonic()
        if now - self._refused_at > (FORGOTTEN if self._size else NEVER_FOUND):
            self._began, self._size, self._length = None, 0, 0.0
        if self._began is not None and self._length and now >= self._began + self._length:
            self._begin(now - (now - self._began) % self._length)

    def _begin(self, moment: float) -> None:
        self._live_before = self._live
        self._began, self._used, self._live = moment, 0, 0


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
