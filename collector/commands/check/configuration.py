"""The settings: what is wrong with them, what they are, and where each came from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import SecretStr

from collector.commands.check.finding import Finding, fail, ok
from collector.delivery.answer import shown
from collector.errors import SettingsError
from collector.settings.settings import Origin, Settings, names

HIDDEN: Final = "(hidden)"
DEFAULT: Final = "default"
_WHERE: Final = ("P1_SOURCE", "P1_SPOOL_DIR", "P1_HOT_DIR")
"""Settings whose default depends on the machine: shown also when they are not set."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting as it is used: our name of it, its value in words, and where it came from."""

    name: str
    value: str
    origin: str

    @property
    def telling(self) -> bool:
        """Whether somebody set it, or the machine decides it."""
        return self.origin != DEFAULT or self.name in _WHERE


def settings_in_words(
    settings: Settings, origins: Mapping[str, Origin], source: str
) -> Iterator[Setting]:
    """Give every setting, secrets hidden; `source` is the port that was found."""
    resolved = {"source": source, "spool_dir": settings.spool, "hot_dir": settings.hot}
    for field in Settings.model_fields:
        name = names(field)[0]
        value = resolved.get(field, getattr(settings, field))
        value = shown(str(value)) if field == "influx_url" and value else value
        origin = origins.get(name)
        yield Setting(name, _value(value), _origin(name, origin))


def findings(problems: Sequence[SettingsError], settings: int) -> Iterator[Finding]:
    """Say what is wrong, each thing on a line; `settings` is how many are set."""
    for problem in problems:
        yield fail("settings", str(problem), problem.hint or "README.md lists the settings")
    if not problems:
        yield ok("settings", f"{settings} set, each can be used")


def _origin(name: str, origin: Origin | None) -> str:
    if origin is None:
        return DEFAULT
    return origin.place if origin.name == name else f"{origin.place}, as {origin.name}"


def _value(value: Any) -> str:
    if isinstance(value, SecretStr):
        return HIDDEN
    if isinstance(value, float):
        return f"{value:g}"
    return "" if value is None else str(value)
