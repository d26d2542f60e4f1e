"""The places where readings wait: the spool on a disk, the hot directory in RAM."""

import errno
import os
import re
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from collector.commands.check.finding import Finding, fail, ok, skip, warn
from collector.commands.output import counted
from collector.remedies import Remedy
from collector.settings.settings import Settings
from collector.spool.disk import Disk
from collector.spool.fault import NO_ROOM, advice_on
from collector.spool.record import decode
from collector.spool.segment import segments
from collector.spool.spool import Directories

TABLE: Final = Path("/proc/self/mountinfo")
IN_RAM: Final = ("tmpfs", "ramfs", "devtmpfs")
OVERLAYS: Final = ("overlay", "aufs")

_MOUNT: Final = re.compile(r"^(?:\S+ ){4}(\S+) .*? - (\S+) (\S*)", re.MULTILINE)
_ESCAPE: Final = re.compile(r"\\([0-7]{3})")
_MIB: Final = 1024 * 1024
_FULL: Final = (NO_ROOM, os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT))
_QUICK: Final = 8 * _MIB  # so much of what waits is read, to count it; a Pi takes a second or two


@dataclass(frozen=True, slots=True)
class Mount:
    place: Path
    kind: str
    device: str


def mounts() -> str:
    """Give this machine's table of mounts, empty where there is none."""
    with suppress(OSError):
        return TABLE.read_text()
    return ""


def mount_of(directory: Path, table: str) -> Mount | None:
    """Give the file system that a directory lies on, or would lie on if it were made."""
    found = [
        Mount(Path(_plain(place)), kind, _plain(device))
        for place, kind, device in _MOUNT.findall(table)
    ]
    over = [mount for mount in found if directory.resolve().is_relative_to(mount.place)]
    # Of two that are mounted on one place the last one counts.
    return max(reversed(over), key=lambda mount: len(mount.place.parts), default=None)


def _plain(text: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)), text)


def findings(
    settings: Settings, table: str, disk: Disk, trouble: str | None = None
) -> Iterator[Finding]:
    """Judge spool and hot directory by the `table` of mounts.

    `trouble` is what the running service says of its spool.
    """
    told = fail("spool", trouble, _spool_remedy(trouble)) if trouble else None
    yield told or spool(settings.spool, disk)
    yield spool_disk(mount_of(settings.spool, table))
    yield room(settings, disk)
    yield hot(settings, disk, mount_of(settings.hot, table))
    yield from waiting(Directories(settings.spool), disk)


def spool(directory: Path, disk: Disk) -> Finding:
    try:
        there = _try(directory, disk)
    except OSError as error:
        what = f"cannot write to `{directory}`: {error.strerror}"
        return fail("spool", what, _spool_remedy(what))
    return ok("spool", f"`{directory}` can be {'written' if there else 'made'}")


def _spool_remedy(said: str) -> Remedy | str:
    """Give what fits the words of the disk; what says nothing of the disk is the directory."""
    if any(words in said for words in _FULL):
        return Remedy.DISK_FULL
    return advice_on(said) or Remedy.SPOOL_UNUSABLE


def spool_disk(mount: Mount | None) -> Finding:
    if mount is None:
        return skip("spool's disk", "this system has no table of mounts")
    what = f"{mount.kind} on {mount.device}, mounted on {mount.place}"
    if mount.kind not in (*IN_RAM, *OVERLAYS):
        return ok("spool's disk", what)
    remedy = Remedy.SPOOL_IN_RAM if mount.kind in IN_RAM else Remedy.SPOOL_ON_OVERLAY
    return fail("spool's disk", what, remedy)


def room(settings: Settings, disk: Disk) -> Finding:
    try:
        free = disk.free(_existing(settings.spool)) // _MIB
    except OSError as error:
        return fail("free space", f"not known: {error.strerror}", Remedy.SPOOL_UNUSABLE)
    what = f"{free} MiB, {settings.free_mib} of them are left free"
    if free > 2 * settings.free_mib:
        return ok("free space", what)
    judge = warn if free > settings.free_mib else fail
    return judge("free space", what, Remedy.DISK_FULL)


