"""Errors that a person sees: what happened, the value, what to do; and how often that is told.

CollectorError            everything that the program says itself; `hint` says what to do
├── UsageError            the command was called wrongly (exit 2)
├── SettingsError         a setting cannot be used (exit 2, under systemd 78)
│   ├── UnknownSetting    a name that no setting has; nothing else suffers from it
│   └── IgnoredSetting    one of the first meter's that a further one cannot share
├── SourceError           the meter's line is not there, or went away; it is tried again
│   └── AbsentError       nothing is plugged in there; it costs nothing to look for each second
│       └── SettlingError   it was plugged in a moment ago: what it is will be known soon
└── LockedError           another process works on the same spool

`Troubles` decides for everything that lasts, in all three threads, whether it is worth a line in
the log. It lies at the bottom because each of them tells troubles of its own.
"""

from collections.abc import Callable
from math import inf


class CollectorError(Exception):
    """What went wrong in one line; `hint` says in another what to do about it."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(CollectorError):
    """The command was called in a way that it cannot serve."""


class SettingsError(CollectorError):
    """A setting has a value that cannot be used."""


class UnknownSetting(SettingsError):  # noqa: N818  it says what the name is
    """A variable looks like a setting, and is none."""


class IgnoredSetting(SettingsError):  # noqa: N818  it says what the setting is
    """A further meter's settings have one from the first meter's that must differ."""


class SourceError(CollectorError):
    """The meter's line cannot be opened, or stopped working."""


class AbsentError(SourceError):
    """There is no such port now."""


class SettlingError(AbsentError):
    """The port has been there for a moment only: whatever it does may be over in the next."""


class LockedError(CollectorError):
    """Another process has this spool."""


class Troubles:
    """Remembers what was told of one subject: a line in the log is a write to the card.

    A trouble is told once for as long as it lasts. `steady`: seconds without any before it counts
    as gone; `quiet`: seconds in which it is not told anew although it was gone meanwhile; `again`:
    seconds after which it is told anew although it lasts. All times are on the monotonic clock.
    """

    def __init__(
        self,
        monotonic: Callable[[], float],
        *,
        steady: float = 0.0,
        quiet: float = 0.0,
        again: float = inf,
    ) -> None:
        self._monotonic = monotonic
        self._steady = steady
        self._quiet = quiet
        self._again = again
        self._told: dict[str, float] = {}
        self._lasting: set[str] = set()
        self._last = -inf
        self._unanswered = False

    def came(self, trouble: str) -> bool:
        """Note a trouble by what does not change in it; gives whether to tell it."""
        self._last = now = self._monotonic()
        if not self._is_news(trouble, now):
            return False
        self._told = {old: at for old, at in self._told.items() if not self._is_news(old, now)}
        self._lasting &= self._told.keys()
        self._told[trouble] = now
        self._lasting.add(trouble)
        self._unanswered = True
        return True

    def _is_news(self, trouble: str, now: float) -> bool:
        since = now - self._told.get(trouble, -inf)
        return since >= (self._again if trouble in self._lasting else self._quiet)

    def went(self) -> bool:
        """Note that all is well; gives whether to tell: not of what was not told."""
        was_told, self._unanswered = self._unanswered, False
        if self._monotonic() - self._last >= self._steady:
            self._lasting.clear()
        return was_told
