"""Four households in a real InfluxDB, and a page that draws their dashboards."""

import os
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import islice
from pathlib import Path

import pytest

from bed.influxd import Database
from dashboards import collectors
from dashboards.asked import Ask, of
from dashboards.conftest import LINES_A_REQUEST, telegrams
from dashboards.homes import HOMES, NOW
from dashboards.node import NoNodeError
from pictures.page import NoBrowserError, Page
from pictures.scenes import ALONE, lines

__all__ = ["telegrams"]


@pytest.fixture(scope="session")
def ask(influxd: Database, telegrams: Path) -> Ask:
    bucket = influxd.new_bucket("pictures")
    for site in HOMES:
        with (telegrams / site / "lines.lp").open() as file:
            _load(influxd, bucket, file)
    for site in ALONE:
        _load(influxd, bucket, lines(site))
    _load(influxd, bucket, collectors.lines(NOW).splitlines(keepends=True))
    return cache(of(influxd, bucket))  # both widths have the same answers


def _load(influxd: Database, bucket: str, given: Iterable[str]) -> None:
    left = iter(given)
    while part := "".join(islice(left, LINES_A_REQUEST)):
        assert influxd.write(bucket, part).status == 204


@pytest.fixture(scope="session")
def page() -> Iterator[Page]:
    try:
        made = Page()
    except (NoBrowserError, NoNodeError) as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"NO PAGE TO DRAW WITH: {error}")
    with made as page:
        yield page


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the pictures go: to look at them, give `P1_TEST_PICTURES`."""
    wanted = os.environ.get("P1_TEST_PICTURES")
    place = Path(wanted) if wanted else tmp_path_factory.mktemp("pictures")
    place.mkdir(parents=True, exist_ok=True)
    return place
