"""Which time a telegram gets: the meter's, or the host's.

`auto` takes the meter's clock, unless it is plainly unset, or it differs from a host that is
synchronised by more than a tolerance. The choice changes only after ten minutes in which the
other side was right, and is counted. Replayed telegrams always keep their own time.

A telegram without a time (DSMR 2 and 3) gets the host's, rounded, never the same second twice:
the next free one of the following seconds. Where there is none, because the clock of a host was
set back and a telegram comes every second, it keeps the second that it came in, and counts as
repeated: its time would be wrong for ever otherwise.
While the host has not set its clock after a boot, such telegrams wait in memory, ten minutes at
most. Intervals come from the monotonic clock, which on Linux counts from the boot.
"""

import shutil
import subprocess
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from collector.p1.telegram import Telegram

AGREEMENT_SECONDS: Final = 600.0
PATIENCE_SECONDS: Final = 600.0
REACH_SECONDS: Final = 10
"""How far a second that is taken may be avoided: DSMR 2 and 3 send every ten seconds."""
_REMEMBERED: Final = 20_000
_CHECK_SECONDS: Final = 30.0
_CHRONY_SECONDS: Final = 1.0
_TIMESYNCD: Final = Path("/run/systemd/timesync/synchronized")
_CHRONY_SYNCHRONISED: Final = ("Normal", "Insert second", "Delete second")
"""The leap status, which is the last field; the other one is `Not synchronised`."""


class Choice(StrEnum):
    """The setting `P1_CLOCK`, and which of the two is in force."""

    AUTO = "auto"
    METER = "meter"
    HOST = "host"


@dataclass(frozen=True, slots=True)
class Stamped:
    """A telegram and the time that it is stored under, in UTC."""

    telegram: Telegram
    time: datetime


class Clock:
    """Stamps the telegrams of one source, in order.

    `wall` gives the host's time in seconds since 1970, `monotonic` seconds since the boot, and
    `synchronised` whether the host's clock can be believed.
    """

    def __init__(
        self,
        choice: Choice,
        *,
        live: bool,
        tolerance_seconds: float,
        wall: Callable[[], float],
        monotonic: Callable[[], float],
        synchronised: Callable[[], bool],
    ) -> None:
        self.changes = 0
        self._live = live
        self._auto = choice is Choice.AUTO and live
        self._chosen = Choice.HOST if choice is Choice.HOST else Choice.METER
        self._patient = choice is Choice.AUTO and live
        self._tolerance = tolerance_seconds
        self._wall = wall
        self._monotonic = monotonic
        self._synchronised = synchronised
        self._other_right_since: float | None = None
        self._waiting: list[tuple[Telegram, float]] = []
        self._used: OrderedDict[int, None] = OrderedDict()
        self._latest = 0

    @property
    def chosen(self) -> Choice:
        """Which clock is in force."""
        return self._chosen

    def stamp(self, telegram: Telegram) -> list[Stamped]:
        """Give the telegrams that can be stored now: this one, or none, or those that waited."""
        if telegram.time is not None:
            self._choose(telegram.time)
            if self._chosen is Choice.METER:
                return [Stamped(telegram, telegram.time)]
        self._waiting.append((telegram, self._monotonic()))
        return self.release()

    def release(self, *, at_once: bool = False) -> list[Stamped]:
        """Give what waited for the host's clock, if that is set now, or time is up."""
        if not self._waiting:
            return []
        now = self._monotonic()
        unset = self._patient and now < PATIENCE_SECONDS and not self._synchronised()
        if unset and not at_once:
            return []
        waiting, self._waiting = self._waiting, []
        wall = self._wall()
        return [Stamped(telegram, self._unused(wall - (now - then))) for telegram, then in waiting]

    def _choose(self, meter: datetime) -> None:
        """Change sides after ten minutes in which the other side was right."""
        if not self._auto or not self._synchronised():
            self._other_right_since = None
            return
        agree = abs(meter.timestamp() - self._wall()) <= self._tolerance
        other_right = agree == (self._chosen is Choice.HOST)
        now = self._monotonic()
        if not other_right:
            self._other_right_since = None
        elif self._other_right_since is None:
            self._other_right_since = now
        elif now - self._other_right_since >= AGREEMENT_SECONDS:
            self._chosen = Choice.METER if agree else Choice.HOST
            self.changes += 1
            self._other_right_since = None

    def _unused(self, wall: float) -> datetime:
        """Round to a second that no telegram has: the clock may have been set back."""
        first = round(wall)
        if not self._live:
            # Nobody knows when it was: one second apart is as good as anything, and loses nothing.
            second = max(first, self._latest + 1)
        else:
            near = range(first, first + REACH_SECONDS)
            second = next((s for s in near if s not in self._used), first)
        self._latest = second
        self._used[second] = None
        if len(self._used) > _REMEMBERED:
            self._used.popitem(last=False)
        return datetime.fromtimestamp(second, UTC)


class HostClock:
    """Whether the host's clock is set: what systemd-timesyncd or chrony says, asked seldom."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._asked: float | None = None
        self._answer = False

    def synchronised(self) -> bool:
        """Whether a time server set it; unknown counts as not."""
        now = self._monotonic()
        if self._asked is None or now - self._asked >= _CHECK_SECONDS:
            self._asked = now
            self._answer = _TIMESYNCD.exists() or _chrony_says_so()
        return self._answer


def _chrony_says_so() -> bool:
    chronyc = shutil.which("chronyc")
    if chronyc is None:
        return False
    try:
        done = subprocess.run(  # noqa: S603  the path is chronyc's own
            [chronyc, "-c", "tracking"],
            capture_output=True,
            text=True,
            timeout=_CHRONY_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    leap = done.stdout.strip().rpartition(",")[2]
    return done.returncode == 0 and leap in _CHRONY_SYNCHRONISED
