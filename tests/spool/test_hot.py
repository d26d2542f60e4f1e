"""What the reader wrote outlives its process, within its bound, whatever the RAM disk does."""

import errno
import shutil
from pathlib import Path

import pytest

from collector.spool.disk import Disk
from collector.spool.record import Record, RecordId, decode
from collector.spool.segment import closed_name, open_name
from spool.disks import FaultyDisk
from spool.machine import KEEP_SECONDS, SEAL_SECONDS, Machine, encoded, ids_in, record, records


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_record_is_one_write(machine: Machine) -> None:
    machine.read(3)

    assert [call for call, _ in machine.disk.calls if call == "write"] == ["write"] * 3
    assert ids_in(machine.hot_directory / open_name(1)) == [(machine.run, n) for n in (1, 2, 3)]


def test_every_record_is_there_after_a_kill(machine: Machine) -> None:
    read = machine.read(3)

    machine.kill()

    assert machine.on_files() == set(read)
    assert machine.totals.found == machine.totals.waiting == 3
    assert machine.courier.deliver_all() == 1
    assert machine.courier.stored == dict.fromkeys(read, 1)


def test_several_runs_are_taken_over_newest_last(machine: Machine) -> None:
    for _ in range(3):
        machine.read(2)
        machine.hot.seal()
        machine.read(1)
        machine.kill()

    assert machine.totals.found == 9
    machine.courier.deliver_all()
    assert machine.courier.stored == dict.fromkeys(machine.written, 1)
    assert machine.names(machine.hot_directory) == []


@pytest.mark.slow
def test_a_kill_within_a_write_costs_the_record_that_was_written(tmp_path: Path) -> None:
    """Cut at each byte of the last record, as a kill in the middle of its write would."""
    whole, torn = records(2)
    for size in range(len(torn.encode())):
        machine = Machine(tmp_path / str(size))
        path = machine.hot_directory / open_name(1)
        path.write_bytes(whole.encode() + torn.encode()[:size])

        machine.start()

        sealed = machine.hot_directory / closed_name(1)
        assert sealed.read_bytes() == whole.encode()
        assert machine.totals.found == 1 + (size > 0)
        assert machine.totals.damaged == (size > 0)
        assert machine.damaged_bytes() == torn.encode()[:size]


def test_damage_in_the_middle_of_a_hot_segment_costs_that_record(machine: Machine) -> None:
    good, bad, last = (record(n).encode() for n in (1, 2, 3))
    bad = bad.replace(b"electricity", b"elektricity")
    (machine.hot_directory / closed_name(1)).write_bytes(good + bad + last)

    machine.start()
    machine.start()  # counted once: the damage is gone from the hot directory

    assert machine.totals.found == machine.totals.waiting == 2
    assert machine.damaged_bytes() == bad
    assert (machine.hot_directory / closed_name(1)).read_bytes() == good + last


def test_a_file_without_a_record_goes(machine: Machine) -> None:
    (machine.hot_directory / open_name(1)).touch()
    (machine.hot_directory / open_name(2)).write_bytes(b"garbage")

    machine.start()

    assert machine.names(machine.hot_directory) == []
    assert machine.handoff.take_newest() is None
    assert machine.totals.damaged == 1


@pytest.mark.parametrize("operation", ["read", "rename", "remove", "cut"])
def test_a_file_that_cannot_be_taken_over_does_not_stop_the_start(
    machine: Machine, operation: str
) -> None:
    (machine.hot_directory / open_name(1)).write_bytes(record(1).encode() + b"torn")
    (machine.hot_directory / open_name(2)).write_bytes(b"torn")
    (machine.hot_directory / closed_name(3)).write_bytes(record(2).encode())
    machine.disk.fail(operation, errno.EIO, machine.hot_directory / open_name(1))
    machine.disk.fail(operation, errno.EIO, machine.hot_directory / open_name(2))

    machine.start()

    assert RecordId("0123456789ab", 2) in machine.on_files()
    machine.courier.deliver_all()
    assert machine.courier.stored[RecordId("0123456789ab", 2)] == 1


def test_a_file_that_cannot_be_renamed_at_the_start_is_delivered_as_it_is(
    machine: Machine,
) -> None:
    (machine.hot_directory / open_name(1)).write_bytes(record(1).encode() + b"torn")
    machine.disk.fail("rename", errno.EIO, machine.hot_directory)

    machine.start()
    machine.courier.deliver_all()

    assert machine.courier.stored == {RecordId("0123456789ab", 1): 1}
    assert (machine.totals.found, machine.totals.damaged, machine.totals.waiting) == (2, 1, 0)
    assert machine.names(machine.hot_directory) == []


