"""One process per directory: a lock on the directory itself, so that taking it writes nothing."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from collector.errors import LockedError


class Lock:
    """Holds a directory for as long as the process lives; the kernel lets go of it after that."""

    def __init__(self, directory: Path) -> None:
        """Take the lock. Raises `LockedError` if another process has it."""
        self._directory = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(self._directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            who = _holder(os.fstat(self._directory)) or "another process"
            os.close(self._directory)
            raise LockedError(
                f"`{directory}` is in use by {who}",
                hint="only one collector may work on a spool: stop the other one,"
                " or set `P1_SPOOL_DIR` and `P1_HOT_DIR` for this one",
            ) from None

    def release(self) -> None:
        os.close(self._directory)


def holder(directory: Path) -> str | None:
    """Name the process that has a directory's lock, without touching the lock; None if nobody."""
    try:
        return _holder(directory.stat())
    except OSError:
        return None


def _holder(state: os.stat_result) -> str | None:
    """Name the process that has the lock, as far as /proc may tell."""
    place = f"{os.major(state.st_dev):02x}:{os.minor(state.st_dev):02x}:{state.st_ino}"
    with suppress(OSError):
        for line in Path("/proc/locks").read_text().splitlines():
            fields = line.split()
            if place in fields and "FLOCK" in fields:
                pid = fields[fields.index(place) - 1]
                return f"process {pid} ({_command(pid)})"
    return None


def _command(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip()
    except OSError:
        return "unknown"
