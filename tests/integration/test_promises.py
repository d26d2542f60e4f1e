"""Two promises on real parts: the card is left alone, and the data is never hostage."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread

import pytest

from bed.influxd import Database
from bed.service import Service
from collector.simulate.stream import stream_like
from collector.simulate.wire import Terminal
from collector.spool.record import decode

pytestmark = [pytest.mark.influxdb, pytest.mark.slow]

TELEGRAMS = 300
EXAMPLE = Path(__file__).parents[2] / "telegrams" / "dsmr50-autumn.txt"


@pytest.fixture
def ram() -> Iterator[Path]:
    """Give a directory on a RAM disk, where writing is no writing to a card."""
    place = Path("/dev/shm")  # noqa: S108  mkdtemp makes a private directory in it
    if not os.access(place, os.W_OK):
        pytest.skip("there is no RAM disk here to tell from the disk")
    directory = Path(tempfile.mkdtemp(prefix="p1-test-", dir=place))
    yield directory
    shutil.rmtree(directory)


def sending(terminal: Terminal) -> Callable[[], None]:
    """Give what sends `TELEGRAMS` telegrams, fast, and returns when the last has been taken."""
    stream = stream_like("dsmr5", period=1, speed=100)
    return lambda: stream.run(terminal, Event(), TELEGRAMS)


def test_while_influxdb_answers_not_a_byte_goes_to_the_disk(
    influxd: Database, bucket: str, ram: Path, tmp_path: Path
) -> None:
    """All but the spool is in RAM here, and the kernel counts what a process sends to a disk."""
    with Terminal(ram / "meter") as terminal:
        service = Service(
            ram / "service",
            P1_SOURCE=str(ram / "meter"),
            P1_CLOCK="meter",
            P1_SPOOL_DIR=str(tmp_path / "spool"),
            P1_INFLUX_URL=influxd.url,
            P1_INFLUX_TOKEN=influxd.token,
            P1_INFLUX_ORG=influxd.org,
            P1_INFLUX_BUCKET=bucket,
            PYTHONDONTWRITEBYTECODE="1",
        )
        service.start()
        meter = Thread(target=sending(terminal))
        meter.start()
        service.wait_until(
            lambda status: status["counts"]["read"] > 0 and (service.spool / "inbox").is_dir()
        )
        before = written(service.process.pid)
        service.wait_until(lambda status: status["counts"]["delivered"] == TELEGRAMS)
        after = written(service.process.pid)
        meter.join()
        assert service.stop() == 0

    assert after - before == 0
    assert list((tmp_path / "spool").rglob("*.lp")) == []


def written(pid: int) -> int:
    """Give the bytes that a process has had written to a disk; a RAM disk is none (proc(5))."""
    lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    return int(dict(line.split(": ") for line in lines)["write_bytes"])


def test_a_file_of_the_spool_can_be_loaded_by_hand(
    influxd: Database, bucket: str, tmp_path: Path
) -> None:
    service = Service(tmp_path, P1_SOURCE=f"file://{EXAMPLE}")
    service.start()
    assert service.process.wait(100) == 0
    (file,) = service.spool.glob("*.*")
    answer = influxd.write(bucket, file.read_text())

    assert answer.status == 204
    assert _stored(influxd, bucket) == _lines(file) > 1


def _lines(file: Path) -> int:
    body = b"".join(decode(file.read_bytes()).parts())
    return sum(line.startswith(b"electricity,") for line in body.splitlines())


def _stored(influxd: Database, bucket: str) -> int:
    return len(influxd.influxql(bucket, "SELECT * FROM electricity"))
