"""How long to wait between two attempts. The whole policy is here, and it is pure."""

from dataclasses import dataclass
from typing import Final

from collector.delivery.answer import REFUSED, Answer, Meaning, meaning

SLOWER: Final = 15


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential bounds in seconds, and anything below them: full jitter.

    Ordinary bounds go from `first` to `longest`; where a person must mend something first, they
    begin at `longest` and go on to fifteen times that. Where it is unclear who must, they begin at
    `first`, so that other segments show it, and go on as far.
    """

    first: float = 1.0
    longest: float = 60.0

    def wait(self, answer: Answer, failures: int, draw: float) -> float:
        """Give the seconds to wait after so many failures in a row; `draw` is from 0 to 1.

        What the server asks for comes on top: who waits for just that long comes back with all
        the others.
        """
        bound = self.bound(failures, meaning(answer))
        return draw * bound + (answer.retry_after or 0.0)

    def bound(self, failures: int, what: Meaning) -> float:
        first = self.longest if what is Meaning.MISCONFIGURED else self.first
        slow = what is Meaning.MISCONFIGURED or what in REFUSED
        longest = self.longest * (SLOWER if slow else 1)
        return min(longest, first * 2.0 ** min(failures - 1, 20))
