"""No command ends in a traceback: neither on another user's files, nor before a login page."""

import os
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from bed.answers import Answers, answer
from bed.command import called
from collector.commands.cli import COMMANDS
from p1.golden import TELEGRAMS

pytestmark = pytest.mark.slow

GOOD: Final = TELEGRAMS / "dsmr50-1phase-gas.txt"
DROP: Final = "--bounding-set=-dac_override,-dac_read_search"
"""What lets root read the files of others; without it, root is a user as others are."""

ON_FILES: Final = (
    ("run",),
    ("check", "--seconds", "1"),
    ("once",),
    ("show", "--once"),
    ("decode", "theirs/file"),
    ("decode", "--key-file", "theirs/file", str(GOOD)),
    ("capture", "theirs/new"),
    ("capture", "new", f"--source=file://{GOOD}", "--count=1"),
    *(("spool", action) for action in ("status", "verify", "export", "resend", "take-over")),
    ("spool", "take-over", "theirs/spool"),
    ("import", "theirs/file"),
    ("import", str(GOOD)),
    ("import", "--dry-run", "theirs/file"),
    ("export",),
    ("put", "theirs/file"),
    ("put", "--own", str(GOOD)),
    ("pair", "https://127.0.0.1:1", "--certificate", "theirs/new"),
    ("prices",),
    ("prices", "--from", "2026-01-01"),
    ("simulate", "--pty", "theirs/meter", "--count", "1"),
)
SAYS_WHAT: Final = ("error: ", "ERROR ", "FAIL ", "usage: ")


@pytest.fixture
def theirs(tmp_path: Path) -> Iterator[Path]:
    """Give a directory that nobody may look into, with a spool, a hot directory and a file."""
    place = tmp_path / "theirs"
    for name in ("spool/inbox", "spool/rejected", "hot"):
        (place / name).mkdir(parents=True)
    (place / "file").touch()
    place.chmod(0)
    yield place
    place.chmod(0o700)


def strangers(*arguments: str, home: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a user that may read none of it."""
    drop = ["setpriv", DROP] if os.geteuid() == 0 else []
    bare = {name: text for name, text in os.environ.items() if not name.startswith("P1_")}
    return subprocess.run(
        [*drop, sys.executable, "-m", "collector", *arguments],
        env={**bare, "HOME": str(home), "XDG_STATE_HOME": str(home / "state"), **settings},
        cwd=home,
        check=False,
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_every_command_is_tried() -> None:
    assert {command for command, *_ in ON_FILES} == COMMANDS.keys() - {"demo"}


@pytest.mark.skipif(
    os.geteuid() == 0 and not shutil.which("setpriv"), reason="no setpriv: apt install util-linux"
)
@pytest.mark.parametrize("arguments", ON_FILES, ids=" ".join)
@pytest.mark.parametrize("deeper", [True, False], ids=["below", "itself"])
def test_another_users_files_are_told_in_a_sentence(
    arguments: tuple[str, ...],
    deeper: bool,  # noqa: FBT001  which
    theirs: Path,
    tmp_path: Path,
) -> None:
    spool, hot = (theirs / "spool", theirs / "hot") if deeper else (theirs, theirs)
    done = strangers(
        *arguments,
        home=tmp_path,
        P1_SOURCE=f"file://{theirs / 'file'}",
        P1_SPOOL_DIR=str(spool),
        P1_HOT_DIR=str(hot),
        XDG_RUNTIME_DIR=str(theirs),
    )
    assert "Traceback" not in done.stdout + done.stderr
    if done.returncode:
        assert any(words in done.stdout + done.stderr for words in SAYS_WHAT)


@pytest.mark.parametrize("arguments", [("check",), ("once",), ("export",)], ids=" ".join)
@pytest.mark.parametrize("status", [200, 403])
def test_a_login_page_is_told_in_a_sentence(
    arguments: tuple[str, ...], status: int, tmp_path: Path
) -> None:
    page = answer(status, b"<html>Welcome to the hotel</html>", Content_Type="text/html")
    with Answers(deque([page] * 9)) as server:
        done = called(
            *arguments,
            home=tmp_path,
            P1_SOURCE=f"file://{GOOD}",
            P1_INFLUX_URL=server.url,
            P1_INFLUX_TOKEN="made-up",  # noqa: S106  nobody's
            P1_REQUEST_SECONDS="5",
        )
    assert "Traceback" not in done.stdout + done.stderr
    assert "Welcome to the hotel" in done.stdout + done.stderr or "cannot be read" in done.stderr
