"""Disks for tests: one fails where it is told to, one forgets what was not synced."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from collector.spool.disk import Disk

WRITING = frozenset({"make_directory", "create", "write", "truncate", "cut", "sync",
                     "sync_directory", "rename", "link", "remove"})  # fmt: skip


@dataclass(slots=True)
class Fault:
    """Fail an operation below a path so often, with this error; `short` writes but that many."""

    operation: str
    error: int
    below: Path
    times: int = 1_000_000
    short: int | None = None


class FaultyDisk(Disk):
    """A real disk that counts its calls, and fails where a test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, Path]] = []
        self.faults: list[Fault] = []
        self.room: Callable[[], int] | None = None
        self.files: Callable[[], int] | None = None
        self.before: dict[str, Callable[[Path], None]] = {}
        self._paths: dict[int, Path] = {}

    def fail(
        self,
        operation: str,
        error: int,
        below: Path,
        *,
        times: int = 1_000_000,
        short: int | None = None,
    ) -> None:
        self.faults.append(Fault(operation, error, below, times, short))

    def wrote(self, below: Path) -> list[tuple[str, str]]:
        """Give the calls so far that change something below a path: operation and file name."""
        return [
            (operation, path.name)
            for operation, path in self.calls
            if operation in WRITING and path.is_relative_to(below)
        ]

    def make_directory(self, path: Path) -> None:
        if not path.is_dir():
            self._meet("make_directory", path)
        super().make_directory(path)

    def create(self, path: Path) -> int:
        self._meet("create", path)
        file = super().create(path)
        self._paths[file] = path
        return file

    def write(self, file: int, data: bytes) -> int:
        fault = self._meet("write", self._paths[file])
        return super().write(file, data if fault is None else data[: fault.short])

    def open(self, path: Path) -> int:
        self._meet("open", path)
        file = super().open(path)
        self._paths[file] = path
        return file

    def truncate(self, file: int, size: int) -> None:
        self._meet("truncate", self._paths[file])
        super().truncate(file, size)

    def cut(self, path: Path, size: int) -> None:
        self._meet("cut", path)
        super().cut(path, size)

    def sync(self, file: int) -> None:
        self._meet("sync", self._paths[file])
        super().sync(file)

    def sync_directory(self, path: Path) -> None:
        self._meet("sync_directory", path)
        super().sync_directory(path)

    def close(self, file: int) -> None:
        self._paths.pop(file)
        super().close(file)

    def close_all(self) -> None:
        """Close what a process that was killed had open."""
        for file in list(self._paths):
            self.close(file)

    def read(self, path: Path) -> bytes:
        self._meet("read", path)
        return super().read(path)

    def rename(self, old: Path, new: Path) -> None:
        self._meet("rename", old)
        super().rename(old, new)

    def link(self, old: Path, new: Path) -> None:
        self._meet("link", new)
        super().link(old, new)

    def remove(self, path: Path) -> None:
        self._meet("remove", path)
        super().remove(path)

    def names(self, path: Path) -> list[str]:
        self._meet("names", path)
        return super().names(path)

    def free(self, path: Path) -> int:
        return super().free(path) if self.room is None else self.room()

    def free_files(self, path: Path) -> int | None:
        return super().free_files(path) if self.files is None else self.files()

    def _meet(self, operation: str, path: Path) -> Fault | None:
        """Write the call down; raise if it is to fail, give the fault if it is to fall short."""
        self.calls.append((operation, path))
        if operation in self.before:
            self.before.pop(operation)(path)
        for fault in self.faults:
            if fault.operation == operation and path.is_relative_to(fault.below) and fault.times:
                fault.times -= 1
                if fault.short is None:
                    raise OSError(fault.error, os.strerror(fault.error), str(path))
                return fault
        return None


class HangingDisk(FaultyDisk):
    """A disk of which an operation below a path does not end before `answer` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.answer = Event()
        self.hung = Event()
        self._hangs: tuple[str, Path] | None = None

    def hang(self, operation: str, below: Path) -> None:
        self._hangs = operation, below

    def _meet(self, operation: str, path: Path) -> Fault | None:
        if self._hangs and operation == self._hangs[0] and path.is_relative_to(self._hangs[1]):
            self.hung.set()
            self.answer.wait()
        return super()._meet(operation, path)


class ForgetfulDisk(FaultyDisk):
    """A disk that knows what a power cut would leave of a directory, and can have one.

    Stricter than any file system: `sync` makes the bytes of one file last, but not its name, and
    names last only with `sync_directory`. Names change in order, as in a journal, so that any
    number of the changes since the last sync may have reached the card.
    """

    def __init__(self, root: Path, stash: Path) -> None:
        super().__init__()
        self._root = root
        self._stash = stash
        self._synced: dict[int, int] = {}
        self._names: dict[Path, int] = {}
        self._lasting: dict[Path, int] = {}
        self._changes: list[dict[Path, int]] = []
        stash.mkdir()

    def create(self, path: Path) -> int:
        file = super().create(path)
        if path.is_relative_to(self._root):
            inode = os.fstat(file).st_ino
            # A second name keeps the inode, and so its number, as long as the test.
            (self._stash / str(inode)).hardlink_to(path)
            self._synced[inode] = 0
            self._change(self._names | {path: inode})
        return file

    def sync(self, file: int) -> None:
        super().sync(file)
        state = os.fstat(file)
        self._synced[state.st_ino] = state.st_size

    def cut(self, path: Path, size: int) -> None:
        super().cut(path, size)
        if path in self._names:
            self._synced[self._names[path]] = size

    def sync_directory(self, path: Path) -> None:
        super().sync_directory(path)
        if path.is_relative_to(self._root):
            self._lasting = dict(self._names)
            self._changes.clear()

    def rename(self, old: Path, new: Path) -> None:
        super().rename(old, new)
        if old in self._names:
            names = dict(self._names)
            names[new] = names.pop(old)
            self._change(names)

    def link(self, old: Path, new: Path) -> None:
        super().link(old, new)
        self._change(self._names | {new: self._names[old]})

    def remove(self, path: Path) -> None:
        super().remove(path)
        self._change({name: inode for name, inode in self._names.items() if name != path})

    def cut_power(self, kept: int, tail: Callable[[bytes], bytes]) -> None:
        """Leave what was synced, and the first `kept` of the changes of names since then.

        `tail` says what stands where the unsynced bytes of a file were.
        """
        states = [self._lasting, *self._changes]
        names = states[kept % len(states)]
        contents = {path: self._left_of(inode, tail) for path, inode in names.items()}
        for path in self._root.rglob("*"):
            if path.is_file():
                path.unlink()
        for path in self._stash.iterdir():
            path.unlink()
        self._synced.clear()
        self._names = {path: self._put_back(path, data) for path, data in contents.items()}
        self._lasting = dict(self._names)
        self._changes.clear()

    def _change(self, names: dict[Path, int]) -> None:
        if names != self._names:
            self._names = names
            self._changes.append(names)

    def _left_of(self, inode: int, tail: Callable[[bytes], bytes]) -> bytes:
        data = (self._stash / str(inode)).read_bytes()
        synced = self._synced[inode]
        return data[:synced] + tail(data[synced:])

    def _put_back(self, path: Path, data: bytes) -> int:
        path.write_bytes(data)
        inode = path.stat().st_ino
        (self._stash / str(inode)).hardlink_to(path)
        self._synced[inode] = len(data)
        return inode
