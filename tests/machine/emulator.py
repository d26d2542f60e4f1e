"""An emulated computer: QEMU, on a disk of its own, with two USB sockets and a plug in the wall.

A USB cable is QEMU's FTDI chip, the one of most P1 cables. It is plugged in as long as somebody is
connected to its socket, and what is written there comes down the line.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from bed import child
from bed.influxd import free_port

TRIAL_SECONDS: Final = 15
EMULATED: Final = "mitigations=off no_timer_check panic=-1 systemd.default_timeout_start_sec=900"
"""For a kernel: no processor's faults are worked around; timers and services may be late; a panic
ends the emulator."""
PORTS: Final = {"p1": "P1CABLE1", "stick": "STICK001"}
"""The USB sockets, with the serial number of what is plugged into each."""


class CrashedError(Exception):
    """The emulator ended by itself: that says nothing about what it emulates."""


@dataclass(frozen=True, slots=True)
class Board:
    """A kind of computer: what emulates it, its console's name, and what else it takes here."""

    program: str
    options: Sequence[str]
    console: str
    tools: Mapping[str, str]


AMD64: Final = Board(
    "qemu-system-x86_64",
    ("-machine", "pc", "-cpu", "max"),
    "ttyS0",
    {"qemu-system-x86_64": "qemu-system-x86"},
)
ARM64: Final = Board(
    "qemu-system-aarch64",
    ("-machine", "virt", "-cpu", "cortex-a53"),
    "ttyAMA0",
    {"qemu-system-aarch64": "qemu-system-arm", "qemu-aarch64-static": "qemu-user-static"},
)
BOARDS: Final = {"amd64": AMD64, "arm64": ARM64}
TOOLS: Final = {
    "debootstrap": "debootstrap",
    "qemu-img": "qemu-utils",
    "mkfs.ext4": "e2fsprogs",
    "ssh": "openssh-client",
}
"""The programs that each takes, with the packages of Debian that have them."""


@dataclass(frozen=True, slots=True)
class Disk:
    """A disk to boot from, with the kernel and the key that fit."""

    image: Path
    kernel: Path
    initrd: Path
    key: Path
    architecture: str

    def copied(self, image: Path) -> "Disk":
        """Give a copy that holds only what is written to it; the original stays as it is."""
        form = "raw" if self.image.suffix == ".img" else "qcow2"
        backing = ["-b", str(self.image), "-F", form]
        command = ["qemu-img", "create", "-q", "-f", "qcow2", *backing, str(image)]
        subprocess.run(command, check=True)
        return Disk(image, self.kernel, self.initrd, self.key, self.architecture)


class Emulator:
    """One computer; what is on its disk outlives its boots."""

    def __init__(self, disk: Disk, home: Path, *, memory_mib: int = 512) -> None:
        self.disk = disk
        self.ssh_port = free_port()
        self.console = home / "console.log"
        self._home = home
        self._memory = memory_mib
        self._process: subprocess.Popen[bytes] | None = None

    def socket(self, port: str) -> Path:
        """Give where a cable is plugged in."""
        return self._home / f"{port}.socket"

    def start(self, *extra: str) -> None:
        """Switch it on; it boots by itself."""
        assert not self.running, "it runs already"
        for port in PORTS:
            self.socket(port).unlink(missing_ok=True)
        self._process = child.start(
            [*self._command(), *extra], env=os.environ, cwd=self._home, log=self.console
        )
        while not all(self.socket(port).exists() for port in PORTS):
            self.see_it_runs()
            time.sleep(0.02)

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def kept(self) -> float:
        """For how many seconds others that run here have kept its processor from a real one."""
        if self._process is None:
            return 0.0
        threads = Path(f"/proc/{self._process.pid}/task").glob("*/schedstat")
        times = [(0, 0)]
        with suppress(OSError):  # it may have ended
            for thread in threads:
                ran, kept, _turns = map(int, thread.read_text().split())
                times.append((ran, kept))
        return max(times)[1] / 1e9  # the thread that runs most is the processor

    def see_it_runs(self) -> None:
        """Raise CrashedError if it has ended, which nobody told it to."""
        if not self.running:
            raise CrashedError(f"the emulator ended:\n{self.last_words()}")

    def pull_the_plug(self) -> None:
        """Cut the power: what the computer had not written to its disk is gone."""
        assert self._process is not None
        child.end(self._process, signal.SIGKILL, seconds=20)

    def wait_for_the_end(self, seconds: float) -> None:
        """Wait until it has switched itself off."""
        assert self._process is not None
        self._process.wait(seconds)

    def last_words(self) -> str:
        return self.console.read_text(errors="replace")[-3000:]

    def _command(self) -> list[str]:
        board = BOARDS[self.disk.architecture]
        append = (
            f"root=/dev/vda ro console={board.console} net.ifnames=0 quiet loglevel=3 {EMULATED}"
        )
        return [
            *(board.program, *board.options, *self._acceleration()),
            *("-m", str(self._memory), "-smp", "1", "-display", "none", "-no-reboot"),
            *("-monitor", "none", "-serial", "stdio", "-nodefaults", "-no-user-config"),
            *("-kernel", str(self.disk.kernel), "-initrd", str(self.disk.initrd)),
            *("-append", append),
            *("-drive", f"file={self.disk.image},if=virtio,format=qcow2,cache=writeback"),
            *("-netdev", f"user,id=net,hostfwd=tcp:127.0.0.1:{self.ssh_port}-:22"),
            *("-device", "virtio-net-pci,netdev=net,romfile="),
            *("-device", "virtio-rng-pci"),
            *("-device", "qemu-xhci,id=usb"),
            *(word for port, serial in PORTS.items() for word in self._port(port, serial)),
        ]

    def _acceleration(self) -> Sequence[str]:
        return acceleration(self.disk.architecture, self.disk.kernel)

    def _port(self, name: str, serial: str) -> Sequence[str]:
        end = f"socket,id={name},path={self.socket(name)},server=on,wait=off"
        device = f"usb-serial,bus=usb.0,chardev={name},serial={serial}"
        return ("-chardev", end, "-device", device)


@cache
def acceleration(architecture: str, kernel: Path) -> Sequence[str]:
    """Give the options for the fastest way to emulate that works here."""
    if architecture == "amd64" and os.access("/dev/kvm", os.R_OK | os.W_OK) and _is_quick(kernel):
        return ("-accel", "kvm")
    return ("-accel", "tcg,tb-size=256")


def _is_quick(kernel: Path) -> bool:
    """Whether a kernel says a word within seconds: under KVM within another machine it may not."""
    command = [AMD64.program, "-accel", "kvm", "-m", "256", "-nodefaults", "-display", "none"]
    options = ["-no-reboot", "-serial", "stdio", "-kernel", str(kernel)]
    try:
        trial = subprocess.run(
            [*command, *options, "-append", "console=ttyS0 panic=-1"],
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TRIAL_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        return b"Linux version" in (error.output or b"")
    return b"Linux version" in trial.stdout


def missing(architecture: str) -> list[str]:
    """Give the packages of Debian that are missing to emulate a computer here."""
    tools = {**TOOLS, **BOARDS[architecture].tools}
    return [package for tool, package in tools.items() if not shutil.which(tool)]
