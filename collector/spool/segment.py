"""Segments: what their names are, and how much goes into one (the format: `collector.spool`)."""

import re
from pathlib import Path
from typing import Final

from collector.spool.disk import Disk

MAX_LINES: Final = 5_000
MAX_BYTES: Final = 4 * 1024 * 1024
"""One request: InfluxDB advises 5,000 lines, and at 4 MiB gzip stays below a proxy's 1 MiB."""

_TOO_LONG: Final = 12
"""Digits that are no time: what a damaged file begins with may be anything."""
_NAME: Final = re.compile(r"^(\d{20})(?:(?:-\d{8}-[0-9a-f]{8})?\.lp|\.open|\.draft|-\d+\.bin)$")


def closed_name(number: int) -> str:
    return f"{number:020d}.lp"


def open_name(number: int) -> str:
    return f"{number:020d}.open"


def damage_name(number: int, offset: int) -> str:
    return f"{number:020d}-{offset}.bin"


def number_of(name: str) -> int | None:
    """Give the number of a segment, or of the damage of one; None for any other file."""
    match = _NAME.match(name)
    return int(match[1]) if match else None


def segments(disk: Disk, directory: Path, suffix: str = ".lp") -> list[Path]:
    """Give the closed segments of a directory, oldest first (`suffix` `.open`: the open ones)."""
    names = (name for name in disk.names(directory) if name.endswith(suffix))
    return [directory / name for name in sorted(names) if number_of(name) is not None]


def highest_number(disk: Disk, *directories: Path) -> int:
    """Give the highest number used in these directories, 0 when there is none."""
    names = (name for directory in directories for name in disk.names(directory))
    return max((number for name in names if (number := number_of(name)) is not None), default=0)


def first_second(disk: Disk, path: Path) -> int | None:
    """Give the time of a segment's first record, in seconds; None if it cannot be read."""
    try:
        last = disk.first_line(path).rpartition(b" ")[2].strip()
    except OSError:
        return None
    return int(last) if last.isdigit() and len(last) < _TOO_LONG else None


def fits(size: int, lines: int, more_size: int, more_lines: int) -> bool:
    """Whether a segment of this size takes a record of that size."""
    return size + more_size <= MAX_BYTES and lines + more_lines <= MAX_LINES
