"""The collector as a person runs it: a process of its own, set up by its environment alone."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from bed import child
from bed.privacy import Privacy, secrets_in

STOP_SECONDS: Final = 2  # what the service has to end in
UNIT_STOP_SECONDS: Final = 15  # what the unit gives it

Status = Mapping[str, Any]


class Service:
    """`p1-collector run`, in directories of its own below `home`.

    It may be killed and started again as often as a test likes; it keeps its directories.
    """

    def __init__(self, home: Path, **settings: str) -> None:
        places = {"P1_HOT_DIR": str(home / "hot"), "P1_SPOOL_DIR": str(home / "spool")}
        self._settings = {**places, **settings}
        self.hot = Path(self._settings["P1_HOT_DIR"])
        self.spool = Path(self._settings["P1_SPOOL_DIR"])
        self.log = home / "run.log"
        home.mkdir(parents=True, exist_ok=True)
        self.home = home
        self.command = [sys.executable, "-m", "collector", "run"]
        self._process: subprocess.Popen[bytes] | None = None
        self.privacy = Privacy(secrets_in(self._settings), home, (self.hot, self.spool))
        MADE.append(self)

    def set(self, **settings: str) -> None:
        """Set it up otherwise from its next start on. What was a secret stays one."""
        self._settings.update(settings)
        self.privacy.secrets += secrets_in(settings)

    def start(self) -> None:
        assert not self.running, "it runs already"
        self.privacy.begin()
        if share := self._settings.get("P1_SHARE"):
            self.privacy.shared = int(share.rpartition(":")[2])
        self._process = child.start(
            self.command,
            env={
                **_bare_environment(),
                "XDG_STATE_HOME": str(self.home / "state"),
                **self._settings,
            },
            cwd=self.home,
            log=self.log,
        )

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "it was never started"
        return self._process

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """End it as a power cut does, but for the RAM disk, which stays."""
        self._end(signal.SIGKILL, seconds=10)

    def stop(self, seconds: float = STOP_SECONDS) -> int:
        """End it as systemd does; gives the exit status, which is -9 if it had to be killed."""
        return self._end(signal.SIGTERM, seconds=seconds)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let it stand still, in the middle of no system call."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            while not all(map(is_stopped, tasks(self.process.pid))):
                assert self.running, f"it ended:\n{self.tail()}"
                time.sleep(0.001)
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def opened(self, room: Path) -> list[Path]:
        """Give the files of a directory that it has open."""
        found = []
        for entry in Path(f"/proc/{self.process.pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed meanwhile
                found.append(entry.readlink())
        return [path for path in found if path.parent == room]

    def look(self) -> None:
        """See that the running process can be called by nobody, and shows no secret."""
        if self.running:
            self.privacy.look_at_process(self.process.pid)

    def _end(self, ending: signal.Signals, *, seconds: float) -> int:
        self.look()
        status = child.end(self.process, ending, seconds=seconds)
        self.privacy.look_at_files()
        return status

    def status(self) -> Status | None:
        """Give what the running process says of itself; None as long as it has said nothing."""
        try:
            status: Status = json.loads((self.hot / "status.json").read_text())
        except FileNotFoundError:
            return None
        return status if status["pid"] == self.process.pid else None

    def wait_until(self, holds: Callable[[Status], bool], *, seconds: float = 60) -> Status:
        """Give the first status for which something holds. Fails the test if none comes."""
        give_up = time.monotonic() + seconds
        while True:
            over = self.process.poll() is not None  # asked first: what it says at last counts
            status = self.status()
            if status and holds(status):
                self.look()
                return status
            assert not over, f"it ended:\n{self.tail()}"
            assert time.monotonic() < give_up, (
                f"still so after {seconds} s: {status}\n{self.tail()}"
            )
            time.sleep(0.05)

    def wait_for(self, count: str) -> None:
        """Return once the running process has counted one of these at least."""
        self.wait_until(lambda status: status["counts"][count] > 0)

    def segments(self) -> list[Path]:
        """Give the files in which readings wait."""
        rooms = (self.hot, self.spool, self.spool / "inbox")
        return [path for room in rooms for end in ("lp", "open") for path in room.glob(f"*.{end}")]

    def tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-30:])


def tasks(pid: int) -> list[Path]:
    """Give the threads of a process, as the kernel shows them."""
    return list(Path(f"/proc/{pid}/task").iterdir())


def is_stopped(task: Path) -> bool:
    """Whether a thread has been stopped by a signal, or has ended: it is at work for nobody."""
    return child.state(task) in {child.STOPPED, ""}


MADE: Final[list[Service]] = []
"""The services that nobody has looked back at yet."""


def look_back() -> None:
    """See, at the end of a test, that no service of it gave anything away, however it ended."""
    while MADE:
        MADE.pop().privacy.look_at_files()


def _bare_environment() -> dict[str, str]:
    """Leave out what would set the collector up behind the test's back."""
    ours = ("P1_", "INFLUX", "STATE_DIRECTORY", "RUNTIME_DIRECTORY", "NOTIFY_SOCKET", "WATCHDOG_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}
