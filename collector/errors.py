"""Errors that a person sees: what happened, the value, what to do; and how often they are logged.

CollectorError            everything that the program says itself; `hint` says what to do
├── UsageError            the command was called wrongly (exit 2)
├── SettingsError         a setting cannot be used (exit 2, under systemd 78)
│   ├── UnknownSetting    a name that no setting has; nothing else suffers from it
│   ├── IgnoredSetting    one of the first meter's that a further one cannot share
│   └── IncompleteSetting InfluxDB's address without a token, or the other way round
├── SourceError           the meter's line is not there, or went away; it is tried again
│   └── AbsentError       nothing is plugged in there; it costs nothing to look for each second
│       └── SettlingError   it was plugged in a moment ago: what it is will be known soon
└── LockedError           another process works on the same spool
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Final


class CollectorError(Exception):
    """What went wrong in one line; `hint` says in another what to do about it."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(CollectorError): ...


class SettingsError(CollectorError): ...


class UnknownSetting(SettingsError): ...  # noqa: N818  it says what the name is


class IgnoredSetting(SettingsError): ...  # noqa: N818  it says what the setting is


class IncompleteSetting(SettingsError): ...  # noqa: N818  as above


class SourceError(CollectorError): ...


class AbsentError(SourceError): ...


class SettlingError(AbsentError): ...


class LockedError(CollectorError): ...


QUIET_SECONDS: Final = 600.0
SELDOM_SECONDS: Final = 6 * 3600.0
SLOWER: Final = 6
TOLD_APART: Final = 3  # of one subject; whatever else comes counts as one more


@dataclass(slots=True)
class _Told:
    """When a trouble was told last, and seen last; how long it is not told after that."""

    at: float
    seen: float
    pause: float


class Troubles:
    """Remembers what was told of one subject, in any thread: a line in the log wears the card.

    A trouble is told once for as long as it lasts. One that was gone is told anew, but not within
    ten minutes, then an hour, then six hours, until it has stayed away for those. So whatever
    comes and goes, or lasts, is a few lines a day.

    `steady`: seconds without any before it counts as gone; `again`: seconds after which it is told
    anew although it lasts, and so on. All times are on the monotonic clock.
    """

    def __init__(
        self,
        monotonic: Callable[[], float],
        *,
        steady: float = 0.0,
        quiet: float = QUIET_SECONDS,
        again: float = inf,
    ) -> None:
        self._monotonic = monotonic
        self._steady = steady
        self._quiet = quiet
        self._again = again
        self._told: dict[str, _Told] = {}
        self._lasting: set[str] = set()
        self._last = -inf
        self._unanswered = False

    def came(self, trouble: str) -> bool:
        """Note a trouble by what does not change in it; gives whether to tell it."""
        self._last = now = self._monotonic()
        self._told = {
            trouble: told
            for trouble, told in self._told.items()
            if now - told.seen < SELDOM_SECONDS
        }
        self._lasting &= self._told.keys()
        if trouble not in self._told and len(self._told) >= TOLD_APART:
            trouble = "others"
        told = self._told.setdefault(trouble, _Told(-inf, now, self._quiet / SLOWER))
        told.seen = now
        lasts = trouble in self._lasting
        if now - told.at < (max(told.pause, self._again) if lasts else told.pause):
            return False
        told.at, told.pause = now, min(SLOWER * told.pause, SELDOM_SECONDS)
        self._lasting.add(trouble)
        self._unanswered = True
        return True

    def went(self) -> bool:
        """Note that all is well; gives whether to tell: not of what was not told."""
        was_told, self._unanswered = self._unanswered, False
        if self._monotonic() - self._last >= self._steady:
            self._lasting.clear()
        return was_told
