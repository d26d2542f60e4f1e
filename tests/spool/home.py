"""A home for the driver: what an earlier life left there, the files it may get, and its books."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from collector.commands.spool import waiting
from collector.spool.record import RecordId, decode
from collector.spool.segment import closed_name, open_name
from collector.spool.spool import Directories
from spool.driver import telegram
from spool.machine import record

EARLIER: Final = [record(number) for number in range(9)] + [record(9, run="feedfeedfeed")]
"""Records of an earlier life, the last of them handed in by another command."""
FOUND: Final = frozenset(EARLIER[number].id for number in (1, 3, 4, 5, 6, 7, 9))
HOT: Final = "hot"
CARD: Final = "card"
JOURNAL: Final = "journal"

IDLE: Final = ("idle", "nothing", JOURNAL)
"""On these paths the driver makes calls that change nothing."""

TORN: Final = [one.encode()[:79] for one in EARLIER]
DAMAGE: Final = frozenset({TORN[2] + b"\n", TORN[6], TORN[8]})
"""What is no record: the second one, the eighth, and half of the sixth, which is whole in RAM."""

_HIGHEST: Final = 60
_FILES: Final[Mapping[str, Mapping[str, Sequence[str]]]] = {
    HOT: {"hot": (".lp", ".open", ".draft")},
    CARD: {
        "card/spool": (".lp", ".open"),
        "card/spool/rejected": ("-20231114-40d672f7.lp", ".draft"),
        "card/spool/damaged": ("-158.bin", "-158.draft", "-316.bin", "-316.draft"),
        "card/spool/inbox": (".lp",),
    },
    JOURNAL: {"journal/stored": ()},
}
"""The names of files but for their numbers; damage is named for where in its file it was."""


def left_behind(home: Path) -> Path:
    """Make a home in which the program was killed while it wrote."""
    parts = [one.encode() for one in EARLIER]
    card = Directories(home / "card" / "spool")
    for directory in (home / HOT, home / JOURNAL, card.rejected, card.inbox):
        directory.mkdir(parents=True)
    (home / "idle").touch()
    (home / HOT / closed_name(1)).write_bytes(parts[5] + parts[6])
    (home / HOT / open_name(2)).write_bytes(parts[7] + TORN[8])
    (card.spool / closed_name(1)).write_bytes(parts[1] + TORN[2] + b"\n" + parts[3])
    (card.spool / open_name(2)).write_bytes(parts[4] + parts[5] + TORN[6])
    (card.rejected / closed_name(3)).with_suffix(".draft").write_bytes(b"half")
    (card.inbox / closed_name(1)).write_bytes(parts[9])
    return home


def paths(home: Path, *places: str) -> Iterator[Path]:
    """Give the paths of some places that the driver may touch, and those of its idle calls."""
    yield from (home / name for name in IDLE)
    for place in places:
        for room, endings in _FILES[place].items():
            yield home / room
            yield from (home / room / f"{n:020d}{end}" for n in range(_HIGHEST) for end in endings)


class Books:
    """What is known of a home without believing the program, and what the program says.

    `missing` are the records of which a line is neither stored nor kept as refused; `in_files` is
    what lies in files that wait; `waiting` is what is in both; `left_open` what is in a segment on
    the card that nobody could close.
    """

    def __init__(self, home: Path) -> None:
        self._journal = home / JOURNAL
        directories = Directories(home / "card" / "spool")
        self.sent = {one.id: one.body for one in EARLIER if one.id in FOUND}
        self.sent |= {identity: telegram(identity.number) for identity in self._ids("sent")}
        self.read = self._ids("read")
        self.stored = Counter(self._lines("stored"))
        self.refused = Counter(
            line
            for path in directories.rejected.glob("*.lp")
            if path.read_bytes().startswith(b"# rejected: answer 400: unable to parse\n")
            for line in _split(path.read_bytes())
            if not line.startswith(b"# ")
        )
        self.damage = {path.read_bytes() for path in directories.damaged.glob("*.bin")}
        there = self.stored.keys() | self.refused.keys()
        self.missing = {i for i, body in self.sent.items() if not there >= set(_split(body))}
        self.in_files = waiting(directories, home / HOT)
        self.waiting = self.missing & self.in_files
        self.left_open = {
            identity
            for path in directories.spool.glob("*.open")
            for identity in decode(path.read_bytes()).ids
        }

    @property
    def invented(self) -> set[bytes]:
        """The lines that are where they do not belong."""
        lines = {line for body in self.sent.values() for line in _split(body)}
        bad = {line for line in lines if line.startswith(b"bad,")}
        return (self.stored.keys() - (lines - bad)) | (self.refused.keys() - bad)

    @property
    def accounts(self) -> dict[str, int]:
        """What the program says at its end."""
        accounts: dict[str, int] = json.loads((self._journal / "accounts").read_bytes())
        return accounts

    @property
    def log(self) -> str:
        return (self._journal / "log").read_text()

    def _ids(self, name: str) -> set[RecordId]:
        return {RecordId(*json.loads(line)) for line in self._lines(name)}

    def _lines(self, name: str) -> list[bytes]:
        path = self._journal / name
        return _split(path.read_bytes()) if path.exists() else []


def _split(lines: bytes) -> list[bytes]:
    return lines.splitlines(keepends=True)
