"""The places where readings wait."""

import errno
import os
from pathlib import Path

import pytest

from collector.commands.check import disk as probes
from collector.commands.check.disk import Mount
from collector.commands.check.finding import Finding, Outcome, ok
from collector.remedies import Remedy
from collector.settings.settings import Settings, load
from collector.spool.disk import Disk
from collector.spool.fault import NO_ROOM, advice
from collector.spool.record import Record, RecordId
from collector.spool.spool import Directories
from spool.machine import encoded, records

MIB = 1024 * 1024
CARD = "25 1 179:2 / / rw - ext4 /dev/mmcblk0p2 rw\n"
RAM = "25 1 0:2 / / rw - tmpfs tmpfs rw\n"


class Small(Disk):
    """A disk with so much room."""

    def __init__(self, free_mib: int) -> None:
        super().__init__()
        self._free = free_mib * MIB

    def free(self, path: Path) -> int:
        del path
        return self._free


class Refusing(Disk):
    """A disk that takes nothing, and says why."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number

    def create(self, path: Path) -> int:
        raise OSError(self._number, os.strerror(self._number), str(path))


def settings(home: Path) -> Settings:
    found, _ = load({"P1_SPOOL_DIR": f"{home}/spool", "P1_HOT_DIR": f"{home}/hot"})
    found.spool.mkdir(exist_ok=True)
    found.hot.mkdir(exist_ok=True)
    return found


def judged(home: Path, disk: Disk, table: str = CARD) -> dict[str, Finding]:
    return {found.link: found for found in probes.findings(settings(home), table, disk)}


def test_a_good_disk_is_good_and_left_as_it_was(tmp_path: Path) -> None:
    found = judged(tmp_path, Small(10_000))
    assert {found[link].outcome for link in ("spool", "spool's disk", "free space")} == {
        Outcome.OK
    }
    assert found["backlog"].what == "nothing waits on the disk"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("number", "remedy", "hot_remedy"),
    [
        (errno.EACCES, Remedy.SPOOL_UNUSABLE.advice, Remedy.HOT_UNUSABLE),
        (errno.ENOSPC, Remedy.DISK_FULL.advice, Remedy.HOT_SMALL),
        (errno.EDQUOT, Remedy.DISK_FULL.advice, Remedy.HOT_UNUSABLE),
        (errno.EROFS, advice(OSError(errno.EROFS, "")), Remedy.HOT_UNUSABLE),
        (errno.EIO, advice(OSError(errno.EIO, "")), Remedy.HOT_UNUSABLE),
    ],
    ids=["forbidden", "full", "quota", "read-only", "broken"],
)
def test_the_remedy_fits_what_the_disk_said(
    tmp_path: Path, number: int, remedy: str, hot_remedy: Remedy
) -> None:
    found = judged(tmp_path, Refusing(number))
    assert found["spool"].remedy == remedy
    assert found["spool"].what.endswith(os.strerror(number))
    assert found["hot directory"].remedy == hot_remedy.advice
    told = f"cannot write to the spool `/spool`: {os.strerror(number)}"
    first, *_ = probes.findings(settings(tmp_path), CARD, Disk(), told)
    assert (first.what, first.remedy) == (told, remedy)


def test_no_room_above_the_bounds_is_a_full_disk_too(tmp_path: Path) -> None:
    told = f"cannot write to the spool `/spool`: {NO_ROOM}: 3 MiB"
    first, *_ = probes.findings(settings(tmp_path), CARD, Disk(), told)
    assert first.remedy == Remedy.DISK_FULL.advice


def test_what_the_service_says_of_its_disk_counts(tmp_path: Path) -> None:
    first, *_ = probes.findings(
        settings(tmp_path), CARD, Disk(), "cannot write to the spool: I/O error"
    )
    assert (first.link, first.outcome) == ("spool", Outcome.FAIL)
    assert first.what == "cannot write to the spool: I/O error"


def test_a_spool_that_is_not_there_yet_is_not_made(tmp_path: Path) -> None:
    found = probes.spool(tmp_path / "state" / "spool", Disk())
    assert (found.outcome, found.what) == (
        Outcome.OK,
        f"`{tmp_path}/state/spool` can be made",
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("kind", "remedy"),
    [
        ("tmpfs", Remedy.SPOOL_IN_RAM),
        ("ramfs", Remedy.SPOOL_IN_RAM),
        ("overlay", Remedy.SPOOL_ON_OVERLAY),
    ],
)
def test_a_spool_that_a_power_cut_would_empty_fails(kind: str, remedy: Remedy) -> None:
    found = probes.spool_disk(Mount(Path("/"), kind, kind))
    assert (found.outcome, found.remedy) == (Outcome.FAIL, remedy.advice)


@pytest.mark.parametrize("kind", ["ext4", "f2fs", "btrfs", "xfs", "vfat"])
def test_a_spool_on_a_disk_is_good(kind: str) -> None:
    assert probes.spool_disk(Mount(Path("/"), kind, "/dev/sda1")).outcome is Outcome.OK


@pytest.mark.parametrize(
    ("free", "outcome"), [(400, Outcome.FAIL), (700, Outcome.WARN), (2000, Outcome.OK)]
)
def test_room_is_held_against_the_floor(free: int, outcome: Outcome, tmp_path: Path) -> None:
    assert probes.room(settings(tmp_path), Small(free)).outcome is outcome


def test_a_hot_directory_on_a_card_is_a_warning(tmp_path: Path) -> None:
    found = judged(tmp_path, Small(10_000), CARD)["hot directory"]
    assert (found.outcome, found.remedy) == (Outcome.WARN, Remedy.HOT_ON_DISK.advice)


def test_a_hot_directory_in_ram_is_good(tmp_path: Path) -> None:
    assert judged(tmp_path, Small(10_000), RAM)["hot directory"].outcome is Outcome.OK


def test_a_ram_disk_with_little_room_is_a_warning(tmp_path: Path) -> None:
    found = judged(tmp_path, Small(8), RAM)["hot directory"]
    assert found.remedy == Remedy.HOT_SMALL.advice


def test_what_waits_is_told_with_its_age(tmp_path: Path) -> None:
    spool = settings(tmp_path).spool
    old = spool / "00000000000000000007.lp"
    old.write_bytes(b"x" * MIB)
    os.utime(old, (0, 0))
    found = judged(tmp_path, Disk())["backlog"]
    assert found.outcome is Outcome.WARN
    assert found.what.startswith("1 file, 1.0 MiB, the oldest ")


def test_telegrams_that_wait_are_counted_and_the_programs_own_state_is_no_reading(
    tmp_path: Path,
) -> None:
    spool = settings(tmp_path).spool
    own = Record(RecordId("5f0c9e2ab417", 0), b"collector,site=home telegrams=1i 1\n")
    (spool / "00000000000000000007.lp").write_bytes(encoded([own]))
    words = "no telegram waits on the disk, only the program's own (1 file, 0.0 MiB)"
    assert judged(tmp_path, Disk())["backlog"] == ok("backlog", words)

    (spool / "00000000000000000008.lp").write_bytes(encoded(records(2)))
    found = judged(tmp_path, Disk())["backlog"]
    assert found.what.startswith("2 telegrams in 2 files, 0.0 MiB, the oldest ")


def test_what_the_service_is_writing_waits_too(tmp_path: Path) -> None:
    spool = settings(tmp_path).spool
    (spool / "00000000000000000009.open").write_bytes(encoded(records(3)))
    found = judged(tmp_path, Disk())["backlog"]
    assert found.outcome is Outcome.WARN
    assert found.what.startswith("3 telegrams in 1 file, ")


def test_refused_and_damaged_files_are_told(tmp_path: Path) -> None:
    directories = Directories(settings(tmp_path).spool)
    for directory in (directories.rejected, directories.damaged):
        directory.mkdir()
    (directories.rejected / "00000000000000000008.lp").touch()
    (directories.damaged / "00000000000000000009-12.bin").touch()
    found = judged(tmp_path, Disk())
    assert found["rejected"].remedy == Remedy.REJECTED.advice
    assert found["damaged"].remedy == Remedy.DAMAGED.advice


def test_a_spool_of_another_user_is_not_looked_into(tmp_path: Path) -> None:
    class Closed(Disk):
        def names(self, path: Path) -> list[str]:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    (found,) = probes.waiting(Directories(tmp_path), Closed())
    assert found.outcome is Outcome.SKIP
