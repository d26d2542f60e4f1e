"""When the keeper is to close the segment that it fills: there is nothing else to send."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Final

from collector.delivery.conflicts import Conflicts
from collector.errors import SELDOM_SECONDS
from collector.spool.keeper import Keeper

PATIENCE_SECONDS: Final = 30.0
"""While InfluxDB is away: how long to wait for a hot segment to knock with, before the segment
that the keeper is filling is closed for that."""


@dataclass(slots=True)
class Knocking:
    """Asks the keeper. All times are on the monotonic clock."""

    keeper: Keeper
    conflicts: Conflicts
    monotonic: Callable[[], float]
    _since: float | None = None
    _closed_at: float = -inf

    def ask(self, *, is_away: bool, pauses: bool) -> None:
        """Have it closed, unless the backlog `pauses`, or not yet where InfluxDB `is_away`.

        While a measurement waits, what comes to the disk is what waits for it: a few files a day.
        """
        now = self.monotonic()
        if not self.keeper.has_open or pauses:
            self._since = None
            return
        self._since = now if self._since is None else self._since
        seldom = self.conflicts.lasts and now - self._closed_at < SELDOM_SECONDS
        if now - self._since >= (PATIENCE_SECONDS if is_away else 0.0) and not seldom:
            self._closed_at = now
            self.keeper.close_wanted = True

    def nothing(self) -> None:
        """Say that there is something to send."""
        self._since = None

    def let_in(self) -> None:
        """Say that InfluxDB takes readings again: what was kept meanwhile is for it."""
        self._closed_at = -inf
