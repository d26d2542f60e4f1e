"""How a command ends when it is told to: SIGTERM, or Ctrl-C."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Final

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def ended_by_signals(stopping: Event) -> Iterator[None]:
    """Set `stopping` when the process is told to end, once or often. For the main thread.

    Not in a handler: that runs in the main thread alone, which may be asleep while the signal came
    to another one, or hold the event's lock. Python writes each signal into a pipe, in whichever
    thread it came, and a thread of its own waits for that: nobody has to wake to look.
    """
    wait, tell = os.pipe()
    os.set_blocking(tell, False)

    def end() -> None:
        while told := os.read(wait, 1):
            if told[0] in SIGNALS:
                stopping.set()

    waiting = Thread(target=end, name="signals", daemon=True)
    waiting.start()
    before_fd = signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    before = [signal.signal(number, lambda *_: None) for number in SIGNALS]
    try:
        yield
    finally:
        for number, handler in zip(SIGNALS, before, strict=True):
            signal.signal(number, handler)
        signal.set_wakeup_fd(before_fd)
        os.close(tell)
        waiting.join()
        os.close(wait)
