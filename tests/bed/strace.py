"""System calls of a running process that fail or are late, for a while, by strace (takes root)."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from bed import child

ATTACH_SECONDS: Final = 60
DETACH_SECONDS: Final = 20


@contextmanager
def injected(pid: int, call: str, fault: str, log: Path) -> Iterator[None]:
    """Have each `call` of all threads meet a `fault`, as strace writes it: `error=EIO`."""
    with traced(pid, call, log, "-e", f"inject={call}:{fault}"):
        yield


@contextmanager
def traced(pid: int, call: str, log: Path, *more: str) -> Iterator[None]:
    """Have each `call` of all threads written into `log`."""
    what = ["-e", f"trace={call}", *more]
    with log.open("wb") as words:
        strace = subprocess.Popen(["strace", "-f", "-p", str(pid), *what], stderr=words)
    try:
        _wait_until_traced(pid, strace, log)
        yield
    finally:
        # It lets go of the process, which goes on; so it does if strace hangs and is killed.
        child.end(strace, signal.SIGINT, seconds=DETACH_SECONDS)


def need_strace() -> None:
    """Skip the test where there is no strace, loudly; fail it if this is CI and root."""
    if shutil.which("strace"):
        return
    reason = "NO CALLS THAT FAIL: strace is not installed"
    if os.geteuid() == 0 and os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def _wait_until_traced(pid: int, strace: subprocess.Popen[bytes], log: Path) -> None:
    give_up = time.monotonic() + ATTACH_SECONDS
    while not all(map(_is_traced, Path(f"/proc/{pid}/task").iterdir())):
        assert strace.poll() is None, log.read_text()
        assert time.monotonic() < give_up, f"strace does not attach: {log.read_text()}"
        time.sleep(0.02)


def _is_traced(thread: Path) -> bool:
    """Whether a thread is traced, or has ended: each request has one of its own."""
    try:
        return "TracerPid:\t0\n" not in (thread / "status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
