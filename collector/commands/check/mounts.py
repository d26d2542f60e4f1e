"""Which kind of file system a directory lies on (proc(5), mountinfo)."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TABLE: Final = Path("/proc/self/mountinfo")
IN_RAM: Final = ("tmpfs", "ramfs", "devtmpfs")
OVERLAYS: Final = ("overlay", "aufs")

_ESCAPE: Final = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Mount:
    """A file system and where it is mounted."""

    place: Path
    kind: str
    device: str


def mounts(table: str) -> list[Mount]:
    """Read a table of mounts; the last one mounted on a place is the one that counts."""
    found: dict[Path, Mount] = {}
    for line in table.splitlines():
        before, _, after = line.partition(" - ")
        fields, kinds = before.split(" "), after.split(" ")
        if len(fields) > 4 and len(kinds) > 1:  # noqa: PLR2004  the place is the fifth
            place = Path(_plain(fields[4]))
            found[place] = Mount(place, kinds[0], _plain(kinds[1]))
    return list(found.values())


def mount_of(directory: Path, table: str) -> Mount | None:
    """Give the file system that a directory lies on, or would lie on if it were made."""
    real = directory.resolve()
    over = [mount for mount in mounts(table) if real.is_relative_to(mount.place)]
    return max(over, key=lambda mount: len(mount.place.parts), default=None)


def _plain(text: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)), text)
