"""Which segments are suspected to be at fault themselves: set aside, so that others go on."""

import logging
from collections import OrderedDict
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from pathlib import Path
from typing import Final

from collector.errors import Troubles
from collector.spool.stock import File

log: Final = logging.getLogger(__name__)

ASIDE_SECONDS: Final = 3600.0
GOES_ON_SECONDS: Final = 10.0
"""So that 5,000 lines which are all bad take half an hour, and no server notices."""

FAILURES_BEFORE_ASIDE: Final = 5
MOST_SUSPECTS: Final = 64
MOST_ALONE: Final = 4096

Key = Path | File
"""By what a segment is known: a hot one by its path, which no other gets."""


@dataclass(slots=True)
class Doubts:
    """Segments that failed: how often while others passed, and until when they are set aside.

    A failure alone says nothing: InfluxDB may be away. One that fails while others pass is at
    fault itself, unless InfluxDB had too much to do; after five times it waits for an hour. All
    times are on the monotonic clock. What has failed goes `alone` from then on.
    """

    troubles: Troubles
    suspects: dict[Key, bool] = field(default_factory=dict)
    failures: dict[Key, int] = field(default_factory=dict)
    aside: dict[Key, float] = field(default_factory=dict)
    alone: OrderedDict[Key, None] = field(default_factory=OrderedDict)
    _ends: list[tuple[float, int, Key]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)

    def failed(self, key: Key, *, blamed: bool = True) -> None:
        """Note who failed last, and whether it may be its own fault.

        Of a long outage, the last few will do.
        """
        self.failed_together([key])
        self.suspects.pop(key, None)
        self.suspects[key] = blamed
        if len(self.suspects) > MOST_SUSPECTS:
            self.suspects.pop(next(iter(self.suspects)))

    def passed(self, key: Key, now: float, exists: Callable[[Key], bool]) -> None:
        """Hold their failures against those that failed while this one passed."""
        self.suspects.pop(key, None)
        self.failures.pop(key, None)
        self.aside.pop(key, None)
        self.alone.pop(key, None)
        blamed = [suspect for suspect, blamed in self.suspects.items() if blamed]
        for suspect in filter(exists, blamed):
            self.failures[suspect] = self.failures.get(suspect, 0) + 1
            if self.failures[suspect] >= FAILURES_BEFORE_ASIDE:
                path = suspect.path if isinstance(suspect, File) else suspect
                if self.troubles.came(str(path)):
                    log.warning("fails while others pass, tried again in an hour: %s", path)
                self.set_aside(suspect, now)
        self.suspects.clear()
        self.failures = {key: n for key, n in self.failures.items() if exists(key)}

    def set_aside(self, key: Key, now: float, *, for_long: bool = True) -> None:
        """Let others go first: for an hour, or a while where it only takes many requests."""
        self.failures.pop(key, None)
        until = now + (ASIDE_SECONDS if for_long else GOES_ON_SECONDS)
        self.aside[key] = until
        heappush(self._ends, (until, next(self._numbers), key))

    def set_aside_now(self, now: float) -> Container[Key]:
        while self._ends and self._ends[0][0] <= now:
            until, _, key = heappop(self._ends)
            if self.aside.get(key) == until:
                del self.aside[key]
        return self.aside

    def failed_together(self, keys: Iterable[Key]) -> None:
        """Note that a request failed: each of these has to show by itself whether it passes."""
        for key in keys:
            self.alone[key] = None
        while len(self.alone) > MOST_ALONE:
            self.alone.popitem(last=False)
