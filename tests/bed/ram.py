"""A RAM disk of a given size, which is gone with the power (takes root)."""

import os
import subprocess
from contextlib import suppress
from itertools import count
from pathlib import Path


class RamDisk:
    """A tmpfs, and the place where it is mounted."""

    def __init__(self, place: Path, size: int) -> None:
        self.place = place
        self._size = size
        place.mkdir(parents=True, exist_ok=True)

    def make(self) -> None:
        options = f"size={self._size},mode=0700"
        command = ["mount", "-t", "tmpfs", "-o", options, "p1-test", str(self.place)]
        subprocess.run(command, check=True, text=True)

    def lose(self) -> None:
        """Lose it with all that is on it, also while it is in use."""
        if self.place.is_mount():
            command = ["umount", "--lazy", str(self.place)]
            subprocess.run(command, check=True, text=True)


def fill(directory: Path) -> Path:
    """Take all room that is left on a disk, as somebody else's file; give that file."""
    path = directory / "somebody-else"
    with path.open("ab", buffering=0) as file:
        for step in (65_536, 4096, 512, 1):
            while _grown(file.fileno(), step):
                pass
    return path


def _grown(file: int, step: int) -> bool:
    try:
        return os.write(file, bytes(step)) == step
    except OSError:
        return False


def fill_names(directory: Path) -> Path:
    """Take all names (inodes) that are left on a disk, for empty files; give their directory."""
    path = directory / "somebody-elses"
    path.mkdir()
    with suppress(OSError):
        for number in count():
            path.joinpath(str(number)).touch()
    return path
