"""A source that has given checked telegrams owes checksums.

Where somebody else reads the same port too, each byte goes to one of the two. A telegram that has
lost its version and its checksum looks like one of DSMR 2 or 3, which has neither, and its values
may be wrong. So it is not taken once the line has given telegrams whose checksum was right; that
is remembered over a restart. It ends when the meter was exchanged for an old one: after ten
minutes without a checked telegram, and thirty complete ones that have none.
"""

import logging
from collections.abc import Callable
from typing import Final

from collector.errors import Troubles
from collector.memory import Memory
from collector.p1.checksum import Checksum
from collector.p1.telegram import Telegram

log: Final = logging.getLogger(__name__)

PATIENCE_SECONDS: Final = 600.0
ENOUGH: Final = 30
_LOG_SECONDS: Final = 6 * 3600.0


class Debt:
    """What one line owes."""

    def __init__(self, memory: Memory, monotonic: Callable[[], float]) -> None:
        self._memory = memory
        self._monotonic = monotonic
        self._checked_at = monotonic()
        self._unchecked = 0
        self._troubles = Troubles(monotonic, again=_LOG_SECONDS)

    def refuses(self, telegram: Telegram) -> bool:
        """Tell whether a telegram that would do elsewhere must not be taken here."""
        if telegram.checksum is Checksum.OK:
            self._memory.owes_checksums = 1
            self._checked_at, self._unchecked = self._monotonic(), 0
            return False
        if not self._memory.owes_checksums:
            return False
        is_complete = bool(telegram.electricity or telegram.devices) and not telegram.errors
        self._unchecked += is_complete
        if self._troubles.came("owed"):
            log.warning(
                "a telegram without version and checksum is not taken: this line has given checked"
                " ones (does another program read this port too?)"
            )
        waited = self._monotonic() - self._checked_at
        if waited < PATIENCE_SECONDS or self._unchecked < ENOUGH:
            return True
        log.warning(
            "telegrams without checksums are taken from now on: %d came in %.0f minutes, and none"
            " with one (was the meter exchanged?)",
            self._unchecked,
            waited / 60,
        )
        self._memory.owes_checksums = 0
        return False
