"""An SD card with a real ext4, which can be pulled, filled, and made read-only (takes root)."""

import fcntl
import os
import secrets
import struct
import subprocess
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from bed.child import LIBC

MIB: Final = 1024 * 1024
SIZE: Final = 16 * MIB
BLOCK: Final = 4096
SHUTDOWN: Final = 0x8004587D
NO_LOG_FLUSH: Final = 2
CLONE_NEWNS: Final = 0x00020000


def blank(directory: Path) -> Path:
    """Make the image of an empty card, and see whether it can be mounted here.

    Skips the test if not, loudly; fails it if this is CI and root, where nothing may be skipped.
    """
    image = directory / "blank.ext4"
    try:
        _mount_in_private()
        with image.open("wb") as file:
            file.truncate(SIZE)
        _run("mkfs.ext4", "-q", "-F", "-b", str(BLOCK), "-E", "lazy_itable_init=0", image)
        card = Card(image, directory / "place")
        card.plug_in()
        card.unplug()
    except OSError as error:
        reason = f"NO SD CARD TO PULL: an ext4 cannot be mounted here, that takes root: {error}"
        if os.geteuid() == 0 and os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return image


@cache
def _mount_in_private() -> None:
    """Have mounts of its own in this process: another that copies what it sees would keep a card.

    A card that was cut off and that somebody still holds cannot be plugged in again.
    """
    if LIBC.unshare(CLONE_NEWNS):
        raise PermissionError("no mounts of its own")
    _run("mount", "--make-rprivate", "/")


class Card:
    """A card, and the place where it is mounted while it is plugged in."""

    def __init__(self, image: Path, place: Path) -> None:
        self.place = place
        self._image = image
        self._is_dead = False
        place.mkdir(parents=True, exist_ok=True)

    @classmethod
    def copied(cls, image: Path, card: Path, place: Path) -> "Card":
        """Make a card like another one, which stays as it is."""
        _copy(image, card)
        return cls(card, place)

    def plug_in(self) -> None:
        """Mount it. A dead one is mounted from a copy, also on top of itself.

        While anybody has the old one, if only in another namespace of mounts, the kernel would
        give that one again, dead.
        """
        if self._is_dead:
            dead, self._image = self._image, self._image.with_name(f"{secrets.token_hex(4)}.ext4")
            _copy(dead, self._image)
            dead.unlink()
            self._is_dead = False
        _run("mount", "-t", "ext4", "-o", "loop,noatime", self._image, self.place)

    def unplug(self) -> None:
        _run("umount", self.place)

    def pull(self) -> None:
        """Take it out while it is in use: who has a file open keeps that, and nothing else."""
        while self.place.is_mount():
            _run("umount", "--lazy", self.place)

    def cut_power(self) -> None:
        """Lose what was not synced; until it is plugged in again, everything fails with EIO."""
        self._is_dead = True
        directory = os.open(self.place, os.O_RDONLY)
        try:
            fcntl.ioctl(directory, SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(directory)

    def sync_another_file(self) -> None:
        """Make the journal commit: that is what leaves zeros behind an unsynced append."""
        file = os.open(self.place / "another", os.O_WRONLY | os.O_CREAT)
        os.write(file, b"x")
        os.fsync(file)
        os.close(file)

    def allow_writing(self, *, yes: bool) -> None:
        """Mount it again for reading alone, or for both. Nobody may have a file open to write."""
        _run("mount", "-o", f"remount,{'rw' if yes else 'ro'}", self.place)

    def hang(self, *, yes: bool) -> None:
        """Have every call that changes something wait, whoever makes it; or let them go on."""
        _run("fsfreeze", "--freeze" if yes else "--unfreeze", self.place)

    def freeze_directory(self, directory: Path, *, yes: bool) -> None:
        """Forbid every change of a directory's names, to root as well; or allow them again."""
        _run("chattr", "+i" if yes else "-i", directory)


def _copy(image: Path, to: Path) -> None:
    _run("cp", "--sparse=always", image, to)


def _run(*command: str | Path) -> None:
    """Run a program. Raises `OSError`, with its words, if it cannot do it."""
    done = subprocess.run([*map(str, command)], check=False, capture_output=True, text=True)
    if done.returncode:
        raise OSError(f"{' '.join(map(str, command))}: {done.stderr.strip()}")
