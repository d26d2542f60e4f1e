"""How a command ends when it is told to: SIGTERM, or Ctrl-C."""

import signal
from _thread import start_new_thread
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event
from types import FrameType
from typing import Final

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def ended_by_signals(stopping: Event) -> Iterator[None]:
    """Set `stopping` when the process is told to end, once or often. For the main thread.

    Not in the handler: it interrupts that thread anywhere, also where it holds the event's lock,
    be it in the handler of the signal before. So a thread of its own does it.
    """

    def end(number: int, frame: FrameType | None) -> None:
        del number, frame
        with suppress(RuntimeError):  # the process ends already
            start_new_thread(stopping.set, ())

    before = [signal.signal(number, end) for number in SIGNALS]
    try:
        yield
    finally:
        for number, handler in zip(SIGNALS, before, strict=True):
            signal.signal(number, handler)
