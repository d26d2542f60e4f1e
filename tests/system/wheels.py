"""What pip installs on the booted machine, fetched outside: the wheels for its Python."""

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PYTHON: Final = "3.11"
"""Debian bookworm's."""
PLATFORMS: Final = ("manylinux2014_{0}", "manylinux_2_17_{0}", "manylinux_2_28_{0}", "linux_{0}")


def fetch(place: Path, machine: str) -> None:
    """Fetch the program's dependencies and the build's, in the versions of the tests."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    command = [sys.executable, "-m", "pip", "download", "-q", "--only-binary=:all:"]
    platforms = [f"--platform={platform.format(machine)}" for platform in PLATFORMS]
    subprocess.run(
        [
            *(*command, f"--python-version={PYTHON}", "--implementation=cp", *platforms),
            *("--constraint", ROOT / "tests" / "constraints.txt", "--dest", place, *wanted),
        ],
        check=True,
    )
