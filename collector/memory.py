"""Which seconds have a reading, and what was in it: so that none takes the place of another."""

from array import array
from typing import Final

_REMEMBERED: Final = 7200
"""Seconds: a clock may be set back an hour."""
_BITS: Final = 32


class Seconds:
    """The readings of the last two hours: for each second a check of the telegram's content.

    A second has one place in the table, so it knows the latest of those that share it.
    """

    def __init__(self, data: bytes = b"") -> None:
        """Take what an earlier run kept; anything else is forgotten."""
        self._table = array("Q", bytes(8 * _REMEMBERED))
        if len(data) == 8 * _REMEMBERED:
            self._table = array("Q", data)

    def content(self, second: int) -> int | None:
        """Give the check of what was stored under a second, None if nothing was."""
        word = self._table[second % _REMEMBERED]
        return word & (1 << _BITS) - 1 if word >> _BITS == second else None

    def store(self, second: int, content: int) -> None:
        """Say what is stored under a second; `content` has 32 bits."""
        self._table[second % _REMEMBERED] = second << _BITS | content

    def as_bytes(self) -> bytes:
        return self._table.tobytes()
