"""The shell scripts are plain POSIX, and say how they are used."""

import shutil
import subprocess
from pathlib import Path

import pytest

from collector.commands.cli import COMMANDS
from infra.units import INFRA

SCRIPTS = sorted(
    path for path in INFRA.iterdir() if path.is_file() and path.read_bytes()[:9] == b"#!/bin/sh"
)

each = pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)


@each
@pytest.mark.skipif(not shutil.which("shellcheck"), reason="no shellcheck: apt install shellcheck")
def test_shellcheck_has_nothing_to_say(script: Path) -> None:
    # SC2015: what stands behind `||` is meant to run also when the command behind `&&` fails.
    command = ["shellcheck", "--shell=sh", "--enable=quote-safe-variables", "--exclude=SC2015"]
    done = subprocess.run(
        [*command, str(script)], check=False, capture_output=True, text=True, timeout=100
    )
    assert (done.returncode, done.stdout) == (0, "")


@each
def test_it_can_be_run(script: Path) -> None:
    assert script.stat().st_mode & 0o111 == 0o111


def test_the_installer_says_how_it_is_used() -> None:
    done = _install("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "--uninstall" in done.stdout
    assert "--purge" in done.stdout


def test_the_installer_refuses_what_it_does_not_know() -> None:
    done = _install("--unistall")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: unknown option `--unistall`\n\n")
    assert "--uninstall" in done.stderr


def _install(argument: str) -> subprocess.CompletedProcess[str]:
    command = ["sh", str(INFRA / "install.sh"), argument]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=100)


def test_tab_completes_each_command() -> None:
    asked = f"source {INFRA / 'p1-collector.bash'}; complete -p p1-collector"
    done = subprocess.run(["bash", "-c", asked], check=True, capture_output=True, text=True)
    assert f"-W '{' '.join(COMMANDS)}'" in done.stdout
