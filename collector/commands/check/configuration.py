"""The settings: what is wrong with them, what they are, and where each came from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr

from collector.commands.check.finding import Finding, fail, ok, warn
from collector.delivery.answer import shown
from collector.errors import IgnoredSetting, SettingsError
from collector.points import HASH
from collector.remedies import Remedy
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
        judge = warn if isinstance(problem, IgnoredSetting) else fail
        yield judge("settings", str(problem), problem.hint or "README.md lists the settings")
    if not problems:
        yield ok("settings", f"{settings} set, each can be used")


def beside_the_first(settings: Settings, first: Settings) -> Finding:
    """Compare what two meters must each have of their own."""
    both = {
        "P1_SOURCE": (_port(settings), _port(first)),
        "P1_SPOOL_DIR": (settings.spool.resolve(), first.spool.resolve()),
        "P1_HOT_DIR": (settings.hot.resolve(), first.hot.resolve()),
        "P1_METER": (_named(settings), _named(first)),
    }
    same = [f"`{name}`, {_value(own)}" for name, (own, its) in both.items() if own and own == its]
    if same:
        return fail("first meter", f"has the same {'; '.join(same)}", Remedy.SAME_METER)
    return ok("first meter", "has another port, spool, hot directory and name")


def _port(settings: Settings) -> str:
    place = settings.place
    return place.text if "://" in place.text else str(Path(place.text).resolve())


def _named(settings: Settings) -> str | None:
    """Give the name that the meter was given, with the site; two sites may have one each."""
    named = settings.meter and settings.meter != HASH
    return f"{settings.meter} of {settings.site}" if named else None


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
