"""What a person sees while the demo runs: the live screen, or a line from time to time."""

import contextlib
import os
import sys
import textwrap
import time
from collections.abc import Iterator
from typing import Final

from collector.commands.output import put
from collector.commands.show.screen import Status, render, summary
from collector.commands.show.terminal import Terminal, is_live, wants_colour

_LINES: Final = 5.0  # seconds between the lines where there is no terminal


class Screen:
    """The live screen; below, what happens now and how far it is."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._colour = wants_colour(os.environ)

    def show(self, status: Status, act: str, note: str = "") -> None:
        width, height = self._terminal.size()
        below = [*textwrap.wrap(act, width), *textwrap.wrap(note, width)]
        lines: list[str] = []
        if status:
            room = height - 1 - len(below)
            lines = [*render(status, width, room, colour=self._colour, now=time.time()), ""]
        self._terminal.draw([*lines, *below])

    def left(self, seconds: float) -> bool:
        """Waits; true as soon as the person has had enough."""
        return self._terminal.quit_within(seconds)


class Lines:
    """Plain lines, without escape codes: one for each act, and from time to time how it is."""

    def __init__(self) -> None:
        self._due = 0.0
        self._act = ""

    def show(self, status: Status, act: str, note: str = "") -> None:
        del note  # it changes all the time
        if act != self._act:
            put(act)
        elif status and status["telegram"] and time.monotonic() >= self._due:
            # What an outage is, the act says; the last trouble is in the account.
            put(summary({**status, "delivery": {**status["delivery"], "message": None}}))
            self._due = time.monotonic() + _LINES
        self._act = act
        sys.stdout.flush()

    def left(self, seconds: float) -> bool:
        time.sleep(seconds)
        return False


View = Screen | Lines


@contextlib.contextmanager
def best_view() -> Iterator[View]:
    if is_live(sys.stdout, os.environ):
        with Terminal() as terminal:
            yield Screen(terminal)
    else:
        yield Lines()
