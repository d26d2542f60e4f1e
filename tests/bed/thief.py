"""Another program that reads the meter's port, and asks for no lock: what it gets is stolen."""

import os
import random
from contextlib import suppress
from threading import Event, Thread

from bed.trial import Line


class Thief(Thread):
    """Steals so many pieces of telegrams, most often their beginnings.

    The collector reads what has come of a telegram at once.
    """

    def __init__(self, line: Line, draw: random.Random, *, pieces: int) -> None:
        super().__init__()
        self._line = line
        self._draw = draw
        self._pieces = pieces
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
        if os.read(port, self._draw.randrange(1, 300)):
            self._pieces -= 1

    def stop(self) -> None:
        self._stopping.set()
        self.join()
