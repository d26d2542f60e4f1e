"""How far an import got: a small file in the spool, until the import is done."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from collector.commands.imports.recording import Place
from collector.memory import Memory
from collector.spool.disk import Disk

DIRECTORY: Final = "imports"


@dataclass(frozen=True, slots=True)
class Progress:
    """Where to go on, and what was written last, so that it is not written again."""

    place: Place
    memory: Memory


class Note:
    """The note on one file. `under` says what the points depend on besides the file itself.

    A file is known by its path and inode, so one that grew meanwhile is the same file, and another
    one under its name is not.
    """

    def __init__(self, spool: Path, path: Path, under: str, disk: Disk) -> None:
        state = path.stat()
        self._key = f"{path.resolve()} {state.st_dev} {state.st_ino} {under}"
        name = hashlib.sha256(self._key.encode()).hexdigest()[:16]
        self._directory = spool / DIRECTORY
        self._path = self._directory / f"{name}.json"
        self._disk = disk

    def read(self) -> Progress | None:
        """Give how far an earlier run got; None if there was none, or its note is unfit."""
        try:
            data = json.loads(self._disk.read(self._path))
            if data["key"] != self._key:
                return None
            place = Place(int(data["position"]), int(data["number"]))
            return Progress(place, Memory.from_dict(data["memory"]))
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def write(self, progress: Progress) -> None:
        """Replace the note, synced."""
        data = {
            "key": self._key,
            "position": progress.place.position,
            "number": progress.place.number,
            "memory": progress.memory.as_dict(),
        }
        self._disk.make_directory(self._directory)
        self._disk.write_whole(self._path, json.dumps(data).encode())

    def remove(self) -> None:
        """Forget it: the file is done."""
        self._disk.remove(self._path)
