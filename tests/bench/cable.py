"""A meter's cable at its pace: 115200 baud, in the packets that an FTDI converter makes."""

import time
from threading import Event
from typing import Final

from collector.simulate.wire import Outcome, Terminal

PACKET: Final = 62
"""Bytes: a packet of USB has 64, of which two are the converter's own."""
_SECONDS: Final = PACKET * 10 / 115200


class Cable(Terminal):
    """A pseudo-terminal on which a telegram takes as long as on a line."""

    def send(self, telegram: bytes, stopping: Event) -> Outcome:
        due = time.monotonic()
        while len(telegram) > PACKET and not stopping.is_set():
            telegram = telegram[self._write(telegram[:PACKET]) :]
            due += _SECONDS
            time.sleep(max(0.0, due - time.monotonic()))
        return super().send(telegram, stopping)
