"""A household for all tests of this folder. Each test gets it with everything put right."""

import platform
from collections.abc import Iterator
from pathlib import Path

import pytest

from bed.influxd import Influxd
from bed.influxdb import Found, Server
from system import wheels
from system.debian import NoDebianError, debian, packages
from system.house import House, copy_checkout
from system.machine import Machine, directory, the_only_one
from system.meter import Meter


@pytest.fixture(scope="session")
def bare_debian() -> Path:
    try:
        return debian()
    except NoDebianError as error:
        pytest.skip(f"NOT TESTED IN A REAL SYSTEMD: {error}")


@pytest.fixture(scope="session")
def household(
    bare_debian: Path, found_influxdb: Found, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    """Boot a bare Debian and install on it; the meter is plugged in from the beginning."""
    if isinstance(found_influxdb, Server):
        pytest.skip("P1_TEST_INFLUXDB_URL names a server that is not ours to kill")
    home, disk = tmp_path_factory.mktemp("house"), directory()
    checkout = copy_checkout(home / "checkout")
    (home / "wheels").mkdir()
    wheels.fetch(home / "wheels", platform.machine())
    meter = Meter()
    machine = Machine(
        bare_debian,
        disk / "machine",
        {
            "/meter": Path("/dev/pts"),
            "/checkout": checkout,
            "/wheels": home / "wheels",
            "/var/cache/apt/archives": packages(),
        },
    )
    with the_only_one():
        try:
            with Influxd(found_influxdb) as influxd:
                machine.boot()
                yield House(machine, meter, influxd, checkout)
        finally:
            meter.switch_off()
            machine.remove()
            disk.rmdir()


@pytest.fixture
def house(household: House) -> House:
    household.put_right()
    return household
