"""How far it is, for whoever watches: a bar on a terminal, now and then a line elsewhere."""

from typing import Final, TextIO

from collector.commands.output import counted, visible

_WIDTH: Final = 30
_STEP: Final = 10
"""Per cent between two lines."""


class Bar:
    """Draws how much of `size` is done; what is said besides keeps its own lines."""

    def __init__(self, stream: TextIO, name: str, size: int) -> None:
        self._stream = stream
        self._name = name
        self._size = size
        self._live = stream.isatty()
        self._drawn = False
        self._said = 0
        self._words = ""

    def draw(self, position: int, number: int, words: str = "") -> None:
        """Show the state: a place in the file, telegrams up to it, and anything else."""
        percent = min(100, 100 * position // self._size) if self._size else 100
        text = f"{percent:3d} %  {counted(number, 'telegram')}"
        if self._live:
            full = _WIDTH * percent // 100
            bar = "#" * full + "-" * (_WIDTH - full)
            self._write(f"\r[{bar}] {text}{f'  {words}' if words else ''}\x1b[K")
            self._drawn = True
        elif percent >= self._said + _STEP or words not in ("", self._words):
            self._said = percent - percent % _STEP
            self._words = words
            self._write(f"{self._name}: {text}{f', {words}' if words else ''}\n")

    def say(self, text: str) -> None:
        """Print a line of its own."""
        self.close()
        self._write(f"{visible(text)}\n")

    def close(self) -> None:
        """Leave the bar's line."""
        if self._drawn:
            self._write("\r\x1b[K")
        self._drawn = False

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
