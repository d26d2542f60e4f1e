"""What other commands put into RAM is delivered from there, and on the disk when it is due."""

import errno
from pathlib import Path

import pytest

from collector.spool.inbox import Inbox, Tray
from collector.spool.keeper import Limits
from collector.spool.record import decode
from collector.spool.spool import Directories
from spool.machine import MIB, Machine, ids_in, record, records

RUN = "fedcba987654"
AGE = 8.0


class Desk(Machine):
    """A machine whose service has a tray; `wall` is the time in it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.directories = Directories(self.root / "disk" / "spool", self.hot_directory / "inbox")
        self.start()
        self.wall = 0.0
        self.tray = Tray(self.spool, 0, lambda: self.wall)
        self.disk.room = lambda: 1 << 40

    @property
    def lines(self) -> Path:
        assert self.directories.tray
        return self.directories.tray

    def put(self, first: int, count: int = 1, extra: str = "") -> None:
        some = [record(n, RUN, extra) for n in range(first, first + count)]
        Inbox(self.directories, self.disk, free=0).put(some, lambda: pytest.fail("there is room"))
        newest = max(self.lines.glob("*.lp"))
        self.wall = self.disk.modified(newest)

    def numbers_on_disk(self) -> list[list[int]]:
        files = sorted(self.directories.inbox.glob("*.lp"))
        return [[identity.number for identity in ids_in(file)] for file in files]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_what_is_delivered_in_time_never_touches_the_disk(desk: Desk) -> None:
    desk.put(1, 5)
    assert not desk.tray.keep(AGE)

    desk.courier.deliver_all()
    desk.wall += 60

    assert not desk.tray.keep(AGE)
    assert desk.numbers_on_disk() == []
    assert desk.courier.stored == dict.fromkeys((r.id for r in records(5, RUN)), 1)
    assert (desk.totals.found, desk.totals.delivered) == (5, 5)


def test_what_is_not_is_on_the_disk_when_it_is_due(desk: Desk) -> None:
    desk.put(1, 5)
    desk.wall += AGE - 0.1
    assert not desk.tray.keep(AGE)
    desk.wall += 0.1
    assert desk.tray.keep(AGE)

    assert desk.numbers_on_disk() == [[1, 2, 3, 4, 5]]
    assert list(desk.lines.glob("*.lp")) == []
    assert desk.totals.waiting == 0, "nobody has counted them yet"
    desk.count_all()
    assert desk.totals.waiting == 5


def test_it_is_due_as_well_when_the_clock_was_set_back(desk: Desk) -> None:
    desk.put(1)
    desk.wall -= 3600
    assert desk.tray.keep(AGE)


def test_the_end_of_the_service_brings_all_of_it_to_the_disk(desk: Desk) -> None:
    desk.put(1)
    desk.put(2)
    desk.keeper.finish()
    assert desk.numbers_on_disk() == [[1, 2]]


def test_a_line_a_second_is_no_file_a_second(desk: Desk) -> None:
    for number in range(1, 101):
        desk.put(number)
        desk.wall += AGE
        assert desk.tray.keep(AGE)

    files = sorted(desk.directories.inbox.glob("*.lp"))
    assert [n for numbers in desk.numbers_on_disk() for n in numbers] == list(range(1, 101))
    assert len(files) < 4
    desk.courier.deliver_all()
    assert desk.totals.delivered == 100
    assert desk.totals.dropped == 0


def test_what_is_in_flight_is_not_written_again(desk: Desk) -> None:
    """The request holds the file; what comes meanwhile goes to one of its own."""
    desk.put(1)
    desk.wall += AGE
    desk.tray.keep(AGE)
    job = desk.courier.begin_spool()
    assert job is not None

    desk.put(2)
    desk.wall += AGE
    desk.tray.keep(AGE)

    assert desk.numbers_on_disk() == [[1], [2]]
    desk.courier.end(job, stored=True)
    assert desk.numbers_on_disk() == [[2]]


def test_what_is_moved_while_it_is_in_flight_is_counted_once(desk: Desk) -> None:
    desk.put(1, 3)
    job = desk.courier.begin_spool()
    assert job is not None
    desk.wall += AGE
    assert desk.tray.keep(AGE)

    desk.courier.end(job, stored=True)
    desk.courier.deliver_all()

    assert (desk.totals.found, desk.totals.delivered, desk.totals.waiting) == (3, 3, 0)


def test_what_is_older_is_delivered_first(desk: Desk) -> None:
    desk.put(1)
    desk.wall += AGE
    desk.tray.keep(AGE)
    desk.put(2)
    sent = []
    while job := desk.courier.begin_spool():
        sent += [identity.number for identity in job.ids]
        desk.courier.end(job, stored=True)
    assert sent == [1, 2]


@pytest.mark.parametrize("operation", ["write", "sync", "link", "remove"])
def test_a_disk_that_fails_leaves_it_where_it_was(desk: Desk, operation: str) -> None:
    desk.put(1, 3)
    desk.wall += AGE
    where = desk.lines if operation == "remove" else desk.directories.inbox
    desk.disk.fail(operation, errno.EIO, where, times=1)

    with pytest.raises(OSError, match="Input/output"):
        desk.tray.keep(AGE)

    assert list(desk.lines.glob("*.lp"))
    desk.tray.keep(AGE)
    desk.courier.deliver_all()
    assert set(desk.courier.stored) == {r.id for r in records(3, RUN)}
    assert desk.totals.waiting == desk.totals.dropped == 0


def test_whoever_fills_it_waits_before_the_inbox_has_no_room_for_it(desk: Desk) -> None:
    size = len(record(1, RUN).encode())
    inbox = Inbox(desk.directories, desk.disk, free=0, bound=4 * size)
    for number in range(1, 4):
        desk.put(number)
        assert inbox.has_room
    desk.put(4)
    assert not inbox.has_room


def test_it_has_a_bound_of_its_own(desk: Desk) -> None:
    inbox = Inbox(desk.directories, desk.disk, free=0)
    for number in (1, 2):
        assert inbox.has_room
        desk.put(number, extra="0" * 3_000_000)
    assert not inbox.has_room


def test_a_full_inbox_never_makes_a_meters_reading_drop(tmp_path: Path) -> None:
    """Lines wait for a type conflict in all the room that they may have."""
    desk = Desk(tmp_path, limits=Limits(64 * MIB, 100_000))
    desk.put(1, 200)
    desk.wall += AGE
    desk.tray.keep(AGE)
    taken = sum(file.stat().st_size for file in desk.directories.inbox.glob("*.lp"))
    # What is free besides is just what has to stay free.
    desk.disk.room = lambda: 100_000 + 20_000 - taken
    desk.read(20)
    desk.keep()
    assert desk.totals.dropped == 0
    assert desk.keeper.trouble is None


def test_what_an_earlier_run_left_in_ram_is_delivered(desk: Desk) -> None:
    desk.put(1, 3)
    desk.kill()
    desk.courier.deliver_all()
    assert desk.totals.delivered == 3


def test_one_segment_is_one_request(desk: Desk) -> None:
    for first in (1, 1001, 2001):
        desk.put(first, 1000)
    desk.wall += AGE
    assert desk.tray.keep(AGE)
    assert desk.tray.keep(AGE)
    assert all(
        decode(file.read_bytes()).lines <= 5000 for file in desk.directories.inbox.glob("*.lp")
    )
