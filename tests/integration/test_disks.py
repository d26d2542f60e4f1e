"""Disks that fail under the running service: it reads on, saves what it can, and recovers.

The spool lies on an ext4 of its own, the hot directory on a RAM disk of its own, so that either
can be filled, forbidden, broken and taken away while the service works. InfluxDB has in the end
what the meter printed; where something had to be lost, the accounts say how much.
"""

import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Final

import pytest

from bed.card import blank as blank_card
from bed.computer import SPEED, Computer, times_in
from bed.influxd import Influxd
from bed.ram import fill
from bed.strace import injected, need_strace

pytestmark = [
    pytest.mark.influxdb,
    pytest.mark.slow,
    pytest.mark.may_skip,
    pytest.mark.timeout(600),
]

FILE_LIMIT: Final = 40_000
"""More than a hot segment or the status has, less than the spool's segment has after seconds."""

Times = frozenset[int]
NOTHING: Final = Times()


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return blank_card(tmp_path_factory.mktemp("card"))


@pytest.fixture
def computer(own_influxd: Influxd, tmp_path: Path, blank: Path) -> Iterator[Computer]:
    with Computer(own_influxd, tmp_path, blank) as computer:
        yield computer


@dataclass(frozen=True)
class Fault:
    """What goes wrong, for as long as the context lasts, and what the service is to say of it.

    The context gives the times of the telegrams that it may cost.
    """

    happens: Callable[[Computer], AbstractContextManager[Times]]
    said: tuple[str, ...]


def at_rest(computer: Computer) -> AbstractContextManager[None]:
    """Have the service stand still at a moment at which it has no segment on the card open.

    It may have one while InfluxDB answers, too, where that takes as long as readings may wait: one
    that is open keeps a disk from becoming read-only, and takes readings where none may be begun.
    """
    service = computer.service
    return computer.held_when(lambda: not service.opened(service.spool))


@contextmanager
def full(computer: Computer) -> Iterator[Times]:
    with at_rest(computer):
        others = fill(computer.card.place)
    yield NOTHING
    others.unlink()


@contextmanager
def read_only(computer: Computer) -> Iterator[Times]:
    with at_rest(computer):
        computer.card.allow_writing(yes=False)
    yield NOTHING
    computer.card.allow_writing(yes=True)


@contextmanager
def unwritable(computer: Computer) -> Iterator[Times]:
    """Not even root may change the names in the directory."""
    with at_rest(computer):
        computer.card.freeze_directory(computer.service.spool, yes=True)
    yield NOTHING
    computer.card.freeze_directory(computer.service.spool, yes=False)


@contextmanager
def no_sync(computer: Computer) -> Iterator[Times]:
    """The card takes what is written, and loses it."""
    need_strace()
    pid = computer.service.process.pid
    log = computer.service.log.with_name("strace.log")
    with injected(pid, "fdatasync", "error=EIO", log):
        yield NOTHING


@contextmanager
def small_files(computer: Computer) -> Iterator[Times]:
    pid, none = computer.service.process.pid, resource.RLIM_INFINITY
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (FILE_LIMIT, none))
    yield NOTHING
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (none, none))


SPOOL: Final = {
    "full": Fault(full, ("there is no room", "make room", "`P1_FREE_MIB`", "`P1_SPOOL_MIB`")),
    "read-only": Fault(read_only, ("Read-only file system", "remount,rw")),
    "unwritable": Fault(unwritable, ("Operation not permitted", "must belong to the user")),
    "no-sync": Fault(no_sync, ("Input/output error", "replace it")),
    "small-files": Fault(small_files, ("File too large", "`ulimit -f`")),
}


@pytest.mark.parametrize("fault", SPOOL.values(), ids=SPOOL.keys())
def test_a_spool_that_cannot_be_written_costs_nothing_and_mends_itself(
    computer: Computer, fault: Fault
) -> None:
    service, influxd = computer.service, computer.influxd
    service.start()
    with computer.trial.sending(SPEED):
        service.wait_for("delivered")
        with fault.happens(computer):
            delivered_on(computer)
            influxd.kill()
            computer.wait_until_said("cannot write to the spool", str(service.spool), *fault.said)
            reads_on(computer)
        computer.wait_until_kept()
        computer.wait_until_said("the spool can be written again")
        influxd.start()
        computer.wait_until_caught_up()
    computer.trial.check(computer.trial.drain())
    speaks_seldom(computer)


@pytest.mark.parametrize("there_is", ["no backlog", "a backlog"])
def test_a_card_that_hangs_stops_nothing_but_itself(computer: Computer, there_is: str) -> None:
    """Nobody gets an answer of it: not who keeps, nor who removes what is delivered."""
    service, influxd = computer.service, computer.influxd
    service.start()
    with computer.trial.sending(SPEED):
        service.wait_for("delivered")
        if there_is == "a backlog":
            influxd.kill()
            computer.wait_until_kept()
        with hanging(computer):
            if there_is == "a backlog":
                influxd.start()
            delivered_on(computer)
            influxd.kill()
            computer.wait_until_said("the disk of", str(service.spool), "does not answer")
            service.wait_until(lambda status: "does not answer" in str(status["trouble"]))
            reads_on(computer)
            influxd.start()
            delivered_on(computer)
        computer.wait_until_said("the disk answers again")
        computer.wait_until_caught_up()
    computer.trial.check(computer.trial.drain())
    speaks_seldom(computer)


