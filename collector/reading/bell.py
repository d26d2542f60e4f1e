"""What wakes the reader: the meter is waited for without polling, and so is everything else."""

import os
import select
from contextlib import suppress


class Bell:
    """Ends the wait of a read, from any thread; who reads next hears it too."""

    def __init__(self) -> None:
        self._ends: tuple[int, int] | None = None

    def ring(self) -> None:
        if self._ends:
            with suppress(BlockingIOError):
                os.write(self._ends[1], b"!")

    def fileno(self) -> int:
        """Give what `select` waits for; the pipe is made when somebody first does."""
        if self._ends is None:
            self._ends = os.pipe()
            for end in self._ends:
                os.set_blocking(end, False)
        return self._ends[0]

    def heard(self) -> None:
        """Be quiet until it is rung again."""
        os.read(self.fileno(), 64)

    def wait(self, seconds: float) -> None:
        """Sleep until it is rung."""
        if select.select([self], [], [], seconds)[0]:
            self.heard()
