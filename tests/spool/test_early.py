"""What came before the host's clock was set comes through kills and power cuts to its time."""

import errno
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from collector.p1.framing import Frame
from collector.spool.account import Account
from collector.spool.early import Early, Timed
from collector.spool.record import RecordId, numbering
from collector.spool.spool import Directories, Spool
from spool.disks import FaultyDisk

FIRST, SECOND = "b001", "b002"
OFFSET = 1_770_120_000.25
DUE = 8.0


def unknown() -> float | None:
    return None


def known() -> float | None:
    return OFFSET


class Home:
    """The files of a computer, whose RAM lasts for a boot."""

    def __init__(self, root: Path) -> None:
        self.hot, self.directories = root / "hot", Directories(root / "spool")
        self.disk = FaultyDisk()
        self.now = 30.0
        self.numbers = numbering("0123456789ab")
        self.start(FIRST)

    def start(self, boot: str) -> None:
        """Begin a run, as after a kill."""
        self.account = Account()
        self.early = Early(self.hot, Spool(self.directories, self.account, self.disk), boot)

    def boot(self, boot: str) -> None:
        """Begin a run after a power cut."""
        shutil.rmtree(self.hot, ignore_errors=True)
        self.now = 20.0
        self.start(boot)

    def read(self, count: int = 1, *, keep: bool = True) -> None:
        """Have a meter without a clock send every ten seconds."""
        for _ in range(count):
            data = f"/TST\r\n\r\n1-0:1.7.0({self.now}*kW)\r\n!".encode()
            self.early.hold(next(self.numbers), Frame(data, b""), monotonic=self.now, wall=7.0)
            self.now += 10
            if keep:
                self.keep()

    def keep(self, oldest_hot: float | None = None) -> None:
        self.early.keep(self.now - DUE, oldest_hot)

    def timed(self, offset: Callable[[], float | None] = known) -> dict[int, float]:
        """Give the times that there are now, by the record's number."""
        self.keep()
        return {held.id.number: wall for held, wall in self.early.timed(offset)}

    def aside(self) -> list[bytes]:
        return [path.read_bytes() for path in sorted(self.directories.damaged.glob("*"))]

    def files(self) -> list[str]:
        rooms = (self.hot, self.directories.spool / "early")
        return sorted(path.name for room in rooms for path in room.glob("*"))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


EXPECTED = {n + 1: OFFSET + 30 + 10 * n for n in range(6)}


def test_they_wait_and_get_the_time_at_which_they_came(home: Home) -> None:
    home.read(6)
    assert home.timed(unknown) == {}
    assert home.timed() == EXPECTED
    assert home.timed() == {}


def test_they_are_given_as_they_came(home: Home) -> None:
    frame = Frame(b"/TST\r\n# p1 0123456789ab 1 1 00000000\n\xff!", b" 1A2B")
    home.early.hold(RecordId("0123456789ab", 1), frame, monotonic=30.0, wall=7.0)
    home.start(FIRST)
    ((held, _),) = home.early.timed(known)
    assert (held.frame, held.monotonic, held.wall) == (frame, 30.0, 7.0)


def test_they_come_through_a_kill_before_each_of_them(home: Home) -> None:
    for _ in range(6):
        home.read(keep=False)
        home.start(FIRST)
    assert home.timed() == EXPECTED


def test_what_is_ten_seconds_old_comes_through_the_loss_of_the_ram(home: Home) -> None:
    """As a power cut, but for the boot: nobody but a test can have that."""
    home.read(6)
    home.now -= 10
    home.boot(FIRST)
    assert home.timed() == EXPECTED


def test_what_is_younger_is_on_no_disk_yet(home: Home) -> None:
    home.read(keep=False)
    home.now -= 5
    home.keep()
    assert home.files() == ["early.p1"]
    home.now += 5
    home.keep()
    assert home.files() == ["b001.p1", "early.p1"]


def test_after_a_later_boot_those_whose_clock_was_never_set_are_damaged_and_counted(
    home: Home,
) -> None:
    home.read(6)
    home.boot(SECOND)
    home.read()
    assert home.timed(unknown) == {}
    (aside,) = home.aside()
    assert aside.count(b"# p1 ") == 6
    totals = home.account.totals()
    assert (totals.found, totals.damaged, totals.waiting) == (6, 6, 0)
    assert home.timed() == {7: OFFSET + 20}


def test_after_a_later_boot_those_whose_clock_became_known_get_their_time(home: Home) -> None:
    home.read(6)
    assert home.timed() == EXPECTED
    home.keep()  # the power goes before they are anywhere else
    home.boot(SECOND)
    assert home.timed(unknown) == EXPECTED
    assert home.aside() == []


def test_a_kill_after_they_got_their_time_gives_them_the_same(home: Home) -> None:
    home.read(6)
    assert home.timed() == EXPECTED
    home.start(FIRST)
    assert home.timed(lambda: OFFSET + 1.5) == EXPECTED


def test_the_files_go_once_all_is_safe_elsewhere(home: Home) -> None:
    home.read(6)
    home.timed()
    assert home.files() == ["b001.p1", "early.p1"]
    home.early.stored(home.now)
    home.keep(oldest_hot=home.now - 1)  # they are in RAM alone
    assert home.files() == ["b001.p1", "early.p1"]
    home.keep(oldest_hot=home.now + 1)
    assert home.files() == []
    home.start(FIRST)
    assert home.timed() == {}


def test_the_files_of_an_earlier_boot_do_not_take_those_of_this_one_along(home: Home) -> None:
    home.read(2)
    home.timed()
    home.keep()
    home.boot(SECOND)
    home.read(2)
    assert home.timed(unknown) == {1: EXPECTED[1], 2: EXPECTED[2]}
    home.now += 10
    home.early.stored(home.now)
    home.keep()
    home.boot(SECOND)
    assert {3, 4} <= {*home.timed()}


def test_what_comes_while_the_files_are_removed_stays(home: Home) -> None:
    home.read(2)
    home.timed()
    home.keep()
    home.early.stored(home.now)
    home.disk.before["remove"] = lambda _: home.read(keep=False)
    home.keep()
    home.start(FIRST)
    assert 3 in home.timed()


@pytest.mark.parametrize("operation", ["make_directory", "create", "write", "sync", "rename"])
def test_a_disk_that_fails_costs_nothing_and_is_tried_again(home: Home, operation: str) -> None:
    home.disk.fail(operation, errno.ENOSPC, home.directories.spool)
    home.read(3, keep=False)
    with pytest.raises(OSError, match="No space"):
        home.keep()
    home.disk.faults.clear()
    home.keep()
    home.boot(FIRST)
    assert {*home.timed()} == {1, 2, 3}


@pytest.mark.parametrize("operation", ["make_directory", "create", "write", "rename"])
def test_a_ram_disk_that_fails_costs_nothing_and_is_said_once(
    home: Home, operation: str, caplog: pytest.LogCaptureFixture
) -> None:
    home.disk.fail(operation, errno.ENOSPC, home.hot)
    home.read(3)
    home.disk.faults.clear()
    home.boot(FIRST)
    assert {*home.timed()} == {1, 2, 3}
    assert len(caplog.records) == 1


def test_damage_costs_what_is_damaged(home: Home) -> None:
    home.read(6)
    path = home.directories.spool / "early" / "b001.p1"
    data = path.read_bytes()
    path.write_bytes(data[:200] + b"X" + data[201:])
    home.boot(FIRST)
    found: list[Timed] = []
    home.keep()
    found += home.early.timed(known)
    assert len(found) == 5
    assert home.account.totals().damaged == 1
