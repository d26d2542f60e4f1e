"""An SD card whose device counts what reaches it: an ext4 on a loop device (takes root)."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bed.card import Card

SIZE: Final = 2 * 1024**3
"""Bytes, sparse: large enough for the spool's limits, and for blocks of 4 KiB."""

_SECTOR: Final = 512
_WRITES, _SECTORS_WRITTEN = 4, 6  # Documentation/ABI/stable/sysfs-block, `stat`


@dataclass(frozen=True, slots=True)
class Written:
    """What a device has taken since it was made: requests, and the bytes in them."""

    writes: int
    size: int

    def __sub__(self, before: "Written") -> "Written":
        return Written(self.writes - before.writes, self.size - before.size)


class CountedCard(Card):
    """A card that tells what was written to it."""

    def written(self) -> Written:
        """Sync the file system, and give what the device has taken."""
        _run("sync", "--file-system", str(self.place))
        device = self.place.stat().st_dev
        stat = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat")
        fields = list(map(int, stat.read_text().split()))
        return Written(fields[_WRITES], fields[_SECTORS_WRITTEN] * _SECTOR)


@contextmanager
def inserted(home: Path) -> Iterator[CountedCard]:
    """Make an empty card and mount it below `home`, for as long as the block lasts."""
    home.mkdir()
    image = home / "card.ext4"
    with image.open("wb") as file:
        file.truncate(SIZE)
    # Nothing is left to be written later by the kernel itself.
    _run("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", str(image))
    card = CountedCard(image, home / "place")
    card.plug_in()
    try:
        yield card
    finally:
        card.unplug()
        image.unlink()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True)
