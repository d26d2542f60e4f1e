"""USB cables of an emulated machine, and the meter at the other end of one.

The meter sends whether or not anybody listens, as meters do: what comes while the cable is out,
or while the machine takes nothing from it, is gone. A real machine always has its processor; what
an emulated one does not take because others here keep it from one, was not offered to it.
"""

import fcntl
import socket
import struct
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Final

from bed.printed import Printed
from collector.simulate.stream import stream_like
from collector.simulate.wire import Outcome

GIVE_UP_SECONDS: Final = 120
PERIOD_SECONDS: Final = 10
"""The longest time between two telegrams of a meter that sends them at its own pace."""
KEPT_SECONDS: Final = 0.25
"""A machine that was kept from a processor for so long between two telegrams may miss one."""


class Cable:
    """A USB cable; plugged in, it is connected to a socket of the emulator's."""

    def __init__(self, socket_: Path) -> None:
        self.is_in = False
        self._path = socket_
        self._lock = Lock()
        self._line: socket.socket | None = None

    def plug(self) -> float:
        """Put it in; gives the moment. A machine without power sees it when it is switched on."""
        with self._lock:
            self.is_in = True
            with suppress(OSError):
                self._line = socket.socket(socket.AF_UNIX)
                self._line.connect(str(self._path))
                Thread(target=_swallow, args=(self._line,), daemon=True).start()
            return time.time()

    def pull(self) -> float:
        """Pull it out; gives the moment."""
        with self._lock:
            self.is_in = False
            self._let_go()
            return time.time()

    def put_back(self) -> None:
        """Leave it where it was, in a machine that has been switched on again."""
        if self.is_in:
            self.pull()
            self.plug()

    def send(self, data: bytes) -> bool:
        """Send bytes down the line; tells whether they were taken.

        If the machine has not taken the last ones yet, they are lost, as where a buffer is full.
        """
        with self._lock:
            if self._line is None or self._waits():
                return False
            try:
                return self._line.send(data, socket.MSG_DONTWAIT) == len(data)
            except BlockingIOError:
                return False
            except OSError:  # the machine has no power
                self._let_go()
                return False

    def _waits(self) -> bool:
        assert self._line is not None
        answer = fcntl.ioctl(self._line, termios.TIOCOUTQ, struct.pack("i", 0))
        return answer != bytes(len(answer))

    def _let_go(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()


def _time_of(telegram: bytes, at: float) -> int:
    """Give the time that a telegram says, or of one that says none, when it was sent."""
    try:
        return Printed(telegram).time
    except ValueError:
        return round(at)


def _swallow(line: socket.socket) -> None:
    """Take what the machine says to the meter, such as a terminal's echo: else QEMU waits."""
    with suppress(OSError):
        while line.recv(4096):
            pass


@dataclass(frozen=True, slots=True)
class Entry:
    """A telegram in the meter's book: its own time, and whether a machine could have read it."""

    time: int
    offered: bool


class Meter:
    """A meter that sends for as long as the test lasts.

    `kept` tells for how many seconds the machine has been kept from a processor in all.
    """

    def __init__(
        self, cable: Cable, kept: Callable[[], float], kind: str = "dsmr5", *, seed: int = 1
    ) -> None:
        self.cable = cable
        self.book: list[Entry] = []
        self._kept = kept
        self._before = 0.0
        self._kind = kind
        self._seed = seed
        self._changing = Event()

    def send(self, telegram: bytes, stopping: Event) -> Outcome:
        """Send one telegram and write it down. It is the wire of the simulated meter."""
        del stopping
        at, is_in = time.time(), self.cable.is_in
        taken, kept = self.cable.send(telegram), self._kept()
        offered = is_in and (taken or kept - self._before < KEPT_SECONDS)
        self.book.append(Entry(_time_of(telegram, at), offered))
        self._before = kept
        return Outcome.TAKEN

    def speaks(self, kind: str) -> None:
        """Be another kind of meter from now on."""
        self._kind = kind
        self._changing.set()

    @contextmanager
    def sending(self) -> Iterator[None]:
        stopping = Event()
        thread = Thread(target=self._run, args=(stopping,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            stopping.set()
            self._changing.set()
            thread.join()
            self.cable.pull()

    def _run(self, stopping: Event) -> None:
        while not stopping.is_set():
            self._changing.clear()
            stream_like(self._kind, seed=self._seed).run(self, self._changing)

    def sends(self, telegrams: int) -> None:
        """Return when it has sent so many more."""
        wanted = len(self.book) + telegrams
        give_up = time.monotonic() + GIVE_UP_SECONDS + telegrams * PERIOD_SECONDS
        while len(self.book) < wanted:
            assert time.monotonic() < give_up, "the meter has stopped"
            time.sleep(0.05)

    def offered(self) -> set[int]:
        """Give the times of the telegrams that were sent down a plugged cable."""
        return {entry.time for entry in list(self.book) if entry.offered}

    def sent(self) -> set[int]:
        """Give the times of all telegrams."""
        return {entry.time for entry in list(self.book)}
