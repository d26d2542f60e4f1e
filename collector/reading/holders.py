"""Who has a device open: the other processes, as far as this user may see them."""

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that has the port open."""

    pid: int
    command: str

    def __str__(self) -> str:
        return f"process {self.pid} ({self.command})"


def holders(device: str) -> list[Holder]:
    """Give the other processes that have the device open; none where there is no such device."""
    try:
        wanted = Path(device).stat().st_rdev
    except OSError:
        return []
    return [
        Holder(int(process.name), _command(process))
        for process in sorted(_PROC.iterdir())
        if process.name.isdigit() and int(process.name) != os.getpid() and wanted in _open(process)
    ]


def _open(process: Path) -> set[int]:
    """Give the devices that a process has open."""
    found = set()
    with suppress(OSError), os.scandir(process / "fd") as entries:
        for entry in entries:
            with suppress(OSError):
                state = entry.stat()
                if stat.S_ISCHR(state.st_mode):
                    found.add(state.st_rdev)
    return found


def _command(process: Path) -> str:
    with suppress(OSError):
        words = (process / "cmdline").read_text(errors="replace").replace("\0", " ").strip()
        if words:
            return words
    return "?"


def listed(others: Iterable[Holder]) -> str:
    """Name them in one line."""
    return ", ".join(map(str, others))
