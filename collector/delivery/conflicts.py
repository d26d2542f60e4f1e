"""Which measurements wait because InfluxDB refuses each of their lines: a field has another type.

Not every product says so, and one line of several measurements may be bad. So what counts is the
measurement of our line and the status: ten refusals in a row, with no line of it stored between.
If all ten are of one segment, that may be at fault itself: for a minute others of the measurement
are tried, and one that passes ends the pause.
"""

import logging
import re
from collections.abc import Callable
from math import inf
from typing import Final

from collector.delivery.answer import Answer, Packed, words
from collector.delivery.doubts import ASIDE_SECONDS
from collector.errors import Troubles

log: Final = logging.getLogger(__name__)

CONFLICTS_BEFORE_PAUSE: Final = 10
OLD_BEFORE_PAUSE: Final = 10
TRIAL_SECONDS: Final = 60.0

_MEASUREMENTS: Final = re.compile(rb"^(?:\\.|[^\\, \n#])+", re.MULTILINE)


class Conflicts:
    """Counts refusals; ten of the same let their measurement wait for an hour.

    All times are on the monotonic clock.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._troubles = Troubles(monotonic, again=ASIDE_SECONDS)
        self._refusals: dict[tuple[str, int], list[object]] = {}
        self._pauses: dict[str, float] = {}
        self._trials: dict[str, float] = {}
        self._last: dict[str, int] = {}
        self.stored = 0
        """How many requests were."""
        self._lasts_until = -inf
        self._too_old = 0

    @property
    def all_too_old(self) -> bool:
        """Whether even what was just read is refused for its age: that is no fault of the lines.

        The bucket keeps too little, or a clock is wrong: so all of it waits, with what is older.
        """
        return self._too_old >= OLD_BEFORE_PAUSE

    def read_just_now(self, *, too_old: bool) -> None:
        """Note whether telegrams that were just read were all refused for their age."""
        self._too_old = self._too_old + 1 if too_old else 0

    @property
    def any_doubt(self) -> bool:
        """Whether it matters what is stored."""
        self._pauses = {name: end for name, end in self._pauses.items() if self.pauses(name)}
        return bool(self._refusals or self._pauses)

    @property
    def any_pauses(self) -> bool:
        """Whether lines are to be left out of what has not been refused."""
        now = self._monotonic()
        return any(self.pauses(name) and self._trials[name] <= now for name in self._pauses)

    @property
    def lasts(self) -> bool:
        """Whether a measurement waits, or did a while ago, and nothing of it was stored since."""
        return self._monotonic() < self._lasts_until

    def pauses(self, measurement: str) -> bool:
        return self._pauses.get(measurement, -inf) > self._monotonic()

    def note(self, measurement: str, answer: Answer, *, of: object, since: int) -> None:
        """Note that a line was refused alone.

        `of` is its segment, and `since` what had been stored when that was first refused: it is
        at fault itself if another line of the measurement has been stored meanwhile.
        """
        if self._last.get(measurement, 0) > since:
            return
        segments = self._refusals.setdefault((measurement, answer.status), [])
        segments.append(of)
        if len(segments) < CONFLICTS_BEFORE_PAUSE:
            return
        del self._refusals[measurement, answer.status]
        alone = all(segment == of for segment in segments)
        now = self._monotonic()
        self._pauses[measurement] = now + ASIDE_SECONDS
        self._trials[measurement] = now + (TRIAL_SECONDS if alone else 0.0)
        self._lasts_until = now + 2 * ASIDE_SECONDS
        if self._troubles.came(measurement):
            log.error("`%s` waits for an hour: %s", measurement, words(answer))

    def passed(self, lines: bytes, *, others_wait: bool) -> bool:
        """Note that lines were stored; gives whether a pause ends by it.

        What they are matters where there is a doubt, or where `others_wait`.
        """
        self.stored += 1
        if isinstance(lines, Packed) or not (self.any_doubt or others_wait):
            return False
        names = {name.decode(errors="replace") for name in _MEASUREMENTS.findall(lines)}
        self._last.update(dict.fromkeys(names, self.stored))
        self._refusals = {key: of for key, of in self._refusals.items() if key[0] not in names}
        ended = names & self._pauses.keys()
        for name in ended:
            del self._pauses[name]
            self._lasts_until = -inf
        return bool(ended)
