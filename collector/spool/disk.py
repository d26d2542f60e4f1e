"""The file system, as few calls as the spool needs, so that a test can give one that fails.

A card that dies may never answer a call. So it can be asked which calls are under way.
"""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from pathlib import Path
from threading import get_ident
from typing import Any, Final, NamedTuple, TypeVar

from collector.spool.fault import full

_GRAIN_NANOSECONDS: Final = 3 * 10**9
_NO_CALLS: Final = ("append", "longest_call")

_T = TypeVar("_T")


class Call(NamedTuple):
    """A call under way: what, of which file (or what number it is open as), since when."""

    name: str
    file: object
    since: float

    @property
    def path(self) -> Path:
        if not isinstance(self.file, int):
            return Path(str(self.file))
        try:
            return Path(f"/proc/self/fd/{self.file}").readlink()
        except OSError:  # it has just ended
            return Path("(closed)")


def _noting(method: Callable[..., Any]) -> Callable[..., Any]:
    """Let a call be known while it lasts; of one within another, the other."""

    @wraps(method)
    def noting(disk: "Disk", *args: Any) -> Any:
        thread = get_ident()
        if thread in disk.under_way:
            return method(disk, *args)
        disk.under_way[thread] = Call(method.__name__, args[0], time.monotonic())
        try:
            return method(disk, *args)
        finally:
            del disk.under_way[thread]

    return noting


def _noted(disk: type[_T]) -> type[_T]:
    for name, method in list(vars(disk).items()):
        if not name.startswith("_") and name not in _NO_CALLS:
            setattr(disk, name, _noting(method))
    return disk


@_noted
class Disk:
    """Calls of the operating system; every one may raise `OSError`, none hides one.

    Files and directories are made for the user alone (modes 600 and 700): a household's use of
    energy says when nobody is at home. `under_way` has the calls that have not ended, by thread.
    """

    def __init__(self) -> None:
        self.under_way: dict[int, Call] = {}

    def longest_call(self) -> Call | None:
        """Give the call that has been under way for longest."""
        return min(list(self.under_way.values()), key=lambda call: call.since, default=None)

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

    def append(self, file: int, data: bytes) -> None:
        """Append all of it: where a call falls short, the next one says why."""
        while data:
            if not (written := self.write(file, data)):
                raise full()
            data = data[written:]

    def open(self, path: Path) -> int:
        """Open a file that is there, for appending."""
        return os.open(path, os.O_WRONLY | os.O_APPEND)

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

    def first_line(self, path: Path) -> bytes:
        with path.open("rb") as file:
            return file.readline()

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

    def version(self, directory: Path) -> tuple[int, int] | None:
        """Give what becomes another when a name in a directory does.

        None if there is no directory, or if it changed so lately that the next change may have the
        same time: file systems tell times apart by milliseconds, some by two seconds.
        """
        try:
            state = directory.stat()
        except FileNotFoundError:
            return None
        lately = 0 <= time.time_ns() - state.st_mtime_ns < _GRAIN_NANOSECONDS
        return None if lately else (state.st_ino, state.st_mtime_ns)

    def size(self, path: Path) -> int:
        """Give a file's length in bytes; 0 when it has gone meanwhile."""
        try:
            return path.stat().st_size
        except FileNotFoundError:
            return 0

    def mark(self, path: Path) -> tuple[int, int]:
        """Give a file's size, and what tells it from others that had, or will have, its name."""
        state = path.stat()
        return state.st_size, hash((state.st_ino, state.st_mtime_ns))

    def modified(self, path: Path) -> float:
        """Give when a file was written, in seconds since 1970."""
        return path.stat().st_mtime

    def free(self, path: Path) -> int:
        """Give the bytes that an ordinary user may still write there."""
        state = os.statvfs(path)
        return state.f_bavail * state.f_frsize

    def free_files(self, path: Path) -> int | None:
        """Give how many files an ordinary user may still make there; None if as many as go in."""
        state = os.statvfs(path)
        return state.f_favail if state.f_files else None

    def write_whole(self, path: Path, data: bytes) -> None:
        """Make `path` hold `data`, synced: whole, or not at all under that name."""
        draft = path.with_suffix(".draft")
        self.remove(draft)
        try:
            file = self.create(draft)
            try:
                self.append(file, data)
                self.sync(file)
            finally:
                self.close(file)
        except OSError:
            self.remove(draft)
            raise
        self.rename(draft, path)
        self.sync_directory(path.parent)