def test_damage_that_cannot_be_kept_aside_does_not_stop_the_start(machine: Machine) -> None:
    (machine.hot_directory / open_name(1)).write_bytes(record(1).encode() + b"torn")
    machine.disk.fail("make_directory", errno.EROFS, machine.root / "disk")

    machine.start()

    assert machine.totals.found == 2
    assert machine.totals.waiting == 1


def test_a_full_ram_disk_does_not_stop_the_start(machine: Machine) -> None:
    bad = record(1).encode().replace(b"gas", b"gaz")
    (machine.hot_directory / closed_name(1)).write_bytes(bad + record(2).encode())
    (machine.hot_directory / open_name(2)).write_bytes(record(3).encode() + b"torn")
    machine.disk.fail("write", errno.ENOSPC, machine.hot_directory)

    machine.start()

    assert machine.totals.waiting == 2
    machine.courier.deliver_all()
    assert machine.totals.delivered == 2


def test_numbers_go_on_from_what_is_there(machine: Machine) -> None:
    (machine.hot_directory / closed_name(41)).write_bytes(record(1).encode())
    machine.start()

    machine.read()

    assert open_name(42) in machine.names(machine.hot_directory)


def test_a_segment_is_sealed_when_its_first_record_is_old_enough(machine: Machine) -> None:
    machine.read()
    machine.wait(SEAL_SECONDS - 0.25)
    machine.read()
    assert machine.names(machine.hot_directory) == [open_name(1)]

    machine.wait(0.25)

    assert machine.names(machine.hot_directory) == [closed_name(1)]
    assert machine.handoff.oldest() == machine.clock.now - SEAL_SECONDS


def test_a_segment_is_sealed_sooner_only_while_the_sender_is_quick(machine: Machine) -> None:
    machine.hot._quick_seconds = 0.0
    machine.read()
    machine.hot.tick()
    assert machine.names(machine.hot_directory) == [open_name(1)]

    machine.handoff.quick = True
    machine.hot.tick()

    assert machine.names(machine.hot_directory) == [closed_name(1)]


def test_a_segment_is_sealed_when_the_keeper_asks(machine: Machine) -> None:
    hurried: list[bool] = []
    machine.handoff.hurry = lambda: hurried.append(machine.handoff.seal_wanted)
    machine.read()
    machine.handoff.ask_seal()
    assert hurried == [True]

    machine.hot.tick()

    assert machine.names(machine.hot_directory) == [closed_name(1)]
    assert not machine.handoff.seal_wanted


def test_a_segment_is_sealed_when_it_is_full(machine: Machine) -> None:
    machine.hot_limit = 64 * 1024 * 1024
    machine.start()
    machine.read(1_667)  # of three lines each: 5,001

    assert len(ids_in(machine.hot_directory / closed_name(1))) == 1_666
    assert len(ids_in(machine.hot_directory / open_name(2))) == 1


def test_nothing_is_sealed_where_nothing_was_read(machine: Machine) -> None:
    machine.wait(60)

    assert machine.names(machine.hot_directory) == []
    assert machine.handoff.take_newest() is None


def test_a_short_write_is_cut_back(machine: Machine) -> None:
    """A full RAM disk takes half a record: the half goes, the whole is kept in memory."""
    machine.read()
    machine.disk.fail("write", 0, machine.hot_directory, times=1, short=50)

    machine.read()

    path = machine.hot_directory / open_name(1)
    assert decode(path.read_bytes()).damage == ()
    assert ids_in(path) == [(machine.run, 1)]
    assert machine.totals.dropped == 0


def broken(machine: Machine, operation: str, error: int) -> None:
    """Have the RAM disk fail from now on."""
    short = 50 if operation == "short" else None
    operation = "write" if operation == "short" else operation
    machine.disk.fail(operation, error, machine.hot_directory, short=short)


BROKEN = pytest.mark.parametrize(
    ("operation", "error"),
    [
        ("write", errno.ENOSPC),
        ("write", errno.EFBIG),
        ("write", errno.EIO),
        ("short", 0),
        ("create", errno.ENOSPC),
        ("create", errno.EACCES),
        ("create", errno.EROFS),
        ("rename", errno.EPERM),
    ],
)


