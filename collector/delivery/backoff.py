"""How long to wait between two attempts. The whole policy is here, and it is pure."""

from dataclasses import dataclass
from typing import Final

from collector.delivery.answer import Answer, Meaning, meaning

SLOWER: Final = 15


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential bounds in seconds, and anything below them: full jitter.

    Ordinary bounds go from `first` to `longest`; where a person must mend something first, they
    begin at `longest` and go on to fifteen times that.
    """

    first: float = 1.0
    longest: float = 60.0

    def wait(self, answer: Answer, failures: int, draw: float) -> float:
        """Give the seconds to wait after so many failures in a row; `draw` is from 0 to 1.

        What the server asks for comes on top: who waits for just that long comes back with all
        the others.
        """
        slow = meaning(answer) is Meaning.MISCONFIGURED
        return draw * self.bound(failures, slow=slow) + (answer.retry_after or 0.0)

    def bound(self, failures: int, *, slow: bool) -> float:
        """Give the longest wait that may be drawn."""
        first, longest = self.first, self.longest
        if slow:
            first, longest = longest, longest * SLOWER
        return min(longest, first * 2.0 ** min(failures - 1, 20))
