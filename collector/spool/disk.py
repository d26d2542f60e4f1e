"""The file system, as few calls as the spool needs, so that a test can give one that fails."""

import os
from contextlib import suppress
from pathlib import Path


class Disk:
    """Calls of the operating system; every one may raise `OSError`, none hides one.

    Files and directories are made for the user alone (modes 600 and 700): a household's use of
    energy says when nobody is at home.
    """

    def make_directory(self, path: Path) -> None:
        """Make a directory and those above it, each name synced; one that is there is no error."""
        if path.is_dir():
            return
        if path.parent != path:
            self.make_directory(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)
        # Where we may write but not look, nobody can sync.
        with suppress(PermissionError):
            self.sync_directory(path.parent)

    def create(self, path: Path) -> int:
        """Make a file that is not there yet, for appending."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)

    def write(self, file: int, data: bytes) -> int:
        """Append; the number of bytes that went in may be smaller than asked."""
        return os.write(file, data)

    def truncate(self, file: int, size: int) -> None:
        os.ftruncate(file, size)

    def cut(self, path: Path, size: int) -> None:
        """Shorten a file that nobody has open, synced."""
        file = os.open(path, os.O_WRONLY)
        try:
            os.ftruncate(file, size)
            os.fsync(file)
        finally:
            os.close(file)

    def sync(self, file: int) -> None:
        """Return when the file's data and size are on the card."""
        os.fdatasync(file)

    def sync_directory(self, path: Path) -> None:
        """Return when the names in a directory are on the card."""
        directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def close(self, file: int) -> None:
        os.close(file)

    def read(self, path: Path) -> bytes:
        return path.read_bytes()

    def rename(self, old: Path, new: Path) -> None:
        old.rename(new)

    def link(self, old: Path, new: Path) -> None:
        """Give a file a second name; unlike `rename`, never in the place of another file."""
        new.hardlink_to(old)

    def give_to_owner_of(self, directory: Path, path: Path) -> None:
        """Let a file that root made in somebody's directory belong to whose that is."""
        if os.geteuid() == 0:
            state = directory.stat()
            os.chown(path, state.st_uid, state.st_gid)

    def remove(self, path: Path) -> None:
        """Remove a file; one that is gone already is no error."""
        path.unlink(missing_ok=True)

    def names(self, path: Path) -> list[str]:
        """Give the names in a directory; none when there is no directory."""
        try:
            return [entry.name for entry in os.scandir(path)]
        except FileNotFoundError:
            return []

    def size(self, path: Path) -> int:
        """Give a file's length in bytes; 0 when it has gone meanwhile."""
        try:
            return path.stat().st_size
        except FileNotFoundError:
            return 0

    def free(self, path: Path) -> int:
        """Give the bytes that an ordinary user may still write there."""
        state = os.statvfs(path)
        return state.f_bavail * state.f_frsize

    def write_whole(self, path: Path, data: bytes) -> None:
        """Make `path` hold `data`, synced: whole, or not at all under that name."""
        draft = path.with_suffix(".draft")
        self.remove(draft)
        try:
            self._fill(draft, data)
        except OSError:
            self.remove(draft)
            raise
        self.rename(draft, path)
        self.sync_directory(path.parent)

    def _fill(self, path: Path, data: bytes) -> None:
        file = self.create(path)
        try:
            while data:
                data = data[self.write(file, data) :]
            self.sync(file)
        finally:
            self.close(file)