@BROKEN
def test_what_a_broken_ram_disk_does_not_take_is_delivered_all_the_same(
    machine: Machine, operation: str, error: int
) -> None:
    machine.read(2)
    broken(machine, operation, error)

    for _ in range(3):
        machine.read(2)
        machine.wait(SEAL_SECONDS)
        machine.courier.deliver_all()

    assert machine.totals.delivered == 8
    assert machine.courier.stored.keys() == machine.written.keys()
    assert machine.totals.dropped == machine.totals.waiting == 0
    assert machine.names(machine.hot_directory) == []


@BROKEN
def test_what_a_broken_ram_disk_does_not_take_is_on_the_disk_in_ten_seconds(
    machine: Machine, operation: str, error: int
) -> None:
    machine.read(2)
    broken(machine, operation, error)
    machine.read(3)

    machine.wait(KEEP_SECONDS)

    assert machine.on_disk() == machine.written.keys()
    assert machine.hot.size == 0
    assert machine.names(machine.hot_directory) == []


def test_a_broken_ram_disk_loses_nothing_it_had_to_a_kill(machine: Machine) -> None:
    machine.read(2)
    broken(machine, "write", errno.ENOSPC)
    lost = machine.read(2)

    machine.kill()
    machine.disk.faults.clear()

    assert machine.totals.found == 2
    machine.courier.deliver_all()
    assert machine.courier.stored.keys() == machine.written.keys() - set(lost)


def test_a_ram_disk_that_takes_readings_again_gets_them_from_the_next_segment_on(
    machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    broken(machine, "write", errno.ENOSPC)
    for _ in range(3):
        machine.read(2)
        machine.hot.seal()
    machine.disk.faults.clear()
    machine.read(2)
    machine.hot.seal()
    machine.read(2)

    assert ids_in(machine.hot_directory / closed_name(4)) == [(machine.run, 7), (machine.run, 8)]
    assert ids_in(machine.hot_directory / open_name(5)) == [(machine.run, 9), (machine.run, 10)]
    broke, mended = (record.message for record in caplog.records)
    assert str(machine.hot_directory) in broke
    assert "No space left on device (make room there)" in broke
    assert mended == "the hot directory can be written again"


def test_a_record_goes_behind_no_torn_one_even_if_the_cut_fails(machine: Machine) -> None:
    machine.read()
    machine.disk.fail("write", 0, machine.hot_directory, times=1, short=50)
    machine.disk.fail("truncate", errno.EIO, machine.hot_directory, times=1)

    machine.read(2)

    contents = decode((machine.hot_directory / open_name(1)).read_bytes())
    assert contents.ids == [(machine.run, 1)]
    assert [damage.offset for damage in contents.damage] == [contents.end]
    machine.hot.seal()
    machine.courier.deliver_all()
    assert machine.totals.delivered == len(machine.courier.stored) == 3


def small(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path, hot_limit=4 * len(record(1).encode()) + 50)
    machine.disk.calls.clear()
    return machine


def test_beyond_the_bound_the_oldest_segments_go_whole_and_counted(tmp_path: Path) -> None:
    machine = small(tmp_path)
    for _ in range(3):
        machine.read(2)
        machine.hot.seal()

    assert machine.totals.dropped == 2
    assert machine.on_files() == {RecordId(machine.run, n) for n in (3, 4, 5, 6)}
    assert machine.hot.size <= machine.hot_limit


def test_what_is_in_memory_alone_is_within_the_bound_too(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    machine = small(tmp_path)
    broken(machine, "write", errno.ENOSPC)
    for _ in range(5):
        machine.read(2)
        machine.hot.seal()
        assert machine.hot.size <= machine.hot_limit

    assert machine.totals.dropped == 6
    assert len([r for r in caplog.records if "the oldest are dropped" in r.message]) == 1
    machine.courier.deliver_all()
    assert machine.totals.delivered == 4


@pytest.mark.parametrize("user", ["sender", "keeper"])
def test_a_segment_that_somebody_works_on_is_never_dropped(tmp_path: Path, user: str) -> None:
    machine = small(tmp_path)
    machine.read(2)
    machine.hot.seal()
    busy = machine.handoff.take_newest() if user == "sender" else machine.handoff.due(1e9)[0]
    for _ in range(4):
        machine.read(2)
        machine.hot.seal()

    assert busy is not None
    assert busy.path.exists()
    assert machine.totals.dropped == 6
    assert {RecordId(machine.run, n) for n in (1, 2, 9, 10)} == machine.on_files()


def test_a_dropped_segment_that_cannot_be_removed_does_not_stop_the_reader(tmp_path: Path) -> None:
    machine = small(tmp_path)
    machine.disk.fail("remove", errno.EROFS, machine.hot_directory)
    for _ in range(4):
        machine.read(2)
        machine.hot.seal()

    assert machine.totals.dropped == 4
    assert machine.totals.read == 8


def test_the_open_segment_is_written_again_when_the_directory_was_deleted(
    machine: Machine,
) -> None:
    machine.read(2)
    shutil.rmtree(machine.hot_directory)
    machine.read(1)
    machine.clock.now += SEAL_SECONDS

    machine.hot.tick()

    assert ids_in(machine.hot_directory / open_name(2)) == [(machine.run, n) for n in (1, 2, 3)]
    machine.hot.seal()
    assert machine.totals.waiting == 3
    assert machine.handoff.oldest() == machine.clock.now - SEAL_SECONDS  # no younger for that


def test_a_segment_that_cannot_be_renamed_is_handed_over_under_its_old_name(
    machine: Machine,
) -> None:
    machine.read(2)
    machine.disk.fail("rename", errno.EACCES, machine.hot_directory, times=1)

    machine.hot.seal()
    machine.read(1)
    machine.hot.seal()

    assert machine.names(machine.hot_directory) == [open_name(1), closed_name(2)]
    machine.courier.deliver_all()
    assert machine.totals.delivered == 3
    assert machine.names(machine.hot_directory) == []


def test_a_hot_segment_that_somebody_removed_counts_as_dropped(machine: Machine) -> None:
    machine.read(2)
    machine.hot.seal()
    (machine.hot_directory / closed_name(1)).unlink()

    machine.courier.deliver_all()

    assert machine.totals.dropped == 2
    assert machine.totals.waiting == 0


def test_a_hot_record_damaged_meanwhile_is_counted_and_kept_aside(machine: Machine) -> None:
    machine.read(3)
    machine.hot.seal()
    path = machine.hot_directory / closed_name(1)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"volume_m3=2.5", b"volume_m3=9.5"))

    machine.courier.deliver_all()

    assert (machine.totals.delivered, machine.totals.damaged) == (2, 1)
    assert machine.totals.waiting == 0
    assert b"volume_m3=9.5" in machine.damaged_bytes()