@contextmanager
def hanging(computer: Computer) -> Iterator[None]:
    computer.card.hang(yes=True)
    try:
        yield
    finally:
        computer.card.hang(yes=False)


@contextmanager
def no_room(computer: Computer) -> Iterator[Times]:
    """Somebody else takes it all, and what the service gives back with each file it removes."""
    over = Event()

    def take() -> None:
        while not over.wait(0.005):
            fill(computer.ram.place)

    others = fill(computer.ram.place)
    thread = Thread(target=take)
    thread.start()
    try:
        yield NOTHING
    finally:
        over.set()
        thread.join()
    others.unlink()


@contextmanager
def unmounted(computer: Computer) -> Iterator[Times]:
    """With a segment open: where none is, the next one begins in a new directory, unnoticed."""
    service = computer.service
    with computer.held_when(
        lambda: any(path.suffix == ".open" for path in service.opened(service.hot))
    ):
        there = times_in(service.hot)
        computer.ram.lose()
    yield Times(there)


HOT: Final = {
    "full": Fault(no_room, ("No space left on device", "make room there")),
    "gone": Fault(unmounted, ("No such file or directory",)),
}


@pytest.mark.parametrize("fault", HOT.values(), ids=HOT.keys())
def test_a_hot_directory_that_fails_costs_no_more_than_was_in_it(
    computer: Computer, fault: Fault
) -> None:
    """A full one costs nothing: with nowhere to say what it reads, the service reads on."""
    service, influxd = computer.service, computer.influxd
    service.start()
    with computer.trial.sending(SPEED):
        service.wait_for("delivered")
        with fault.happens(computer) as at_risk:
            computer.wait_until_said("cannot write to the hot dir", str(service.hot), *fault.said)
            delivered_on(computer)
            influxd.kill()
            computer.wait_until_kept()
        computer.wait_until_said("the hot directory can be written again")
        influxd.start()
        computer.wait_until_caught_up()
    status = computer.trial.drain()
    lost = computer.trial.check_the_rest(status)
    assert len(lost) == status["counts"]["dropped"]
    assert lost <= at_risk
    speaks_seldom(computer)


def test_a_spool_deleted_while_in_use_costs_what_was_in_it_alone(computer: Computer) -> None:
    """InfluxDB is away from the start: it has nothing of which nobody heard that it has it."""
    service, influxd = computer.service, computer.influxd
    influxd.kill()
    service.start()
    with computer.trial.sending(SPEED):
        computer.taken(1)
        computer.wait_until_kept()
        computer.wait_until_kept()  # so what was kept before is synced, and in RAM no more
        with computer.held_when(lambda: computer.open_segment() is not None):
            at_risk = computer.on_card()
            shutil.rmtree(service.spool)
        computer.wait_until_said("cannot write to the spool", "somebody else removed or changed")
        computer.wait_until_said("readings were removed by somebody else", "inbox")
        reads_on(computer)
        computer.wait_until_kept()
        influxd.start()
        computer.wait_until_caught_up()
    status = computer.trial.drain()
    lost = computer.trial.check_the_rest(status)
    assert len(lost) == status["counts"]["dropped"] > 0
    assert lost <= at_risk
    speaks_seldom(computer)


def test_a_card_that_dies_and_is_replaced_by_its_copy_costs_nothing(computer: Computer) -> None:
    """From one moment on every call fails with EIO, as when a stick is pulled."""
    service, influxd = computer.service, computer.influxd
    service.start()
    with computer.trial.sending(SPEED):
        service.wait_for("delivered")
        influxd.kill()
        computer.wait_until_kept()
        computer.break_card()
        computer.wait_until_said("cannot write to the spool", "Input/output error", "replace it")
        reads_on(computer)
        influxd.start()
        delivered_on(computer)
        influxd.kill()
        computer.card.plug_in()
        computer.wait_until_kept()
        influxd.start()
        computer.wait_until_caught_up()
    computer.trial.check(computer.trial.drain())
    speaks_seldom(computer)


def delivered_on(computer: Computer) -> None:
    """See that InfluxDB gets what is read now."""
    computer.taken(1)
    new = computer.trial.line.taken[-1].time
    computer.wait_until(lambda: computer.trial.newest() >= new, "nothing is delivered")


def reads_on(computer: Computer) -> None:
    """See that readings come, and are counted as waiting."""
    taken = computer.taken(10)
    computer.service.wait_until(lambda status: status["counts"]["read"] >= taken)


def speaks_seldom(computer: Computer) -> None:
    """See that a state is said when it changes, and never by a stack trace."""
    lines = computer.service.log.read_text().splitlines()
    assert [line for line in lines if "Traceback" in line] == []
    assert len(lines) <= 20, "\n".join(lines)
