"""Which wheel pip takes on each kind of Raspberry Pi, for each package that the program needs.

`python tests/infra/wheels.py` asks the package index through pip and writes wheels.json; the
tests read that file and need no network. `null` is a package without a wheel: Raspberry Pi OS of
32 bits gets it from piwheels, which its pip asks as well, and others would have to compile it.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import requires
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).resolve().parents[2]
RECORD: Final = Path(__file__).with_name("wheels.json")
PROGRAM: Final = "p1-collector"
DECRYPT: Final = "decrypt"
"""The extra for meters that encrypt their telegrams."""


@dataclass(frozen=True, slots=True)
class Target:
    """A kind of Raspberry Pi OS: the processor as pip names it, Python, and glibc's 2.x."""

    machine: str
    python: str
    glibc: int

    def __str__(self) -> str:
        return f"{self.machine}, Python {self.python}"

    @property
    def platforms(self) -> list[str]:
        """The platform tags that fit, the newest first."""
        older = [f"manylinux_2_{minor}_{self.machine}" for minor in range(self.glibc, 16, -1)]
        return [*older, f"manylinux2014_{self.machine}", f"linux_{self.machine}"]


TARGETS: Final = tuple(
    Target(machine, python, glibc)
    for machine in ("aarch64", "armv7l")
    for python, glibc in (("3.11", 36), ("3.13", 41))  # bookworm, trixie
)

Record = Mapping[str, Mapping[str, str | None]]


def needed() -> list[str]:
    """Give the packages that the program brings, with its extra `decrypt`, in order of name."""
    found: set[str] = set()
    waiting = [PROGRAM]
    while waiting:
        package = waiting.pop()
        for name in _requirements(package, DECRYPT if package == PROGRAM else ""):
            if name not in found:
                found.add(name)
                waiting.append(name)
    return sorted(found)


def _requirements(package: str, extra: str) -> Iterator[str]:
    """Give what a package needs on a Pi, with one of its extras."""
    for text in requires(package) or ():
        requirement = Requirement(text)
        place = {"sys_platform": "linux", "platform_python_implementation": "CPython"}
        if requirement.marker is None or requirement.marker.evaluate({**place, "extra": extra}):
            yield canonicalize_name(requirement.name)


def versions() -> dict[str, str]:
    """Give the versions that the tests run with, by package."""
    lines = (ROOT / "tests" / "constraints.txt").read_text().splitlines()
    pairs = (line.split("==") for line in lines if "==" in line)
    return {canonicalize_name(name): version for name, version in pairs}


def record() -> Record:
    """Read wheels.json: file names by package, by kind of Pi."""
    facts: Record = json.loads(RECORD.read_text())
    return facts


def _choose(package: str, target: Target) -> str | None:
    """Let pip choose the file of a package for a kind of Pi; None if there is no wheel."""
    with tempfile.TemporaryDirectory() as place:
        command = [
            *(sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--dest", place),
            *("--only-binary=:all:", "--implementation=cp", f"--python-version={target.python}"),
            *(f"--platform={platform}" for platform in target.platforms),
            f"{package}=={versions()[package]}",
        ]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        files = [path.name for path in Path(place).iterdir()]
    if not files and not re.search("No matching distribution", done.stderr):
        sys.exit(done.stderr)
    return files[0] if files else None


if __name__ == "__main__":
    chosen = {
        str(target): {name: _choose(name, target) for name in needed()} for target in TARGETS
    }
    RECORD.write_text(json.dumps(chosen, indent=2) + "\n")
