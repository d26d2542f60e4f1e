"""What the kernel knows of a process: its memory, its CPU time, what it wrote to a disk."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_SCHEDULER: Final = 2  # clock_getcpuclockid(3): the process's number inverted, and which clock


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident bytes; `pss` counts what is shared by its share."""

    rss: int
    pss: int


def memory(pid: int) -> Memory:
    values = _colons(_of(pid), "smaps_rollup")
    return Memory(_kib(values["Rss"]), _kib(values["Pss"]))


def peak(pid: int) -> int:
    """Give the most bytes that were ever resident."""
    return _kib(_colons(_of(pid), "status")["VmHWM"])


def cpu_seconds(pid: int) -> float:
    """Give user and system time of all threads, of those that have ended too."""
    return time.clock_gettime(~pid << 3 | _SCHEDULER)


def wakes(pid: int) -> int:
    """Give how often the threads that there are have waited for something."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int(_colons(task, "status")["voluntary_ctxt_switches"]) for task in tasks)


def written(pid: int) -> int:
    """Give the bytes that it has had written to a disk; a RAM disk is none."""
    return int(_colons(_of(pid), "io")["write_bytes"])


def _of(pid: int) -> Path:
    return Path(f"/proc/{pid}")


def _colons(process: Path, name: str) -> dict[str, str]:
    lines = (process / name).read_text().splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)


def _kib(text: str) -> int:
    return int(text.removesuffix("kB")) * 1024
