"""Lines from a file or a pipe, some at a time: what came within a second, in bounded memory."""

import os
import select
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from collector.commands.put.lines import LONGEST

MOST: Final = 1024 * 1024
"""Bytes of lines that are taken together."""
SECONDS: Final = 1.0
"""How long a line may wait for others."""

_CHUNK: Final = 64 * 1024
_LOOK_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Stream:
    """An open file; `name` is what it is for a person."""

    name: str
    file: int
    monotonic: Callable[[], float]

    @property
    def ends(self) -> bool:
        """Whether it can be read twice: what it holds is known before any of it is taken."""
        return stat.S_ISREG(os.fstat(self.file).st_mode)

    def batches(self, stopped: Callable[[], bool]) -> Iterator[list[bytes]]:
        """Give the lines without line ends, until the end, or until it is `stopped`."""
        batch: list[bytes] = []
        rest, size, since, torn = b"", 0, 0.0, True
        while not stopped():
            if select.select([self.file], [], [], _LOOK_SECONDS)[0]:
                data = os.read(self.file, _CHUNK)
                if not data:
                    torn = False
                    break
                since = since if batch else self.monotonic()
                *lines, rest = (rest + data).split(b"\n")
                rest = rest[: LONGEST + 1]  # it is too long already
                batch += lines
                size += len(data)
            if batch and (size >= MOST or self.monotonic() - since >= SECONDS):
                yield batch
                batch, size = [], 0
        if rest and not torn:
            batch.append(rest)
        if batch:
            yield batch

    def again(self, start: int) -> None:
        """Go back to where it began."""
        os.lseek(self.file, start, os.SEEK_SET)

    @property
    def place(self) -> int:
        return os.lseek(self.file, 0, os.SEEK_CUR)
