"""Mistakes put into the program on purpose, one at a time: what each breaks, and where.

They stand in `*.mutants` beside this file::

    ==== collector/delivery/answer.py tests/delivery/test_answer.py   a file, what pytest gets

    [204] a 200 is stored                                 what it breaks, what is wrong then
    -    204: Meaning.STORED,                             the text that is there once,
    +    204: Meaning.STORED,                             and what comes in its place
    +    200: Meaning.STORED,
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
HERE: Final = Path(__file__).parent

PROMISES: Final = {
    "1": "nothing is lost, and it adds up",
    "2": "a kill costs nothing, a power cut ten seconds",
    "3": "the card is not written while InfluxDB answers",
    "4": "everything arrives once, as it was printed",
    "5": "any meter works as it is",
    "6": "one bad thing costs one thing",
    "7": "the data is never hostage",
    "204": "nothing else is stored",
    "not now": "tried again, spread out, for ever",
    "401": "401, 403, 404: kept, tried slowly, said",
    "413": "halved",
    "400": "400, 422: narrowed down to the bad lines",
    "unknown": "anything else: kept, loudly",
    "shown": "the dashboards show what is, on each InfluxDB, and say what is wrong",
    "private": "the token and the readings are nobody's business",
}
"""The promises by their number, the rows of the delivery table, and secrecy."""

_PLACE: Final = re.compile(r"==== (\S+) (.+)")
_MUTANT: Final = re.compile(r"\[([^\]]+)\] (.+)")


@dataclass(slots=True)
class Mutant:
    """A change of a few characters; `tests` is what pytest is given to notice it with."""

    file: str
    tests: list[str]
    breaks: str
    what: str
    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)

    def put_into(self, source: str) -> str:
        """Give the source with the mistake. Raises `ValueError` unless there is one place."""
        text = "\n".join(self.before)
        if (found := source.count(text)) != 1:
            raise ValueError(f"{self.file}: {self.what}: its text is there {found} times")
        return source.replace(text, "\n".join(self.after))


def mutants() -> list[Mutant]:
    """Give all of them."""
    return [m for path in sorted(HERE.glob("*.mutants")) for m in _read(path.read_text())]


def _read(text: str) -> Iterator[Mutant]:
    """Take a file apart. Raises `ValueError` for a line that is none of the four kinds."""
    file, tests = "", list[str]()
    mutant = None
    for line in text.splitlines():
        if place := _PLACE.fullmatch(line):
            file, tests = place[1], shlex.split(place[2])
        elif head := _MUTANT.fullmatch(line):
            mutant = Mutant(file, tests, head[1], head[2])
            yield mutant
        elif mutant and line[:1] in {"-", "+"}:
            (mutant.before if line[0] == "-" else mutant.after).append(line[1:])
        elif line:
            raise ValueError(f"not a line of a list of mutants: {line}")
