"""Where a simulated meter's cable ends: a pseudo-terminal, a TCP port, or standard output.

A wire takes one telegram at a time and gives it back as `AGAIN` if nobody can have read it, so
that whoever sends knows what was taken. Waiting ends at once when the `stopping` event is set.
"""

import contextlib
import fcntl
import os
import pty
import select
import socket
import struct
import termios
import time
import tty
from enum import Enum, auto
from pathlib import Path
from threading import Event
from typing import BinaryIO, Final, Protocol, Self

_SHORTEST_WAIT: Final = 0.0005
_LONGEST_WAIT: Final = 0.01
_LAST_MOMENT: Final = 50  # how many of the longest waits a reader gets to finish


class Outcome(Enum):
    TAKEN = auto()  # read, or at least on its way
    AGAIN = auto()  # thrown away or stale: send it again, or a newer one
    STOPPED = auto()


class Wire(Protocol):
    def send(self, telegram: bytes, stopping: Event) -> Outcome: ...


class Terminal:
    """A pseudo-terminal in raw mode, to be opened like a serial port.

    The other end stays open, so a reader may come and go. A reader that opens the port usually
    throws away what is waiting in it; packet mode tells (TIOCPKT_FLUSHREAD), and the telegram
    comes back as `AGAIN`.
    """

    def __init__(self, link: Path | None = None) -> None:
        self._ours, self._theirs = pty.openpty()
        tty.setraw(self._theirs)
        fcntl.ioctl(self._ours, termios.TIOCPKT, struct.pack("i", 1))
        for end in (self._ours, self._theirs):
            os.set_blocking(end, False)
        self._waiting = select.poll()
        self._waiting.register(self._theirs, select.POLLIN)
        self.path = os.ttyname(self._theirs)
        self._link = link
        if link and link.exists() and not link.is_symlink():
            raise FileExistsError(17, "is there already and no symbolic link", str(link))
        if link:
            # In one step, in place of an older one.
            new = link.with_name(f".{link.name}.{os.getpid()}")
            new.symlink_to(self.path)
            new.replace(link)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._link and self._link.is_symlink() and str(self._link.readlink()) == self.path:
            self._link.unlink()
        os.close(self._ours)
        os.close(self._theirs)

    def send(self, telegram: bytes, stopping: Event) -> Outcome:
        """Writes one telegram and waits until it has been read to its end.

        Asked to stop, it gives a reader a moment to finish, so that what was read counts as taken.
        """
        if stopping.is_set():
            return Outcome.STOPPED
        self._flushed()  # of what came before: no news of this telegram
        rest, wait, waits_left = telegram, _SHORTEST_WAIT, _LAST_MOMENT
        while waits_left:
            rest = rest[self._write(rest) :]
            if self._flushed():
                return Outcome.AGAIN
            # To ask, by poll, whether bytes wait also makes the kernel deliver what it holds.
            if not rest and not self._waiting.poll(0):
                return Outcome.AGAIN if self._flushed() else Outcome.TAKEN
            if stopping.wait(wait):
                # Counted, not timed: a process that is held up gives the reader its moment too.
                time.sleep(_LONGEST_WAIT)
                waits_left -= 1
            wait = min(2 * wait, _LONGEST_WAIT)
        # Whoever reads the end of it before we take it back has it all.
        taken_back = self._take_back()
        return Outcome.STOPPED if rest or taken_back or self._flushed() else Outcome.TAKEN

    def _take_back(self) -> bool:
        """Read what nobody has read; whether there was any."""
        size = 0
        with contextlib.suppress(BlockingIOError):
            while self._waiting.poll(0):
                size += len(os.read(self._theirs, 4096))
        return size > 0

    def _write(self, data: bytes) -> int:
        try:
            return os.write(self._ours, data) if data else 0
        except BlockingIOError:
            return 0

    def _flushed(self) -> bool:
        """Whether the reader threw away what was waiting.

        What it writes to the meter is read as well, and of no interest.
        """
        flushed = False
        with contextlib.suppress(BlockingIOError):
            while True:
                packet = os.read(self._ours, 4096)
                flushed = flushed or bool(packet[0] & termios.TIOCPKT_FLUSHREAD)
        return flushed


class Port:
    """A TCP port that sends each telegram to everybody who is connected.

    What TCP has accepted counts as taken: a peer that dies takes what it has not read with it.
    """

    def __init__(self, host: str, port: int) -> None:
        self._listener = socket.create_server((host, port))
        self._listener.setblocking(False)
        self._peers: list[socket.socket] = []
        self.address: tuple[str, int] = self._listener.getsockname()[:2]

    def close(self) -> None:
        for peer in self._peers:
            peer.close()
        self._listener.close()

    def send(self, telegram: bytes, stopping: Event) -> Outcome:
        """Sends one telegram; with nobody there, waits for somebody."""
        self._accept()
        if self._peers:
            self._peers = [peer for peer in self._peers if _sent(peer, telegram, stopping)]
            return Outcome.TAKEN if self._peers else Outcome.AGAIN
        while not stopping.is_set():
            if select.select([self._listener], [], [], 0.1)[0]:
                return Outcome.AGAIN
        return Outcome.STOPPED

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                peer, _ = self._listener.accept()
                peer.setblocking(False)
                # A small buffer: a reader that is behind should be waited for.
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
                self._peers.append(peer)


class Output:
    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def send(self, telegram: bytes, stopping: Event) -> Outcome:
        try:
            self._stream.write(telegram)
            self._stream.flush()
        except BrokenPipeError:
            stopping.set()
            return Outcome.STOPPED
        return Outcome.TAKEN


def _sent(peer: socket.socket, data: bytes, stopping: Event) -> bool:
    """Whether this peer got it all; one that is gone is closed."""
    try:
        while data and not stopping.is_set():
            if select.select([], [peer], [], 0.1)[1]:
                data = data[peer.send(data) :]
    except OSError:
        peer.close()
        return False
    return True
