"""Errors that a person sees: what happened, the value, and what to do.

CollectorError            everything that the program says itself; `hint` says what to do
├── UsageError            the command was called wrongly (exit 2)
├── SettingsError         a setting cannot be used (exit 2, under systemd 78)
│   └── UnknownSetting    a name that no setting has; nothing else suffers from it
├── SourceError           the meter's line is not there, or went away; it is tried again
└── LockedError           another process works on the same spool
"""


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


class SourceError(CollectorError):
    """The meter's line cannot be opened, or stopped working."""


class LockedError(CollectorError):
    """Another process has this spool."""
