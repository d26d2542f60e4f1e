"""A whole machine that runs: a Debian with a kernel of its own, reached by ssh as root."""

import json
import os
import shlex
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bed.service import Status
from machine.emulator import Disk, Emulator
from machine.image import ROOT, checkout

BOOT_SECONDS: Final = 1200
GIVE_UP_SECONDS: Final = 600
QUICK_SECONDS: Final = 10
PATIENT_SECONDS: Final = 320
"""How long ssh waits to be let in: briefly while it boots, longer each time it was in vain."""
COMMAND_SECONDS: Final = 1800
NO_CONNECTION: Final = 255
"""What ssh ends with if it did not get to run the command."""
TIMES: Final = 3
"""How often it is asked for the time."""
SERVICE: Final = "p1-collector.service"
CHECKOUT: Final = "/home/pi/p1-collector"
NEAR: Final = "10.0.2.2"
"""Where the guest finds this machine."""


@dataclass(frozen=True, slots=True)
class Service:
    """A collector that runs in a machine: where its status is, and what tells its pid and log."""

    directory: str
    pid: str
    log: str


def unit(name: str = SERVICE, directory: str = "/run/p1-collector") -> Service:
    """Give the service of a unit; its log since the boot."""
    lines = f"journalctl --no-pager --quiet --boot --lines=300 --unit={name}"
    main = f"systemctl show --value --property=MainPID {name}"
    return Service(directory, main, f"journalctl --sync && {lines}")


OURS: Final = unit()


