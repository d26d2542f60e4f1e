"""A computer whose plug can be pulled: the collector with a card and a RAM disk of its own."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple, Self

from bed import child
from bed.card import MIB, Card
from bed.influxd import Influxd
from bed.ram import RamDisk
from bed.service import Status
from bed.trial import Trial
from collector.spool.record import decode

RAM: Final = 4 * MIB
SPEED: Final = 25.0  # telegrams a second
GIVE_UP_SECONDS: Final = 100


class Cut(NamedTuple):
    """When the power went, and by when everything had ended, on the monotonic clock."""

    at: float
    over: float


class Computer:
    """A context manager: with it, the collector has ended and the disks are unmounted."""

    def __init__(self, influxd: Influxd, home: Path, blank: Path, **settings: str) -> None:
        self.influxd = influxd
        self.card = Card.copied(blank, home / "card.ext4", home / "card")
        self.ram = RamDisk(home / "ram", RAM)
        places = {
            "P1_SPOOL_DIR": str(self.card.place / "spool"),
            "P1_HOT_DIR": str(self.ram.place / "hot"),
            "P1_FREE_MIB": "0",
        }
        self.trial = Trial(influxd, home, **places, **settings)
        self.service = self.trial.service

    def __enter__(self) -> Self:
        self.card.plug_in()
        self.ram.make()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.trial.__exit__(None)
        finally:
            self.card.pull()
            self.ram.lose()

    def cut_power(self) -> Cut:
        """Pull the plug. The database is another machine."""
        at = time.monotonic()
        self.card.cut_power()
        child.end(self.service.process, signal.SIGKILL, seconds=10)
        self.ram.lose()
        self.card.unplug()
        return Cut(at, time.monotonic())

    def break_card(self) -> None:
        """Let everything on the card fail with EIO from now on, as when a stick is pulled.

        A sync that is under way while the kernel shuts a file system down may return 0 and have
        synced nothing. A stick that is pulled has no such way to lie: so, between two calls.
        """
        with self.service.held():
            self.card.cut_power()

    def give_power(self) -> None:
        self.card.plug_in()
        self.ram.make()
        self.service.start()

    def taken(self, more: int = 0) -> int:
        """Wait until so many more telegrams were taken; give how many that are in all."""
        taken = self.trial.line.taken
        wanted = len(taken) + more
        self.wait_until(lambda: len(taken) >= wanted, "the reader has stopped")
        return len(taken)

    def on_card(self) -> set[int]:
        """Give the times of the telegrams on the card, those in the open file too."""
        return times_in(self.service.spool)

    def open_segment(self) -> Path | None:
        """Give the file that the keeper fills, if there is one."""
        return next(iter(sorted(self.service.spool.glob("*.open"))), None)

    @contextmanager
    def held_when(self, holds: Callable[[], bool]) -> Iterator[None]:
        """Have the service stand still at a moment at which something holds."""
        give_up = time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < give_up:
            with self.service.held():
                if holds():
                    yield
                    return
            time.sleep(0.02)
        raise AssertionError(f"there is no such moment:\n{self.service.tail()}")

    def wait_until_kept(self) -> None:
        """Wait until a telegram is on the card that is not taken yet when this is called."""
        last = self.trial.line.taken[-1].time
        self.wait_until(lambda: max(self.on_card(), default=0) > last, "nothing is kept")

    def wait_until_said(self, *words: str) -> None:
        """Wait until the service has logged a line with all these words."""

        def said() -> bool:
            lines = self.service.log.read_text().splitlines()
            return any(all(word in line for word in words) for line in lines)

        self.wait_until(said, f"it never said {words}")

    def wait_until(self, holds: Callable[[], bool], otherwise: str) -> None:
        give_up = time.monotonic() + GIVE_UP_SECONDS
        while not holds():
            assert self.service.running, f"it ended:\n{self.service.tail()}"
            assert time.monotonic() < give_up, f"{otherwise}:\n{self.service.tail()}"
            time.sleep(0.02)

    def wait_until_caught_up(self) -> Status:
        """Wait, while the meter sends, until nothing waits on the card."""
        return self.service.wait_until(
            lambda status: (
                status["delivery"]["state"] == "delivering"
                and status["counts"]["spool_bytes"] == 0
                and status["uncounted_segments"] == 0
            )
        )


def times_in(directory: Path) -> set[int]:
    """Give the times of the telegrams in the segments of a directory, also while it is in use."""
    return {
        int(line.split()[-1])
        for path in sorted(directory.glob("*.*"))
        for record in decode(_read(path)).records
        for line in record.body.splitlines()
        if line.startswith(b"electricity,")
    }


def _read(path: Path) -> bytes:
    """Read a segment, under whichever name; what was removed meanwhile is empty."""
    for name in (path, path.with_suffix(".lp")):
        with suppress(FileNotFoundError):
            return name.read_bytes()
    return b""
