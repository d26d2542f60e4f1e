"""Killed at each call of the system, and each call failing once or from then on: nothing is lost.

The calls are those of the real spool and sender on real files, in one life of the driver: it
begins with what an earlier life left, delivers from RAM and from the disk, keeps what is not
delivered, has lines refused, and ends during a request. The life after that is undisturbed.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest

from collector.spool.segment import open_name
from spool.driver import BAD, DRAIN, Driver
from spool.home import CARD, DAMAGE, FOUND, HOT, JOURNAL, Books, left_behind
from spool.tracer import CHANGING, READING, Call, Life, Order, Tracer, injection

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

LAST: Final = 16
"""The last telegram that the server is sure to be asked for before it goes for good."""

DISKS: Final = {
    "full": ("ENOSPC", {"write", "mkdir"}),
    "failing": ("EIO", CHANGING),
    "dead": ("EIO", CHANGING | {"open"}),
}
"""What is wrong with a disk, and with which calls."""


class Trials:
    """Lives in homes of their own."""

    def __init__(self, room: Path) -> None:
        self._room = room
        self._numbers = count()

    def undisturbed(self, *places: str) -> Life:
        (life,) = Tracer(self._room, *places).live([Order(self._home())])
        assert life.ending == 0, Books(life.home).log
        return life

    def changes(self, *places: str) -> list[Call]:
        """Give the calls of a life that change something in these places."""
        calls = self.undisturbed(*places).calls
        # The journal's own files are no part of the program.
        return [c for c in calls if c.changes and not (c.creates and c.place == JOURNAL)]

    def one_wrong(self, wrong: Sequence[Call], what: str, *places: str) -> dict[Call, Life]:
        """Have a life for each of these calls, in which it goes wrong."""
        orders = [Order.one_wrong(self._home(), call) for call in wrong]
        injected = injection({call.kind for call in wrong}, what, once=True)
        lives = Tracer(self._room, *places).live(orders, injected)
        return dict(zip(wrong, lives, strict=True))

    def wrong_from_then_on(
        self, error: str, kinds: Collection[str], place: str
    ) -> dict[Call, Life]:
        """Have a life for each call that changes something: it and all later ones go wrong."""
        calls = self.undisturbed(place).calls
        orders = {
            call: Order.wrong_from(self._home(), calls[:number], kinds)
            for number, call in enumerate(calls)
            if call.changes and call.kind in kinds
        }
        injected = injection(kinds, f"error={error}", once=False)
        lives = Tracer(self._room, place).live([*orders.values()], injected)
        return dict(zip(orders, lives, strict=True))

    def _home(self) -> Path:
        return left_behind(self._room / f"life{next(self._numbers)}")


@pytest.fixture
def trials() -> Iterator[Trials]:
    """Have lives in RAM where there is some: a card takes its time for idle syncs too."""
    try:
        subprocess.run(["strace", "-o", os.devnull, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"NO CALL OF THE SYSTEM GOES WRONG: strace does not work here: {error}")
    memory = Path("/dev/shm")  # noqa: S108  a directory of its own in there
    with TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as name:
        yield Trials(Path(name).resolve())


def test_the_undisturbed_life_does_everything_and_loses_nothing(trials: Trials) -> None:
    life = trials.undisturbed(HOT, CARD)
    books = Books(life.home)
    assert {call.kind for call in life.calls} <= CHANGING | READING, "a call that nobody knows"
    assert {call.kind for call in life.calls} >= CHANGING
    segments = {call.path for call in life.calls if call.creates and call.path.endswith(".open")}
    assert segments >= {f"card/spool/{open_name(number)}" for number in (6, 7, 8)}
    _check_accounts(books)
    assert max(books.stored.values()) == 1
    assert books.accounts["rejected"] == len(BAD) == len(books.refused)
    assert books.damage == DAMAGE
    assert books.missing == books.waiting == {i for i in books.sent if i.number > LAST + 1}
    assert _restart(life).missing == set()


def test_nothing_is_removed_while_something_on_the_card_is_not_synced(trials: Trials) -> None:
    dirty: set[str] = set()
    removed = 0
    for call in trials.undisturbed(HOT, CARD).calls:
        directory = str(Path(call.path).parent)
        if call.kind in {"fsync", "fdatasync"}:
            dirty.discard(call.path)
        elif call.place == CARD and call.kind in {"write", "ftruncate"}:
            dirty.add(call.path)
        elif call.place == CARD and (call.creates or call.kind == "mkdir" or _is_new_name(call)):
            dirty.add(directory)
        elif call.kind == "unlink":
            removed += 1
            assert not dirty, f"{call} is removed"
    assert removed > 10


def test_killed_before_any_call_nothing_is_lost(trials: Trials) -> None:
    places = (HOT, CARD, JOURNAL)
    lives = trials.one_wrong(trials.changes(*places), "signal=KILL", *places)
    _check_each(lives, _killed)


@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
def test_a_call_that_fails_once_costs_nothing(trials: Trials, error: str) -> None:
    lives = trials.one_wrong(trials.changes(HOT, CARD), f"error={error}", HOT, CARD)
    _check_each(lives, _failed_once)


@pytest.mark.parametrize(
    ("place", "what"),
    [(HOT, "full"), (HOT, "failing"), (CARD, "full"), (CARD, "failing"), (CARD, "dead")],
)
def test_a_disk_that_fails_from_then_on_costs_nothing(
    trials: Trials, place: str, what: str
) -> None:
    error, kinds = DISKS[what]
    lives = trials.wrong_from_then_on(error, kinds, place)
    _check_each(lives, _dead if "open" in kinds else _failed_from_then_on)


def _killed(call: Call, life: Life) -> None:
    assert life.ending == -signal.SIGKILL
    assert [c for c in life.calls if c.changes][-1] == call
    # The call was not made: what it makes is not there, what it takes away is.
    if call.creates or call.kind in {"mkdir", "rename"}:
        assert (life.home / call.path).exists() == (call.kind == "rename")
    after = _restart(life)
    assert after.missing <= after.sent.keys() - after.read - FOUND
    assert max(after.stored.values()) <= 2
    assert after.damage >= DAMAGE


def _failed_once(call: Call, life: Life) -> None:
    books = Books(life.home)
    assert life.ending == 0, books.log
    assert [c for c in life.calls if c.injected] == [call]
    if call.kind == "fdatasync" and call.path.endswith(".open"):
        # The kernel forgets what it could not write, and says so only once.
        later = life.calls[life.calls.index(call) + 1 :]
        assert call.path not in {c.path for c in later if c.kind in {"write", "fdatasync"}}
    _check_accounts(books)
    assert books.accounts["found"] == len(FOUND) + len(DAMAGE)
    assert not books.missing & FOUND, books.log
    assert books.missing == books.waiting
    assert _restart(life).missing == set()


def _failed_from_then_on(call: Call, life: Life) -> None:
    books = Books(life.home)
    assert life.ending == 0, books.log
    assert next(c for c in life.calls if c.injected) == call
    _check_accounts(books)
    early = {i for i in books.missing - FOUND if i.number not in BAD and i.number <= LAST}
    assert early <= books.left_open, books.log
    assert books.missing == books.waiting
    assert _restart(life).missing == set()


def _dead(call: Call, life: Life) -> None:
    """Nothing can be opened either, so the program does not know what is there."""
    books = Books(life.home)
    assert life.ending == 0, books.log
    assert next(c for c in life.calls if c.injected) == call
    assert books.accounts["dropped"] == 0
    assert books.missing == books.waiting
    assert not {i for i in books.missing - FOUND if LAST - 2 <= i.number <= LAST}, books.log
    assert _restart(life).missing == set()


def _check_accounts(books: Books) -> None:
    """See that the program says what the files say, of what it has found by its end."""
    accounts = books.accounts
    unknown = len(FOUND) + len(DAMAGE) - accounts["found"]
    assert unknown >= 0
    assert accounts["damaged"] <= len(DAMAGE)
    assert accounts["read"] == len(books.read) == len(books.sent.keys() - FOUND)
    assert len(books.waiting) - unknown <= accounts["waiting"] <= len(books.in_files)
    assert accounts["dropped"] == len(books.missing - books.waiting)


def _restart(life: Life) -> Books:
    """Live on undisturbed, until nothing waits."""
    before = Books(life.home)
    accounts = Driver(life.home, DRAIN, reads=False).live()
    after = Books(life.home)
    assert after.invented == set()
    assert after.missing == before.missing - before.waiting
    assert accounts["dropped"] == accounts["waiting"] == accounts["read"] == 0
    assert accounts["found"] == len(before.in_files) + accounts["damaged"]
    assert accounts["damaged"] <= len(DAMAGE)
    return after


def _is_new_name(call: Call) -> bool:
    """Whether a file gets its name; one that is closed is found under its old name as well."""
    return call.kind == "rename" and not call.path.endswith(".open")


def _check_each(lives: dict[Call, Life], check: Callable[[Call, Life], None]) -> None:
    wrong = []
    for call, life in lives.items():
        try:
            check(call, life)
        except AssertionError as error:
            wrong.append(f"{call}: {error}")
        shutil.rmtree(life.home)
    assert len(lives) > 10
    assert not wrong, "\n".join(wrong)
