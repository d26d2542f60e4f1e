"""Which measurements wait because InfluxDB has a field of theirs under another type."""

import logging
from collections.abc import Callable
from typing import Final

from collector.delivery.doubts import ASIDE_SECONDS
from collector.errors import Troubles

log: Final = logging.getLogger(__name__)

CONFLICTS_BEFORE_PAUSE: Final = 10


class Conflicts:
    """Counts refusals by their words; ten of the same let their measurement wait for an hour."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._troubles = Troubles(monotonic, again=ASIDE_SECONDS)
        self._times: dict[str, int] = {}
        self._until: dict[str, float] = {}

    @property
    def any_pauses(self) -> bool:
        return any(map(self.pauses, self._until))

    def pauses(self, measurement: str) -> bool:
        return self._until.get(measurement, 0.0) > self._monotonic()

    def note(self, measurement: str, words: str) -> None:
        """Note a refusal by a field's type."""
        self._times[words] = self._times.get(words, 0) + 1
        if self._times[words] >= CONFLICTS_BEFORE_PAUSE:
            if self._troubles.came(words):
                log.error("`%s` waits for an hour: %s", measurement, words)
            self._until[measurement] = self._monotonic() + ASIDE_SECONDS
            del self._times[words]
