"""Programs that the tests start. They end with the tests, also when the tests are killed."""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

STOPPED: Final = "T"
"""The state of a process, or of a thread, that a signal has stopped."""
PACE: Final = 0.01
HELD_SECONDS: Final = 20
"""How long a program that is held up may end later than it has to."""

PR_SET_PDEATHSIG: Final = 1
LIBC: Final = ctypes.CDLL(None)


def start(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    log: Path,
    last_signal: signal.Signals = signal.SIGKILL,
) -> subprocess.Popen[bytes]:
    """Start a program whose output is appended to `log`.

    It gets `last_signal` when the thread that started it ends, so start it from a thread that
    stays.
    """
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=_end_with(os.getpid(), last_signal),  # noqa: PLW1509  no lock is taken
        )


def _end_with(parent: int, last_signal: signal.Signals) -> Callable[[], None]:
    def ask_the_kernel() -> None:
        LIBC.prctl(PR_SET_PDEATHSIG, last_signal)
        if os.getppid() != parent:  # the parent was gone before the kernel knew
            os._exit(1)

    return ask_the_kernel


def end(process: subprocess.Popen[bytes], ending: signal.Signals, *, seconds: float) -> int:
    """Send a signal, wait, and kill what has not ended by then. Gives the exit status."""
    process.send_signal(ending)
    status = ended(process, seconds=seconds)
    if status is None:
        process.kill()
        return process.wait()
    return status


def ended(process: subprocess.Popen[bytes], *, seconds: float) -> int | None:
    """Give the exit status of a program that ends within so many seconds, else None.

    They are counted in small steps: a moment in which these tests stand still is one of them,
    however long, and one in which the program is held up by a signal is none.
    """
    left = round(seconds / PACE)
    give_up = time.monotonic() + seconds + HELD_SECONDS
    while left > 0 and time.monotonic() < give_up:
        with suppress(subprocess.TimeoutExpired):
            return process.wait(PACE)
        left -= not is_held(process.pid)
    return process.poll()


def is_held(pid: int) -> bool:
    """Whether a signal has stopped a process; one that has gone is not held any more."""
    return state(Path(f"/proc/{pid}")) == STOPPED


def state(task: Path) -> str:
    """Give the kernel's letter for what a process or thread does; none once it has gone."""
    with suppress(OSError):
        return (task / "stat").read_text().rpartition(")")[2].split()[0]
    return ""
