"""A command as a person runs it, in a process of its own, with nothing set up behind its back."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from bed.privacy import Privacy, found_in, secrets_in

SECONDS: Final = 100
_OURS: Final = ("P1_", "INFLUX", "STATE_DIRECTORY", "RUNTIME_DIRECTORY", "NOTIFY_SOCKET")


def called(*arguments: str, home: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run `p1-collector` in `home`, with spool and hot directory below it."""
    bare = {name: text for name, text in os.environ.items() if not name.startswith(_OURS)}
    places = {"P1_HOT_DIR": str(home / "hot"), "P1_SPOOL_DIR": str(home / "spool")}
    privacy = Privacy(secrets_in(settings), home, (home / "hot", home / "spool"))
    privacy.begin()
    done = subprocess.run(
        [sys.executable, "-m", "collector", *arguments],
        env={**bare, "HOME": str(home), **places, **settings},
        cwd=home,
        check=False,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert found_in(f"{done.stdout}{done.stderr}".encode(), privacy.secrets) == []
    privacy.look_at_files()
    return done
