"""Where settings stand: what they mean is `collector.settings.settings`' business.

They are looked for in the environment, then in `.env`, then in files named like the variable in
lower case in `$CREDENTIALS_DIRECTORY` and `/run/secrets`, then in the file that the variable with
`_FILE` behind its name names.
"""

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from dotenv import dotenv_values

from collector.errors import IgnoredSetting, SettingsError, UnknownSetting

ENV_FILE: Final = Path(".env")
# The variables of `infra/p1-collector`:
FROM: Final = "SETTINGS_FROM"  # what it read where, in lines `NAME FILE`
COMMON: Final = "SETTINGS_COMMON"  # the first meter's file, in which a further meter's begin
OWN: Final = "SETTINGS_OWN"  # the further meter's own file, where `FROM` does not say it all
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
SHARED: Final = {"P1_METER": "hash"}  # values of these that two meters have in common all the same
_SECRETS: Final = Path("/run/secrets")
_FILE: Final = "_FILE"


@dataclass(frozen=True, slots=True)
class Found:
    """Where a setting was found: the variable's name, and what it stood in; and its text."""

    name: str
    place: str
    text: str = field(repr=False)


class Search:
    """Looks for every setting in every source; `found` is by our own name of a setting."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.problems: list[SettingsError] = []
        self.found: dict[str, Found] = {}
        self._environment = environment
        # Which variables a wrapper script took from which files.
        lines = environment.get(FROM, "").splitlines()
        self._files = dict(line.split(" ", 1) for line in lines if " " in line)

    def run(self, settings: Iterable[Sequence[str]]) -> "Search":
        """Look for settings, each given by its names, ours first."""
        settings = list(settings)
        known = [name for every in settings for name in every]
        dotenv, firsts = self._dotenv(), self._of_the_first()
        for name in dict.fromkeys((*self._environment, *dotenv)):
            if name.startswith("P1_") and not {name, name.removesuffix(_FILE)} & {*known}:
                self.problems.append(_unknown(name, known))
        for every in settings:
            for name in every:
                found = self._find(name, dotenv)
                if name in firsts and SHARED.get(name) != (found and found.text):
                    hint = "set it in this meter's own file, if its default is not right"
                    words = f"{name}: ignored, it is the first meter's"
                    self.problems.append(IgnoredSetting(words, hint=hint))
                elif found:
                    self.found[every[0]] = found
                    break
        return self

    def _of_the_first(self) -> set[str]:
        """Name what only the first meter's file has set, of what must differ."""
        common, own = self._environment.get(COMMON, ""), self._environment.get(OWN, "")
        if self._files:
            names = {name for name, place in self._files.items() if place == common}
        else:
            names = file_values(common).keys() - file_values(own).keys()
        return names & {*MUST_DIFFER}

    def _find(self, name: str, dotenv: Mapping[str, str]) -> Found | None:
        if text := self._environment.get(name):
            return Found(name, self._files.get(name, "environment"), text)
        if text := dotenv.get(name):
            return Found(name, str(ENV_FILE), text)
        for directory in (self._environment.get("CREDENTIALS_DIRECTORY"), _SECRETS):
            path = Path(directory or "/nonexistent") / name.lower()
            # Of many possible files most are not there, or not for this user.
            if _seen(path.is_file) and (text := self._text(path, path.name)):
                return Found(name, str(path), text)
        variable = f"{name}{_FILE}"
        named = self._environment.get(variable) or dotenv.get(variable)
        if named and (text := self._text(Path(named), variable)):
            return Found(name, named, text)
        return None

    def _dotenv(self) -> dict[str, str]:
        """Read the file of the directory that a person is in; of none, where a wrapper is asked.

        The wrapper has the settings of the service, which is in no such directory.
        """
        if FROM in self._environment or not _seen(ENV_FILE.exists):
            return {}
        try:
            return _variables(ENV_FILE)
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
    with suppress(OSError, UnicodeDecodeError):
        return _variables(path) if path else {}
    return {}


def _variables(path: str | Path) -> dict[str, str]:
    return {name: text for name, text in dotenv_values(path).items() if text}


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
