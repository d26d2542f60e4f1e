"""Another program that reads the meter's port, and asks for no lock: what it gets is stolen."""

import os
import random
from contextlib import suppress
from threading import Event, Thread

from bed.trial import Line


class Thief(Thread):
    """Steals pieces of telegrams until it has so many of which the collector has the beginning.

    Of a telegram whose beginning is stolen, the collector knows nothing.
    """

    def __init__(self, line: Line, draw: random.Random, *, pieces: int) -> None:
        super().__init__()
        self._line = line
        self._draw = draw
        self._pieces = pieces
        self._headless = -1  # which telegram has no beginning
        self._stopping = Event()

    def run(self) -> None:
        port = os.open(self._line.terminal.path, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            while self._pieces and not self._stopping.wait(self._draw.random() / 200):
                with suppress(BlockingIOError):
                    self._steal(port)
        finally:
            os.close(port)

    def _steal(self, port: int) -> None:
        before = len(self._line.taken)
        piece = os.read(port, self._draw.randrange(1, 300))
        number = len(self._line.taken)
        if piece.startswith(b"/"):
            self._headless = number
        elif piece and self._headless < before == number:
            self._pieces -= 1

    def stop(self) -> None:
        self._stopping.set()
        self.join()
