"""Fixtures for all tests, and the rule that CI skips nothing."""

import os
import re
import secrets
import signal
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import collector
from bed.influxd import Database, Influxd
from bed.influxd1 import own
from bed.influxdb import EVERY, USUAL, Found, NoInfluxDBError, Server, find, other
from bed.service import look_back
from bed.toxiproxy import NoToxiproxyError, Toxiproxy, find as find_toxiproxy

# A limit of time would fail on a busy machine and say nothing about the code. New examples are
# searched for wherever somebody looks; what CI says of a change is about the change.
settings.register_profile(
    "tests",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="CI" in os.environ,
)
settings.register_profile("quick", settings.get_profile("tests"), max_examples=20)
settings.load_profile("tests")


def pytest_report_header() -> str:
    return f"collector: {collector.__version__} from {Path(collector.__file__).parent}"


def pytest_configure() -> None:
    """Refuse to test the checkout when it is an installed package that is to be tested."""
    # A shell that runs the tests in the background ignores Ctrl-C, and so would every child.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    wanted = os.environ.get("TEST_INSTALLED_IN")
    if wanted and not Path(collector.__file__).is_relative_to(wanted):
        raise pytest.UsageError(f"not from {wanted}: {collector.__file__}")


@pytest.fixture(autouse=True)
def _every_service_keeps_its_secrets() -> Iterator[None]:
    """See that no service of the test wrote a secret down, nor anything for others to read."""
    yield
    look_back()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Let the tests of a module that asks for it run on every InfluxDB that can be built."""
    if "found_influxdb" in metafunc.fixturenames and metafunc.definition.get_closest_marker(
        "every_influxdb"
    ):
        metafunc.parametrize("found_influxdb", EVERY, indirect=True, scope="session")


@pytest.fixture(scope="session")
def found_influxdb(request: pytest.FixtureRequest) -> Found:
    recipe = EVERY.get(getattr(request, "param", ""), USUAL)
    try:
        return find() if recipe is USUAL else other(recipe)
    except NoInfluxDBError as error:
        pytest.skip(f"NO INFLUXDB TO TEST WITH: {error}")


@pytest.fixture(scope="session")
def influxd(found_influxdb: Found) -> Iterator[Database]:
    """Give a server that all tests share: nobody stops it, and each test has its own bucket."""
    if isinstance(found_influxdb, Server):
        yield Database(found_influxdb.url, found_influxdb.token, found_influxdb.org)
        return
    with own(found_influxdb) as server:
        yield server


@pytest.fixture
def own_influxd(found_influxdb: Found) -> Iterator[Influxd]:
    """Give a server of the test's own, which it may kill and start again."""
    if isinstance(found_influxdb, Server):
        pytest.skip("P1_TEST_INFLUXDB_URL names a server that is not ours to kill")
    with own(found_influxdb) as server:
        yield server


@pytest.fixture
def bucket(influxd: Database, request: pytest.FixtureRequest) -> str:
    """Give a new bucket of the shared server, named for the test."""
    name = re.sub(r"\W+", "-", request.node.name)
    return influxd.new_bucket(f"{name}-{secrets.token_hex(4)}")


@pytest.fixture(scope="session")
def toxiproxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Toxiproxy]:
    """Give a Toxiproxy that all tests share: each test makes proxies of its own."""
    try:
        program = find_toxiproxy()
    except NoToxiproxyError as error:
        pytest.skip(f"NO TOXIPROXY TO TEST WITH: {error}")
    with Toxiproxy(program, tmp_path_factory.mktemp("toxiproxy") / "toxiproxy.log") as running:
        yield running


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if (
        report.skipped
        and not hasattr(report, "wasxfail")
        and not item.get_closest_marker("may_skip")
    ):
        _fail_in_ci(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if report.skipped:
        _fail_in_ci(report)
    return report


def _fail_in_ci(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Make a failure of a skip: in CI a test that does not run is a test that fails."""
    if os.environ.get("CI"):
        report.outcome = "failed"
        report.longrepr = f"skipped, and CI is set: {report.longreprtext or report.longrepr}"
