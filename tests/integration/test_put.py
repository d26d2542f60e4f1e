"""Lines of other devices beside a running service, into a real InfluxDB."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Final

import pytest

from bed.command import called
from bed.influxd import Database, Influxd
from bed.service import Service
from collector.simulate.stream import stream_like
from collector.simulate.wire import Terminal
from integration.test_import import running, settings
from integration.test_promises import ram, written

__all__ = ["ram"]

pytestmark = [pytest.mark.influxdb, pytest.mark.slow, pytest.mark.timeout(180)]

SECOND: Final = 1_700_000_000
LINES: Final = 40


class Inverter:
    """`inverter | p1-collector put -`, of which a test is the inverter."""

    def __init__(self, service: Service) -> None:
        places = {"P1_HOT_DIR": str(service.hot), "P1_SPOOL_DIR": str(service.spool)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "collector", "put", "-"],
            env={**os.environ, **places, "PYTHONDONTWRITEBYTECODE": "1"},
            cwd=service.home,
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def say(self, number: int) -> None:
        assert self.process.stdin
        self.process.stdin.write(line(number).encode())
        self.process.stdin.flush()


@contextmanager
def inverter(service: Service) -> Iterator[Inverter]:
    told = Inverter(service)
    try:
        yield told
    finally:
        told.process.communicate(timeout=60)
    assert told.process.returncode == 0


def line(number: int, value: str = "") -> str:
    return f"solar,site=home power_kw={value or number + 0.5} {SECOND + number}\n"


def stored(server: Database, bucket: str) -> dict[int, float]:
    return {
        row["time"]: float(row["power_kw"])
        for row in server.influxql(bucket, "SELECT power_kw FROM solar")
    }


EXPECTED: Final = {SECOND + number: number + 0.5 for number in range(LINES)}


def test_a_stream_is_delivered_and_not_a_byte_of_it_goes_to_the_disk(
    influxd: Database, bucket: str, ram: Path, tmp_path: Path
) -> None:
    """All but the spool is in RAM here, and the kernel counts what a process sends to a disk."""
    given = settings(influxd, bucket) | {"P1_KEEP_SECONDS": "10"}
    service = Service(
        ram / "service",
        P1_SOURCE=str(ram / "nobody"),
        P1_SPOOL_DIR=str(tmp_path / "spool"),
        PYTHONDONTWRITEBYTECODE="1",
        **given,
    )
    with running(service):
        service.wait_until(lambda _: (service.spool / "inbox").is_dir())
        before = written(service.process.pid)
        with inverter(service) as told:
            for number in range(LINES):
                told.say(number)
                if number % 10 == 0:
                    service.wait_until(
                        lambda status, n=number: status["counts"]["delivered"] > n  # type: ignore[misc]  # a default value binds it
                    )
            sent = written(told.process.pid)
        service.wait_until(lambda status: status["counts"]["delivered"] == LINES)
        assert written(service.process.pid) - before == 0
    assert sent == 0
    assert stored(influxd, bucket) == EXPECTED
    assert list(service.spool.rglob("*.lp")) == []


def test_what_comes_in_an_outage_survives_a_kill_and_is_delivered_later(
    influxd: Influxd, bucket: str, tmp_path: Path
) -> None:
    given = settings(influxd, bucket)
    service = Service(tmp_path, P1_SOURCE=str(tmp_path / "nobody"), **given)
    service.set(P1_INFLUX_URL="http://127.0.0.1:9")
    service.start()
    service.wait_until(lambda _: (service.spool / "inbox").is_dir())
    (tmp_path / "half.lp").write_text("".join(map(line, range(LINES // 2))))
    assert called("put", "half.lp", home=tmp_path).returncode == 0
    service.wait_until(lambda _: len(list((service.spool / "inbox").glob("*.lp"))) == 1)
    service.kill()
    for file in service.hot.rglob("*.lp"):
        file.unlink()  # the power went as well
    (tmp_path / "rest.lp").write_text("".join(map(line, range(LINES // 2, LINES))))
    assert called("put", "rest.lp", home=tmp_path).returncode == 0

    service.set(P1_INFLUX_URL=given["P1_INFLUX_URL"])
    with running(service):
        service.wait_until(lambda status: status["counts"]["delivered"] == LINES)
    assert stored(influxd, bucket) == EXPECTED


def test_lines_that_all_wait_for_a_type_conflict_cost_no_reading(
    influxd: Database, bucket: str, tmp_path: Path
) -> None:
    stream = stream_like("dsmr5", period=1, speed=100)
    with Terminal(tmp_path / "meter") as terminal:
        service = Service(
            tmp_path,
            P1_SOURCE=str(tmp_path / "meter"),
            P1_CLOCK="meter",
            **settings(influxd, bucket),
        )
        with running(service):
            service.wait_until(lambda _: (service.hot / "inbox").is_dir())
            assert influxd.write(bucket, line(0)).status == 204
            bad = "".join(line(number, '"much"') for number in range(1, LINES))
            (tmp_path / "bad.lp").write_text(bad)
            assert called("put", "bad.lp", home=tmp_path).returncode == 0
            stream.run(terminal, Event(), 200)
            counts = service.wait_until(lambda status: status["counts"]["delivered"] == 200)[
                "counts"
            ]
    assert counts["dropped"] == counts["damaged"] == 0
    assert counts["waiting"] + counts["rejected"] == LINES - 1
    assert stored(influxd, bucket) == {SECOND: 0.5}
