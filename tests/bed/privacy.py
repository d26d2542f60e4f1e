"""What a service keeps to itself: its secrets, its files, its doors.

The bed looks at every service that a test runs: at the process each time that a test has waited
for it and before it is ended, at everything it wrote once it has ended.
"""

import base64
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote

LEAST: Final = 6
"""Characters; a shorter secret would be found where nobody wrote it."""

_PIECE: Final = 12
_SECRET: Final = ("TOKEN", "KEY")
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_LISTENS: Final = {"tcp": "0A", "udp": "07", "raw": "07"}  # a state of the kernel's tcp_states.h
_ACCEPTS: Final = 1 << 16  # __SO_ACCEPTCON, of /proc/net/unix


def secrets_in(settings: Mapping[str, str]) -> tuple[str, ...]:
    """Give what nobody may read, of the variables that set a program up."""
    found = [text for name, text in settings.items() if name.endswith(_SECRET)]
    short = [text for text in found if 0 < len(text) < LEAST]
    assert not short, f"no secret to look for: {short}"
    return tuple(filter(None, found))


def spellings(secret: str) -> dict[str, bytes]:
    """Give the ways to write a secret down, or a good part of it, each with its name."""
    raw = secret.encode()
    shifted = {f"base64, shifted by {n}": _within_base64(raw, n) for n in range(3)}
    urls = {f"{name}, for URLs": _for_urls(text) for name, text in shifted.items()}
    return {
        "it stands": raw,
        **{f"a part of it, at {n}": raw[n : n + _PIECE] for n in _whole_pieces(raw)},
        "in a URL": quote(secret, safe="").encode(),
        "hexadecimal": raw.hex().encode(),
        "hexadecimal, in capitals": raw.hex().upper().encode(),
        "UTF-16": secret.encode("utf-16-le"),
        **shifted,
        **urls,
    }


def _whole_pieces(raw: bytes) -> range:
    return range(0, len(raw) - _PIECE + 1, _PIECE) if len(raw) >= 2 * _PIECE else range(0)


def _within_base64(raw: bytes, before: int) -> bytes:
    """Give what is the same in base64 whatever stands around it, `before` bytes in front."""
    text = base64.b64encode(bytes(before) + raw)
    return text[-(-8 * before // 6) : 8 * (before + len(raw)) // 6]


def _for_urls(text: bytes) -> bytes:
    return text.translate(bytes.maketrans(b"+/", b"-_"))


def found_in(data: bytes, secrets: tuple[str, ...]) -> list[str]:
    """Say how any of the secrets stands in some bytes; empty if none does."""
    return [how for secret in secrets for how, text in spellings(secret).items() if text in data]


def sockets(pid: int) -> set[str]:
    """Give the numbers of a process's sockets."""
    found = set()
    with suppress(OSError):  # the process, or the file, has gone
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                kind, _, number = str(entry.readlink()).partition(":")
                found |= {number.strip("[]")} if kind == "socket" else set()
    return found


def doors(pid: int) -> list[str]:
    """Give the sockets on which a process can be called, as the kernel's tables show them."""
    own = sockets(pid)
    return [line for number, line in _open_doors(pid) if number in own]


def _open_doors(pid: int) -> Iterator[tuple[str, str]]:
    """Give the number and the line of everybody's sockets that can be called."""
    for name, state in _LISTENS.items():
        for fields in (*_table(pid, name), *_table(pid, f"{name}6")):
            if fields[3] == state:
                yield fields[9], f"{name} {' '.join(fields)}"
    for fields in _table(pid, "unix"):
        if int(fields[3], 16) & _ACCEPTS:
            yield fields[6], f"unix {' '.join(fields)}"


def _table(pid: int, name: str) -> list[list[str]]:
    try:
        lines = Path(f"/proc/{pid}/net/{name}").read_text().splitlines()
    except OSError:  # there is none of this family, or the process has gone
        return []
    return [line.split() for line in lines[1:]]


def open_to_others(root: Path) -> dict[Path, str]:
    """Give what is at or below a path and not for its owner alone, with its mode."""
    found = {}
    for path in (root, *root.rglob("*")):
        with suppress(FileNotFoundError):
            mode = path.lstat().st_mode
            if mode & _OTHERS and not stat.S_ISLNK(mode):
                found[path] = stat.filemode(mode)
    return found


@dataclass
class Privacy:
    """What one service has to keep to itself. `rooms` are the directories that it makes.

    What stood in them before it was first started, and as open as it is, is not its work.
    """

    secrets: tuple[str, ...]
    home: Path
    rooms: tuple[Path, ...]
    shared: int | None = None
    """The one port that it was asked to listen on."""
    _before: dict[Path, str] | None = field(default=None, init=False)

    def begin(self) -> None:
        """Remember what is there already; call it before the service is started."""
        if self._before is None:
            self._before = self._open()

    def look_at_process(self, pid: int) -> None:
        """See that nothing of a secret is in its command line, and that it cannot be called."""
        with suppress(FileNotFoundError, ProcessLookupError):
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
            assert found_in(words, self.secrets) == [], "a secret in the command line"
        asked = f":{self.shared or 0:04X} 0000"
        assert [door for door in doors(pid) if asked not in door] == [], "it listens"

    def look_at_files(self) -> None:
        """See that no secret stands in anything it wrote, and that it wrote for its user alone."""
        assert self.leaks() == {}, "a secret was written down"
        new = {path: mode for path, mode in self._open().items() if path not in self._begun}
        assert new == {}, "not for the user alone"

    def leaks(self) -> dict[Path, list[str]]:
        """Give the files in which a secret stands, and how it is written there."""
        found = {}
        for room in (self.home, *self.rooms):
            for path in room.rglob("*"):
                with suppress(OSError):  # gone meanwhile, or nobody's to read
                    if path.is_file() and (how := found_in(path.read_bytes(), self.secrets)):
                        found[path] = how
        return found

    @property
    def _begun(self) -> dict[Path, str]:
        return self._before or {}

    def _open(self) -> dict[Path, str]:
        return {path: mode for room in self.rooms for path, mode in open_to_others(room).items()}
