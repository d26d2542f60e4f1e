"""Telegrams without a time, on a computer that has just been switched on and knows none itself.

How long ago that was is set by a time namespace, which takes root.
"""

import shutil
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Final

import pytest

from bed.influxd import Influxd
from bed.trial import START, Trial
from collector.reading.clock import PATIENCE_SECONDS, HostClock
from collector.simulate.stream import stream_like

pytestmark = [pytest.mark.influxdb, pytest.mark.slow, pytest.mark.timeout(300)]

HOUR: Final = 3600
EARLY: Final = 30.0
LATE: Final = PATIENCE_SECONDS + 1


def booted(seconds_ago: float) -> list[str]:
    """Give the command that runs another as if the computer had been switched on then."""
    offset = int(seconds_ago - time.monotonic())
    return ["unshare", "--time", f"--monotonic={offset}"]


@pytest.fixture(autouse=True)
def young_computer() -> None:
    if HostClock(time.monotonic).is_set():
        pytest.skip("NO CLOCK TO WAIT FOR: this machine's is set")
    if subprocess.run([*booted(EARLY), "true"], check=False, capture_output=True).returncode:
        pytest.skip("NO BOOT TO TEST WITH: a time namespace takes root")


class Boots(Trial):
    """A collector that a test boots as often as it likes, with a meter that sends no time."""

    def __init__(self, influxd: Influxd, home: Path) -> None:
        super().__init__(influxd, home, P1_CLOCK="auto")
        self.early = self.service.spool / "early"
        self.sent = 0
        self._run = [sys.executable, "-m", "collector", "run"]

    def start(self, boot: str, seconds_ago: float) -> None:
        self.service.set(BOOT_ID=boot)
        self.service.command = [*booted(seconds_ago), *self._run]
        self.service.start()

    def send(self, telegrams: int) -> None:
        # Hours apart, so that no two are the same, for they come in one second.
        start = START + timedelta(hours=6 * self.sent)
        stream = stream_like("dsmr3", start=start, period=6 * HOUR, speed=0)
        stream.run(self.line.terminal, Event(), telegrams)
        self.service.wait_until(lambda status: status["counts"]["telegrams"] == telegrams)
        self.sent += telegrams

    def on_disk(self) -> int:
        return sum(path.read_bytes().count(b"# p1 ") for path in self.early.glob("*.p1"))

    def cut_power(self) -> None:
        self.service.kill()
        shutil.rmtree(self.service.hot)


def test_what_comes_before_the_clock_is_set_comes_through_kills_and_the_loss_of_the_ram(
    influxd: Influxd, tmp_path: Path
) -> None:
    with Boots(influxd, tmp_path) as boots:
        boots.start("b001", EARLY)
        boots.send(3)
        boots.service.kill()
        boots.start("b001", EARLY + 20)
        boots.send(2)
        boots.service.wait_until(lambda _: boots.on_disk() == 5)
        boots.cut_power()

        boots.start("b001", LATE)
        boots.service.wait_until(lambda _: not boots.on_disk() and not boots.service.segments())
        assert len(boots.stored("electricity")) == 5
        counts = boots.service.wait_until(lambda status: status["counts"]["delivered"])["counts"]
        assert (counts["read"], counts["delivered"]) == (5, 5)


def test_what_comes_before_the_clock_is_set_is_damaged_after_the_next_boot(
    influxd: Influxd, tmp_path: Path
) -> None:
    with Boots(influxd, tmp_path) as boots:
        boots.start("b001", EARLY)
        boots.send(3)
        boots.service.wait_until(lambda _: boots.on_disk() == 3)
        boots.cut_power()

        boots.start("b002", LATE)
        boots.service.wait_until(lambda status: status["counts"]["damaged"] == 3)
        boots.service.wait_until(lambda _: not boots.on_disk())
        assert boots.stored("electricity") == []
        aside = [path.read_bytes() for path in (boots.service.spool / "damaged").iterdir()]
        assert [text.count(b"# p1 ") for text in aside] == [3]
