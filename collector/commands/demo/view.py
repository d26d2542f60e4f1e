"""What a person sees while the demo runs: the live screen, or a line from time to time."""

import contextlib
import os
import sys
import textwrap
import time
from collections.abc import Iterator
from typing import Final, Protocol

from collector.commands.output import put
from collector.commands.show.screen import render, summary
from collector.commands.show.status import Status
from collector.commands.show.terminal import Terminal, is_live, wants_colour

_LINES: Final = 5.0  # seconds between the lines where there is no terminal


class View(Protocol):
    """Where the demo shows what it does."""

    def show(self, status: Status | None, note: str) -> None: ...

    def left(self, seconds: float) -> bool:
        """Waits; true as soon as the person has had enough."""


class Screen:
    """The live screen, with a note below."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._colour = wants_colour(os.environ)

    def show(self, status: Status | None, note: str) -> None:
        width, height = self._terminal.size()
        below = textwrap.wrap(note, width)
        lines: list[str] = []
        if status:
            room = height - 1 - len(below)
            lines = render(status, width, room, colour=self._colour, now=time.time())
            lines.append("")
        self._terminal.draw([*lines, *below])

    def left(self, seconds: float) -> bool:
        return self._terminal.quit_within(seconds)


class Lines:
    """Plain lines, without escape codes: one at the first telegram, then one from time to time."""

    def __init__(self) -> None:
        self._due = 0.0
        self._begun = False

    def show(self, status: Status | None, note: str) -> None:
        begun = status is not None and status["telegram"] is not None
        if time.monotonic() < self._due and begun == self._begun:
            return
        self._due = time.monotonic() + _LINES
        self._begun = begun
        put(summary(status) if status and begun else note)
        sys.stdout.flush()

    def left(self, seconds: float) -> bool:
        time.sleep(seconds)
        return False


@contextlib.contextmanager
def best_view() -> Iterator[View]:
    """What standard output can take."""
    if not is_live(sys.stdout, os.environ):
        yield Lines()
        return
    with Terminal() as terminal:
        yield Screen(terminal)
