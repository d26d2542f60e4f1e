"""Ten minutes of a telegram a second, within the bounds of the unit."""

import time
from typing import Final

import pytest

from machine.conftest import Tell
from machine.home import Home

pytestmark = [pytest.mark.influxdb, pytest.mark.slow, pytest.mark.timeout(3600)]

MINUTES: Final = 10
MIB: Final = 1024 * 1024


def test_ten_minutes_stay_within_the_bounds_of_the_unit(home: Home, tell: Tell) -> None:
    home.meter.cable.plug()
    home.boot()
    home.connect()
    home.begins()
    first = home.reading()["counts"]["telegrams"]
    before = int(home.guest.show("CPUUsageNSec"))
    time.sleep(60 * MINUTES)
    telegrams = home.reading()["counts"]["telegrams"] - first
    processor = (int(home.guest.show("CPUUsageNSec")) - before) / 1e6
    bound = int(home.guest.show("MemoryMax"))
    used = int(
        home.guest.run("cat /sys/fs/cgroup/system.slice/p1-collector.service/memory.current")
    )
    resident = home.guest.run(
        "awk '/VmRSS/ {print $2}' /proc/$(systemctl show --value -p MainPID p1-collector)/status"
    )
    missing = home.loses_only_what_was_promised()
    assert used < bound
    assert home.guest.show("NRestarts") == "0"
    tell(
        f"{telegrams} telegrams, {processor / telegrams:.0f} ms of an emulated processor each;"
        f" {int(resident) / 1024:.0f} MiB resident, {used / MIB:.0f} of {bound / MIB:.0f} MiB"
        f" with its files in RAM; {len(missing)} missed"
    )
