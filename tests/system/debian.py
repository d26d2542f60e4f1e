"""A bare Debian to boot: made once by debootstrap, kept in the user's cache directory.

It is what a fresh Raspberry Pi OS has less of: no Python, no compiler, no ssh, only systemd.
"""

import contextlib
import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bed.influxdb import cache as influxdb_cache

RELEASE: Final = "bookworm"
PACKAGES: Final = "systemd,systemd-sysv,dbus,udev,iproute2"
TOOLS: Final = ("debootstrap", "systemd-nspawn", "nsenter")


class NoDebianError(Exception):
    """No Debian can be booted here, and this is why."""


def cache() -> Path:
    """Where everything lies that is made once."""
    return influxdb_cache().parent


def debian() -> Path:
    """Give the directory of a bare Debian, making it if need be: that takes a minute.

    Raises NoDebianError with the reason, in words for the person at the terminal.
    """
    if os.geteuid() != 0:
        raise NoDebianError("it takes root: sudo ./tests/run system")
    if missing := [tool for tool in TOOLS if not shutil.which(tool)]:
        raise NoDebianError(
            f"{' and '.join(missing)} missing: apt install debootstrap systemd-container"
        )
    cache().mkdir(parents=True, exist_ok=True)
    root = cache() / f"debian-{RELEASE}"
    with _alone(cache() / "debian.lock"):
        if not root.exists():
            _make(root)
    return root


def packages() -> Path:
    """Give the directory in which the booted Debian keeps the packages that it downloads."""
    place = cache() / "debian-packages"
    (place / "partial").mkdir(parents=True, exist_ok=True)
    return place


def _make(root: Path) -> None:
    unfinished = root.with_name(f"{root.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", RELEASE]
    made = subprocess.run(
        [*command, str(unfinished)],
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if made.returncode:
        raise NoDebianError(f"debootstrap failed:\n{made.stdout[-1000:]}")
    unfinished.rename(root)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
