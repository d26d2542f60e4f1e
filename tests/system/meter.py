"""A simulated meter on a pseudo-terminal: a telegram a second, by this machine's clock."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Final

from bed import child
from bed.influxd import free_port
from bed.trial import Line
from collector.simulate.stream import stream_like
from collector.simulate.wire import Terminal

if TYPE_CHECKING:
    from bed.printed import Printed

DIALOUT: Final = 20
"""The group that serial ports belong to; every Debian has given it this number."""
GIVE_UP_SECONDS: Final = 120


class Meter:
    """A meter that can be switched off and on, each time on another terminal, as cables are.

    It notes what the service has read to the end; what nobody reads it sends again, newer. So a
    machine that is slow costs a telegram, but none that it took.
    """

    def __init__(self) -> None:
        self.taken: list[Printed] = []
        self._taken_at: dict[int, float] = {}
        self._cable: _Cable | None = None
        self._last_name = ""

    @property
    def terminal(self) -> Path | None:
        """Where it sends; None while it is off."""
        return Path(self._cable.line.terminal.path) if self._cable else None

    def switch_on(self) -> None:
        assert self._cable is None, "it is on already"
        terminal = self._terminal_of_another_name()
        os.chown(terminal.path, 0, DIALOUT)
        Path(terminal.path).chmod(0o660)
        self._cable = _Cable(Line(terminal, taken=self.taken, taken_at=self._taken_at))
        self._cable.thread.start()

    def switch_off(self) -> None:
        if self._cable is not None:
            self._cable.stopping.set()
            self._cable.thread.join()
            self._cable.line.terminal.close()
        self._cable = None

    def sends(self, telegrams: int) -> None:
        """Return when the service has taken so many more."""
        wanted, give_up = len(self.taken) + telegrams, time.monotonic() + GIVE_UP_SECONDS
        while len(self.taken) < wanted:
            assert time.monotonic() < give_up, "nobody reads the meter"
            time.sleep(0.05)

    def times(self, first: int = 0, last: int | None = None) -> set[int]:
        """Give the times of the telegrams taken from one on, counted from 0, up to another."""
        return {printed.time for printed in self.taken[first:last]}

    def taken_after(self, moment: float) -> set[int]:
        """Give the times of those taken after a moment of the monotonic clock."""
        return {time for time, at in self._taken_at.copy().items() if at >= moment}

    def _terminal_of_another_name(self) -> Terminal:
        """Open one; the kernel gives the lowest number that is free, which may be the last one."""
        terminal = Terminal()
        if terminal.path == self._last_name:
            same, terminal = terminal, Terminal()
            same.close()
        self._last_name = terminal.path
        return terminal


@dataclass
class _Cable:
    """A line, and the thread that sends on it until it is to stop."""

    line: Line
    stopping: Event = field(default_factory=Event)

    def __post_init__(self) -> None:
        send = stream_like("dsmr5").run
        self.thread = Thread(target=send, args=(self.line, self.stopping), daemon=True)


@contextmanager
def another_meter(home: Path) -> Iterator[str]:
    """Let a second one send on a TCP port; gives its address."""
    address = f"127.0.0.1:{free_port()}"
    sending = child.start(
        [
            *(sys.executable, "-m", "collector", "simulate", "--tcp", address),
            *("--like", "belgium", "--seed", "7"),
        ],
        env=os.environ,
        cwd=home,
        log=home / "meter.log",
    )
    try:
        yield address
    finally:
        child.end(sending, signal.SIGTERM, seconds=5)
