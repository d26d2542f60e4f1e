"""An emulated machine for each test of this folder: a copy of one that was installed once."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

import pytest
from _pytest.runner import runtestprotocol

from bed.influxd import Influxd
from bed.influxdb import Found, Server
from machine.emulator import CrashedError, Disk
from machine.home import Home, household, in_a_machine, install
from machine.image import BOOKWORM, Debian, NoMachineError, bare, installed, one_at_a_time

Tell = Callable[[str], None]
TRIES: Final = 3
"""How often a scenario is begun in which the emulator crashes by itself."""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool:
    """Begin a scenario anew in which the emulator crashed: that says nothing about the program."""
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports: list[pytest.TestReport] = []
    tries = 0
    while not tries or (tries < TRIES and _crashed(reports)):
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
        tries += 1
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def _crashed(reports: Iterable[pytest.TestReport]) -> bool:
    return any(CrashedError.__name__ in report.longreprtext for report in reports)


@pytest.fixture(scope="session")
def _alone() -> Iterator[None]:
    with one_at_a_time():
        yield


@pytest.fixture(scope="session")
def debian() -> Debian:
    return BOOKWORM


@pytest.fixture(scope="session")
def bare_disk(_alone: None, debian: Debian) -> Disk:
    try:
        return bare(debian)
    except NoMachineError as error:
        pytest.skip(f"NOT TESTED ON A WHOLE MACHINE: {error}")


@pytest.fixture(scope="session")
def installed_disk(
    bare_disk: Disk, debian: Debian, tmp_path_factory: pytest.TempPathFactory
) -> Disk:
    assert bare_disk.image.exists()
    return installed(debian, in_a_machine(tmp_path_factory.mktemp("installing"), install))


@pytest.fixture(scope="session")
def database(found_influxdb: Found) -> Iterator[Influxd]:
    """Give an InfluxDB on this machine, which the guests see as one on their network."""
    if isinstance(found_influxdb, Server):
        pytest.skip("P1_TEST_INFLUXDB_URL names a server that is not ours to kill")
    with Influxd(found_influxdb) as influxd:
        yield influxd


@pytest.fixture
def influxd(database: Influxd) -> Influxd:
    if not database.running:
        database.start()
    return database


@pytest.fixture
def home(installed_disk: Disk, influxd: Influxd, tmp_path: Path) -> Iterator[Home]:
    """Give a household whose machine is switched off; the meter sends, its cable is out."""
    with household(installed_disk, influxd, tmp_path) as home:
        yield home


@pytest.fixture
def bare_home(bare_disk: Disk, influxd: Influxd, tmp_path: Path) -> Iterator[Home]:
    """Give a household on whose machine nothing is installed yet."""
    with household(bare_disk, influxd, tmp_path) as home:
        yield home


@pytest.fixture
def tell(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Tell:
    """Give what prints a scenario's figures in one line, whether or not it fails later."""

    def say(figures: str) -> None:
        name = request.node.name.removeprefix("test_").replace("_", " ")
        with capsys.disabled():
            print(f"\n  {name}: {figures}")  # noqa: T201  the figures are what is asked for

    return say
