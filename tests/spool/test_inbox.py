"""What another command hands in arrives whole, replaces nothing, and waits for room."""

import errno
import os
from pathlib import Path

import pytest

from collector.spool.inbox import Inbox
from collector.spool.record import Record
from collector.spool.segment import MAX_LINES, closed_name
from spool.machine import Machine, encoded, ids_in, record, records

RUN = "fedcba987654"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def inbox(machine: Machine, *, bound: int = 64 * 1024, free: int = 0) -> Inbox:
    return Inbox(machine.directories, machine.disk, free=free, bound=bound)


def never() -> None:
    pytest.fail("there is room")


def test_what_is_put_in_is_delivered_and_counted(machine: Machine) -> None:
    assert inbox(machine).put(records(5, RUN), never) == 5

    machine.courier.deliver_all()

    assert machine.courier.stored == dict.fromkeys((r.id for r in records(5, RUN)), 1)
    assert (machine.totals.found, machine.totals.delivered) == (5, 5)
    assert machine.names(machine.directories.inbox) == []


def test_the_inbox_is_made_where_no_service_ever_ran(machine: Machine) -> None:
    inbox(machine)

    assert machine.directories.inbox.is_dir()


def test_records_are_cut_into_segments_of_one_request(machine: Machine) -> None:
    count = MAX_LINES // 3 + 1
    machine.disk.room = lambda: 1 << 40

    inbox(machine, bound=1 << 30).put(records(count, RUN), never)

    directory = machine.directories.inbox
    assert [len(ids_in(directory / name)) for name in machine.names(directory)] == [count - 1, 1]


def test_no_name_is_taken_twice(machine: Machine) -> None:
    one, other = inbox(machine), inbox(machine)
    one.put(records(1, RUN), never)
    other.put([record(2, RUN)], never)
    taken = machine.directories.inbox / closed_name(3)

    def somebody_else(_: Path) -> None:
        taken.write_bytes(encoded([record(3, RUN)]))

    machine.disk.before["link"] = somebody_else
    one.put([record(4, RUN)], never)

    directory = machine.directories.inbox
    numbers = [[i.number for i in ids_in(directory / n)] for n in machine.names(directory)]
    assert numbers == [[1], [2], [3], [4]]


def test_a_full_inbox_makes_whoever_fills_it_wait(machine: Machine) -> None:
    """An import bigger than the bound, and a service that delivers meanwhile."""
    waits = []

    def wait() -> None:
        waits.append(sum(path.stat().st_size for path in machine.directories.inbox.iterdir()))
        machine.courier.deliver_all()

    machine.backlog(10)
    large = [record(n, RUN, extra="0" * 3_000_000) for n in range(1, 6)]
    put = inbox(machine, bound=4_000_000).put(large, wait)

    assert put == 5
    assert len(waits) >= 1
    assert max(waits) < 4_000_000 + 4 * 1024 * 1024
    machine.courier.deliver_all()
    assert machine.totals.dropped == 0
    assert machine.totals.delivered == 15


def test_the_floor_of_the_disk_is_left_to_others(machine: Machine) -> None:
    machine.disk.room = lambda: 1_000_000
    free = inbox(machine, bound=100_000, free=900_000)

    assert free.disk_is_full
    assert not free.has_room


def test_what_a_killed_command_left_half_takes_no_room(machine: Machine) -> None:
    place = inbox(machine, bound=100_000)
    (machine.directories.inbox / "4711.draft").write_bytes(b"0" * 200_000)

    assert place.has_room


@pytest.mark.parametrize("operation", ["write", "sync", "rename", "link"])
def test_a_failure_leaves_nothing_half_in_the_inbox(machine: Machine, operation: str) -> None:
    machine.disk.fail(operation, errno.ENOSPC, machine.directories.inbox, times=1)

    with pytest.raises(OSError, match="No space"):
        inbox(machine).put(records(3, RUN), never)

    assert machine.spool.stock.first(machine.spool.directories.inbox) == []
    inbox(machine).put(records(3, RUN), never)
    machine.spool.look()
    assert len(machine.spool.stock.first(machine.spool.directories.inbox)) == 1


def test_directories_are_listed_only_when_a_name_has_changed(machine: Machine) -> None:
    put_in = inbox(machine)
    rooms = (*machine.directories.kept, machine.directories.inbox)
    machine.spool.prepare()
    for room in rooms:
        os.utime(room, (0, 0))
    machine.spool.look()
    machine.disk.calls.clear()
    machine.spool.look()
    assert "names" not in {call for call, _ in machine.disk.calls}

    put_in.put(records(3, RUN), never)
    machine.disk.calls.clear()
    machine.spool.look()
    listed = [path for call, path in machine.disk.calls if call == "names"]
    assert listed == [machine.directories.inbox]
    assert len(machine.spool.stock.first(machine.spool.directories.inbox)) == 1


def test_a_listing_that_failed_is_made_again(machine: Machine) -> None:
    inbox(machine).put(records(3, RUN), never)
    os.utime(machine.directories.inbox, (0, 0))
    machine.disk.fail("names", errno.EIO, machine.directories.inbox, times=1)
    with pytest.raises(OSError, match="Input/output"):
        machine.spool.look()
    machine.spool.look()
    assert len(machine.spool.stock.first(machine.spool.directories.inbox)) == 1


def test_a_segment_is_synced_before_it_has_its_name(machine: Machine) -> None:
    inbox(machine)
    machine.disk.calls.clear()

    inbox(machine).put(records(3, RUN), never)

    calls = [call for call, _ in machine.disk.calls if call in ("sync", "link", "sync_directory")]
    assert calls == ["sync", "sync_directory", "link", "sync_directory"]


def test_what_is_moved_in_is_always_in_one_place_at_least(machine: Machine) -> None:
    machine.spool.reject([Record(r.id, r.body) for r in records(3, RUN)], "no")
    (path,) = machine.directories.rejected.iterdir()
    machine.disk.fail("remove", errno.EIO, path)

    with pytest.raises(OSError, match="Input/output"):
        inbox(machine).move(path)

    assert path.exists()
    assert ids_in(machine.directories.inbox / closed_name(1)) == ids_in(path)
