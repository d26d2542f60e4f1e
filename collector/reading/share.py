"""The line's bytes for other programs: `P1_SHARE`, a TCP port that is read like the meter's.

They are as the meter sent them, before decryption, from the beginning of a telegram on. The
reader's thread does it, and waits for nobody: what a program has not taken lies in the kernel, a
few seconds of it, and one that takes no more than that is let go. Nothing is taken from them.
"""

import ipaddress
import logging
import re
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from collector.errors import Troubles

log: Final = logging.getLogger(__name__)

MOST: Final = 8
"""How many programs may read at once."""
TRY_SECONDS: Final = 30.0
"""How often a port that is taken is tried."""
_BUFFER: Final = 16 * 1024
_BEGINNING: Final = re.compile(rb"(?<=\n)/|(?<=\A\n)\xdb")
"""Of a telegram behind another, or behind a silence; there also of an encrypted one."""


@dataclass(frozen=True, slots=True)
class End:
    """Where to listen."""

    host: str
    port: int

    @property
    def is_open(self) -> bool:
        """Whether other machines reach it."""
        return not ipaddress.ip_address(self.host).is_loopback


def end_of(text: str) -> End:
    """Read an address and a port; a name could not be looked up without waiting."""
    try:
        place = urlsplit(f"//{text}")
        host = "127.0.0.1" if place.hostname == "localhost" else place.hostname or ""
        end = End(str(ipaddress.ip_address(host)), place.port or 0)
    except ValueError:
        end = End("", 0)
    if not end.port or "/" in text or "@" in text:
        raise ValueError("must be an address and a port, such as `localhost:2001`")
    return end


@dataclass(slots=True)
class _Program:
    """One that reads; `begun` once it got a telegram's beginning, `left` if it says no more."""

    line: socket.socket
    begun: bool = False
    left: bool = False

    def take(self, data: bytes) -> bool:
        """Whether all is on the way to it. What it says is thrown away. Raises `OSError`."""
        with suppress(BlockingIOError):
            self.left = not self.line.recv(_BUFFER) or self.left
        self.begun = self.begun or bool(data)
        return not data or self.line.send(data) == len(data)


class Share:
    """Gives what comes down the line to whoever is connected."""

    def __init__(self, end: End, monotonic: Callable[[], float]) -> None:
        self._end = end
        self._name = f"{end.host}:{end.port}"
        self._monotonic = monotonic
        self._listener: socket.socket | None = None
        self._try_at = 0.0
        self._programs: list[_Program] = []
        self._last = b"\n"
        self._port = Troubles(monotonic)
        self._crowd = Troubles(monotonic, again=3600.0)

    def give(self, data: bytes) -> None:
        """Pass on what came in a moment; empty if that is nothing."""
        if self._listener is None:
            self._open()
        else:
            self._accept(self._listener)
        start = self._beginning(data)
        for program in self._programs.copy():
            piece = data if program.begun else data[start:]
            try:
                is_slow = not program.take(piece)
            except BlockingIOError:
                is_slow = True
            except OSError:
                self._let_go(program)
                continue
            if is_slow:
                self._let_go(program)
                self._tell("a program that reads `%s` is too slow and was let go", self._name)

    def _beginning(self, data: bytes) -> int:
        """Say where in it the first telegram begins; at its end if there is none."""
        before, self._last = self._last, data[-1:] or b"\n"
        found = _BEGINNING.search(before + data)
        return found.start() - len(before) if found else len(data)

    def _open(self) -> None:
        if self._monotonic() < self._try_at:
            return
        end = self._end
        family = socket.AF_INET6 if ":" in end.host else socket.AF_INET
        try:
            listener = socket.create_server((end.host, end.port), family=family, backlog=MOST)
        except OSError as error:
            self._try_at = self._monotonic() + TRY_SECONDS
            if self._port.came(str(error)):
                what = "the line is not shared on `%s`: %s (`P1_SHARE`; the reading goes on)"
                log.error(what, self._name, error.strerror or error)
            return
        listener.setblocking(False)
        self._listener = listener
        self._port.went()
        if end.is_open:
            what = "whoever reaches `%s` reads the meter, its serial numbers too (`P1_SHARE`)"
            log.warning(what, self._name)
        else:
            log.info("the line is shared on `%s`", self._name)

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(MOST):
            try:
                line, _ = listener.accept()
            except OSError:
                return
            line.setblocking(False)
            line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
            if len(self._programs) == MOST and (left := [p for p in self._programs if p.left]):
                self._let_go(left[0])
            if len(self._programs) < MOST:
                self._programs.append(_Program(line))
            else:
                line.close()
                self._tell("%d programs read `%s`, another one was refused", MOST, self._name)

    def _let_go(self, program: _Program) -> None:
        self._programs.remove(program)
        program.line.close()

    def _tell(self, what: str, *values: object) -> None:
        if self._crowd.came(what):
            log.warning(what, *values)
