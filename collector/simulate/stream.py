"""The meter's day: telegram after telegram onto a wire, at the meter's pace.

The next telegram is written when the one before has been taken, so nothing is lost in a full
buffer, and what was sent is known.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

from collector.p1.time import BASE_OFFSET_HOURS
from collector.simulate.house import SOLAR_PEAK_W, Household
from collector.simulate.likeness import Likeness, like
from collector.simulate.localtime import local, midnight
from collector.simulate.meter import Meter
from collector.simulate.wire import Outcome, Wire


@dataclass(slots=True)
class Stream:
    """A meter that sends: from `start` on no second is left out.

    Without it, it follows the host's clock: what nobody was there to read is gone, as with a real
    meter.
    """

    meter: Meter
    printer: Likeness
    period: int
    interval: float  # real seconds between telegrams; 0 sends as fast as they are taken
    start: datetime | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sent: int = 0  # telegrams taken
    last: datetime | None = None  # the instant of the last of them

    def after(self, previous: datetime | None) -> datetime:
        """Give the instant of the telegram that comes after another."""
        now = self.now()
        live = now.replace(microsecond=0) - timedelta(seconds=now.second % self.period)
        first = self.start or live
        return max(first, previous + timedelta(seconds=self.period)) if previous else first

    def run(self, wire: Wire, stopping: Event, count: int | None = None) -> None:
        """Sends until it is stopped, or `count` telegrams have been taken."""
        due = time.monotonic()
        instant: datetime | None = None
        while not stopping.is_set() and (count is None or self.sent < count):
            instant = self.after(instant)
            if stopping.wait(max(0.0, due - time.monotonic())):
                return
            outcome = self._send(wire, instant, stopping)
            while outcome is Outcome.AGAIN:
                instant = max(instant, self.after(None))
                outcome = self._send(wire, instant, stopping)
            if outcome is Outcome.STOPPED:
                return
            self.last = instant
            self.sent += 1
            # A late telegram does not make the next ones hurry.
            due = max(due + self.interval, time.monotonic())

    def _send(self, wire: Wire, instant: datetime, stopping: Event) -> Outcome:
        return wire.send(self.printer.telegram(self.meter.at(instant)), stopping)


def stream_like(
    kind: str | Path,
    *,
    seed: int = 1,
    start: datetime | None = None,
    period: int | None = None,
    speed: float = 1.0,
    utc_offset_hours: int = BASE_OFFSET_HOURS,
) -> Stream:
    """A household's meter of a kind, ready to send.

    The kind is a name, such as `dsmr5`, or a file to imitate, for which the offset of its winter
    time counts. Without a `start`, and at a `speed` of 1, it follows the host's clock.
    """
    begin = start or datetime.now(UTC).replace(microsecond=0)
    printer = like(kind, utc_offset_hours)
    house = Household(seed, grain=1, solar_peak_w=SOLAR_PEAK_W if printer.solar else 0)
    meter = Meter(house, midnight(local(begin).date()), printer.build)
    period = period or printer.period
    interval = period / speed if speed else 0.0
    first = None if start is None and speed == 1 else begin
    return Stream(meter, printer, period, interval, first)
