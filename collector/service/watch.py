"""Whether all still move: the threads, and the disks that they wait for."""

import logging
import math
import time
from typing import Final

from collector.errors import Troubles
from collector.spool.disk import Disk
from collector.spool.fault import HANGS

log: Final = logging.getLogger(__name__)

HANG_SECONDS: Final = 10.0  # how long a call of a disk may take before that is said
PULSE_SECONDS: Final = 30.0  # that a thread may take for what should take none, or it is dead


class Pulse:
    """A thread's: before it does what may take long, it says how long."""

    def __init__(self, patience: float = 0.0) -> None:
        self._patience = patience + PULSE_SECONDS
        self._due = math.inf

    def beat(self, seconds: float = 0.0) -> None:
        self._due = time.monotonic() + seconds + self._patience

    def beats(self, now: float) -> bool:
        return now <= self._due


class Watch:
    """Watches keeper and sender; `hanging` says which disk does not answer, whoever asked it."""

    def __init__(self, disk: Disk, request_seconds: float) -> None:
        self.keeper = Pulse()
        self.sender = Pulse(request_seconds)
        self.hanging: str | None = None
        self._disk = disk
        self._now = 0.0
        self._troubles = Troubles(lambda: self._now)

    def all_move(self, now: float) -> bool:
        """Whether both live. Who waits for a disk is not dead, nor who waits for that one."""
        return self.hanging is not None or (self.keeper.beats(now) and self.sender.beats(now))

    def look(self, now: float) -> None:
        """See whether a disk hangs, and say when it begins to, and when it answers again."""
        call = self._disk.longest_call()
        self.hanging, self._now = None, now
        if call is not None and now - call.since > HANG_SECONDS:
            self.hanging = f"the disk of `{call.path}` does not answer (`{call.name}`)"
            if self._troubles.came("hangs"):
                log.error("%s: readings stay in RAM (%s)", self.hanging, HANGS)
        elif self._troubles.went():
            log.info("the disk answers again")
