"""A real kernel and a real udevd see the meter's cable come, go, and come under another name."""

import random
import time
from collections.abc import Iterable
from typing import Final

import pytest

from machine.cable import Cable
from machine.conftest import Tell
from machine.home import Home

pytestmark = [pytest.mark.influxdb, pytest.mark.slow, pytest.mark.timeout(3600)]

SEED: Final = 16
PROMISED_SECONDS: Final = 2.0
"""After the cable's name is there, nothing that comes later than this is missed."""


def gaps(number: int) -> list[float]:
    """Give how long a cable is out, from 0.3 s to a minute, most of them short."""
    draw = random.Random(SEED)  # noqa: S311  no secret
    return [0.3, 60.0, *(0.3 * 200 ** draw.random() for _ in range(number - 2))]


def test_a_cable_that_is_there_at_boot_is_read_from_the_start_of_the_service(
    home: Home, tell: Tell
) -> None:
    home.boot()
    home.connect()
    home.guest.switch_off()
    home.meter.cable.plug()
    on = time.time()
    home.boot()
    first = home.first_telegram()
    began = home.began()
    home.excuse(on, began + PROMISED_SECONDS)
    missing = home.loses_only_what_was_promised()
    home.stores_only_what_was_sent()
    assert home.guest.run("readlink /dev/p1").strip() == "ttyUSB0"
    tell(
        f"booted in {home.guest.boot_seconds:.0f} s, the service began {began - on:.0f} s after"
        f" power-on, the first telegram is {first - began:.1f} s later; {len(missing)} missed"
    )


def test_a_cable_that_is_plugged_in_later_is_read_within_two_seconds(
    home: Home, tell: Tell
) -> None:
    home.boot()
    home.connect()
    home.guest.wait_until(lambda status: status["state"] == "port closed")
    named = plugged_in(home)
    missing = home.loses_only_what_was_promised()
    home.stores_only_what_was_sent()
    said = home.guest.said()
    assert [line for line in said if "usermod" in line or "come again" in line] == []
    assert any("reading telegrams from `/dev/p1`" in line for line in said), said
    tell(f"named {named:.1f} s after the plug-in, {len(missing)} telegrams missed")


@pytest.mark.brief
def test_a_cable_that_is_pulled_and_plugged_loses_what_is_sent_while_it_is_out(
    home: Home, tell: Tell, request: pytest.FixtureRequest
) -> None:
    brief = request.config.getoption("-m") == "brief"
    out = [0.3, 2.0, 15.0] if brief else gaps(20)
    home.meter.cable.plug()
    home.boot()
    home.connect()
    home.begins()
    named = list(pulled(home, out))
    missing = home.loses_only_what_was_promised()
    home.stores_only_what_was_sent()
    assert "usermod" not in home.guest.journal()
    tell(
        f"{len(named)} times, named after {min(named):.1f} to {max(named):.1f} s,"
        f" {len(missing)} telegrams missed beside those sent while it was out;"
        f" {home.guest.crashes} crashes of the emulator"
    )


def test_a_plug_that_wobbles_costs_two_seconds_once_it_is_in(home: Home, tell: Tell) -> None:
    home.meter.cable.plug()
    home.boot()
    home.connect()
    home.begins()
    draw = random.Random(SEED)  # noqa: S311  no secret
    began = home.meter.cable.pull()
    with home.surviving():
        for _ in range(20):
            home.meter.cable.plug()
            time.sleep(2 * draw.random())
            home.meter.cable.pull()
            time.sleep(draw.random())
    named = plugged_in(home)
    home.excuse(began, time.time() - named)
    missing = home.loses_only_what_was_promised()
    home.stores_only_what_was_sent()
    tell(f"named {named:.1f} s after it was in for good, {len(missing)} telegrams missed")


def test_a_cable_under_another_number_beside_a_stick_of_the_same_chip_is_read(
    home: Home, tell: Tell
) -> None:
    stick = Cable(home.guest.emulator.socket("stick"))
    home.meter.cable.plug()
    home.boot()
    by_id = home.guest.run("ls /dev/serial/by-id/*P1CABLE1*").strip()
    home.guest.run(f"echo P1_SOURCE={by_id} >>/etc/p1-collector/p1-collector.env")
    home.connect()
    home.begins()
    pulled_at = home.meter.cable.pull()
    home.guest.wait_for("! test -e /dev/ttyUSB0")
    stick.plug()
    home.guest.wait_for("test -e /dev/ttyUSB0")
    named = plugged_in(home, by_id)
    home.excuse(pulled_at - 1, pulled_at)
    missing = home.loses_only_what_was_promised()
    home.stores_only_what_was_sent()
    assert home.guest.run(f"readlink {by_id}").strip().endswith("ttyUSB1")
    stick.pull()
    tell(f"named {named:.1f} s after the plug-in as ttyUSB1, {len(missing)} telegrams missed")


def pulled(home: Home, seconds: Iterable[float], name: str = "/dev/p1") -> Iterable[float]:
    """Pull the cable and put it in again; gives how long its name took each time."""
    for gap in seconds:
        with home.surviving():
            at = home.meter.cable.pull()
            home.excuse(at - 1, at)  # one that was on its way
            time.sleep(gap)
            yield plugged_in(home, name)
            home.meter.sends(2)


def plugged_in(home: Home, name: str = "/dev/p1") -> float:
    """Plug the cable in and wait until it is read; gives how long udev took to name it."""
    plugged = home.meter.cable.plug()
    home.reading()
    named = float(home.guest.run(f"stat --format=%.9Z {name}")) - home.guest.ahead()
    home.excuse(plugged, named + PROMISED_SECONDS)
    return named - plugged
