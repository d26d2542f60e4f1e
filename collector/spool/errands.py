"""Calls of the disk for a thread that must not hang: another one makes them.

A card that dies may take a call and never end it. Then who asked gets an error after a moment, and
at once each time that it asks again, until the call has ended after all. What it gives is lost
then, what it does is not: so each errand is one that may be done twice.
"""

import errno
from collections.abc import Callable
from queue import SimpleQueue
from threading import Event, Thread
from typing import Final, TypeVar

T = TypeVar("T")

PATIENCE_SECONDS: Final = 2.0


class HangingError(OSError):
    """The disk has not answered."""

    def __init__(self) -> None:
        super().__init__(errno.ETIMEDOUT, "the disk does not answer")


class Errands:
    """Has calls made one after the other; without `patience`, by who asks itself."""

    def __init__(self, patience: float | None = None) -> None:
        self._patience = patience
        self._asked: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._thread: Thread | None = None
        self._done = Event()
        self._done.set()

    @property
    def hang(self) -> bool:
        """Whether the last one has not ended yet."""
        return not self._done.is_set()

    def do(self, call: Callable[[], T]) -> T:
        """Give what a call gives, or raise what it raises; `HangingError` if it does not end."""
        if self._patience is None:
            return call()
        if self.hang:
            raise HangingError
        given: list[T] = []
        raised: list[Exception] = []
        done = self._done = Event()

        def run() -> None:
            try:
                given.append(call())
            except Exception as error:  # noqa: BLE001  whoever asked has it
                raised.append(error)
            done.set()

        if self._thread is None:
            self._thread = Thread(target=self._work, name="errands", daemon=True)
            self._thread.start()
        self._asked.put(run)
        if not done.wait(self._patience):
            raise HangingError
        if raised:
            raise raised[0]
        return given[0]

    def _work(self) -> None:
        while True:
            self._asked.get()()
