"""Which troubles are worth a line in the log: each once an outage, and never one after the other.

A line in the log is a write to the card. A network that comes and goes every few seconds would
write two each time; it gets two in ten minutes. An outage that is still there after that is told.
"""

from collections.abc import Callable
from typing import Final

QUIET_SECONDS: Final = 600.0
"""How long the same trouble is not told again."""


class Troubles:
    """Remembers what was told. All times are on the monotonic clock."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._told: dict[str, float] = {}
        self._of_this_outage: set[str] = set()

    def came(self, trouble: str) -> bool:
        """Note a trouble by what does not change in it; gives whether to tell it."""
        now = self._monotonic()
        self._told = {old: at for old, at in self._told.items() if now - at < QUIET_SECONDS}
        if trouble in self._told or trouble in self._of_this_outage:
            return False
        self._told[trouble] = now
        self._of_this_outage.add(trouble)
        return True

    def went(self) -> bool:
        """Note that all is well; gives whether to tell: not of an outage that was not told."""
        was_told = bool(self._of_this_outage)
        self._of_this_outage.clear()
        return was_told
