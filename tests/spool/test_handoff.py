"""What may happen to a segment between the sender and the keeper, each order with its count.

Each case is a list of steps:

- `take` and `stored` or `failed`: the sender begins a request, and has its answer
- `due`: the keeper has marked what it will copy; `copy`: it has read it, and written it, and
  synced it; `refuse`: the disk failed instead
- `kill`: the process ends, and another one begins
"""

import errno
from pathlib import Path

import pytest

from collector.spool.handoff import Handoff, HotSegment
from collector.spool.record import RecordId
from spool.machine import Job, Machine

COUNT = 3


class Play:
    """Takes the steps one after the other; a keeper's copy has the sender's steps within it."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.job: Job | None = None
        self.records = machine.read(COUNT)
        machine.hot.seal()
        machine.clock.now += 60

    def steps(self, *steps: str) -> None:
        for step in steps:
            getattr(self, step)()

    def take(self) -> None:
        self.job = self.machine.courier.begin_hot() or self.machine.courier.begin_spool()

    def stored(self) -> None:
        assert self.job is not None
        self.machine.courier.end(self.job, stored=True)

    def failed(self) -> None:
        assert self.job is not None
        self.machine.courier.end(self.job, stored=False)

    def copy(self) -> None:
        self.machine.tick()
        self.machine.tick()

    def refuse(self) -> None:
        self.machine.disk.fail("sync", errno.EIO, self.machine.root / "disk", times=1)
        self.copy()

    def copy_stored_before_the_read(self) -> None:
        self._during("names", self.stored)

    def copy_stored_before_the_sync(self) -> None:
        self._during("sync", self.stored)

    def copy_failed_before_the_sync(self) -> None:
        self._during("sync", self.failed)

    def refuse_stored_before_the_sync(self) -> None:
        self.machine.disk.fail("sync", errno.EIO, self.machine.root / "disk", times=1)
        self._during("sync", self.stored)

    def kill(self) -> None:
        self.machine.kill()
        self.machine.clock.now += 60

    def tick(self) -> None:
        self.machine.tick()

    def close(self) -> None:
        self.machine.close()

    def _during(self, operation: str, step: object) -> None:
        self.machine.tick()
        self.machine.disk.before[operation] = lambda _: step()  # type: ignore[operator]
        self.machine.tick()


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param("take stored", id="sent before it is due"),
        pytest.param("take failed take stored", id="sent at the second attempt"),
        pytest.param("copy close take stored", id="copied, then sent"),
        pytest.param("take copy stored", id="in flight while copied, then acknowledged"),
        pytest.param("take copy failed close take stored", id="in flight while copied, failed"),
        pytest.param("take copy_stored_before_the_read", id="acknowledged before the copy"),
        pytest.param("take copy_stored_before_the_sync", id="acknowledged during the copy"),
        pytest.param("take copy_failed_before_the_sync close take stored", id="failed during"),
        pytest.param("refuse take stored", id="the disk refuses, then sent"),
        pytest.param("refuse copy close take stored", id="the disk refuses, then copied"),
        pytest.param("take refuse stored", id="in flight while the disk refuses"),
        pytest.param("take refuse copy stored", id="in flight, refused, copied"),
        pytest.param("take refuse_stored_before_the_sync", id="acknowledged, then refused"),
        pytest.param("take kill take stored", id="killed in flight"),
        pytest.param("take copy kill take stored", id="killed in flight after the copy"),
        pytest.param("copy kill tick take stored", id="killed after the copy"),
        pytest.param("refuse kill take stored", id="killed after the disk refused"),
        pytest.param("take stored kill", id="killed after the answer"),
        pytest.param("take copy stored kill", id="killed with an answered copy"),
        pytest.param("refuse copy kill take stored", id="in two spool segments, killed"),
    ],
)
def test_each_order_counts_each_record_once(tmp_path: Path, steps: str) -> None:
    play = Play(Machine(tmp_path))
    machine = play.machine

    play.steps(*steps.split())
    machine.wait(20)
    machine.close()
    machine.count_all()
    machine.courier.deliver_all()

    stored = machine.delivered | machine.courier.stored.keys()
    assert stored == set(play.records)
    totals = machine.totals
    assert (totals.waiting, totals.dropped, totals.damaged) == (0, 0, 0)
    assert totals.delivered == totals.found + totals.read
    assert totals.delivered == COUNT or "kill" in steps
    assert totals.delivered <= COUNT
    assert machine.on_files() == set()
    assert machine.names(machine.hot_directory) == []


def test_what_the_disk_has_and_a_request_holds_is_not_taken_twice(tmp_path: Path) -> None:
    play = Play(Machine(tmp_path))
    play.steps("take", "copy")

    assert play.machine.courier.begin_hot() is None


def test_a_copy_of_what_was_acknowledged_is_not_sent_again(tmp_path: Path) -> None:
    play = Play(Machine(tmp_path))
    play.steps("take", "copy", "stored", "close")

    assert play.machine.courier.deliver_all() == 0
    assert play.machine.courier.stored == dict.fromkeys(play.records, 1)
    assert play.machine.names(play.machine.directories.spool) == []


def test_what_was_given_up_hot_but_reached_the_disk_is_delivered(tmp_path: Path) -> None:
    """The sync failed, the RAM ran full: the hot segment goes, and its unsynced copy is there."""
    play = Play(Machine(tmp_path, hot_limit=500))
    play.steps("refuse")
    play.machine.read(COUNT)
    assert play.machine.totals.dropped == COUNT

    play.machine.keep()
    play.machine.close()
    play.machine.courier.deliver_all()

    assert play.machine.totals.delivered == 2 * COUNT
    assert play.machine.totals.dropped == 0


def segment(number: int, since: float) -> HotSegment:
    return HotSegment(Path(f"{number}.lp"), (RecordId("a" * 12, number),), 100, since)


def filled(*ages: float) -> tuple[Handoff, list[HotSegment]]:
    handoff = Handoff()
    some = [segment(number, since) for number, since in enumerate(ages)]
    for one in some:
        handoff.add(one)
    return handoff, some


def test_the_sender_has_the_newest_and_each_once() -> None:
    handoff, (old, new, middle) = filled(1.0, 3.0, 2.0)

    assert [handoff.take_newest() for _ in range(4)] == [new, middle, old, None]


@pytest.mark.parametrize("comes", ["segment", "word"])
def test_what_comes_while_the_sender_looks_is_not_slept_through(
    comes: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    handoff, (only,) = filled(1.0)
    monkeypatch.setattr(handoff._changed, "wait", slept.append)
    seen = handoff.news
    handoff.add(only) if comes == "segment" else handoff.wake()
    handoff.wait(5.0, seen)
    assert slept == []
    handoff.wait(0.001, handoff.news)
    assert slept


def test_the_sender_passes_over_what_it_set_aside() -> None:
    handoff, (old, new) = filled(1.0, 2.0)

    assert handoff.take_newest({new.path}) is old


def test_the_keeper_has_what_is_due_oldest_first_also_in_flight() -> None:
    handoff, (second, first, _) = filled(2.0, 1.0, 3.0)
    handoff.take_newest()

    assert handoff.due(2.5) == [first, second]
    assert [one.copying for one in (first, second)] == [True, True]


def test_the_keeper_does_not_have_what_the_disk_has() -> None:
    handoff, (only,) = filled(1.0)
    handoff.take_newest()
    assert handoff.due(2.0) == [only]
    handoff.copied(only, synced=True)

    assert handoff.due(3.0) == []


def test_the_oldest_is_given_up_first() -> None:
    handoff, (middle, oldest, newest) = filled(2.0, 1.0, 3.0)
    assert handoff.size == middle.size + oldest.size + newest.size > 0

    assert [handoff.drop_oldest() for _ in range(3)] == [oldest, middle, newest]
    assert handoff.size == 0


def test_the_sender_does_not_have_what_the_keeper_is_copying() -> None:
    handoff, (old, new) = filled(1.0, 2.0)
    handoff.due(1.5)

    assert handoff.take_newest() is new
    assert handoff.take_newest() is None
    handoff.copied(old, synced=False)
    assert handoff.take_newest() is old


@pytest.mark.parametrize(
    ("order", "last"),
    [(("sent", "copied"), "copied"), (("copied", "sent"), "sent")],
)
def test_the_last_to_need_a_file_removes_it(order: tuple[str, str], last: str) -> None:
    handoff, (only,) = filled(1.0)
    handoff.take_newest()
    handoff.due(2.0)
    ends = {
        "sent": lambda: handoff.sent(only, done=False),
        "copied": lambda: handoff.copied(only, synced=True),
    }

    assert [name for name in order if ends[name]()] == [last]
    assert handoff.size == 0


def test_an_acknowledged_file_goes_at_once() -> None:
    handoff, (only,) = filled(1.0)
    handoff.take_newest()
    handoff.due(2.0)

    assert handoff.sent(only, done=True)
    assert not handoff.copied(only, synced=True)
    assert handoff.oldest() is None


def test_the_oldest_is_what_no_disk_has() -> None:
    handoff, (old, new) = filled(1.0, 2.0)
    handoff.take_newest()
    assert handoff.oldest() == old.since

    handoff.due(3.0)
    handoff.copied(old, synced=True)
    handoff.copied(new, synced=True)

    assert handoff.oldest() is None
    assert handoff.copies() == [new]


def test_only_idle_segments_are_given_up() -> None:
    handoff, (oldest, middle, newest) = filled(1.0, 2.0, 3.0)
    handoff.due(1.5)
    assert handoff.take_newest() is newest

    assert [handoff.drop_oldest(), handoff.drop_oldest()] == [middle, None]
    assert oldest.copying