def test_half_of_the_bound_makes_a_patient_source_wait(tmp_path: Path) -> None:
    machine = small(tmp_path)
    machine.read(2)
    assert not machine.hot.full

    machine.read(1)

    assert machine.hot.full


def test_files_are_private(tmp_path: Path) -> None:
    """A household's use of energy says when nobody is at home."""
    machine = Machine(tmp_path)
    machine.read(2)
    shutil.rmtree(machine.hot_directory)
    machine.backlog(2)
    machine.spool.reject(records(1), "no")

    made = [p for p in tmp_path.rglob("*") if p.parent != tmp_path and p.name != "disk"]
    assert {p.stat().st_mode & 0o777 for p in made if p.is_file()} == {0o600}
    assert {p.stat().st_mode & 0o777 for p in made if p.is_dir()} == {0o700}


def test_directories_above_are_private_too(tmp_path: Path) -> None:
    disk = FaultyDisk()
    disk.make_directory(tmp_path / "a" / "b")

    assert {(tmp_path / name).stat().st_mode & 0o777 for name in ("a", "a/b")} == {0o700}
    assert [path.name for call, path in disk.calls if call == "sync_directory"] == [
        tmp_path.name,
        "a",
    ]


def test_a_record_larger_than_a_segment_gets_one_of_its_own(tmp_path: Path) -> None:
    machine = Machine(tmp_path, hot_limit=64 * 1024 * 1024)
    machine.read()
    large = Record(RecordId(machine.run, 99), b"m f=1 1\n" * 600_000)

    machine.hot.append(large)
    machine.read()

    assert [ids_in(machine.hot_directory / name) for name in machine.names(machine.hot_directory)]
    assert len(machine.names(machine.hot_directory)) == 3


def test_writing_in_pieces_is_as_good_as_at_once(tmp_path: Path) -> None:
    """`write_whole` goes on where a write fell short, and leaves nothing when it fails."""
    disk, path = FaultyDisk(), tmp_path / "00000000000000000001.lp"
    disk.fail("write", 0, tmp_path, times=1, short=7)
    data = encoded(records(3))

    disk.write_whole(path, data)
    assert path.read_bytes() == data

    disk.fail("sync", errno.EIO, tmp_path)
    with pytest.raises(OSError, match="Input/output"):
        disk.write_whole(tmp_path / "00000000000000000002.lp", data)
    assert Disk().names(tmp_path) == [path.name]
