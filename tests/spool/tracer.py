"""The driver under strace: the calls that a life makes, and lives in which some of them go wrong.

strace counts only calls on the paths that it is given. It delivers SIGKILL before the call, which
is not made then; so who is killed before each call that changes something has also been killed
after each of them.
"""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from spool import driver
from spool.home import IDLE, paths

NUMBER: Final = 500
"""What goes wrong is the call of this number among those of its kind. No life makes so many."""

CHANGING: Final = frozenset(
    {"write", "ftruncate", "fsync", "fdatasync", "rename", "unlink", "mkdir"}
)
"""Calls that change a file or a directory, or make that last; so does an `open` that creates."""

READING: Final = frozenset(
    {"close", "fstat", "getdents64", "ioctl", "lseek", "newfstatat", "open", "read", "statfs"}
)
"""Calls that change nothing."""

# Some processors have `unlinkat` alone, some C libraries call it where they could say `unlink`.
_CALL: Final = re.compile(
    r"^(\d+) +((?:open|rename|unlink|mkdir)(?=at)|\w+)\w*\((.*)$", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Call:
    """A call on a path below the home, the `number`-th of its kind on the paths that count."""

    kind: str
    path: str
    number: int
    creates: bool
    injected: bool = field(compare=False)

    @property
    def changes(self) -> bool:
        return self.creates or self.kind in CHANGING

    @property
    def place(self) -> str:
        return self.path.partition("/")[0]

    def __str__(self) -> str:
        return f"{self.kind} {self.number} ({self.path})"


@dataclass(frozen=True, slots=True)
class Life:
    """How a life ended, with an exit code or the negative number of a signal, and its calls."""

    home: Path
    ending: int
    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """Live in a home, with so many idle calls of each kind before."""

    home: Path
    idle: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def one_wrong(cls, home: Path, call: Call) -> "Order":
        return cls(home, {call.kind: NUMBER - call.number})

    @classmethod
    def wrong_from(cls, home: Path, good: Iterable[Call], kinds: Iterable[str]) -> "Order":
        """All goes wrong that comes after these calls and is of one of those kinds."""
        made = Counter(call.kind for call in good)
        return cls(home, {kind: NUMBER - 1 - made[kind] for kind in kinds})


def injection(kinds: Iterable[str], what: str, *, once: bool) -> list[str]:
    """Say to strace what goes wrong with which calls, once or from then on."""
    names = ",".join(f"?{kind},?{kind}at" for kind in kinds)
    wrong = f"--inject={names}:{what}:when={NUMBER}{'' if once else '+'}"
    # Much faster, for it stops at no other call, but a signal does not come through.
    fast = [] if what.startswith("signal") else ["--seccomp-bpf", f"--trace={names}"]
    return [*fast, wrong]


class Tracer:
    """Has the driver live as ordered; `places` are those whose paths count."""

    def __init__(self, room: Path, *places: str) -> None:
        self._room = room
        self._places = places

    def live(self, orders: Sequence[Order], options: Sequence[str] = ()) -> list[Life]:
        """Live by these orders, on all processors."""
        number = min(os.cpu_count() or 1, len(orders))
        shares = [orders[start::number] for start in range(number)]
        with ThreadPoolExecutor(number) as pool:
            done = pool.map(self._share, range(number), shares, [options] * number)
        lives = {life.home: life for share in done for life in share}
        return [lives[order.home] for order in orders]

    def _share(self, number: int, orders: Sequence[Order], options: Sequence[str]) -> list[Life]:
        home, log = self._room / f"home{number}", self._room / f"strace{number}.log"
        traced = [f"--trace-path={path}" for path in paths(home, *self._places)]
        command = ["strace", "-f", "-y", "-s0", "-o", str(log), *traced, *options]
        done = subprocess.run(
            [*command, sys.executable, driver.__file__, str(home)],
            check=True,
            input="".join(json.dumps([str(o.home), o.idle]) + "\n" for o in orders),
            capture_output=True,
            text=True,
            env=os.environ | {"PYTHONPATH": ":".join(sys.path)},
        )
        calls = _calls(log.read_text(), home)
        endings = map(json.loads, done.stdout.splitlines())
        return [
            Life(order.home, ending, tuple(calls.get(process, ())))
            for order, (process, ending) in zip(orders, endings, strict=True)
        ]


def _calls(log: str, home: Path) -> dict[int, list[Call]]:
    """Read strace's log, without the idle calls. Gives the calls by process."""
    calls: dict[int, list[Call]] = {}
    numbers: Counter[tuple[int, str]] = Counter()
    below = re.compile(rf"{re.escape(str(home))}/([\w./-]+)")
    for process, kind, rest in _CALL.findall(log):
        found = below.search(rest)
        if found and found[1] not in IDLE and "(resuming" not in rest:
            numbers[int(process), kind] += 1
            call = Call(
                kind,
                found[1],
                numbers[int(process), kind],
                creates="O_CREAT" in rest,
                injected="(INJECTED)" in rest or rest.endswith(" = ?"),
            )
            calls.setdefault(int(process), []).append(call)
    return calls
