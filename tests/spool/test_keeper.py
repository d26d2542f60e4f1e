"""What InfluxDB has not taken in time is on the disk, and only that; the disk may fail."""

import errno
import os
import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread

import pytest

from collector.reading.sources import GATHER_SECONDS, READ_SECONDS
from collector.spool.keeper import COUNT_AT_ONCE, RETRY_SECONDS, Limits
from collector.spool.record import RecordId
from collector.spool.segment import closed_name, damage_name, open_name
from spool.disks import ForgetfulDisk
from spool.machine import (
    KEEP_SECONDS,
    MIB,
    TICK_SECONDS,
    Machine,
    body,
    encoded,
    ids_in,
    record,
    records,
)

GIVE_UP_SECONDS = 100  # on a thread that hangs


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def disk_of(machine: Machine) -> Path:
    return machine.root / "disk"


def read_for(machine: Machine, seconds: int, *, deliver: bool = False) -> None:
    """Let the meter send each second, and deliver what is sealed if the server is there."""
    for _ in range(seconds):
        machine.read()
        machine.wait(1)
        while deliver and (job := machine.courier.begin_hot()):
            machine.courier.end(job, stored=True)


def test_the_disk_is_not_touched_while_everything_is_acknowledged(machine: Machine) -> None:
    machine.wait(1)  # the directories are made, once
    machine.disk.calls.clear()

    read_for(machine, 300, deliver=True)

    assert machine.disk.wrote(disk_of(machine)) == []
    assert machine.totals.delivered >= 294


@pytest.mark.parametrize("in_flight", [False, True])
def test_nothing_older_than_ten_seconds_is_in_ram_alone(
    machine: Machine, *, in_flight: bool
) -> None:
    """At each tick of two minutes of outage, and while each request hangs."""
    for _ in range(480):
        machine.clock.now += TICK_SECONDS
        if machine.clock.now % 1 == 0:
            machine.read()
        if in_flight:
            machine.courier.begin_hot()
        machine.tick()
        synced = machine.on_disk()
        old = {i for i, at in machine.read_at.items() if machine.clock.now - at > KEEP_SECONDS}

        assert old <= synced
    assert machine.totals.waiting == len(machine.written)


@pytest.mark.parametrize("period", [1, 10])
@pytest.mark.parametrize("keep_seconds", [1, 3, 10])
def test_who_sleeps_until_something_is_due_is_not_late(
    tmp_path: Path, keep_seconds: int, period: int
) -> None:
    """Two minutes of outage; reader and keeper do nothing before the time that they gave."""
    machine = Machine(tmp_path, keep_seconds=keep_seconds)
    machine.hot._seal_seconds = keep_seconds / 2
    clock, turns = machine.clock, 0
    meter, reader, keeper = 0.5, 0.0, 0.0
    while clock.now < 120:
        clock.now = now = min(meter, reader, keeper)
        if now >= meter:
            machine.read()
            meter += period
        if now >= reader:
            machine.hot.tick()
            reader = now + min(READ_SECONDS + GATHER_SECONDS, machine.hot.patience)
        if now >= keeper:
            machine.keeper.tick()
            keeper = now + machine.keeper.pause
            turns += 1
        synced = machine.on_disk()
        old = {i for i, at in machine.read_at.items() if now - at > keep_seconds}
        assert old <= synced
    assert turns < 120 * 20 / keep_seconds


def test_what_a_crash_left_is_seen_to_within_two_seconds_of_the_start(tmp_path: Path) -> None:
    keeper = Machine(tmp_path).keeper
    assert keeper.pause == 2.0
    keeper.tick()
    assert keeper.pause == 3.0


def test_one_sync_covers_many_records(machine: Machine) -> None:
    machine.wait(1)
    machine.disk.calls.clear()

    read_for(machine, 120)

    syncs = [call for call, _ in machine.disk.calls if call == "sync"]
    assert len(syncs) <= 120 / (KEEP_SECONDS * 0.8) + 1


def test_the_name_is_synced_before_the_hot_file_goes(machine: Machine) -> None:
    machine.read()
    machine.keep()

    made = disk_of(machine) / "spool"
    steps = [
        (call, path)
        for call, path in machine.disk.calls
        if path.name in (open_name(1), closed_name(1), "spool") and call != "make_directory"
    ]
    order = [
        steps.index(("create", made / open_name(1))),
        len(steps) - 1 - steps[::-1].index(("sync_directory", made)),
        steps.index(("sync", made / open_name(1))),
        steps.index(("remove", machine.hot_directory / closed_name(1))),
    ]
    assert order == sorted(order)