class Guest:
    """One machine; it boots as often as it likes."""

    def __init__(self, disk: Disk, home: Path, *, memory_mib: int = 512) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.home = home
        self.emulator = Emulator(disk, home, memory_mib=memory_mib)
        self.crashes = 0
        self.boot_seconds = 0.0
        self._patience = QUICK_SECONDS

    def boot(self, *extra: str, plug: Callable[[], object] = lambda: None) -> None:
        """Switch it on, put the cables in, and return when all has started that does at boot."""
        began = time.monotonic()
        self._patience = QUICK_SECONDS
        self.emulator.start(*extra)
        plug()
        self.wait_for("true", seconds=BOOT_SECONDS)
        self.try_to("systemctl is-system-running --wait")
        self.boot_seconds = time.monotonic() - began

    def wait_for(self, command: str, *, seconds: float = GIVE_UP_SECONDS) -> str:
        """Run a command until it succeeds; gives what it printed."""
        give_up = time.monotonic() + seconds
        while (done := self.try_to(command)).returncode:
            assert time.monotonic() < give_up, (
                f"`{command}` still ends with {done.returncode}:\n{done.stdout}\n"
                f"{self.emulator.last_words()}"
            )
            time.sleep(0.5)
        return done.stdout

    def switch_off(self) -> None:
        """Shut it down as a person does."""
        self.run("systemctl --no-block poweroff")
        self.emulator.wait_for_the_end(BOOT_SECONDS)

    def cut_power(self) -> float:
        """Pull the plug; gives the moment, by this machine's clock."""
        at = time.time()
        self.emulator.pull_the_plug()
        return at

    def remove(self) -> None:
        if self.emulator.running:
            self.emulator.pull_the_plug()

    def try_to(self, command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a shell command in it, as root; gives what it printed on both outputs."""
        self.emulator.see_it_runs()
        settings = [f"{name}={shlex.quote(value)}" for name, value in environment.items()]
        done = subprocess.run(
            [*self.entrance(), " ".join([*settings, "sh", "-c", shlex.quote(command)])],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_SECONDS,
        )
        if done.returncode == NO_CONNECTION:
            self.emulator.see_it_runs()
            # Where it is so slow that ssh gave up, more tries would only make it slower.
            self._patience = min(2 * self._patience, PATIENT_SECONDS)
        return done

    def run(self, command: str, **environment: str) -> str:
        """Run a shell command in it that must succeed; gives what it printed."""
        done = self.try_to(command, **environment)
        assert done.returncode == 0, f"`{command}` ended with {done.returncode}:\n{done.stdout}"
        return done.stdout

    def entrance(self, *options: str) -> list[str]:
        """Give the command to put before one that is to run in it; one connection serves all."""
        words = {
            "IdentityFile": self.emulator.disk.key,
            "IdentitiesOnly": "yes",
            "StrictHostKeyChecking": "no",
            "UserKnownHostsFile": "/dev/null",
            "LogLevel": "ERROR",
            "ConnectTimeout": self._patience,
            "ServerAliveInterval": 15,
            "ServerAliveCountMax": 20,
            "ControlMaster": "auto",
            "ControlPersist": "yes",
            "ControlPath": self.home / "ssh.socket",
        }
        settings = [f"-o{name}={value}" for name, value in words.items()]
        return [
            *("ssh", "-F", "none", *settings, *options),
            *("-p", str(self.emulator.ssh_port), "root@127.0.0.1"),
        ]

    def unpack(self, archive: bytes, place: str) -> None:
        """Put the files of a tar archive into it."""
        command = f"mkdir -p {place} && tar -x -C {place} --no-same-owner"
        done = subprocess.run([*self.entrance(), command], check=False, input=archive)
        assert done.returncode == 0, f"tar ended with {done.returncode}"

    def clone(self) -> None:
        """Put the project there, as one who clones it has it."""
        self.unpack(packed(checkout()), CHECKOUT)

    def show(self, name: str, unit: str = SERVICE) -> str:
        """Give one property of a unit."""
        return self.run(f"systemctl show --value --property={name} {unit}").strip()

    def journal(self, service: Service = OURS) -> str:
        """Give the last lines of a service's log."""
        return self.run(service.log)

    def said(self, unit: str = SERVICE) -> list[str]:
        """Give what the program has said since the boot."""
        return self.run(
            f"journalctl --sync && journalctl --quiet --boot --output=cat --unit={unit}"
        ).splitlines()

    def status(self, service: Service = OURS) -> Status | None:
        """Give what a service says of itself; None if it has said nothing."""
        text = self.try_to(f"cat {service.directory}/status.json").stdout
        try:
            status: dict[str, Any] = json.loads(text)
        except json.JSONDecodeError:
            return None
        return status

    def wait_until(self, holds: Callable[[Status], bool], service: Service = OURS) -> Status:
        """Give the first status of a running service for which something holds."""
        give_up = time.monotonic() + GIVE_UP_SECONDS
        while True:
            status = self.status(service)
            if status and status["pid"] == int(self.run(service.pid)) and holds(status):
                return status
            assert time.monotonic() < give_up, f"still so: {status}\n{self.journal(service)}"
            time.sleep(0.5)

    def ahead(self) -> float:
        """Give by how many seconds its clock is ahead of this machine's: what it says quickest."""
        return min(self._asked_for_the_time() for _ in range(TIMES))[1]

    def _asked_for_the_time(self) -> tuple[float, float]:
        """Give how long the answer took, and by how much its clock was ahead in the midst."""
        asked = time.time()
        theirs = float(self.run("date +%s.%N"))
        answered = time.time()
        return answered - asked, theirs - (asked + answered) / 2


def packed(files: Iterable[Path]) -> bytes:
    """Give files of the checkout as a tar archive."""
    names = "\0".join(str(path) for path in files)
    command = ["tar", "-c", "-C", str(ROOT), "--null", "--no-recursion", "--files-from=-"]
    return subprocess.run(command, check=True, input=names.encode(), capture_output=True).stdout


def committed(commit: str) -> bytes:
    """Give the files of a commit of the project as a tar archive."""
    command = ["git", "-C", str(ROOT), "archive", commit]
    return subprocess.run(command, check=True, capture_output=True, env=os.environ).stdout
