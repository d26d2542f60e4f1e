"""A year of two households in a real InfluxDB, as the collector brought it there."""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import pytest

from bed.influxd import Database, Influxd
from bed.influxd1 import own
from bed.influxdb import EVERY, NoInfluxDBError, cache, other
from bed.service import Service
from collector.simulate.localtime import midnight
from dashboards.books import Books
from dashboards.cells import Row, asked, cell
from dashboards.collectors import lines
from dashboards.expected import SITES
from dashboards.homes import FIRST, HOMES, NOW, Home, price_lines, write
from dashboards.node import NoNodeError, Packages, alone, install
from dashboards.shipped import ROOT

DATABASE: Final = "p1"
MAKES_TELEGRAMS: Final = (
    *("collector/p1/*.py", "collector/points.py", "collector/costs/*.py"),
    *("collector/simulate/*.py", "collector/simulate/*.txt", "tests/bed/kinds.py"),
)
LINES_A_REQUEST: Final = 20_000
DELIVER_SECONDS: Final = 1200

Shown = Callable[..., list[Row]]
"""Give the rows of a cell: `shown("history", "Weeks")`."""


@dataclass(frozen=True, slots=True)
class Year:
    """Where the year is, and whose it was."""

    influxd: Database
    bucket: str
    homes: dict[str, Home]
    files: Path  # what the meters said, one directory a site


@pytest.fixture(scope="session")
def telegrams() -> Iterator[Path]:
    """What both meters say in 400 days. It is made once and kept in the user's cache."""
    place = cache().parent
    place.mkdir(parents=True, exist_ok=True)
    wanted = place / f"households-{_fingerprint()}"
    with alone(place / "households.lock"):
        if not wanted.exists():
            _make_telegrams(wanted)
        reading = os.open(wanted, os.O_RDONLY)
        fcntl.flock(reading, fcntl.LOCK_SH)
    yield wanted
    os.close(reading)


def _remove_unless_read(old: Path) -> None:
    """Remove the telegrams of another program, unless its tests are running."""
    directory = os.open(old, os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(old)
    except BlockingIOError:
        pass
    finally:
        os.close(directory)


def _make_telegrams(wanted: Path) -> None:
    for old in wanted.parent.glob("households-*"):
        _remove_unless_read(old)
    draft = Path(tempfile.mkdtemp(dir=wanted.parent, prefix="households-"))
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        list(pool.map(write, HOMES, [draft / site for site in HOMES]))
    draft.rename(wanted)


def _fingerprint() -> str:
    """What the telegrams are made by; another program makes others."""
    files = [Path(__file__).with_name("homes.py")]
    for pattern in MAKES_TELEGRAMS:
        files += sorted(ROOT.glob(pattern))
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@pytest.fixture(scope="session")
def year(influxd: Database, telegrams: Path, tmp_path_factory: pytest.TempPathFactory) -> Year:
    bucket = influxd.new_bucket("year")
    home = tmp_path_factory.mktemp("year")
    _deliver(influxd, bucket, telegrams, home)
    for site in HOMES:
        lines = price_lines(site, telegrams / site)
        for batch in _batches(lines):
            assert influxd.write(bucket, "".join(batch)).status == 204
    return Year(influxd, bucket, {site: made() for site, made in HOMES.items()}, telegrams)


def _deliver(influxd: Database, bucket: str, telegrams: Path, home: Path) -> None:
    """Replay the telegrams through the collector; the middle part while there is no InfluxDB.

    That part is on the disk when the last one begins, whose new readings go first.
    """
    target = {
        "P1_INFLUX_URL": influxd.url,
        "P1_INFLUX_TOKEN": influxd.write_token(bucket).text,
        "P1_INFLUX_ORG": influxd.org,
        "P1_INFLUX_BUCKET": bucket,
    }
    for number in range(3):
        running = [
            _replay(part, home / part.parent.name, target if number != 1 else {})
            for site in HOMES
            if (part := telegrams / site / f"part-{number}.txt").exists()
        ]
        for service in running:
            assert service.process.wait(DELIVER_SECONDS) == 0, service.tail()


def _replay(part: Path, home: Path, target: dict[str, str]) -> Service:
    contracts = str(part.with_name("contracts.toml"))
    service = Service(
        home,
        P1_SOURCE=part.as_uri(),
        P1_SITE=part.parent.name,
        P1_CONTRACTS=contracts,
        **target,
    )
    service.start()
    return service


@pytest.fixture(params=SITES)
def site(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def books(year: Year, site: str) -> Books:
    return Books.load(year.files / site / "books.json")


@pytest.fixture
def shown(year: Year, site: str) -> Shown:
    """Ask a cell over the whole year, or over another time."""

    def rows(
        dashboard: str,
        title: str,
        *,
        of: str = "",
        begin: datetime | str = midnight(FIRST),  # noqa: B008  a constant
        end: datetime | None = None,
    ) -> list[Row]:
        found = cell(dashboard, title)
        return asked(year.influxd, year.bucket, found, of or site, NOW, begin, end)

    return rows


@pytest.fixture(scope="session")
def collectors(year: Year) -> Year:
    """Give the year, with what two collectors said of themselves at its end."""
    assert year.influxd.write(year.bucket, lines(NOW)).status == 204
    return year


@pytest.fixture(scope="session")
def loaded(telegrams: Path) -> Iterator[Callable[[str], Database]]:
    """Give an InfluxDB of a version with the same year, loaded from the lines."""
    with ExitStack() as running:
        yield lru_cache(lambda version: _loaded(running.enter_context(_own(version)), telegrams))


def _own(version: str) -> Influxd:
    try:
        return own(other(EVERY[version]))
    except NoInfluxDBError as error:
        pytest.skip(f"NO INFLUXDB {version} TO TEST WITH: {error}")


def _loaded(server: Database, telegrams: Path) -> Database:
    server.new_bucket(DATABASE)
    for site in HOMES:
        points = (telegrams / site / "lines.lp").read_text().splitlines(keepends=True)
        for batch in _batches(points):
            assert server.write(DATABASE, "".join(batch)).status == 204
    return server


def _batches(lines: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(lines), LINES_A_REQUEST):
        yield lines[first : first + LINES_A_REQUEST]


@pytest.fixture(scope="session")
def packages() -> Iterator[Packages]:
    """Give Grafana's own packages, installed into the user's cache."""
    try:
        place = install()
    except NoNodeError as error:
        pytest.skip(f"NO NODE PACKAGES TO TEST WITH: {error}")
    with Packages(place) as packages:
        yield packages