def test_an_open_segment_takes_more_until_it_is_asked_for(machine: Machine) -> None:
    machine.read()
    machine.keep()
    machine.read()
    machine.keep()
    assert machine.names(machine.directories.spool) == [open_name(1)]
    assert machine.keeper.has_open

    machine.close()

    assert machine.names(machine.directories.spool) == [closed_name(1)]
    assert not machine.keeper.has_open
    machine.read()
    machine.keep()
    assert machine.names(machine.directories.spool) == [closed_name(1), open_name(2)]


def test_a_full_segment_is_closed_and_the_next_begun(machine: Machine) -> None:
    machine.read(1_000)
    machine.keep()
    machine.read(1_000)
    machine.keep()

    assert machine.names(machine.directories.spool) == [closed_name(1), open_name(2)]
    assert len(ids_in(machine.directories.spool / closed_name(1))) == 1_666
    assert machine.on_disk() == machine.written.keys()


def test_a_full_segment_is_synced_like_any_other(tmp_path: Path) -> None:
    disk = ForgetfulDisk(tmp_path / "made" / "disk", tmp_path / "stash")
    (tmp_path / "made").mkdir()
    machine = Machine(tmp_path / "made", disk=disk)
    machine.read(2_000)
    machine.keep()

    disk.cut_power(0, lambda data: data[:0])

    assert machine.on_disk() == machine.written.keys()


def test_only_closed_segments_are_sent(machine: Machine) -> None:
    machine.read()
    machine.keep()

    assert machine.courier.begin_spool() is None


# A disk that fails.


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        ("sync", errno.EIO),
        ("write", errno.EIO),
        ("write", errno.ENOSPC),
        ("create", errno.EACCES),
        ("create", errno.ENOSPC),
        ("sync_directory", errno.EIO),
        ("make_directory", errno.EROFS),
        ("names", errno.EIO),
    ],
)
@pytest.mark.parametrize("times", [1, 2, 7])
def test_a_disk_that_fails_costs_time_and_nothing_else(
    machine: Machine, operation: str, error: int, times: int
) -> None:
    machine.disk.fail(operation, error, disk_of(machine), times=times)
    read_for(machine, 20)
    machine.wait(8 * RETRY_SECONDS)

    assert machine.on_disk() == machine.written.keys()
    assert machine.names(machine.hot_directory) == []
    assert machine.keeper.trouble is None
    machine.close()
    machine.courier.deliver_all()
    assert machine.courier.stored.keys() == machine.written.keys()
    assert machine.totals.delivered == 20
    assert machine.totals.waiting == machine.totals.dropped == machine.totals.damaged == 0


def test_after_a_failed_sync_the_same_file_is_not_written_again(machine: Machine) -> None:
    """The kernel forgets that pages are unwritten once it has reported it."""
    machine.disk.fail("sync", errno.EIO, disk_of(machine), times=1)
    machine.read(3)
    machine.keep()

    writes = [path.name for call, path in machine.disk.calls if call == "write"]
    assert [name for name in writes if name.endswith(".open")][-2:] == [open_name(1), open_name(2)]
    assert ids_in(machine.directories.spool / open_name(2)) == [
        (machine.run, n) for n in (1, 2, 3)
    ]


def test_one_failure_does_not_break_the_ten_seconds(machine: Machine) -> None:
    machine.disk.fail("sync", errno.EIO, disk_of(machine), times=1)
    machine.read()

    machine.wait(KEEP_SECONDS)

    assert machine.on_disk() == machine.written.keys()


def test_a_disk_that_cannot_be_written_is_left_alone_for_a_while(machine: Machine) -> None:
    machine.disk.fail("create", errno.EROFS, disk_of(machine))
    machine.read()
    machine.wait(60)

    tries = [call for call, path in machine.disk.calls if call == "create" and "disk" in str(path)]
    assert 2 < len(tries) <= 60 / RETRY_SECONDS + 2


def test_a_disk_that_cannot_be_written_is_said_and_reading_goes_on(machine: Machine) -> None:
    machine.disk.fail("create", errno.EROFS, disk_of(machine))
    read_for(machine, 60)

    trouble = machine.keeper.trouble
    assert trouble is not None
    assert "Read-only file system" in trouble
    assert str(machine.directories.spool) in trouble
    assert machine.courier.deliver_all() > 0
    assert machine.totals.delivered >= 50


