"""What a program's end is measured with: only time in which it could have ended counts."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from threading import Timer
from typing import Final

import pytest

from bed import child

pytestmark = pytest.mark.slow

READY: Final = "print('ready', flush=True); "
OBEYS: Final = f"import signal; {READY} signal.pause()"
DEAF: Final = f"import signal; signal.signal(15, signal.SIG_IGN); {READY} signal.pause()"


def started(program: str, home: Path) -> subprocess.Popen[bytes]:
    log = home / "log"
    command = [sys.executable, "-c", program]
    process = child.start(command, env=dict(os.environ), cwd=home, log=log)
    while "ready" not in log.read_text():
        assert process.poll() is None
    return process


def test_a_program_that_is_held_up_meanwhile_ends_in_time(tmp_path: Path) -> None:
    process = started(OBEYS, tmp_path)
    process.send_signal(signal.SIGSTOP)
    Timer(1.0, process.send_signal, [signal.SIGCONT]).start()
    assert child.end(process, signal.SIGTERM, seconds=0.3) == -signal.SIGTERM


def test_a_program_that_does_not_end_is_killed(tmp_path: Path) -> None:
    process = started(DEAF, tmp_path)
    assert child.ended(process, seconds=0.1) is None
    assert child.end(process, signal.SIGTERM, seconds=0.1) == -signal.SIGKILL
