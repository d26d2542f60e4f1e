"""Delivered files that could not be removed: not sent again for that, and removed later."""

import logging
from collections.abc import Callable, Collection
from typing import Final

from collector.errors import Troubles
from collector.spool.errands import Errands, HangingError
from collector.spool.fault import advice, words
from collector.spool.stock import File

log: Final = logging.getLogger(__name__)

SWEEP_SECONDS: Final = 5.0
"""How long a delivered file stays that could not be removed, before that is tried again."""


class Leftovers:
    """Removes files of the spool, sooner or later; `remove` may raise `OSError`."""

    def __init__(
        self, remove: Callable[[File], None], errands: Errands, *, monotonic: Callable[[], float]
    ) -> None:
        self._remove = remove
        self._errands = errands
        self._monotonic = monotonic
        self._files: set[File] = set()
        self._sweep_at = 0.0
        self._troubles = Troubles(monotonic)

    def __contains__(self, file: File) -> bool:
        return file in self._files

    def remove(self, files: Collection[File]) -> None:
        """Remove files, now or, where that cannot be, as soon as it can."""
        self._files.update(files)
        if not (error := self._try(files)):
            return
        self._sweep_at = self._monotonic() + SWEEP_SECONDS
        if not isinstance(error, HangingError) and self._troubles.came("leftovers"):
            what = "cannot remove what is delivered, it stays in the spool `%s`: %s (%s)"
            log.error(what, next(iter(files)).directory, words(error), advice(error))

    def sweep(self) -> None:
        now = self._monotonic()
        if not self._files or now < self._sweep_at or self._errands.hang:
            return
        self._sweep_at = now + SWEEP_SECONDS
        self._try(list(self._files))
        if not self._files and self._troubles.went():
            log.info("what was delivered could be removed now")

    def _try(self, files: Collection[File]) -> OSError | None:
        """Remove files; those that stay are remembered. Gives why one of them stays."""
        errors: list[OSError] = []

        def remove() -> None:
            for file in files:
                try:
                    self._remove(file)
                    self._files.discard(file)
                except OSError as error:
                    errors.append(error)

        try:
            self._errands.do(remove)
        except HangingError as error:
            return error
        return next(iter(errors), None)
