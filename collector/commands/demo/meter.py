"""The demo's meter: a simulated household's, which remembers what it has sent."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import Final, Self

from collector.p1.framing import Framer
from collector.p1.telegram import Telegram, parse
from collector.simulate.stream import stream_like
from collector.simulate.wire import Outcome, Wire

_START: Final = 20.0  # seconds that the collector may take to begin


class Meter:
    """Sends within its `with`, from when the first telegram is taken, and at the latest soon."""

    def __init__(self, wire: Wire, seconds: float, speed: float) -> None:
        # The simulated time ends about now, so that no reading is of the future.
        begin = datetime.now(UTC) - timedelta(seconds=seconds * max(speed - 1, 0) + 1)
        self._stream = stream_like("dsmr5", start=begin.replace(microsecond=0), speed=speed)
        self._stopping = Event()
        self._wire = wire
        self._taken: list[bytes] = []
        work = (self, self._stopping)
        self._thread = Thread(target=self._stream.run, args=work, name="meter")
        self._seconds = seconds
        self._speed = speed

    def __enter__(self) -> Self:
        self._end = time.monotonic() + self._seconds + _START
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def send(self, telegram: bytes, stopping: Event) -> Outcome:
        """Be the wire of what is simulated."""
        outcome = self._wire.send(telegram, stopping)
        if outcome is Outcome.TAKEN:
            self._taken.append(telegram)
        return outcome

    @property
    def sent(self) -> int:
        return self._stream.sent

    @property
    def left(self) -> float:
        if self.sent:
            self._end = min(self._end, time.monotonic() + self._seconds)
        return self._end - time.monotonic()

    @property
    def gone(self) -> float:
        """How much of its time has gone, from 0 to 1."""
        return min(1.0, max(0.0, 1 - self.left / self._seconds))

    @property
    def note(self) -> str:
        return (
            f"a simulated household, {self._speed:g} times as fast, {round(self.left)} s to go: "
            f"{self.sent} telegrams sent"
        )

    def telegrams(self) -> Iterator[Telegram]:
        return map(parse, Framer().feed(b"".join(self._taken)))
