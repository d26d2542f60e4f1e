"""Old data through a running service into a real InfluxDB, beside live ones."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from threading import Event
from typing import Final

import pytest

from bed.command import called
from bed.influxd import Database, Influxd
from bed.service import Service
from collector.commands.imports import job as jobs
from collector.commands.imports.session import Session
from collector.p1.telegram import Telegram
from collector.settings.settings import load
from collector.simulate.stream import stream_like
from collector.simulate.wire import Terminal
from collector.spool.disk import Disk
from commands.imports.recordings import START, read, telegrams, version_4, version_5

pytestmark = [pytest.mark.influxdb, pytest.mark.slow, pytest.mark.timeout(180)]

BOUND: Final = 64 * 1024
LIVE: Final = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def settings(server: Database, bucket: str) -> dict[str, str]:
    return {
        "P1_INFLUX_URL": server.url,
        "P1_INFLUX_TOKEN": server.write_token(bucket).text,
        "P1_INFLUX_ORG": server.org,
        "P1_INFLUX_BUCKET": bucket,
        "P1_KEEP_SECONDS": "1",
        "P1_RETRY_SECONDS": "1",
    }


@contextmanager
def running(service: Service) -> Iterator[Service]:
    service.start()
    try:
        yield service
    finally:
        code = service.stop()
    assert code == 0, service.tail()


@pytest.fixture
def service(influxd: Database, bucket: str, tmp_path: Path) -> Iterator[Service]:
    """Give a service without a meter."""
    nobody = str(tmp_path / "nobody")
    service = Service(tmp_path, P1_SOURCE=nobody, **settings(influxd, bucket))
    with running(service):
        service.wait_until(lambda _: True)
        yield service


def power_of(telegram: Telegram) -> dict[str, Decimal]:
    return {name: Decimal(str(value)) for name, value in telegram.electricity.items()}


def stored(server: Database, bucket: str) -> dict[int, dict[str, Decimal]]:
    rows = server.influxql(bucket, "SELECT * FROM electricity")
    tags = ("time", "site", "meter")
    return {row["time"]: {k: Decimal(v) for k, v in row.items() if k not in tags} for row in rows}


def expected(sent: list[bytes]) -> dict[int, dict[str, Decimal]]:
    read_again = [read(telegram) for telegram in sent]
    return {int(one.time.timestamp()): power_of(one) for one in read_again if one.time}


@pytest.mark.parametrize(
    ("name", "like"),
    [("dsmr50.sqlite", "dsmr5"), ("dsmr42.sqlite", "dsmr4"), ("log.txt", "dsmr5")],
)
def test_every_value_of_every_row_arrives(
    name: str, like: str, service: Service, influxd: Database, bucket: str, tmp_path: Path
) -> None:
    sent = telegrams(300, like=like)
    path = tmp_path / name
    if name == "log.txt":
        path.write_bytes(b"".join(sent))
    else:
        (version_5 if like == "dsmr5" else version_4)(path, sent)
    done = called("import", str(path), home=tmp_path)
    assert done.returncode == 0, done.stderr
    service.wait_until(lambda status: status["counts"]["delivered"] == 300)
    assert stored(influxd, bucket) == expected(sent)


def test_a_file_may_be_imported_again_at_will(
    service: Service, influxd: Database, bucket: str, tmp_path: Path
) -> None:
    sent = telegrams(100)
    version_5(tmp_path / "dsmr50.sqlite", sent)
    for number in (1, 2):
        called("import", "dsmr50.sqlite", home=tmp_path)
        wanted = number * 100
        service.wait_until(lambda status, n=wanted: status["counts"]["delivered"] == n)  # type: ignore[misc]  # a default value binds it
    assert stored(influxd, bucket) == expected(sent)


def test_a_dry_run_writes_nothing_and_says_what_it_would(tmp_path: Path) -> None:
    version_5(tmp_path / "dsmr50.sqlite", telegrams(100))
    done = called("import", "--dry-run", "dsmr50.sqlite", home=tmp_path)
    assert done.returncode == 0
    assert "100 telegrams would be handed to the service, 0 repeated, 0 left out" in done.stderr
    assert "from 2021-03-05 12:00:00 to 2021-03-05 12:16:30 UTC" in done.stderr
    assert "points: 100 electricity" in done.stderr
    assert not (tmp_path / "spool").exists()


def test_more_than_fits_waits_and_costs_nothing_that_is_live(
    own_influxd: Influxd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """InfluxDB is away at first: the inbox fills to its bound, and live telegrams go on."""
    monkeypatch.setattr(jobs, "ENOUGH_LINES", 200)  # a segment of some 50 KiB
    bucket = own_influxd.new_bucket("trial")
    environment = settings(own_influxd, bucket)
    own_influxd.kill()
    meter = tmp_path / "meter"
    service = Service(tmp_path, P1_SOURCE=str(meter), P1_CLOCK="meter", **environment)
    loaded, problems = load(
        {**environment, "P1_SPOOL_DIR": str(service.spool), "P1_HOT_DIR": str(service.hot)}
    )
    assert problems == []
    old = telegrams(1500)
    (tmp_path / "log.txt").write_bytes(b"".join(old))

    waits = Event()
    most = 0

    def pause(seconds: float) -> None:
        nonlocal most
        inbox = service.spool / "inbox"
        most = max(most, sum(map(Disk().size, inbox.glob("*.lp"))))  # 0 of what has just gone
        waits.set()
        Event().wait(seconds / 10)

    session = Session(loaded, bound=BOUND, pause=pause)
    stopping = Event()
    with Terminal(meter) as terminal, running(service):
        stream = stream_like("dsmr5", start=LIVE, period=1, speed=50)
        sending = threading.Thread(target=stream.run, args=(terminal, stopping))
        importing = threading.Thread(target=session.run, args=(tmp_path / "log.txt",))
        sending.start()
        importing.start()
        assert waits.wait(60)
        own_influxd.start()
        importing.join(120)
        assert not importing.is_alive()
        stopping.set()
        sending.join()
        assert stream.sent
        last = int((LIVE + timedelta(seconds=stream.sent - 1)).timestamp())
        status = service.wait_until(
            lambda status: (
                status["telegram"]
                and status["telegram"]["time"] == last
                and status["counts"]["waiting"] == 0
                and not list((service.spool / "inbox").glob("*.lp"))
            ),
            seconds=120,
        )
    counts = status["counts"]
    assert (counts["dropped"], counts["rejected"], counts["damaged"]) == (0, 0, 0)
    assert counts["delivered"] == stream.sent + len(old), json.dumps(counts)
    assert BOUND <= most < 2 * BOUND
    times = {row["time"] for row in own_influxd.influxql(bucket, "SELECT tariff FROM electricity")}
    begin, live = int(START.timestamp()), int(LIVE.timestamp())
    assert times == {*range(begin, begin + 15_000, 10), *range(live, live + stream.sent)}
