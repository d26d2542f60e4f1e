"""What systemd is told: datagrams to the socket that the environment names."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.service.notify import Notifier


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """Give a socket such as the one on which systemd listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        yield manager


def test_states_are_lines_of_one_datagram(manager: socket.socket) -> None:
    Notifier({"NOTIFY_SOCKET": manager.getsockname()}).send(READY="1", STATUS="wäiting")
    assert manager.recv(4096) == "READY=1\nSTATUS=wäiting".encode()


def test_an_at_sign_means_an_abstract_socket() -> None:
    name = f"p1-collector-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0{name}")
        Notifier({"NOTIFY_SOCKET": f"@{name}"}).send(WATCHDOG="1")
        assert manager.recv(4096, socket.MSG_DONTWAIT) == b"WATCHDOG=1"


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "/no/such"}])
def test_a_manager_that_is_not_there_is_no_error(environment: dict[str, str]) -> None:
    Notifier(environment).send(READY="1")


def test_a_manager_that_does_not_read_stops_nobody(manager: socket.socket) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": manager.getsockname()})
    for _ in range(5000):
        notifier.send(STATUS="x" * 1000)
    assert manager.recv(4096) == b"STATUS=" + b"x" * 1000


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_is_ours_if_it_is_meant_for_this_process(
    environment: dict[str, str], seconds: float | None
) -> None:
    assert Notifier(environment).watchdog_seconds == seconds
