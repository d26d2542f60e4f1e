"""Tells systemd how the service is doing (sd_notify(3)): a datagram to `$NOTIFY_SOCKET`."""

import os
import socket
from collections.abc import Mapping
from contextlib import suppress


class Notifier:
    """Sends states to the service manager; does nothing where there is none."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self.watchdog_seconds = _watchdog_seconds(environment)

    def send(self, **states: str) -> None:
        """Send states such as `READY="1"`. A manager that does not listen is no error."""
        if not self._address:
            return
        message = "\n".join(f"{name}={value}" for name, value in states.items())
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.setblocking(False)  # a manager that is stuck must not stop the reading
            manager.connect(self._address)
            manager.sendall(message.encode())


def _watchdog_seconds(environment: Mapping[str, str]) -> float | None:
    """Give how often the watchdog wants to hear from this process; None: never."""
    microseconds = environment.get("WATCHDOG_USEC", "")
    ours = environment.get("WATCHDOG_PID") in (None, str(os.getpid()))
    return int(microseconds) / 1_000_000 if microseconds.isdigit() and ours else None
