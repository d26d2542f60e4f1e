"""Delivered files that could not be removed: not sent again for that, and removed later."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from collector.errors import Troubles
from collector.spool.fault import advice, words

log: Final = logging.getLogger(__name__)

SWEEP_SECONDS: Final = 5.0
"""How long a delivered file stays that could not be removed, before that is tried again."""


class Leftovers:
    """Removes files of the spool, sooner or later; `remove` may raise `OSError`."""

    def __init__(self, remove: Callable[[Path], None], *, monotonic: Callable[[], float]) -> None:
        self._try = remove
        self._monotonic = monotonic
        self._paths: set[Path] = set()
        self._sweep_at = 0.0
        self._troubles = Troubles(monotonic)

    def __contains__(self, path: Path) -> bool:
        return path in self._paths

    def remove(self, path: Path) -> None:
        """Remove a file, now or, if that cannot be, as soon as it can."""
        error = self._failed(path)
        if error is None:
            return
        if self._troubles.came("leftovers"):
            what = "cannot remove what is delivered, it stays in the spool `%s`: %s (%s)"
            log.error(what, path.parent, words(error), advice(error))
            self._sweep_at = self._monotonic() + SWEEP_SECONDS
        self._paths.add(path)

    def sweep(self) -> None:
        """Remove what is delivered and could not be removed then."""
        now = self._monotonic()
        if not self._paths or now < self._sweep_at:
            return
        self._sweep_at = now + SWEEP_SECONDS
        self._paths = set(filter(self._failed, self._paths))
        if not self._paths and self._troubles.went():
            log.info("what was delivered could be removed now")

    def _failed(self, path: Path) -> OSError | None:
        """Remove a file, or say why it cannot be."""
        try:
            self._try(path)
        except OSError as error:
            return error
        return None
