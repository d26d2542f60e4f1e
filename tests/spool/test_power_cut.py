"""The power goes, on a real file system: what is older than the promised seconds is still there.

Each trial has an ext4 of its own and ends by its shutdown call at a random point within the
program's work on the disk: everything that was not synced is gone, as when a plug is pulled. Time
is injected, so the kernel has no time to write anything back by itself.
"""

import random
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from bed.card import Card, blank as blank_card
from collector.spool.keeper import Limits
from collector.spool.record import Record, decode
from spool.disks import Fault, FaultyDisk
from spool.machine import KEEP_SECONDS, MIB, Machine

pytestmark = [pytest.mark.slow, pytest.mark.may_skip]

CUTS = 195


class PowerCut(BaseException):
    """The program ends here, in the middle of what it did."""


class MortalDisk(FaultyDisk):
    """The power goes at the n-th call that changes something on the card."""

    def __init__(self, card: Card, calls: int, *, neighbour: bool) -> None:
        super().__init__()
        self._card = card
        self._left = calls
        self._neighbour = neighbour

    def _meet(self, operation: str, path: Path) -> Fault | None:
        changes = operation not in ("read", "names", "make_directory")
        if changes and path.is_relative_to(self._card.place):
            self._left -= 1
            if self._left == 0:
                if self._neighbour:
                    self._card.sync_another_file()
                self._card.cut_power()
                raise PowerCut
        return super()._meet(operation, path)


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return blank_card(tmp_path_factory.mktemp("card"))


@pytest.fixture
def card(blank: Path, tmp_path: Path) -> Iterator[Card]:
    card = Card.copied(blank, tmp_path / "card.ext4", tmp_path / "machine" / "disk")
    card.plug_in()
    yield card
    card.pull()


@pytest.mark.parametrize("seed", range(CUTS))
def test_a_power_cut_takes_the_last_seconds_at_most(card: Card, seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311  a trial that can be had again
    disk = MortalDisk(card, draw.randint(1, 60), neighbour=draw.random() < 0.5)
    machine = Machine(card.place.parent, disk=disk, limits=Limits(64 * MIB, 0))
    stored = live_until_the_cut(machine, draw)
    cut_at = machine.clock.now

    lose_ram(machine)
    card.unplug()
    card.plug_in()
    machine.disk = FaultyDisk()
    machine.kill()
    machine.wait(5)

    settled = stored | {i for known in machine.account._settled.values() for i in known}
    old = {i for i, at in machine.read_at.items() if cut_at - at > KEEP_SECONDS}
    assert old - machine.on_disk() - settled == set()
    machine.close()
    machine.courier.deliver_all()
    for identity, data in machine.courier.bodies.items():
        assert machine.written[identity] == data
    assert machine.totals.waiting == 0
    assert machine.on_files() == set()
    machine.read(3)
    machine.keep()
    assert len(machine.on_disk()) == 3
    machine.disk.close_all()


def test_the_trial_would_notice_a_disk_that_does_not_sync(card: Card) -> None:
    """The plug is really pulled: without the sync, the readings are gone."""

    class Forgetful(FaultyDisk):
        def sync(self, file: int) -> None:
            del file

        def sync_directory(self, path: Path) -> None:
            del path

    machine = Machine(card.place.parent, disk=Forgetful())
    machine.read(3)
    machine.keep()
    assert len(machine.on_disk()) == 3

    card.cut_power()
    lose_ram(machine)
    card.unplug()
    card.plug_in()

    assert machine.on_disk() == set()


def test_an_append_that_was_never_synced_leaves_zeros_that_cost_nothing(card: Card) -> None:
    machine = Machine(card.place.parent)
    read = machine.read(20)
    machine.keep()
    path = next(machine.directories.spool.glob("*.open"))
    synced = path.read_bytes()
    with path.open("ab") as file:
        file.write(machine.written[read[0]] * 100)
    card.sync_another_file()

    card.cut_power()
    lose_ram(machine)
    card.unplug()
    card.plug_in()
    left = path.read_bytes()
    machine.disk = FaultyDisk()
    machine.kill()
    machine.wait(5)

    assert left.startswith(synced)
    assert left[len(synced) :].strip(b"\0") == b""
    assert decode(path.with_suffix(".lp").read_bytes()).damage == ()
    assert path.with_suffix(".lp").read_bytes() == synced
    assert machine.totals.found == 20
    assert machine.totals.damaged == 0
    machine.disk.close_all()


def live_until_the_cut(machine: Machine, draw: random.Random) -> set[object]:
    """Read each second; the server is there, or not, or refuses; give what it has stored."""
    stored: set[object] = set()
    offline = draw.random() < 0.7
    with suppress(PowerCut):
        for second in range(1, 2_000):
            machine.read()
            machine.wait(1)
            if second % 15 == 0:
                offline = draw.random() < 0.6
            job = machine.courier.begin_hot() or machine.courier.begin_spool()
            if job is None:
                machine.keeper.close_wanted = draw.random() < 0.5
                continue
            if not offline:
                stored |= set(job.ids)
            if draw.random() < 0.1:
                some = zip(job.ids, job.bodies, strict=True)
                machine.spool.reject([Record(i, b) for i, b in some], "answer 400")
            machine.courier.end(job, stored=not offline)
    return stored


def lose_ram(machine: Machine) -> None:
    with suppress(OSError):
        machine.disk.close_all()
    for path in machine.hot_directory.iterdir():
        path.unlink()
