"""Killed at each call to the disk, in RAM and on the card, nothing is lost or counted twice."""

from pathlib import Path

import pytest

from spool.disks import Fault, FaultyDisk
from spool.machine import Machine


class Killed(BaseException):
    """The program ends before this call, as SIGKILL ends it."""


class DeadlyDisk(FaultyDisk):
    """Kills before the n-th call from when `left` is set to n; never while it is 0."""

    left = 0

    def _meet(self, operation: str, path: Path) -> Fault | None:
        self.left -= 1
        if self.left == 0:
            raise Killed
        return super()._meet(operation, path)


def live(machine: Machine) -> None:
    """Seal, keep, deliver from RAM and from the disk, keep what is in flight, refuse, stop."""
    courier = machine.courier
    machine.read(2)
    machine.keep()
    machine.read(2)
    machine.wait(5)
    flying = courier.begin_hot()
    machine.keep()
    if flying:
        courier.end(flying, stored=False)
    machine.close()
    courier.deliver_all()
    machine.read(2)
    machine.wait(5)
    if job := courier.begin_hot():
        courier.end(job, stored=True)
    machine.read(2)
    machine.hot.seal()
    machine.keeper.finish()


@pytest.mark.slow
def test_a_kill_at_any_call_loses_nothing_and_counts_once(tmp_path: Path) -> None:
    calls = 0
    survived = False
    while not survived:
        calls += 1
        disk = DeadlyDisk()
        machine = Machine(tmp_path / str(calls), disk=disk)
        disk.left = calls
        try:
            live(machine)
            survived = True
        except Killed:
            pass

        disk.left = 0
        machine.kill()
        machine.count_all()
        # The record that was being read when the kill came may be there or not.
        read = list(machine.written)
        there = machine.on_files() | machine.delivered
        assert set(read[:-1]) <= there
        machine.keep()
        machine.close()
        machine.courier.deliver_all()
        assert there <= machine.delivered | machine.courier.stored.keys()
        assert machine.totals.found == machine.totals.delivered == len(machine.courier.stored)
        assert machine.totals.waiting == machine.totals.damaged == 0
        assert machine.on_files() == set()
    assert calls > 100
