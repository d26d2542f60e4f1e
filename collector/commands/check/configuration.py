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
from collector.settings.search import Found
from collector.settings.settings import Settings, names

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


def settings_in_words(settings: Settings, origins: Mapping[str, Found]) -> Iterator[Setting]:
    """Give every setting, secrets hidden, with the port and the directories that are used."""
    place = settings.place
    source = place.text if place.found else "none found"
    resolved = {"source": source, "spool_dir": settings.spool, "hot_dir": settings.hot}
    for field in Settings.model_fields:
        name = names(field)[0]
        value = resolved.get(field, getattr(settings, field))
        value = shown(str(value)) if field == "influx_url" and value else value
        origin = DEFAULT
        if found := origins.get(name):
            origin = found.place if found.name == name else f"{found.place}, as {found.name}"
        yield Setting(name, _value(value), origin)


def findings(problems: Sequence[SettingsError], settings: int) -> Iterator[Finding]:
    """Say what is wrong, each thing on a line; `settings` is how many are set."""
    for problem in problems:
        judge = warn if isinstance(problem, IgnoredSetting) else fail
        yield judge("settings", str(problem), problem.hint or "README.md lists the settings")
    if not problems:
        yield ok("settings", f"{settings} set, each can be used")


def beside_the_first(settings: Settings, first: Settings) -> Finding:
    its = _alone(first)
    both = [(name, own) for name, own in _alone(settings).items() if own and own == its[name]]
    if both:
        same = "; ".join(f"`{name}`, {own}" for name, own in both)
        return fail("first meter", f"has the same {same}", Remedy.SAME_METER)
    return ok("first meter", "has another port, spool, hot directory and name")


def _alone(settings: Settings) -> dict[str, object]:
    """Give what each of two meters must have of its own; two sites may have one of a name each."""
    source = settings.place.text
    named = settings.meter and settings.meter != HASH
    return {
        "P1_SOURCE": source if "://" in source else Path(source).resolve(),
        "P1_SPOOL_DIR": settings.spool.resolve(),
        "P1_HOT_DIR": settings.hot.resolve(),
        "P1_METER": f"{settings.meter} of {settings.site}" if named else None,
    }


def _value(value: Any) -> str:
    if isinstance(value, SecretStr):
        return HIDDEN
    if isinstance(value, float):
        return f"{value:g}"
    return "" if value is None else str(value)