def hot(settings: Settings, disk: Disk, mount: Mount | None) -> Finding:
    directory = settings.hot
    try:
        _try(directory, disk)
        free = disk.free(_existing(directory)) // _MIB
    except OSError as error:
        what = f"cannot write to `{directory}`: {error.strerror}"
        small = error.errno == errno.ENOSPC
        return fail("hot directory", what, Remedy.HOT_SMALL if small else Remedy.HOT_UNUSABLE)
    what = f"`{directory}`, {mount.kind if mount else 'unknown'}, {free} MiB free"
    if mount is not None and mount.kind not in IN_RAM:
        return warn("hot directory", what, Remedy.HOT_ON_DISK)
    if free < settings.hot_mib:
        return warn("hot directory", what, Remedy.HOT_SMALL)
    return ok("hot directory", what)


def waiting(directories: Directories, disk: Disk) -> Iterator[Finding]:
    aside = (directories.rejected, Remedy.REJECTED), (directories.damaged, Remedy.DAMAGED)
    try:
        yield _backlog(directories, disk)
        for room, remedy in aside:
            if names := [name for name in disk.names(room) if not name.endswith(".draft")]:
                yield warn(room.name, f"{counted(len(names), 'file')} in `{room}`", remedy)
    except OSError as error:
        yield skip("backlog", f"`{directories.spool}` cannot be read: {error.strerror}")


def _waiting(directories: Directories, disk: Disk) -> list[Path]:
    closed = [*segments(disk, directories.spool), *segments(disk, directories.inbox)]
    return closed + segments(disk, directories.spool, ".open")


def _backlog(directories: Directories, disk: Disk) -> Finding:
    paths, ages = _waiting(directories, disk), []
    for path in paths:
        with suppress(FileNotFoundError):  # it was delivered just now
            ages.append(time.time() - path.stat().st_mtime)
    if not ages:
        return ok("backlog", "nothing waits on the disk")
    size = sum(map(disk.size, paths))
    what = f"{counted(len(paths), 'file')}, {size / _MIB:.1f} MiB"
    if size < _QUICK and (telegrams := _telegrams(paths, disk)) is not None:
        if not telegrams:
            return ok("backlog", f"no telegram waits on the disk, only the program's own ({what})")
        what = f"{counted(telegrams, 'telegram')} in {what}"
    what += f", the oldest {max(0.0, *ages) / 3600:.1f} hours old"
    return warn("backlog", what, Remedy.BACKLOG)


def _telegrams(paths: Iterable[Path], disk: Disk) -> int | None:
    """Count what waits; None if some of it is damaged, or was delivered just now."""
    with suppress(FileNotFoundError):
        found = [decode(disk.read(path)) for path in paths]
        if not any(contents.damage for contents in found):
            return sum(record.counted for contents in found for record in contents.ids)
    return None


def oldest_line(directories: Directories, disk: Disk) -> bytes | None:
    """Give the first line of the oldest segment that waits; None if nothing can be read."""
    with suppress(OSError):
        for path in _waiting(directories, disk)[:1]:
            with path.open("rb") as file:
                return next((x for x in file if x.strip() and not x.startswith(b"#")), None)
    return None


def _try(directory: Path, disk: Disk) -> bool:
    """Write a file, sync it, and remove it; its name is none that the service looks at.

    False if the directory is not there: it is not made, for it would belong to whoever runs
    `check`, and not to the service.
    """
    if not directory.is_dir():
        above = _existing(directory)
        if not above.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if not os.access(above, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return False
    path = directory / f".check-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        disk.write_whole(path, b"p1-collector check\n")
    finally:
        disk.remove(path)
    return True


def _existing(directory: Path) -> Path:
    """Give the directory, or the nearest above it that is there."""
    return next(path for path in (directory, *directory.parents) if path.exists())
