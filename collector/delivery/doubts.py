"""Which segments are suspected to be at fault themselves: set aside, so that others go on."""

import logging
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from collector.errors import Troubles

log: Final = logging.getLogger(__name__)

ASIDE_SECONDS: Final = 3600.0
GOES_ON_SECONDS: Final = 10.0
"""So that 5,000 lines which are all bad take half an hour, and no server notices."""

FAILURES_BEFORE_ASIDE: Final = 5
MOST_SUSPECTS: Final = 64


@dataclass(slots=True)
class Doubts:
    """Segments that failed: how often while others passed, and until when they are set aside.

    A failure alone says nothing: InfluxDB may be away. One that fails while others pass is at
    fault itself, unless InfluxDB had too much to do; after five times it waits for an hour. All
    times are on the monotonic clock.
    """

    troubles: Troubles
    suspects: dict[Path, bool] = field(default_factory=dict)
    failures: dict[Path, int] = field(default_factory=dict)
    aside: dict[Path, float] = field(default_factory=dict)

    def failed(self, path: Path, *, blamed: bool = True) -> None:
        """Note who failed last, and whether it may be its own fault.

        Of a long outage, the last few will do.
        """
        self.suspects.pop(path, None)
        self.suspects[path] = blamed
        if len(self.suspects) > MOST_SUSPECTS:
            self.suspects.pop(next(iter(self.suspects)))

    def passed(self, path: Path, now: float, exists: Callable[[Path], bool]) -> None:
        """Hold their failures against those that failed while this one passed."""
        self.forget(path)
        blamed = [suspect for suspect, blamed in self.suspects.items() if blamed]
        for suspect in filter(exists, blamed):
            self.failures[suspect] = self.failures.get(suspect, 0) + 1
            if self.failures[suspect] >= FAILURES_BEFORE_ASIDE:
                if self.troubles.came(str(suspect)):
                    log.warning("fails while others pass, tried again in an hour: %s", suspect)
                self.set_aside(suspect, now)
        self.suspects.clear()
        self.failures = {path: n for path, n in self.failures.items() if exists(path)}

    def set_aside(self, path: Path, now: float, *, for_long: bool = True) -> None:
        """Let others go first: for an hour, or a while where it only takes many requests."""
        self.failures.pop(path, None)
        self.aside[path] = now + (ASIDE_SECONDS if for_long else GOES_ON_SECONDS)

    def set_aside_now(self, now: float) -> Container[Path]:
        self.aside = {path: until for path, until in self.aside.items() if until > now}
        return self.aside

    def forget(self, path: Path) -> None:
        self.suspects.pop(path, None)
        self.failures.pop(path, None)
        self.aside.pop(path, None)
