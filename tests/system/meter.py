"""A simulated meter on a pseudo-terminal: a telegram a second, by this machine's clock."""

import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bed import child

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence

DIALOUT: Final = 20
"""The group that serial ports belong to; every Debian has given it this number."""


class Meter:
    """A meter that can be switched off and on, each time on another terminal, as cables are."""

    def __init__(self, home: Path, *where: str) -> None:
        self.terminal: Path | None = None
        self._home = home
        self._where = where
        self._process: subprocess.Popen[bytes] | None = None

    def switch_on(self) -> None:
        link = self._home / "p1"
        where: Sequence[str] = self._where or ("--pty", str(link))
        self._process = child.start(
            [sys.executable, "-m", "collector", "simulate", *where],
            env=os.environ,
            cwd=self._home,
            log=self._home / "meter.log",
        )
        if self._where:
            return
        give_up = time.monotonic() + 20
        while not link.exists():
            assert time.monotonic() < give_up, (self._home / "meter.log").read_text()
            time.sleep(0.05)
        self.terminal = link.resolve()
        os.chown(self.terminal, 0, DIALOUT)
        self.terminal.chmod(0o660)

    def switch_off(self) -> None:
        if self._process is not None:
            child.end(self._process, signal.SIGTERM, seconds=5)
        self._process = self.terminal = None
