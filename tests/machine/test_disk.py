"""The disk of a whole machine is full, and stays so over a reboot."""

import time
from typing import Final

import pytest

from machine.conftest import Tell
from machine.home import SETTINGS, Home

pytestmark = [pytest.mark.influxdb, pytest.mark.slow, pytest.mark.timeout(3600)]

FILL: Final = (
    "fallocate --length 100G /var/filler; head -c 100G /dev/zero >>/var/filler; sync; true"
)
"""What is given to a file without being written is full at once; the rest is a block or two."""


def test_a_full_disk_costs_what_a_reboot_takes_from_ram_and_nothing_else(
    home: Home, tell: Tell
) -> None:
    home.meter.cable.plug()
    home.boot()
    home.guest.run(f"echo P1_FREE_MIB=0 >>{SETTINGS}")
    home.connect()
    home.begins()
    home.guest.run(FILL)
    home.influxd.kill()
    full = time.time()
    status = home.guest.wait_until(lambda s: "cannot write to the spool" in str(s["trouble"]))
    assert status["state"] == "reading"
    checked = home.guest.try_to("p1-collector check").stdout
    assert "make room" in checked, checked
    home.reboot()
    home.reading()
    # What cannot be written to a full disk is in RAM, and a reboot empties that.
    home.excuse(full - home.promised_seconds, home.began() + 2)
    home.meter.sends(20)
    home.guest.run("rm /var/filler")
    home.influxd.start()
    missing = home.loses_only_what_was_promised()
    home.stores_only_what_was_sent()
    assert home.reading()["counts"]["damaged"] == 0
    tell(f"{len(missing)} telegrams missed from the full disk to the end of the reboot")