def test_trouble_is_over_when_nothing_waits_for_the_disk(machine: Machine) -> None:
    machine.disk.fail("create", errno.EROFS, disk_of(machine), times=2)
    machine.read()
    machine.wait(10)
    assert machine.keeper.trouble is not None

    machine.courier.deliver_all()
    machine.wait(RETRY_SECONDS)

    assert machine.keeper.trouble is None


def test_the_segment_that_is_being_filled_may_not_be_dropped(machine: Machine) -> None:
    machine.read()
    machine.wait(KEEP_SECONDS)

    assert machine.keeper.has_open
    assert machine.spool.stock.oldest_kept(machine.spool.in_flight) is None
    assert machine.spool.stock.droppable(()).size == 0


def test_a_segment_that_somebody_removed_is_counted_by_who_misses_it(machine: Machine) -> None:
    machine.backlog(3)
    (file,) = machine.spool.stock.first(machine.spool.directories.spool)
    machine.spool.load(file)
    file.path.unlink()

    assert machine.spool.load(file) is None
    assert machine.totals.dropped == 3


def test_a_short_write_is_a_full_disk_and_its_half_record_is_cut_off(machine: Machine) -> None:
    machine.read(2)
    machine.disk.fail("write", 0, disk_of(machine), times=1, short=200)
    machine.disk.fail("write", errno.ENOSPC, disk_of(machine), times=1)
    machine.keep()
    machine.close()

    assert machine.names(machine.directories.spool)[0] == closed_name(1)
    assert machine.on_disk() == machine.written.keys()
    assert machine.damaged_bytes() == b""
    machine.courier.deliver_all()
    assert machine.totals.delivered == 2
    assert machine.totals.damaged == 0


def test_a_short_write_that_goes_on_costs_nothing(machine: Machine) -> None:
    machine.disk.fail("write", 0, disk_of(machine), times=3, short=50)
    machine.read(2)
    machine.keep()

    assert machine.on_disk() == machine.written.keys()
    assert machine.keeper.trouble is None
    assert machine.names(machine.directories.spool) == [open_name(1)]


def test_of_a_write_that_fell_short_the_reason_is_said(machine: Machine) -> None:
    machine.disk.fail("write", 0, disk_of(machine), times=1, short=50)
    machine.disk.fail("write", errno.EFBIG, disk_of(machine))
    machine.read(2)
    machine.keep()

    assert "File too large" in (machine.keeper.trouble or "")


