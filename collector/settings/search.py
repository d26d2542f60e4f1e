"""Where settings stand: the environment, an `.env` file, credentials, secrets, files.

This module finds the texts; what they mean is `collector.settings.settings`' business.
"""

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from dotenv import dotenv_values

from collector.errors import IgnoredSetting, SettingsError, UnknownSetting

ENV_FILE: Final = Path(".env")
FROM: Final = "SETTINGS_FROM"
"""The variable in which `infra/p1-collector` says what it read where: `NAME FILE` lines."""
COMMON: Final = "SETTINGS_COMMON"
"""The variable that names the first meter's file, in which a further meter's settings begin."""
OWN: Final = "SETTINGS_OWN"
"""The variable that names the further meter's own file, where `FROM` does not say it all."""
MUST_DIFFER: Final = (
    "P1_SOURCE",
    "P1_SOURCE_TOKEN",
    "P1_SOURCE_CA",
    "P1_SHARE",
    "P1_METER",
    "P1_SPOOL_DIR",
    "P1_HOT_DIR",
)
"""Settings that no two meters have in common."""
SHARED: Final = {"P1_METER": "hash"}
"""Values of these that two meters have in common all the same."""

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
        firsts = self._of_the_first()
        for every in settings:
            ours = every[0]
            for name in every:
                value, place = self._value(name, dotenv)
                if name in firsts and SHARED.get(name) != value:
                    self.problems.append(_ignored(name))
                elif value:
                    self.values[ours], self.given_as[ours] = value, name
                    self.places[ours] = place
                    break
        return self

    def _of_the_first(self) -> set[str]:
        """Name what only the first meter's file has set, of what must differ."""
        common, own = self.environment.get(COMMON, ""), self.environment.get(OWN, "")
        if self.files:
            names = {name for name, place in self.files.items() if place == common}
        else:
            names = file_values(common).keys() - file_values(own).keys()
        return names & {*MUST_DIFFER}

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
        return self._text(path, path.name) if _seen(path.is_file) else None

    def _dotenv(self) -> dict[str, str]:
        """Read the file of the directory that a person is in; of none, where a wrapper is asked.

        The wrapper has the settings of the service, which is in no such directory.
        """
        if FROM in self.environment or not _seen(ENV_FILE.exists):
            return {}
        try:
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


def file_values(path: str) -> dict[str, str]:
    """Give the variables of a file of settings; none if it cannot be read."""
    if not path:
        return {}
    try:
        return {name: text for name, text in dotenv_values(path).items() if text}
    except (OSError, UnicodeDecodeError):
        return {}


def _ignored(name: str) -> SettingsError:
    hint = "set it in this meter's own file, if its default is not right"
    return IgnoredSetting(f"{name}: ignored, it is the first meter's", hint=hint)


def _seen(look: Callable[[], bool]) -> bool:
    """Whether a file is there; one in a directory that may not be entered is not."""
    try:
        return look()
    except PermissionError:
        return False


def _unreadable(what: str, path: Path, error: OSError | UnicodeDecodeError) -> SettingsError:
    words = error.strerror if isinstance(error, OSError) else "is not text"
    hint = "the file must exist and be readable by the user of the service"
    return SettingsError(f"{what}: {path}: {words}", hint=hint)


def _unknown(name: str, known: Iterable[str]) -> SettingsError:
    nearest = difflib.get_close_matches(name, [k for k in known if k.startswith("P1_")], n=1)
    hint = f"did you mean `{nearest[0]}`?" if nearest else "README.md lists the settings"
    return UnknownSetting(f"unknown setting: {name}", hint=hint)
