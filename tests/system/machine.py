"""A Debian that runs: a container with a systemd of its own, as PID 1.

It shares the network with the tests, so that an InfluxDB at 127.0.0.1 is one outside, and has
this machine's pseudo-terminals below /meter, one of which is its meter. No udevd runs in a
container: a line for systemd-tmpfiles makes the link /dev/p1 in its place.
"""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from bed import child
from bed.service import Status

PREFIX: Final = "p1-machine-"  # and the number of the process that made it
DISK_BYTES: Final = 2 * 1024**3
BOOT_SECONDS: Final = 180
GIVE_UP_SECONDS: Final = 120
SERVICE: Final = "p1-collector.service"
DIRECTORY: Final = "/run/p1-collector"
LINK: Final = "/etc/tmpfiles.d/p1.conf"
PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Machine:
    """One Debian, with a disk of its own that outlives its boots.

    `binds` are directories of this machine by their place in that one.
    """

    def __init__(self, debian: Path, home: Path, binds: Mapping[str, Path]) -> None:
        self.log = home / "console.log"
        self._home = home
        self._binds = binds
        self._process: subprocess.Popen[bytes] | None = None
        home.mkdir(parents=True)
        subprocess.run(["cp", "-a", "--reflink=auto", debian, home / "root"], check=True)

    def boot(self) -> None:
        """Switch it on; returns when everything that starts at boot has started."""
        assert self._process is None or self._process.poll() is not None, "it runs already"
        self._process = child.start(
            self._command(),
            env={"PATH": os.environ["PATH"], "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
            cwd=self._home,
            log=self.log,
            last_signal=signal.SIGTERM,
        )
        give_up = time.monotonic() + BOOT_SECONDS
        while not self._is_up():
            assert self._process.poll() is None, f"it ended:\n{self._console()}"
            assert time.monotonic() < give_up, f"it does not come up:\n{self._console()}"
            time.sleep(0.1)

    def _command(self) -> list[str]:
        return [
            *("systemd-nspawn", "--boot", "--quiet", "--directory=root", "--console=pipe"),
            # No systemd runs outside that would have to know.
            *("--register=no", "--keep-unit", "--machine=p1-test"),
            # With bpf its systemd can enforce DeviceAllow.
            "--system-call-filter=bpf",
            *(f"--bind={outside}:{inside}" for inside, outside in self._binds.items()),
        ]

    def reboot(self) -> None:
        """Shut it down as `reboot` does, and boot it again."""
        self.run("systemctl --no-block poweroff")
        self._running().wait(BOOT_SECONDS)
        self.boot()

    def cut_power(self) -> None:
        """End everything in it at once; what was in RAM is gone."""
        os.kill(self._init(), signal.SIGKILL)
        self._running().wait(BOOT_SECONDS)

    def remove(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.cut_power()
        shutil.rmtree(self._home)

    def try_to(self, command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a shell command in it, as root; gives what it printed on both outputs."""
        return subprocess.run(
            [*self.entrance(), "sh", "-c", command],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={"PATH": PATH, "LANG": "C.UTF-8", **environment},
        )

    def run(self, command: str, **environment: str) -> str:
        """Run a shell command in it that must succeed; gives what it printed."""
        done = self.try_to(command, **environment)
        assert done.returncode == 0, f"`{command}` ended with {done.returncode}:\n{done.stdout}"
        return done.stdout

    def entrance(self) -> list[str]:
        """Give the command to put before one that is to run in it."""
        spaces = ("--mount", "--uts", "--ipc", "--pid", "--root", "--wd", "--cgroup")
        return ["nsenter", f"--target={self._init()}", *spaces]

    def plug(self, terminal: Path | None) -> None:
        """Put the meter's cable in, or pull it out; a boot changes nothing about it."""
        if terminal is None:
            self.run(f"rm -f {LINK} /dev/p1")
        else:
            self.run(f"echo 'L+ /dev/p1 - - - - /meter/{terminal.name}' >{LINK}")
            self.run(f"systemd-tmpfiles --create {LINK}")

    def show(self, name: str, unit: str = SERVICE) -> str:
        """Give one property of a unit."""
        return self.run(f"systemctl show --value --property={name} {unit}").strip()

    def pid(self, unit: str = SERVICE) -> int:
        """Give the service's process, as the machine itself counts; 0 if there is none."""
        return int(self.show("MainPID", unit))

    def seconds_down(self, unit: str = SERVICE) -> float:
        """Give how long the service was away at its last restart, by systemd's own clock."""
        names = ("ActiveEnterTimestampMonotonic", "ActiveExitTimestampMonotonic")
        came, went = (int(self.show(name, unit)) for name in names)
        assert went < came, "it has not come back"
        return (came - went) / 1e6

    def journal(self, unit: str = SERVICE) -> str:
        """Give the last lines of a unit's log, also what journald has not written yet."""
        lines = f"journalctl --no-pager --quiet --lines=200 --unit={unit}"
        return self.run(f"journalctl --sync && {lines}")

    def status(self, directory: str = DIRECTORY) -> Status | None:
        """Give what the service says of itself; None if it has said nothing."""
        text = self.try_to(f"cat {directory}/status.json").stdout
        try:
            status: dict[str, Any] = json.loads(text)
        except json.JSONDecodeError:
            return None
        return status

    def wait_until(
        self, holds: Callable[[Status], bool], unit: str = SERVICE, directory: str = DIRECTORY
    ) -> Status:
        """Give the first status of the running service for which something holds."""
        give_up = time.monotonic() + GIVE_UP_SECONDS
        while True:
            status = self.status(directory)
            if status and status["pid"] == self.pid(unit) and holds(status):
                return status
            assert time.monotonic() < give_up, f"still so: {status}\n{self.journal(unit)}"
            time.sleep(0.2)

    def _is_up(self) -> bool:
        try:
            state = self.try_to("systemctl is-system-running").stdout
        except (AssertionError, OSError):
            return False
        return state.strip() in {"running", "degraded"}

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "it was never booted"
        return self._process

    def _init(self) -> int:
        """Give the process that is PID 1 in there."""
        outer = self._running().pid
        children = Path(f"/proc/{outer}/task/{outer}/children").read_text().split()
        # For a moment there is one that only makes it, still in this machine's own spaces.
        inner = [child for child in children if _pid_space(child) != _pid_space("self")]
        assert inner, "it has no first process"
        return int(inner[-1])

    def _console(self) -> str:
        return self.log.read_text(errors="replace")[-2000:]


def _pid_space(process: str) -> Path:
    return Path(f"/proc/{process}/ns/pid").readlink()


@contextlib.contextmanager
def the_only_one() -> Iterator[None]:
    """Wait until no other tests on this computer have a machine: two would share a cgroup.

    One run takes six minutes; that is why the tests' own time limit is so high.
    """
    with Path("/run/p1-machine.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def directory() -> Path:
    """Make a directory for a machine's disk, in RAM if there is enough; remove what the dead left.

    A disk of half a gigabyte in small files is slow to make and slower to remove on a real one.
    """
    shm = Path("/dev/shm")  # noqa: S108  mkdtemp makes a private directory in it
    roomy = os.access(shm, os.W_OK) and shutil.disk_usage(shm).free > DISK_BYTES
    place = shm if roomy else Path(tempfile.gettempdir())
    for left in place.glob(f"{PREFIX}*"):
        if not Path("/proc", left.name.removeprefix(PREFIX).partition("-")[0]).exists():
            shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=place))
