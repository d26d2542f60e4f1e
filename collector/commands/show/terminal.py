"""The terminal while the live screen is on it: a second screen, no cursor, keys as they come.

Whatever ends the program, the terminal is given back as it was.
"""

import os
import select
import signal
import sys
import termios
import tty
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import Any, Final, Self, TextIO

_ENTER: Final = "\x1b[?1049h\x1b[?25l\x1b[2J"
_LEAVE: Final = "\x1b[?25h\x1b[?1049l"
_QUIT_KEYS: Final = b"qQ\x1b\x03"


def is_live(stream: TextIO, environment: Mapping[str, str]) -> bool:
    return stream.isatty() and environment.get("TERM", "dumb") != "dumb"


def wants_colour(environment: Mapping[str, str]) -> bool:
    """https://no-color.org: any value but the empty one turns colours off."""
    return not environment.get("NO_COLOR")


class Terminal:
    """The person's terminal, taken over for as long as the `with` block lasts."""

    def __init__(self) -> None:
        self._keys = sys.stdin.fileno() if sys.stdin and sys.stdin.isatty() else None
        self._before: list[Any] = []
        self._handlers: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self._take()
        # A stop (Ctrl-Z) gives the terminal back for as long as it lasts; TERM ends like Ctrl-C.
        for number, handler in (
            (signal.SIGTSTP, self._paused),
            (signal.SIGTERM, signal.default_int_handler),
            (signal.SIGHUP, signal.default_int_handler),
        ):
            self._handlers[number] = signal.signal(number, handler)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._give_back()

    def size(self) -> tuple[int, int]:
        size = os.get_terminal_size(sys.stdout.fileno())
        return (size.columns or 80, size.lines or 24)

    def draw(self, lines: Sequence[str]) -> None:
        """Over what is there, each line cleared behind its end only, so nothing flickers."""
        body = "\x1b[K\r\n".join(lines)
        _write(f"\x1b[H{body}\x1b[K\x1b[J")

    def quit_within(self, seconds: float) -> bool:
        """Waits, and says at once when somebody wants to leave."""
        keys = [] if self._keys is None else [self._keys]
        ready = select.select(keys, [], [], max(0.0, seconds))[0]
        if not ready or self._keys is None:
            return False
        pressed = os.read(self._keys, 64)
        if not pressed:
            self._keys = None  # the input has ended, the screen goes on
        return any(key in _QUIT_KEYS for key in pressed[:1])

    def _take(self) -> None:
        if self._keys is not None:
            self._before = termios.tcgetattr(self._keys)
            tty.setcbreak(self._keys)
        _write(_ENTER)

    def _give_back(self) -> None:
        _write(_LEAVE)
        if self._keys is not None and self._before:
            termios.tcsetattr(self._keys, termios.TCSADRAIN, self._before)

    def _paused(self, _number: int, _frame: FrameType | None) -> None:
        self._give_back()
        os.kill(os.getpid(), signal.SIGSTOP)
        self._take()


def _write(text: str) -> None:
    stream = sys.stdout
    stream.write(text.encode(stream.encoding, "replace").decode(stream.encoding))
    stream.flush()
