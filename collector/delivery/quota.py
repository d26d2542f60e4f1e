"""A quota of bytes for each window of time, as a free plan has one: learnt from its 429s.

Such a plan takes so many bytes of line protocol in each window, and then says 429 until the next
one begins, which `Retry-After` tells. From there on what is stored is counted: at the next 429
that is the quota, and the time between the beginnings of the two windows is their length. After
that the backlog leaves to live readings what they need; before, it has whatever it gets.
"""

from collections.abc import Callable
from typing import Final

from collector.delivery.answer import Answer, Packed
from collector.spool.segment import MAX_LINES

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