def test_a_hot_file_that_cannot_be_removed_is_no_fault_of_the_spool(
    machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    machine.disk.fail("remove", errno.EACCES, machine.hot_directory)
    read_for(machine, 40)
    machine.keep()
    machine.keeper.finish()

    assert machine.on_disk() == machine.written.keys()
    assert machine.keeper.trouble is None
    (said,) = (record.message for record in caplog.records)
    assert str(machine.hot_directory) in said
    assert "Permission denied (it must belong to the user of the service)" in said


@pytest.fixture
def powerless() -> Iterator[Path]:
    """Be a user who may not write everywhere, as root may; give a directory of that user."""
    with TemporaryDirectory() as directory:
        if os.geteuid() == 0:
            os.chown(directory, 65534, 65534)
            os.seteuid(65534)
        try:
            yield Path(directory)
        finally:
            os.seteuid(os.getuid())


def test_a_user_who_may_not_write_reads_on(powerless: Path) -> None:
    machine = Machine(powerless / "own")
    disk_of(machine).chmod(0o500)
    machine.read(3)
    machine.keep()
    assert "Permission denied" in (machine.keeper.trouble or "")

    disk_of(machine).chmod(0o700)
    machine.keep()

    assert machine.on_disk() == machine.written.keys()
    assert machine.keeper.trouble is None


@pytest.mark.parametrize("deleted", ["spool", "."])
def test_a_spool_deleted_under_an_open_segment_is_noticed(machine: Machine, deleted: str) -> None:
    """Writing and syncing a file without a name succeeds, and saves nothing."""
    first = machine.read(3)
    machine.keep()
    shutil.rmtree(disk_of(machine) / deleted)

    second = machine.read(2)
    machine.wait(3 * KEEP_SECONDS)

    assert machine.on_disk() == set(second)
    assert machine.totals.dropped == len(first)
    assert machine.totals.waiting == len(second)
    assert machine.keeper.trouble is None


def test_an_open_segment_that_somebody_shortened_is_noticed(machine: Machine) -> None:
    machine.read(3)
    machine.keep()
    path = machine.directories.spool / open_name(1)
    os.truncate(path, len(path.read_bytes()) - 10)

    machine.read(2)
    machine.wait(3 * KEEP_SECONDS)

    assert len(machine.on_disk()) == 4
    assert machine.totals.damaged == 1
    assert machine.totals.waiting == 4


def test_closed_segments_that_somebody_removed_are_counted(machine: Machine) -> None:
    machine.backlog(3)
    machine.backlog(2)
    (machine.directories.spool / closed_name(1)).unlink()

    machine.wait(2)

    assert machine.totals.dropped == 3
    assert machine.totals.waiting == 2


def test_a_closed_segment_that_lost_a_record_is_counted_and_kept_aside(machine: Machine) -> None:
    machine.backlog(3)
    path = machine.directories.spool / closed_name(1)
    bad = path.read_bytes().replace(b"volume_m3=2.5", b"volume_m3=9.5")
    path.write_bytes(bad)

    machine.courier.deliver_all()

    assert machine.totals.delivered == 2
    assert machine.totals.damaged == 1
    assert machine.totals.waiting == 0
    assert b"volume_m3=9.5" in machine.damaged_bytes()
    assert RecordId(machine.run, 2) not in machine.courier.stored


@pytest.mark.parametrize("counted", [True, False])
def test_a_segment_that_the_disk_does_not_give_back_holds_up_no_other(
    machine: Machine, *, counted: bool
) -> None:
    machine.backlog(2)
    second = machine.backlog(3)
    if not counted:
        machine.kill()
    machine.disk.fail("read", errno.EIO, machine.directories.spool / closed_name(1))

    machine.wait(5)
    machine.courier.deliver_all()

    assert machine.courier.stored.keys() == set(second)
    assert machine.totals.damaged == (2 if counted else 1)
    assert machine.totals.waiting == 0
    assert machine.names(machine.directories.damaged) == [damage_name(1, 0)]


@pytest.mark.parametrize("error", [errno.EACCES, errno.EIO])
def test_a_segment_that_cannot_be_moved_either_stays_and_holds_up_no_other(
    machine: Machine, error: int
) -> None:
    machine.backlog(2)
    second = machine.backlog(3)
    machine.kill()
    machine.disk.fail("read", error, machine.directories.spool / closed_name(1))
    machine.disk.fail("rename", error, machine.directories.spool / closed_name(1))

    machine.wait(5)
    machine.courier.deliver_all()

    assert machine.courier.stored.keys() == set(second)
    assert machine.names(machine.directories.spool) == [closed_name(1)]
    assert machine.keeper.trouble is None


def test_what_a_dead_disk_did_not_give_back_is_delivered_once_it_is_mended(
    machine: Machine,
) -> None:
    machine.backlog(5)
    for operation in ("read", "rename", "create"):
        machine.disk.fail(operation, errno.EIO, disk_of(machine))
    machine.courier.deliver_all()
    machine.read(3)
    machine.keep()
    assert machine.keeper.trouble is not None
    assert machine.totals.damaged == 5  # as far as anybody knows

    machine.disk.faults.clear()
    machine.wait(2 * RETRY_SECONDS)
    machine.close()
    machine.courier.deliver_all()

    assert machine.courier.stored.keys() == machine.written.keys()
    assert machine.totals.delivered == 8
    assert machine.totals.damaged == machine.totals.waiting == 0
    assert machine.on_files() == set()


def test_too_many_open_files_are_no_fault_of_the_segment(machine: Machine) -> None:
    waiting = machine.backlog(2)
    machine.disk.fail("read", errno.EMFILE, machine.directories.spool, times=1)
    with pytest.raises(OSError, match="Too many open files"):
        machine.courier.begin_spool()

    machine.courier.deliver_all()

    assert machine.courier.stored.keys() == set(waiting)
    assert machine.totals.damaged == 0


# Limits.


def filled_by(machine: Machine, segments: int) -> list[int]:
    """Fill the spool; the size of each closed segment."""
    for _ in range(segments):
        machine.backlog(100)
    return [file.size for file in machine.spool.stock.first(machine.spool.directories.spool)]


def test_beyond_the_largest_size_the_oldest_segment_goes_whole_and_counted(
    machine: Machine,
) -> None:
    size = sum(filled_by(machine, 3))
    machine.limits = Limits(size + 100, 0)
    machine.keeper._limits = machine.limits

    machine.read(10)
    machine.keep()

    assert machine.names(machine.directories.spool) == [
        closed_name(2),
        closed_name(3),
        open_name(4),
    ]
    assert machine.totals.dropped == 100
    assert machine.totals.waiting == 210
    assert machine.spool.stock.usage().size <= machine.limits.largest


@pytest.mark.parametrize(
    ("free", "floor"),
    [
        pytest.param(30_000, 0, id="half of the free space"),
        pytest.param(10 * MIB, 10 * MIB - 100, id="the floor"),
    ],
)
def test_the_rest_of_the_machine_keeps_its_space(machine: Machine, free: int, floor: int) -> None:
    sizes = filled_by(machine, 3)
    total = sum(sizes) + free

    def left() -> int:
        return total - machine.spool.stock.usage().size

    machine.disk.room = left
    machine.keeper._limits = Limits(64 * MIB, floor)
    machine.read(10)
    machine.keep()

    assert machine.totals.dropped in (100, 200)
    assert machine.spool.stock.usage().size <= total // 2 or floor
    assert left() >= floor
    assert len(machine.on_disk()) == 310 - machine.totals.dropped


def test_a_disk_that_takes_few_files_more_has_no_room(machine: Machine) -> None:
    """A card may have gigabytes left and no inode."""
    filled_by(machine, 3)
    machine.disk.files = lambda: 104 - machine.spool.stock.usage().files
    for dropped in (0, 100):
        machine.backlog(10)
        assert machine.totals.dropped == dropped


def test_what_a_full_spool_drops_is_told_a_few_times_a_day(
    machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    sizes = filled_by(machine, 3)
    machine.keeper._limits = Limits(sum(sizes), 0)
    for _ in range(30):
        machine.read(100)
        machine.keep()
        machine.close()
    assert machine.totals.dropped >= 2_900
    assert 1 <= sum("the spool is full" in record.message for record in caplog.records) <= 3


@pytest.mark.parametrize("there_is", ["no room", "too little room"])
def test_nothing_is_dropped_where_that_would_make_no_room(
    machine: Machine, there_is: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Somebody else fills the disk: the backlog would go, and nothing be gained."""
    total = sum(filled_by(machine, 3))
    free = 0 if there_is == "no room" else total
    machine.keeper._limits = Limits(64 * MIB, 10 * MIB)
    machine.disk.room = lambda: free

    machine.read(10)
    machine.keep()

    assert machine.totals.dropped == 0
    assert "there is no room" in (machine.keeper.trouble or "")
    (said,) = (record.message for record in caplog.records)
    assert f"`{machine.directories.spool}`" in said
    assert "10.0 stay free (`P1_FREE_MIB`) (make room there)" in said

    machine.disk.room = lambda: 100 * MIB
    machine.keep()
    assert machine.on_disk() == machine.written.keys()
    assert machine.keeper.trouble is None


def test_what_is_in_flight_is_not_dropped(machine: Machine) -> None:
    size = sum(filled_by(machine, 2))
    machine.keeper._limits = Limits(size + 100, 0)
    job = machine.courier.begin_spool()

    machine.read(10)
    machine.keep()

    assert job is not None
    assert job.path.exists()
    assert machine.names(machine.directories.spool) == [closed_name(1), open_name(3)]
    machine.courier.end(job, stored=True)
    assert (machine.totals.dropped, machine.totals.delivered) == (100, 100)


def test_what_went_into_flight_after_it_was_chosen_is_not_dropped_either(
    machine: Machine,
) -> None:
    filled_by(machine, 1)
    chosen = machine.spool.stock.oldest_kept(machine.spool.in_flight)
    assert chosen is not None
    machine.courier.begin_spool()

    machine.spool.drop(chosen)

    assert chosen.path.exists()
    assert machine.totals.dropped == 0


def test_where_nothing_may_go_the_new_stays_in_ram(machine: Machine) -> None:
    filled_by(machine, 1)
    machine.keeper._limits = Limits(100, 0)
    machine.courier.begin_spool()

    machine.read(10)
    machine.keep()

    assert "no room" in (machine.keeper.trouble or "")
    assert machine.totals.dropped == 0
    assert machine.on_files() == machine.written.keys()


def test_only_files_are_counted(machine: Machine) -> None:
    machine.spool.prepare()
    assert machine.spool.stock.usage().size == 0

    (size,) = filled_by(machine, 1)

    assert machine.spool.stock.usage().size == size


def test_rejected_and_damaged_share_the_limit_and_go_by_age(machine: Machine) -> None:
    machine.spool.reject(records(50), "no")  # number 1
    filled_by(machine, 2)  # 2 and 3
    (machine.directories.damaged / damage_name(2, 7)).write_bytes(b"x" * 1000)
    machine.keeper._limits = Limits(machine.spool.stock.usage().size + 100, 0)

    machine.read(10)
    machine.keep()

    assert machine.names(machine.directories.rejected) == []
    assert closed_name(2) in machine.names(machine.directories.spool)
    assert machine.totals.dropped == 0  # those were counted as rejected


def test_rejected_segments_alone_cannot_fill_the_disk(machine: Machine) -> None:
    """One measurement is refused for ever, everything else is taken: nothing is ever kept."""
    machine.keeper._limits = Limits(20_000, 0)
    for number in count(1):
        machine.spool.reject([record(number)], "field type conflict")
        machine.wait(1)
        if number == 200:
            break

    assert machine.spool.stock.usage().size <= 20_000
    (path,) = machine.directories.rejected.iterdir()
    assert ids_in(path)[-1].number == 200


def test_the_inbox_never_causes_a_drop(machine: Machine) -> None:
    filled_by(machine, 2)
    machine.keeper._limits = Limits(machine.spool.stock.usage().size + 5_000, 0)
    (machine.directories.inbox / closed_name(1)).write_bytes(encoded(records(1000)))

    machine.read(10)
    machine.keep()

    assert machine.totals.dropped == 0
    assert machine.keeper.trouble is None


# The start.


@pytest.mark.parametrize(
    ("tail", "damaged"),
    [
        pytest.param(b"", 0, id="none"),
        pytest.param(b"\0" * 3000, 0, id="zeros"),
        pytest.param(record(9).encode()[:80], 1, id="torn"),
        pytest.param(record(9).encode()[:80] + b"\0" * 500, 1, id="torn and zeros"),
        pytest.param(os.urandom(700).replace(b"#", b"+"), 1, id="garbage"),
    ],
)
def test_a_segment_left_open_is_closed_and_its_tail_cut_off(
    machine: Machine, tail: bytes, damaged: int
) -> None:
    good = encoded(records(3))
    machine.spool.prepare()
    (machine.directories.spool / open_name(41)).write_bytes(good + tail)

    machine.wait(5)

    assert (machine.directories.spool / closed_name(41)).read_bytes() == good
    assert machine.names(machine.directories.spool) == [closed_name(41)]
    assert machine.totals.found == 3 + damaged
    assert machine.totals.damaged == damaged
    assert machine.damaged_bytes() == (tail if damaged else b"")
    machine.read()
    machine.keep()
    assert machine.names(machine.directories.spool) == [closed_name(41), open_name(42)]


def test_damage_in_the_middle_of_an_open_segment_costs_that_record(machine: Machine) -> None:
    one, two, three = (one.encode() for one in records(3))
    two = two.replace(b"gas", b"gaz")
    machine.spool.prepare()
    (machine.directories.spool / open_name(41)).write_bytes(one + two + three + b"torn")

    machine.wait(5)
    machine.courier.deliver_all()

    assert machine.totals.found == 4
    assert (machine.totals.delivered, machine.totals.damaged) == (2, 2)
    assert machine.names(machine.directories.damaged) == [
        damage_name(41, len(one)),
        damage_name(41, len(one + two + three)),
    ]
    assert machine.damaged_bytes() == two + b"torn"


def test_a_segment_left_open_without_a_record_goes(machine: Machine) -> None:
    machine.spool.prepare()
    for number, data in ((1, b""), (2, b"\0" * 100), (3, b"garbage")):
        (machine.directories.spool / open_name(number)).write_bytes(data)

    machine.wait(5)

    assert machine.names(machine.directories.spool) == []
    assert machine.names(machine.directories.damaged) == [damage_name(3, 0)]
    assert machine.totals.found == machine.totals.damaged == 1


@pytest.mark.parametrize("operation", ["read", "rename", "cut"])
def test_a_segment_that_cannot_be_closed_holds_up_nothing(
    machine: Machine, operation: str
) -> None:
    machine.spool.prepare()
    (machine.directories.spool / open_name(1)).write_bytes(encoded(records(2)) + b"torn")
    (machine.directories.spool / open_name(2)).write_bytes(encoded([record(3)]))
    stuck = machine.directories.spool / open_name(1)
    machine.disk.fail(operation, errno.EIO, stuck, times=2)
    machine.read()
    machine.keep()
    assert RecordId(machine.run, 1) in machine.on_disk()

    machine.wait(3 * RETRY_SECONDS)
    machine.close()
    machine.courier.deliver_all()

    assert machine.totals.delivered == 4
    assert machine.totals.waiting == 0
    assert machine.keeper.trouble is None


def test_half_written_files_are_removed_at_the_start(machine: Machine) -> None:
    machine.spool.prepare()
    drafts = [
        machine.directories.rejected / "00000000000000000007.draft",
        machine.directories.damaged / "00000000000000000007-12.draft",
    ]
    for draft in drafts:
        draft.write_bytes(b"half")

    machine.tick()

    assert [draft.exists() for draft in drafts] == [False, False]


def test_a_draft_that_cannot_be_removed_holds_up_nothing(machine: Machine) -> None:
    machine.spool.prepare()
    (machine.directories.rejected / "00000000000000000007.draft").write_bytes(b"half")
    machine.disk.fail("remove", errno.EACCES, machine.directories.rejected)

    machine.read(3)
    machine.keep()

    assert len(machine.on_disk()) == 3
    assert machine.keeper.trouble is None


@pytest.mark.parametrize("operation", ["cut", "rename"])
def test_what_was_left_open_is_counted_once_however_often_it_cannot_be_closed(
    machine: Machine, operation: str
) -> None:
    machine.spool.prepare()
    path = machine.directories.spool / "00000000000000000001.open"
    path.write_bytes(encoded(records(3)) + b"electricity,site=ho")
    machine.disk.fail(operation, errno.EIO, machine.directories.spool, times=2)
    machine.kill()

    machine.tick()

    before = machine.totals
    assert (before.found, before.damaged, before.waiting) == (4, 1, 3)
    machine.wait(30)
    machine.count_all()
    assert path.with_suffix(".lp").exists()
    assert machine.totals == before


@pytest.mark.parametrize(
    "name",
    [
        "spool/00000000000000000041.lp",
        "spool/rejected/00000000000000000041.lp",
        "spool/damaged/00000000000000000041-7.bin",
    ],
)
def test_numbers_go_on_from_the_highest(machine: Machine, name: str) -> None:
    machine.spool.prepare()
    (disk_of(machine) / name).write_bytes(record(1).encode())

    machine.read()
    machine.keep()

    assert open_name(42) in machine.names(machine.directories.spool)


def test_numbers_also_go_on_from_what_came_later(machine: Machine) -> None:
    """A disk that is mounted after the start must not have its segments replaced."""
    machine.backlog(1)
    (machine.directories.spool / closed_name(2)).write_bytes(encoded(records(5)))

    machine.backlog(1)

    assert len(ids_in(machine.directories.spool / closed_name(2))) == 5
    assert len(ids_in(machine.directories.spool / closed_name(3))) == 1


def test_a_month_of_backlog_is_not_read_at_the_start(machine: Machine) -> None:
    machine.spool.prepare()
    for number in range(1, 601):
        name = machine.directories.spool / closed_name(number)
        name.write_bytes(record(number).encode())
    machine.start()
    machine.disk.calls.clear()

    machine.read()
    assert [path.parent for call, path in machine.disk.calls if call == "read"] == []

    machine.tick()
    assert len([call for call, _ in machine.disk.calls if call == "read"]) <= COUNT_AT_ONCE
    assert len(machine.spool.stock.uncounted) == 600 - COUNT_AT_ONCE
    assert machine.spool.count_one()
    assert len(machine.spool.stock.uncounted) == 599 - COUNT_AT_ONCE
    assert machine.totals.waiting == COUNT_AT_ONCE + 2


def test_the_inbox_is_taken_after_the_backlog_and_counted(machine: Machine) -> None:
    machine.backlog(2)
    (machine.directories.inbox / closed_name(1)).write_bytes(encoded(records(3)))
    machine.wait(3)

    assert machine.totals.found == 3
    paths = []
    while job := machine.courier.begin_spool():
        paths.append(job.path.parent.name)
        machine.courier.end(job, stored=True)

    assert paths == ["spool", "inbox"]
    assert machine.totals.delivered == 5
    assert machine.totals.waiting == 0


def test_the_sender_is_woken_for_what_another_command_brought_once(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[float] = []
    monkeypatch.setattr(machine.handoff, "wake", lambda: woken.append(machine.clock.now))
    machine.tick()
    assert woken == []
    brought = machine.clock.now
    (machine.directories.inbox / closed_name(1)).write_bytes(encoded(records(3)))
    for _ in range(40):
        machine.clock.now += TICK_SECONDS
        machine.tick()
    (at,) = woken
    assert at - brought <= 2


def test_damage_in_the_inbox_is_kept_aside_each_time(machine: Machine) -> None:
    """Its numbers begin anew when it is empty, and must not hide one damage behind another."""
    machine.spool.prepare()
    for text in (b"first", b"second"):
        (machine.directories.inbox / closed_name(1)).write_bytes(text + record(1).encode())
        machine.courier.deliver_all()

    assert machine.damaged_bytes() == b"firstsecond"
    assert machine.totals.damaged == 2


def test_refused_records_are_kept_with_the_words_and_can_be_handed_in_again(
    machine: Machine,
) -> None:
    machine.backlog(2)
    job = machine.courier.begin_spool()
    assert job is not None
    refused = [one for one in records(2, machine.run) if one.id == job.ids[0]]
    machine.spool.reject(refused, "answer 400:\n unable to parse \ud800 'x'")

    (kept,) = machine.directories.rejected.glob(f"{2:020d}-*.lp")
    assert kept.read_bytes() == (
        b"# rejected: answer 400: unable to parse ? 'x'\n" + encoded(refused)
    )
    assert ids_in(kept) == [job.ids[0]]


# Two threads.


def test_a_segment_delivered_while_it_is_counted_is_found_once(machine: Machine) -> None:
    """The keeper has read the file, the sender delivers and removes it, the keeper goes on."""
    machine.backlog(3)
    machine.kill()
    reading, go_on = Event(), Event()

    def hold(_: Path) -> None:
        reading.set()
        go_on.wait(GIVE_UP_SECONDS)

    machine.disk.before["read"] = hold
    keeper = Thread(target=machine.spool.count_one)
    keeper.start()
    assert reading.wait(GIVE_UP_SECONDS)
    sender = Thread(target=machine.courier.deliver_all)
    sender.start()
    sender.join(0.1)
    go_on.set()
    keeper.join(GIVE_UP_SECONDS)
    sender.join(GIVE_UP_SECONDS)

    assert machine.totals.found == machine.totals.delivered == 3
    assert machine.totals.waiting == 0
    assert machine.totals.dropped == 0


def test_the_end_brings_everything_to_the_disk(machine: Machine) -> None:
    machine.read(2)
    machine.hot.seal()
    machine.courier.begin_hot()
    machine.read(1)
    machine.hot.seal()

    machine.keeper.finish()

    assert machine.names(machine.directories.spool) == [closed_name(1)]
    assert machine.on_disk() == machine.written.keys()
    assert machine.names(machine.hot_directory) == []


def test_the_end_tries_a_second_segment_when_the_sync_fails(machine: Machine) -> None:
    machine.read(2)
    machine.hot.seal()
    machine.disk.fail("sync", errno.EIO, disk_of(machine), times=1)

    machine.keeper.finish()

    assert ids_in(machine.directories.spool / closed_name(2)) == list(machine.written)
    assert machine.names(machine.hot_directory) == []


def test_the_end_does_not_wait_for_a_disk_that_hangs(machine: Machine) -> None:
    machine.read(2)
    machine.hot.seal()
    machine.clock.now += KEEP_SECONDS
    hanging, go_on = Event(), Event()

    def hang(_: Path) -> None:
        hanging.set()
        go_on.wait(GIVE_UP_SECONDS)

    machine.tick()
    machine.disk.before["sync"] = hang
    keeper = Thread(target=machine.keeper.tick)
    keeper.start()
    assert hanging.wait(GIVE_UP_SECONDS)

    machine.keeper.finish()
    assert machine.on_files() == machine.written.keys()
    assert machine.names(machine.hot_directory) == [closed_name(1)]

    go_on.set()
    keeper.join(GIVE_UP_SECONDS)


def test_lines_are_what_the_meter_gave(machine: Machine) -> None:
    """The segment as it stands is line protocol: the lines, in order, and comments."""
    machine.backlog(3)

    text = (machine.directories.spool / closed_name(1)).read_bytes()
    lines = [line for line in text.splitlines(keepends=True) if not line.startswith(b"#")]
    assert b"".join(lines) == b"".join(body(n) for n in (1, 2, 3))
