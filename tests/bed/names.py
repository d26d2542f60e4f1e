"""A name server that says what a test wants, and a program that asks no other.

Both need root: the server for its port, the program for a view of `/etc` of its own.
"""

import os
import random
import shutil
import socket
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Thread
from typing import Final, Self

import pytest

PORT: Final = 53
_HEADER: Final = struct.Struct(">HHHHHH")
_ANSWERED: Final = 0x8180  # an answer, to a question that asked for recursion
_IPV4: Final = 1

Answer = Callable[[bytes], bytes | None]
"""Gives the reply to a query, or None to say nothing."""


def unknown(query: bytes) -> bytes:
    """Say that there is no such name (NXDOMAIN)."""
    return _reply(query, code=3)


def failing(query: bytes) -> bytes:
    """Say that it cannot be found out (SERVFAIL)."""
    return _reply(query, code=2)


def silent(query: bytes) -> None:
    """Say nothing."""
    del query


def known(query: bytes) -> bytes:
    """Say that every name is 127.0.0.1, which has no IPv6 address."""
    if int.from_bytes(_question(query)[-4:-2]) != _IPV4:
        return _reply(query, code=0)
    return _reply(query, b"\xc0\x0c" + struct.pack(">HHIH", _IPV4, 1, 0, 4) + b"\x7f\0\0\1")


def _reply(query: bytes, *records: bytes, code: int = 0) -> bytes:
    number = int.from_bytes(query[:2])
    header = _HEADER.pack(number, _ANSWERED | code, 1, len(records), 0, 0)
    return header + _question(query) + b"".join(records)


def _question(query: bytes) -> bytes:
    """Give the name, which ends with an empty label, its type and its class."""
    end = query.index(b"\0", _HEADER.size) + 5
    return query[_HEADER.size : end]


class Names:
    """A name server on an address of its own in 127/8; a context manager."""

    def __init__(self) -> None:
        if os.geteuid() or not shutil.which("unshare"):
            pytest.skip("NO NAMES TO TEST WITH: a name server and a view of /etc take root")
        self.answer: Answer = unknown
        self.asked = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        draw = random.SystemRandom()
        self.address = f"127.{draw.randrange(1, 255)}.{draw.randrange(1, 255)}.53"
        self._thread = Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._socket.bind((self.address, PORT))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ending:
            ending.sendto(b"", (self.address, PORT))
        self._thread.join()
        self._socket.close()

    def asked_by(self, command: Sequence[str], directory: Path) -> list[str]:
        """Give the command that runs another one which asks this server, and nobody else."""
        resolv, switch = directory / "resolv.conf", directory / "nsswitch.conf"
        resolv.write_text(f"nameserver {self.address}\noptions timeout:1 attempts:1\n")
        switch.write_text("hosts: dns\n")
        mounts = [f"mount --bind '{resolv}' /etc/resolv.conf"]
        if Path("/etc/nsswitch.conf").exists():
            mounts.append(f"mount --bind '{switch}' /etc/nsswitch.conf")
        script = " && ".join([*mounts, 'exec "$@"'])
        return ["unshare", "--mount", "sh", "-c", script, "sh", *command]

    def _serve(self) -> None:
        while True:
            query, client = self._socket.recvfrom(4096)
            if not query:
                return
            self.asked += 1
            if reply := self.answer(query):
                self._socket.sendto(reply, client)
