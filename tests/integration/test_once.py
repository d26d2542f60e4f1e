"""`p1-collector once`, as cron runs it: one telegram, delivered or kept."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import pytest

from bed.command import called
from bed.influxd import Database
from bed.service import Service
from collector.commands.spool import waiting
from collector.simulate.stream import stream_like
from collector.simulate.wire import Terminal
from collector.spool.spool import Directories

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture
def meter(tmp_path: Path) -> Iterator[str]:
    """Be a meter that sends every second."""
    stopping = Event()
    with Terminal(tmp_path / "meter") as terminal:
        stream = stream_like("dsmr5", speed=1)
        thread = Thread(target=stream.run, args=(terminal, stopping), daemon=True)
        thread.start()
        yield str(tmp_path / "meter")
        stopping.set()
        thread.join()


def settings(server: Database, bucket: str) -> dict[str, str]:
    return {
        "P1_INFLUX_URL": server.url,
        "P1_INFLUX_TOKEN": server.write_token(bucket).text,
        "P1_INFLUX_ORG": server.org,
        "P1_INFLUX_BUCKET": bucket,
    }


def kept(home: Path) -> int:
    return len(waiting(Directories(home / "spool"), home / "hot"))


@pytest.mark.influxdb
def test_one_telegram_is_delivered_and_nothing_waits(
    meter: str, influxd: Database, bucket: str, tmp_path: Path
) -> None:
    done = called("once", home=tmp_path, P1_SOURCE=meter, **settings(influxd, bucket))
    assert (done.returncode, done.stderr) == (0, "read and delivered; nothing waits\n")
    assert len(influxd.influxql(bucket, "SELECT * FROM electricity")) >= 1
    assert kept(tmp_path) == 0


@pytest.mark.influxdb
def test_what_was_kept_goes_with_the_next_turn(
    meter: str, influxd: Database, bucket: str, tmp_path: Path
) -> None:
    for number in (1, 2):
        done = called(
            "once",
            home=tmp_path,
            P1_SOURCE=meter,
            P1_INFLUX_URL="http://127.0.0.1:1",
            P1_INFLUX_TOKEN="made-up",  # noqa: S106  of nobody
        )
        assert done.returncode == 0, done.stderr
        words = ("", "1 telegram", "2 telegrams")[number]
        assert f"read; {words} waiting in the spool: no answer" in done.stderr
        assert kept(tmp_path) == number
    called("once", home=tmp_path, P1_SOURCE=meter, **settings(influxd, bucket))
    assert kept(tmp_path) == 0
    assert len(influxd.influxql(bucket, "SELECT * FROM electricity")) == 3


def test_without_an_influxdb_it_is_kept_on_the_disk(meter: str, tmp_path: Path) -> None:
    done = called("once", "--quiet", home=tmp_path, P1_SOURCE=meter)
    assert (done.returncode, done.stderr) == (0, "")
    assert kept(tmp_path) == 1
    assert list((tmp_path / "hot").glob("*.lp")) == []


def test_values_that_only_repeat_are_not_written_at_every_turn(meter: str, tmp_path: Path) -> None:
    for _ in range(3):
        called("once", home=tmp_path, P1_SOURCE=meter)
    lines = called("spool", "export", home=tmp_path).stdout.splitlines()
    assert len([line for line in lines if line.startswith("electricity,")]) == 3
    failures = [line for line in lines if line.startswith("power_failure,")]
    assert len(failures) == len(set(failures)) > 0


def test_beside_the_service_it_says_that_it_is_not_needed(meter: str, tmp_path: Path) -> None:
    service = Service(tmp_path, P1_SOURCE=meter)
    service.start()
    service.wait_until(lambda status: status["state"] == "reading")
    done = called("once", home=tmp_path, P1_SOURCE=meter)
    before = service.wait_until(lambda _: True)["counts"]["telegrams"]
    service.wait_until(lambda status: status["counts"]["telegrams"] > before)
    service.stop()
    assert done.returncode == 1
    assert done.stderr.startswith("error: nothing was read: ")
    assert f"process {service.process.pid} " in done.stderr
    assert "the service reads and stores every telegram by itself" in done.stderr


def test_a_meter_that_is_not_there_fails_with_the_reason(tmp_path: Path) -> None:
    done = called("once", "--seconds", "1", home=tmp_path, P1_SOURCE=str(tmp_path / "gone"))
    assert done.returncode == 1
    assert f"error: cannot open `{tmp_path}/gone`: No such file or directory" in done.stderr


def test_a_meter_that_is_silent_fails_after_the_time_that_was_given(tmp_path: Path) -> None:
    with Terminal(tmp_path / "meter"):
        done = called("once", "--seconds", "1", home=tmp_path, P1_SOURCE=str(tmp_path / "meter"))
    assert done.returncode == 1
    assert "error: no telegram came from" in done.stderr
    assert "hint: run `p1-collector check`" in done.stderr


def test_a_disk_that_cannot_be_written_fails_and_keeps_it_in_ram(
    meter: str, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    spool = str(tmp_path / "file" / "spool")
    done = called("once", home=tmp_path, P1_SOURCE=meter, P1_SPOOL_DIR=spool)
    assert done.returncode == 1
    assert "hint: it waits in RAM" in done.stderr
    called("once", home=tmp_path, P1_SOURCE=meter)
    assert kept(tmp_path) == 2
