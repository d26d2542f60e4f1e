"""What the kernel knows of a process: its memory, its CPU time, what it wrote to a disk."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_UTIME, _STIME = 11, 12  # proc(5), counted from behind the name


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident bytes; `pss` counts what is shared by its share."""

    rss: int
    pss: int


def memory(pid: int) -> Memory:
    values = _colons(pid, "smaps_rollup")
    return Memory(_kib(values["Rss"]), _kib(values["Pss"]))


def peak(pid: int) -> int:
    """Give the most bytes that were ever resident."""
    return _kib(_colons(pid, "status")["VmHWM"])


def cpu_seconds(pid: int) -> float:
    """Give user and system time of all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[_UTIME]) + int(fields[_STIME])) / _TICKS


def written(pid: int) -> int:
    """Give the bytes that it has had written to a disk; a RAM disk is none."""
    return int(_colons(pid, "io")["write_bytes"])


def _colons(pid: int, name: str) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/{name}").read_text().splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)


def _kib(text: str) -> int:
    return int(text.removesuffix("kB")) * 1024
