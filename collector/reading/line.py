"""The line to the meter, kept open for ever: opened, watched, reported once, opened again.

What can be wrong is noticed within a set time and said once, with likely causes: a port that
cannot be opened, a line that breaks, a line without a byte, bytes that are no telegram. A port
that is not there is looked for each second; one that fails is left alone for longer each time.
Nothing is said of what goes wrong in the first moment of a port that was just plugged in. A serial
port whose speed is not set is tried at 115200 8N1 and 9600 7E1 in turn until a telegram comes.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from collector.errors import AbsentError, SettlingError, SourceError, Troubles
from collector.p1.diagnosis import diagnose
from collector.reading.sources import READ_SECONDS, Address, Source, Speed
from collector.remedies import Remedy

log: Final = logging.getLogger(__name__)

FIRST_WAIT_SECONDS: Final = 0.1
"""Short: a peer may hang up after each telegram, and send the next one in a second."""
LONGEST_WAIT_SECONDS: Final = 30.0
LOOK_SECONDS: Final = 1.0
"""How often a port is looked for that is not there."""
SPEED_SECONDS: Final = 15.0
"""How long one speed is tried: a meter sends every 1 or 10 seconds."""
STEADY_SECONDS: Final = 60.0
"""A line that breaks again sooner than this has the same trouble still, which was said."""
_SAMPLE: Final = 4096
_UNPLUGGED: Final = (
    "is the cable in the meter's P1 port, and the port switched on? (Belgium: on the grid"
    " operator's site)"
)


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with the line, and what to do about it."""

    message: str
    hint: str | None


class Line:
    """Bytes from the meter for as long as the program runs.

    `read` never raises but `EOFError`, at the end of a file; while the port is closed it waits a
    moment through `pause` and gives nothing. `telegram` must be called for each good telegram.
    `live` is a meter that is being read now, and not a record of one; `name` the port, as it was
    opened last; `sample` what came last, since the last telegram.
    """

    def __init__(
        self,
        address: Address,
        *,
        silence_seconds: float,
        monotonic: Callable[[], float],
        pause: Callable[[float], object],
    ) -> None:
        self.trouble: Trouble | None = None
        self.reopened = 0
        self._address = address
        self.live = address.live
        self.name = address.text
        self._silence = silence_seconds
        self._monotonic = monotonic
        self._pause = pause
        self._source: Source | None = None
        self._speed = 0
        self._wait = FIRST_WAIT_SECONDS
        self._open_at = 0.0
        self._last_telegram: float | None = None
        self._last_byte = 0.0
        self._first_byte: float | None = None
        self.sample = b""
        self._troubles = Troubles(monotonic, steady=STEADY_SECONDS)
        self._read_before = False

    @property
    def is_open(self) -> bool:
        return self._source is not None

    @property
    def speed(self) -> Speed:
        """The speed that is set now."""
        return self._address.speeds[self._speed]

    @property
    def state(self) -> str:
        """What the line does, in words."""
        if self.trouble is None:
            return "reading" if self._last_telegram is not None else "waiting for data"
        return "port closed" if self._source is None else "waiting for data"

    def read(self, seconds: float = READ_SECONDS) -> bytes:
        """Give the bytes that came in so long; empty if there are none."""
        if self._source is None:
            self._open()
            return b""
        try:
            data = self._source.read(seconds)
        except SourceError as error:
            self._close(Trouble(str(error), error.hint))
            return b""
        self._watch(data)
        return data

    def telegram(self) -> None:
        """Say that a good telegram came: speed and line are right."""
        now = self._monotonic()
        went = self._troubles.went()
        if not self._read_before:
            log.info("reading telegrams from `%s`%s", self.name, self._at_speed())
        elif went:
            log.info("telegrams come again from `%s`", self.name)
        self._read_before = True
        self.trouble = None
        self._wait = FIRST_WAIT_SECONDS
        self._last_telegram = now
        self.sample = b""

    def close(self) -> None:
        """Let go of the port."""
        source, self._source = self._source, None
        if source is not None:
            source.close()

    def _open(self) -> None:
        now = self._monotonic()
        if now < self._open_at:
            self._pause(min(LOOK_SECONDS, self._open_at - now))
            return
        try:
            self._source = self._address.open(self.speed)
        except AbsentError as error:
            self._look_again(error)
            return
        except SourceError as error:
            # It may be the speed that this port cannot do.
            self._next_speed()
            self._close(Trouble(str(error), error.hint))
            return
        self.name = self._source.name
        self._last_byte = self._monotonic()
        self._last_telegram = self._first_byte = None
        self.sample = b""

    def _look_again(self, error: AbsentError) -> None:
        """Look for the port in a second; once it is there, nothing is held against it."""
        if not isinstance(error, SettlingError):
            self._report(Trouble(str(error), error.hint))
        self._open_at = self._monotonic() + LOOK_SECONDS
        self._wait = FIRST_WAIT_SECONDS

    def _close(self, trouble: Trouble) -> None:
        """Report, once, and open again after a while, longer each time."""
        self.close()
        self._report(trouble)
        self._open_at = self._monotonic() + self._wait
        self._wait = min(2 * self._wait, LONGEST_WAIT_SECONDS)
        self.reopened += 1

    def _report(self, trouble: Trouble) -> None:
        """Say what is wrong, each thing once until telegrams have come again for a while."""
        if self._troubles.came(trouble.message):
            log.warning("%s (%s)", trouble.message, trouble.hint)
        self.trouble = trouble

    def _watch(self, data: bytes) -> None:
        now = self._monotonic()
        if data:
            self._last_byte = now
            self._first_byte = now if self._first_byte is None else self._first_byte
            self.sample = (self.sample + data)[-_SAMPLE:]
        if not self.live:
            return
        if now - self._last_byte > self._silence:
            self._next_speed()
            words = f"no byte in {self._silence:g} s from `{self.name}`"
            network = Remedy.NETWORK_SILENCE.advice
            self._close(Trouble(words, _UNPLUGGED if self._address.is_device else network))
        elif now - self._last_good(now) > self._patience():
            words = f"bytes, but no telegram from `{self.name}`{self._at_speed()}"
            self._next_speed()
            self._close(Trouble(words, diagnose(self.sample) or "check the cable, and `P1_BAUD`"))

    def _last_good(self, now: float) -> float:
        """Give when a telegram came; before the first, when the bytes began to come."""
        if self._last_telegram is not None:
            return self._last_telegram
        return now if self._first_byte is None else self._first_byte

    def _patience(self) -> float:
        """How long bytes may come without a telegram: short while the speed is in question."""
        if self._last_telegram is None and len(self._address.speeds) > 1:
            return min(SPEED_SECONDS, self._silence)
        return 2 * self._silence

    def _next_speed(self) -> None:
        """Try the other speed, unless telegrams came at this one since the port was opened."""
        if self._last_telegram is None:
            self._speed = (self._speed + 1) % len(self._address.speeds)

    def _at_speed(self) -> str:
        return f" at {self.speed}" if self._address.is_device else ""
