"""What InfluxDB refused, kept in `rejected/`: a file a kind and day, with the server's words.

A trouble that lasts is refused for days. A kind is the server's words without what changes from
one refusal to the next: what stands in quotes, numbers, times. The words as they were stand before
the records that they are about.
"""

import re
import time
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from collector.spool.disk import Disk
from collector.spool.record import Record, decode
from collector.spool.segment import fits, segments

_QUOTED: Final = re.compile(r'"[^"]*"|`[^`]*`|(?<!\w)\'.*?\'(?!\w)')
_WRAPPED: Final = re.compile(r'\s*\{"error":\s*"(.*?)(?:"\s*[,}].*)?$')
"""InfluxDB 1 and 3 say it in JSON, and all of that is quoted."""
_CHANGES: Final = re.compile(r"\S*\d\S*")

MOST_KINDS: Final = 64
"""A day's kinds with a file of their own; whatever else is refused goes to one file more."""


@dataclass(slots=True)
class _Page:
    """A file that takes more: how much is in it, and the words that stood last."""

    path: Path | None = None
    size: int = 0
    lines: int = 0
    words: bytes = b""


def kind(words: str) -> str:
    """Give what is the same in the words of one kind of refusal; the status is part of them."""
    status, _, rest = words.partition(":")
    rest = _WRAPPED.sub(r"\1", rest)
    return f"{status}:{' '.join(_CHANGES.sub('', _QUOTED.sub('', rest)).split())}"


class Refusals:
    """Appends to the files of `rejected/`.

    `number` gives the number of a new file, `wall` the seconds of the host's clock.
    """

    def __init__(
        self, directory: Path, disk: Disk, *, number: Callable[[], int], wall: Callable[[], float]
    ) -> None:
        self._directory = directory
        self._disk = disk
        self._number = number
        self._wall = wall
        self._pages: dict[str, _Page] = {}

    def add(self, records: Iterable[Record], words: str) -> Path:
        """Return when these are on the card; gives the file that has them."""
        data = b"".join(record.encode() for record in records)
        said = b"# rejected: %s\n" % " ".join(words.split()).encode(errors="replace")
        of = self._of(kind(words))
        page = self._pages.get(of) or self._left(of)
        size, lines = len(said) + len(data), data.count(b"\n") + 1
        if page is None or not fits(page.size, page.lines, size, lines):
            page = _Page()
        self._pages[of] = page
        path, file = self._opened(page, of)
        more = data if said == page.words else said + data
        try:
            self._disk.append(file, more)
            self._disk.sync(file)
            page.size += len(more)
            page.lines += more.count(b"\n")
            page.words = said
        except OSError:
            del self._pages[of]  # the next ones go to another file
            with suppress(OSError):
                self._disk.truncate(file, page.size)
                if not page.size:
                    self._disk.remove(path)
            raise
        finally:
            self._disk.close(file)
        return path

    def _of(self, kind: str) -> str:
        day = time.strftime("%Y%m%d", time.gmtime(self._wall()))
        self._pages = {of: page for of, page in self._pages.items() if of[:8] == day}
        of = f"{day}-{zlib.crc32(kind.encode(errors='replace')):08x}"
        return of if of in self._pages or len(self._pages) < MOST_KINDS else f"{day}-{0:08x}"

    def _left(self, of: str) -> _Page | None:
        """Give the file that an earlier run left, unless its end is none."""
        ours = [p for p in segments(self._disk, self._directory) if p.stem.endswith(of)]
        if not ours:
            return None
        contents = decode(self._disk.read(ours[-1]))
        if contents.damage or contents.end != len(contents.data):
            return None
        return _Page(ours[-1], contents.end, contents.data.count(b"\n"))

    def _opened(self, page: _Page, of: str) -> tuple[Path, int]:
        if page.path is not None:
            with suppress(FileNotFoundError):  # it was handed in again, or dropped
                return page.path, self._disk.open(page.path)
        page.path = self._directory / f"{self._number():020d}-{of}.lp"
        page.size, page.lines, page.words = 0, 0, b""
        file = self._disk.create(page.path)
        self._disk.sync_directory(self._directory)
        return page.path, file
