"""Anything that can happen to a spool, in any order, against a model in a page.

The model knows what was read, what the server has, and which records may be missing, and why. The
program knows nothing of it. The disk forgets in a power cut what was not synced, and puts zeros
or garbage there.
"""

import errno
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from collector.spool.account import Outcome
from collector.spool.disk import Disk
from collector.spool.inbox import Inbox
from collector.spool.keeper import Limits
from collector.spool.record import Record, RecordId
from collector.spool.segment import segments
from spool.disks import ForgetfulDisk
from spool.machine import KEEP_SECONDS, MIB, Job, Machine, ids_in

TAILS = {
    "nothing": lambda data: data[:0],
    "a part": lambda data: data[: len(data) // 3],
    "zeros": lambda data: bytes(len(data)),
    "a part and zeros": lambda data: data[: len(data) // 3] + bytes(len(data) * 2 // 3),
    "garbage": lambda data: bytes(byte ^ 0x55 for byte in data),
    "all of it": lambda data: data,
}


class SpoolModel(RuleBasedStateMachine):
    """The model: what is `stored`, what may be lost by now, and what was hit in this run."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        root = Path(self.directory.name)
        (root / "made").mkdir()
        self.disk = ForgetfulDisk(root / "made" / "disk", root / "stash")
        self.machine = Machine(root / "made", disk=self.disk, hot_limit=MIB)
        self.stored: dict[RecordId, bytes] = {}
        self.excused: set[RecordId] = set()
        self.hit = 0
        self.refused: set[RecordId] = set()
        self.requests: list[Job] = []
        self.faulty_until = 0.0

    def teardown(self) -> None:
        try:
            self.come_to_rest()
        finally:
            self.disk.close_all()
            self.directory.cleanup()

    def come_to_rest(self) -> None:
        """At the end the disk is well, the server is there, and all is delivered."""
        self.disk.faults.clear()
        self.set_limit(64 * MIB)
        for job in self.requests:
            self.answer(job, stored=False)
        self.machine.wait(30)
        self.machine.close()
        self.machine.wait(30)
        self.resend()
        self.deliver_all()
        assert self.machine.read_at.keys() - self.stored.keys() <= self.excused
        assert self.machine.totals.waiting == 0
        assert self.machine.on_files() == set()

    @initialize()
    def begin(self) -> None:
        self.machine.tick()

    # The meter and time.

    @rule(count=st.integers(1, 12))
    def read(self, count: int) -> None:
        self.machine.read(count)

    @rule(seconds=st.sampled_from([0.25, 1, 3, 6, 12]))
    def wait(self, seconds: float) -> None:
        self.machine.wait(seconds)

    @rule()
    def seal(self) -> None:
        self.machine.hot.seal()

    @rule()
    def close(self) -> None:
        self.machine.close()

    # The server.

    @precondition(lambda self: not self.requests)
    @rule(hot=st.booleans())
    def begin_request(self, *, hot: bool) -> None:
        courier = self.machine.courier
        if job := courier.begin_hot() if hot else courier.begin_spool():
            self.requests.append(job)

    @precondition(lambda self: self.requests)
    @rule(stored=st.booleans())
    def end_request(self, *, stored: bool) -> None:
        self.answer(self.requests.pop(), stored=stored)

    @precondition(lambda self: self.requests)
    @rule()
    def lose_the_answer(self) -> None:
        """The server has it, and nobody here knows."""
        job = self.requests.pop()
        self.stored |= dict(zip(job.ids, job.bodies, strict=True))
        self.answer(job, stored=False)

    @precondition(lambda self: self.requests)
    @rule()
    def refuse(self) -> None:
        """The server takes all but the first record, which is kept aside with its words."""
        job = self.requests.pop()
        first = Record(job.ids[0], job.bodies[0])
        try:
            self.machine.spool.reject([first], "answer 400")
        except OSError:
            self.answer(job, stored=False)
            return
        self.machine.account.settle(Outcome.REJECTED, [first.id])
        self.stored |= dict(zip(job.ids[1:], job.bodies[1:], strict=True))
        self.machine.courier.end(job, stored=True)

    @rule()
    def resend(self) -> None:
        """A command does it, which may fail half way; the keeper sees it when it next looks."""
        directories, disk = self.machine.directories, Disk()
        self.machine.spool.prepare()
        with suppress(OSError):
            for path in segments(disk, directories.rejected):
                Inbox(directories, self.disk, free=0).move(path)
        self.machine.spool.look()

    @precondition(lambda self: not self.requests)
    @rule()
    def deliver_all(self) -> None:
        courier = self.machine.courier
        while job := courier.begin_hot() or courier.begin_spool():
            self.answer(job, stored=True)

    # The ends of the program.

    @rule()
    def kill(self) -> None:
        self.requests.clear()
        self.hit = 0
        self.machine.kill()

    @rule()
    def stop(self) -> None:
        self.machine.hot.seal()
        self.machine.keeper.finish()
        self.nothing_is_lost()
        self.kill()

    @rule(kept=st.integers(0, 6), tail=st.sampled_from(sorted(TAILS)))
    def cut_power(self, kept: int, tail: str) -> None:
        """What is younger than the promised seconds may go, and nothing else."""
        event(f"power cut with {tail} behind what was synced")
        now, machine = self.machine.clock.now, self.machine
        well = now - self.faulty_until > KEEP_SECONDS
        waiting = machine.on_files() - self.stored.keys()
        self.disk.cut_power(kept, TAILS[tail])
        for path in machine.hot_directory.iterdir():
            path.unlink()
        lost = waiting - machine.on_disk()
        if well:
            assert {i for i in lost if now - machine.read_at[i] > KEEP_SECONDS} == set()
        self.excused |= lost
        self.kill()

    # Faults.

    @rule(
        operation=st.sampled_from(["write", "sync", "create", "sync_directory", "rename"]),
        error=st.sampled_from([errno.EIO, errno.ENOSPC, errno.EROFS]),
        times=st.integers(1, 4),
    )
    def fail(self, operation: str, error: int, times: int) -> None:
        """Nothing waits longer for that than the pause that the disk is given."""
        self.disk.fail(operation, error, self.machine.root / "disk", times=times)
        self.faulty_until = self.machine.clock.now + 60
        self.machine.wait(1)

    @rule(times=st.integers(1, 2), short=st.integers(0, 300))
    def fill_up(self, times: int, short: int) -> None:
        self.disk.fail("write", 0, self.machine.root / "disk", times=times, short=short)
        self.faulty_until = self.machine.clock.now + 60

    @rule(largest=st.sampled_from([3_000, 20_000, 64 * MIB]))
    def limit(self, largest: int) -> None:
        """Make the spool smaller: the oldest goes, in order, and is counted."""
        self.set_limit(largest)
        self.faulty_until = self.machine.clock.now + 60

    @rule(where=st.integers(0, 10_000), which=st.integers(0, 10))
    def damage(self, where: int, which: int) -> None:
        """Flip a bit in a closed segment."""
        paths = self.machine.spool.stock.first(self.machine.spool.directories.spool)
        if not paths:
            return
        path = paths[which % len(paths)].path
        data = bytearray(path.read_bytes())
        before = self.machine.on_files()
        data[where % len(data)] ^= 1 << where % 8
        with path.open("r+b") as file:  # in place: the disk knows the file
            file.write(data)
        self.excused |= before - self.machine.on_files()
        self.hit += 1

    # What always holds.

    @invariant()
    def nothing_is_lost(self) -> None:
        """Only a limit may take what is well and old, and it counts what it takes."""
        kept_aside = self.kept_aside()
        gone = self.machine.read_at.keys() - self.stored.keys() - self.machine.on_files()
        missing = gone - kept_aside - self.excused
        if missing:
            assert self.machine.limits.largest < 64 * MIB
            assert self.machine.totals.dropped >= len(missing - self.refused)
        self.excused |= missing
        self.refused = kept_aside

    @invariant()
    def the_account_is_what_is_in_the_files(self) -> None:
        machine = self.machine
        if machine.spool.stock.uncounted or not machine.keeper._recovered:
            return
        totals, account = machine.totals, machine.account
        settled = {i for known in account._settled.values() for i in known}
        waiting = machine.on_files() - settled
        # A record that was hit is counted when it is next read.
        assert len(waiting) <= totals.waiting <= len(waiting) + self.hit
        assert totals.found + totals.read == totals.waiting + totals.delivered + (
            totals.rejected + totals.dropped + totals.damaged
        )

    def set_limit(self, largest: int) -> None:
        self.machine.limits = self.machine.keeper._limits = Limits(largest, 0)

    def kept_aside(self) -> set[RecordId]:
        paths = segments(Disk(), self.machine.directories.rejected)
        return {identity for path in paths for identity in ids_in(path)}

    def answer(self, job: Job, *, stored: bool) -> None:
        if stored:
            self.stored |= dict(zip(job.ids, job.bodies, strict=True))
        self.machine.courier.end(job, stored=stored)
        for identity, data in zip(job.ids, job.bodies, strict=True):
            assert self.machine.written[identity] == data


SpoolModel.TestCase.settings = settings(
    max_examples=300,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestSpoolModel = pytest.mark.slow(pytest.mark.timeout(600)(SpoolModel.TestCase))
