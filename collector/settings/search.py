"""Where settings stand: the environment, an `.env` file, credentials, secrets, files.

This module finds the texts; what they mean is `collector.settings.settings`' business.
"""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from dotenv import dotenv_values

from collector.errors import SettingsError, UnknownSetting

ENV_FILE: Final = Path(".env")
FROM: Final = "SETTINGS_FROM"
"""The variable in which `infra/p1-collector` says what it read where: `NAME FILE` lines."""
_SECRETS: Final = Path("/run/secrets")
_FILE: Final = "_FILE"


@dataclass(slots=True)
class Search:
    """Looks for every setting in every source.

    `values`, `given_as` and `places` are by our own name of a setting: its text, the name it came
    under, and what it stood in.
    """

    environment: Mapping[str, str]
    files: Mapping[str, str] = field(init=False)
    problems: list[SettingsError] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    given_as: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Learn which variables of the environment a wrapper script took from which files."""
        lines = self.environment.get(FROM, "").splitlines()
        self.files = dict(line.split(" ", 1) for line in lines if " " in line)

    def run(self, settings: Iterable[Sequence[str]]) -> "Search":
        """Look for settings, each given by its names, ours first."""
        settings = list(settings)
        dotenv = self._dotenv()
        known = [name for every in settings for name in every]
        self._check_names((*self.environment, *dotenv), known)
        for every in settings:
            ours = every[0]
            for name in every:
                value, place = self._value(name, dotenv)
                if value:
                    self.values[ours], self.given_as[ours] = value, name
                    self.places[ours] = place
                    break
        return self

    def _check_names(self, given: Iterable[str], known: Iterable[str]) -> None:
        ours = [name for name in dict.fromkeys(given) if name.startswith("P1_")]
        files = {f"{name}{_FILE}" for name in known}
        self.problems += [_unknown(n, known) for n in ours if n not in {*known, *files}]

    def _value(self, name: str, dotenv: Mapping[str, str]) -> tuple[str | None, str]:
        """Give the text and what it stands in."""
        if value := self.environment.get(name):
            return value, self.files.get(name, "environment")
        if value := dotenv.get(name):
            return value, str(ENV_FILE)
        for directory in (self.environment.get("CREDENTIALS_DIRECTORY"), str(_SECRETS)):
            path = Path(directory or "/nonexistent") / name.lower()
            if value := self._secret(path):
                return value, str(path)
        variable = f"{name}{_FILE}"
        named = self.environment.get(variable) or dotenv.get(variable)
        return (self._text(Path(named), variable), named) if named else (None, "")

    def _secret(self, path: Path) -> str | None:
        """Read one of many possible files; most are not there, or not for this user."""
        try:
            there = path.is_file()
        except PermissionError:
            return None
        return self._text(path, path.name) if there else None

    def _dotenv(self) -> dict[str, str]:
        try:
            if not ENV_FILE.exists():
                return {}
            return {name: text for name, text in dotenv_values(ENV_FILE).items() if text}
        except (OSError, UnicodeDecodeError) as error:
            self.problems.append(_unreadable(".env", ENV_FILE, error))
            return {}

    def _text(self, path: Path, what: str) -> str | None:
        try:
            return path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            self.problems.append(_unreadable(what, path, error))
            return None


def _unreadable(what: str, path: Path, error: OSError | UnicodeDecodeError) -> SettingsError:
    words = error.strerror if isinstance(error, OSError) else "is not text"
    hint = "the file must exist and be readable by the user of the service"
    return SettingsError(f"{what}: {path}: {words}", hint=hint)


def _unknown(name: str, known: Iterable[str]) -> SettingsError:
    nearest = difflib.get_close_matches(name, [k for k in known if k.startswith("P1_")], n=1)
    hint = f"did you mean `{nearest[0]}`?" if nearest else "README.md lists the settings"
    return UnknownSetting(f"unknown setting: {name}", hint=hint)
