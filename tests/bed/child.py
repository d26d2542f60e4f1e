"""Programs that the tests start. They end with the tests, also when the tests are killed."""

import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

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
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
