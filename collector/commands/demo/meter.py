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
    def __init__(self, wire: Wire, seconds: float, speed: float) -> None:
        # The simulated time ends about now, so that no reading is of the future.
        begin = datetime.now(UTC) - timedelta(seconds=seconds * max(speed - 1, 0) + 1)
        self._stream = stream_like("dsmr5", start=begin.replace(microsecond=0), speed=speed)
        self._stopping = Event()
        self._wire = _Recorded(wire)
        work = (self._wire, self._stopping)
        self._thread = Thread(target=self._stream.run, args=work, name="meter")
        self._seconds = seconds
        self._speed = speed
        self._end = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """The time begins when the first telegram is taken, and at the latest in a while."""
        self._end = time.monotonic() + self._seconds + _START
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.ident:
            self._thread.join()

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
        for frame in Framer().feed(b"".join(self._wire.taken)):
            yield parse(frame)


class _Recorded:
    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.taken: list[bytes] = []

    def send(self, telegram: bytes, stopping: Event) -> Outcome:
        outcome = self._wire.send(telegram, stopping)
        if outcome is Outcome.TAKEN:
            self.taken.append(telegram)
        return outcome
