"""What a command says: never a byte of a meter or a server that a terminal would obey."""

import json
import os
import stat
import sys
from contextlib import suppress
from typing import TextIO

from collector.errors import CollectorError


def visible(text: str) -> str:
    r"""Give a text with all that is no letter as an escape, such as `\u001b`; line ends stay.

    That is what C0, C1 and the marks are that turn the direction of writing. JSON reads the
    escapes: in a string they are what they were.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)


def counted(number: int, word: str) -> str:
    """Give the number with its word: `1 telegram`, `2 telegrams`."""
    return f"{number} {word}{'' if number == 1 else 's'}"


def put(text: str, stream: TextIO | None = None) -> None:
    """Write lines to standard output, or to another stream, whatever its encoding."""
    stream = stream or sys.stdout
    encoding = stream.encoding or "utf-8"
    stream.write(f"{visible(text)}\n".encode(encoding, "replace").decode(encoding))


def complain(text: str) -> None:
    """Write lines to standard error, behind what was written before."""
    with suppress(BrokenPipeError):
        sys.stdout.flush()
    put(text, sys.stderr)


def complain_of(error: CollectorError) -> None:
    """Say what went wrong, and what to do."""
    hint = f"\n\nhint: {error.hint}" if error.hint else ""
    complain(f"error: {error}{hint}")


def keep_private() -> None:
    """Make the file that standard output was sent to readable by this user alone."""
    with suppress(OSError, ValueError):
        file = sys.stdout.fileno()
        if stat.S_ISREG(os.fstat(file).st_mode):
            os.fchmod(file, 0o600)
