"""Which time a telegram gets: the meter's, or the host's.

`auto` takes the meter's clock, unless it is plainly unset, or it differs from a host that is
synchronised by more than a tolerance. The choice changes only after ten minutes in which the
other side was right, is counted and said, and is kept over a restart. Replayed telegrams always
keep their own time. In the hour that comes twice in autumn, a clock without S and W goes by the
host's, if that can be believed, else by what it said before.

A telegram without a time (DSMR 2 and 3) gets the host's, rounded; what comes of two in one second
is decided where they are stored (`collector.points`).
While the host has not set its clock after a boot, such telegrams wait, ten minutes at most
(`collector.spool.early`). Intervals come from the monotonic clock, which on Linux counts from the
boot.

Where nobody can be asked whether the host's clock is set (in a container, for instance), it is
believed from an hour after the boot: whoever sets it has had the time. What is stored under the
time of a clock that cannot be believed is counted, and said.
"""

import logging
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

from collector.errors import Troubles
from collector.p1.telegram import Telegram
from collector.p1.time import told_apart
from collector.spool.record import RecordId

log: Final = logging.getLogger(__name__)

AGREEMENT_SECONDS: Final = 600.0
PATIENCE_SECONDS: Final = 600.0
BELIEVED_SECONDS: Final = 3600.0
SAY_SECONDS: Final = 6 * 3600.0
"""A meter whose clock comes and goes is told of four times a day."""
_CHECK_SECONDS: Final = 30.0
_CHRONY_SECONDS: Final = 1.0
_HOUR: Final = timedelta(hours=1)
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
    """A telegram and its time in UTC; `record` is which it is already, if it had to wait."""

    telegram: Telegram
    time: datetime
    record: RecordId | None = None


class Clock:
    """Stamps the telegrams of one source, in order.

    `wall` gives the host's time in seconds since 1970, `monotonic` seconds since the boot, and
    `synchronised` whether the host's clock can be believed. `chosen` is which clock is in force.
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
        kept: str | None = None,
    ) -> None:
        """Go on with what an earlier run has `kept` of `chosen`."""
        self.changes = 0
        self.unset = 0  # telegrams that were stored under the time of a clock nobody had set
        self._live = live
        self._auto = choice is Choice.AUTO and live
        before = kept if self._auto else choice
        self.chosen = Choice.HOST if before == Choice.HOST else Choice.METER
        self._waits = choice is Choice.AUTO and live
        self._tolerance = tolerance_seconds
        self.wall = wall
        self.monotonic = monotonic
        self._synchronised = synchronised
        self._other_right_since: float | None = None
        self._said = Troubles(monotonic, quiet=SAY_SECONDS)
        self._last: datetime | None = None
        self._latest = 0

    def stamp(self, telegram: Telegram) -> Stamped | None:
        """Give a telegram its time; None if it has to wait for the host's clock."""
        if telegram.time is not None:
            time = self._last = self._told_apart(telegram.time)
            self._choose(time)
            if self.chosen is Choice.METER:
                return Stamped(telegram, time)
        offset = self.offset()
        return None if offset is None else Stamped(telegram, self.rounded(self.wall()))

    def offset(self) -> float | None:
        """Give the host's time less the seconds since the boot; None as long as it is not set.

        Once it was, or time is up, nothing waits any more.
        """
        now = self.monotonic()
        self._waits = self._waits and now < PATIENCE_SECONDS and not self._synchronised()
        return None if self._waits else self.wall() - now

    def _told_apart(self, meter: datetime) -> datetime:
        """Give the moment that a clock without a letter means in the hour that comes twice."""
        if not (meter.fold and self._auto and self._synchronised()):
            return told_apart(meter, self._last)
        return min(meter, meter - _HOUR, key=lambda moment: abs(self._off(moment)))

    def _off(self, moment: datetime) -> float:
        """Say by how many seconds a clock that says this is ahead of the host's."""
        return moment.timestamp() - self.wall()

    def _choose(self, meter: datetime) -> None:
        """Change sides after ten minutes in which the other side was right."""
        if not self._auto or not self._synchronised():
            self._other_right_since = None
            return
        off = self._off(meter)
        agree = abs(off) <= self._tolerance
        other_right = agree == (self.chosen is Choice.HOST)
        now = self.monotonic()
        if not other_right:
            self._other_right_since = None
        elif self._other_right_since is None:
            self._other_right_since = now
        elif now - self._other_right_since >= AGREEMENT_SECONDS:
            self.chosen = Choice.METER if agree else Choice.HOST
            self.changes += 1
            self._other_right_since = None
            self._say(off)

    def _say(self, off: float) -> None:
        if self.chosen is Choice.METER:
            if self._said.went():
                log.info("the meter's clock is right again: its time is stored")
        elif self._said.came(""):
            log.warning(
                "the meter's clock is %d s %s this machine's, whose time is stored from now on"
                " (the grid operator sets the meter's; `P1_CLOCK` says whose is stored)",
                abs(off),
                "ahead of" if off > 0 else "behind",
            )

    def rounded(self, wall: float) -> datetime:
        """Round to a second. Of a replay nobody knows when it was: there, one apart is as good."""
        second = round(wall)
        if self._live and not self._synchronised():
            if not self.unset:
                log.warning(
                    "telegrams are stored under the time of this machine's clock, which no time"
                    " server has set (`timedatectl timesync-status`; `unset_clock` counts them)"
                )
            self.unset += 1
        if not self._live:
            second = max(second, self._latest + 1)
        self._latest = second
        return datetime.fromtimestamp(second, UTC)


class HostClock:
    """Whether the host's clock is set: what systemd-timesyncd or chrony says, asked seldom."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._asked: float | None = None
        self._answer: bool | None = None

    def synchronised(self) -> bool:
        """Whether it can be believed: a time server set it, or would have by now."""
        set_ = self.is_set()
        return self._monotonic() >= BELIEVED_SECONDS if set_ is None else set_

    def is_set(self) -> bool | None:
        """Whether a time server set it; None if nobody can be asked."""
        now = self._monotonic()
        if self._asked is None or now - self._asked >= _CHECK_SECONDS:
            self._asked = now
            self._answer = _timesyncd_says_so()
            if not self._answer and (chrony := _chrony_says_so()) is not None:
                self._answer = chrony
        return self._answer


def asks_for_the_time() -> bool:
    """Whether this machine asks time servers at all, answered or not."""
    return _timesyncd_says_so() is not None or _chrony_says_so() is not None


def _timesyncd_says_so() -> bool | None:
    if _TIMESYNCD.exists():
        return True
    return False if _TIMESYNCD.parent.exists() else None


def _chrony_says_so() -> bool | None:
    chronyc = shutil.which("chronyc")
    if chronyc is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603  the path is chronyc's own
            [chronyc, "-c", "tracking"],
            capture_output=True,
            text=True,
            timeout=_CHRONY_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    leap = done.stdout.strip().rpartition(",")[2]
    return None if done.returncode else leap in _CHRONY_SYNCHRONISED
