"""Disks to boot, made once and kept in the user's cache directory by what they are made of.

A bare Debian comes from debian.sh. The program is installed on it as README says, in a machine
that runs: under emulation that takes minutes, so what is tried later is tried on copies.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_fixed

from bed import build
from machine.emulator import Disk, missing

ROOT: Final = Path(__file__).resolve().parents[2]
RECIPE: Final = Path(__file__).with_name("debian.sh")
SHIPPED: Final = ("collector", "infra", "pyproject.toml", "README.md", "LICENSE")
CONSTRAINTS: Final = "tests/constraints.txt"
STALE_SECONDS: Final = 3 * 24 * 3600
BUILD_SECONDS: Final = 3600


class NoMachineError(Exception):
    """No machine can be emulated here, and this is why."""


@dataclass(frozen=True, slots=True)
class Debian:
    """Which Debian: its release, and its word for the kind of computer."""

    release: str = "bookworm"
    architecture: str = "amd64"

    def __str__(self) -> str:
        return f"{self.release}-{self.architecture}"


BOOKWORM: Final = Debian()
TRIXIE: Final = Debian("trixie")
ARM64: Final = Debian(architecture="arm64")
"""What a Raspberry Pi OS of 64 bits is made from."""


def checkout() -> list[Path]:
    """Give the files that somebody has who cloned the project and installs from there."""
    folders = [ROOT / name for name in SHIPPED]
    files = [ROOT / CONSTRAINTS, *(path for top in folders for path in _files(top))]
    return sorted(path.relative_to(ROOT) for path in files)


def _files(top: Path) -> Iterator[Path]:
    if top.is_file():
        yield top
    else:
        found = (path for path in top.rglob("*") if path.is_file())
        yield from (path for path in found if "__pycache__" not in path.parts)


def bare(debian: Debian) -> Disk:
    """Give the disk of a bare Debian, making it if need be.

    Raises NoMachineError with the reason, in words for the person at the terminal.
    """
    _see_it_can(debian)
    made_of = hashlib.sha256(f"{debian}".encode() + RECIPE.read_bytes()).hexdigest()[:12]
    place = build.cache(f"machine-{debian}-{made_of}")
    with build.alone(place):
        if not (place / "made").exists():
            _make(debian, place)
            (place / "made").touch()
    return _disk(debian, place, place / "disk.img")


def installed(debian: Debian, install: Callable[[Disk], None]) -> Disk:
    """Give a disk on which `install` has put the checkout, doing so if need be."""
    return layered(debian, f"installed-{fingerprint()}", install)


def layered(debian: Debian, name: str, make: Callable[[Disk], None]) -> Disk:
    """Give a disk on which `make` has put something that `name` tells, doing so if need be."""
    below = bare(debian)
    image = below.image.with_name(f"{name}.qcow2")
    with build.alone(image.parent):
        if not image.exists():
            _sweep(image.parent)
            unfinished = below.copied(image.with_suffix(".unfinished"))
            make(unfinished)
            unfinished.image.rename(image)
        os.utime(image)
    return replace(below, image=image)


def fingerprint() -> str:
    """Tell one checkout from another by what is run of it."""
    return digest(checkout())


def digest(files: Iterable[Path]) -> str:
    """Tell files of the checkout from others by their names and what is in them, but README.md."""
    run = sorted(path for path in files if path != Path("README.md"))
    parts = [str(path).encode() + (ROOT / path).read_bytes() for path in run]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:12]


def _disk(debian: Debian, place: Path, image: Path) -> Disk:
    return Disk(image, place / "vmlinuz", place / "initrd", place / "key", debian.architecture)


def _see_it_can(debian: Debian) -> None:
    if os.geteuid() != 0:
        raise NoMachineError("it takes root: sudo ./tests/run machine")
    if lacking := missing(debian.architecture):
        raise NoMachineError(f"it takes more programs: apt install {' '.join(sorted(lacking))}")


@retry(
    retry=retry_if_exception_type(NoMachineError),
    stop=stop_after_attempt(build.TRIES),
    wait=wait_fixed(build.PAUSE_SECONDS),
    reraise=True,
)
def _make(debian: Debian, place: Path) -> None:
    build.say(f"making a disk with Debian {debian} in {place}: this takes some minutes, once")
    began = time.monotonic()
    (place / "key").unlink(missing_ok=True)
    shutil.rmtree(place / "root", ignore_errors=True)  # half of one, where somebody pressed Ctrl-C
    keygen = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "tests"]
    subprocess.run([*keygen, "-f", place / "key"], check=True)
    command = [str(RECIPE), debian.release, debian.architecture, str(place)]
    made = subprocess.run(
        # What it mounts ends with it, and with it all that the script has begun.
        ["unshare", "--mount", "timeout", str(BUILD_SECONDS), *command],
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if made.returncode:
        shutil.rmtree(place / "root", ignore_errors=True)
        raise NoMachineError(f"`{' '.join(command)}` failed:\n{made.stdout[-2000:]}")
    build.say(f"made in {time.monotonic() - began:.0f} s")


def _sweep(place: Path) -> None:
    """Remove what was made from checkouts that nobody has tested for days."""
    for old in place.glob("*-*.*"):
        if time.time() - old.stat().st_mtime > STALE_SECONDS:
            old.unlink()


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Wait until no other tests on this computer emulate one: each takes a whole processor."""
    with build.alone(build.cache("machine")):
        yield


def main() -> int:
    try:
        disk = bare(BOOKWORM)
    except NoMachineError as error:
        build.say(f"NO MACHINE IS EMULATED: {error}")
        return 1
    build.say(f"a disk for emulated machines: {disk.image}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
