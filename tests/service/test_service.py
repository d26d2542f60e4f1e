"""The service as a process: how it starts, what it tells, and that it ends with nothing lost."""

import errno
import fcntl
import io
import json
import os
import select
import signal
import socket
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib.abc import MetaPathFinder
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final, Self

import pytest
from line_protocol_parser import parse_line

from bed import child
from bed.answers import Answers, nobody_listens
from bed.service import STOP_SECONDS, Service
from bed.telegrams import METER, dsmr5, utc
from collector.errors import SettingsError
from collector.reading.line import Trouble
from collector.service import report, service as module, status as status_file
from collector.settings.settings import load
from collector.simulate.wire import Outcome, Terminal
from collector.spool.record import Record, decode

NOON: Final = utc("2026-02-03T12:00:00")
TOKEN: Final = "kept-to-ourselves=="  # noqa: S105  invented
NOWHERE: Final = "/proc/nowhere"
"""Where not even root can make a directory."""

slow = pytest.mark.slow


def at(n: int) -> datetime:
    return NOON + n * timedelta(seconds=1)


@dataclass
class Meter:
    """A meter on a pseudo-terminal; a thread sends, each telegram when the last was taken."""

    link: Path
    taken: int = 0
    stopping: Event = field(default_factory=Event)

    def __enter__(self) -> Self:
        self._terminal = Terminal(self.link)
        self._thread = Thread(target=self._send, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._thread.join()
        self._terminal.close()

    def _send(self) -> None:
        while not self.stopping.wait(0.01):
            outcome = self._terminal.send(dsmr5(at(self.taken)), self.stopping)
            self.taken += outcome is Outcome.TAKEN


@pytest.fixture
def meter(tmp_path: Path) -> Iterator[Meter]:
    with Meter(tmp_path / "meter") as meter:
        yield meter


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Make services; each ends with the test."""
    made: list[Service] = []

    def make(name: str = "service", **settings: str) -> Service:
        settings = {"P1_SOURCE": str(tmp_path / "meter"), "P1_CLOCK": "meter", **settings}
        made.append(Service(tmp_path / name, **settings))
        return made[-1]

    yield make
    for each in made:
        if each._process is not None and each.process.poll() is None:
            each.kill()


def records(directory: Path) -> list[Record]:
    """Give the telegrams' records in the files of a directory, without the program's own."""
    paths = [path for path in directory.glob("*") if path.suffix in (".lp", ".open")]
    found = [record for path in sorted(paths) for record in decode(path.read_bytes()).records]
    return [record for record in found if record.id.counted]


def status(service: Service) -> dict[str, Any]:
    """Give what a service said last, ended or not."""
    facts: dict[str, Any] = json.loads((service.hot / "status.json").read_text())
    return facts


def has_read(number: int) -> Callable[[Mapping[str, Any]], bool]:
    return lambda facts: facts["counts"]["read"] >= number


def finished(service: Service, *, seconds: float = 60) -> int | None:
    """Wait for a service that ends by itself; gives its exit status, None if it does not."""
    return child.ended(service.process, seconds=seconds)


# --- the end, in every state of the network


@dataclass(frozen=True)
class Network:
    """A state of the network: the settings, and what shows that the service has met it."""

    settings: dict[str, str]
    met: Callable[[Mapping[str, Any]], bool]


@contextmanager
def no_influxdb() -> Iterator[Network]:
    yield Network({}, lambda facts: facts["delivery"]["state"] == "off")


def _retrying(facts: Mapping[str, Any]) -> bool:
    return bool(facts["delivery"]["state"] == "retrying")


@contextmanager
def refused() -> Iterator[Network]:
    with nobody_listens() as port:
        yield Network(influx(f"http://127.0.0.1:{port}"), _retrying)


@contextmanager
def black_hole() -> Iterator[Network]:
    """Accept connections and never answer: what listens does that by itself."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings = influx(f"http://127.0.0.1:{server.getsockname()[1]}")
        yield Network(settings, lambda _: bool(select.select([server], [], [], 0)[0]))


@contextmanager
def no_such_name() -> Iterator[Network]:
    yield Network(influx("http://db.invalid:8086"), _retrying)


def influx(url: str) -> dict[str, str]:
    return {"P1_INFLUX_URL": url, "P1_INFLUX_TOKEN": TOKEN, "P1_INFLUX_ORG": "o"}


@slow
@pytest.mark.parametrize("network", [no_influxdb, refused, black_hole, no_such_name])
@pytest.mark.usefixtures("meter")
def test_sigterm_ends_it_within_two_seconds_with_everything_on_the_disk(
    service: Callable[..., Service], network: Callable[[], Any]
) -> None:
    with network() as state:
        there = service(**state.settings, P1_KEEP_SECONDS="2")
        there.start()
        there.wait_until(has_read(20))
        there.wait_until(state.met)
        assert there.stop() == 0, there.tail()

    facts = status(there)
    assert facts["state"] == "stopped"
    read = facts["counts"]["read"]
    assert len({record.id for record in records(there.spool)}) == read >= 20
    assert records(there.hot) == []
    assert facts["counts"]["waiting"] == read
    assert list(there.spool.glob("*.open")) == []


@contextmanager
def source_that_never_connects() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        port = server.getsockname()[1]
        waiting = [socket.socket() for _ in range(3)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        yield f"socket://127.0.0.1:{port}"
        for each in waiting:
            each.close()


@contextmanager
def source_that_says_nothing() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"socket://127.0.0.1:{server.getsockname()[1]}"


@contextmanager
def source_that_is_not_there() -> Iterator[str]:
    yield "/dev/serial/by-id/nothing"


@slow
@pytest.mark.parametrize(
    "source", [source_that_never_connects, source_that_says_nothing, source_that_is_not_there]
)
def test_sigterm_ends_it_within_two_seconds_whatever_the_source_does(
    service: Callable[..., Service], source: Callable[[], Any], tmp_path: Path
) -> None:
    with source() as text, manager(tmp_path) as told:
        there = service(P1_SOURCE=text, NOTIFY_SOCKET=told.address)
        there.start()
        told.wait_for("READY=1")
        assert there.stop() == 0, there.tail()


@slow
@pytest.mark.usefixtures("meter")
def test_ctrl_c_ends_it_as_sigterm_does(service: Callable[..., Service]) -> None:
    there = service()
    there.start()
    there.wait_until(has_read(5))
    there.process.send_signal(signal.SIGINT)
    assert finished(there, seconds=STOP_SECONDS) == 0
    assert "Traceback" not in there.log.read_text()


# --- what the log says of the delivery


@slow
@pytest.mark.usefixtures("meter")
def test_without_an_influxdb_it_says_once_where_the_readings_are_kept(
    service: Callable[..., Service],
) -> None:
    there = service(P1_KEEP_SECONDS="1")
    there.start()
    there.wait_until(has_read(20))
    assert there.stop() == 0, there.tail()
    log = there.log.read_text()
    words = f"no InfluxDB is set: readings are kept in `{there.spool}` (set `P1_INFLUX_URL`)"
    assert log.count("InfluxDB") == log.count(words) == 1, log
    waiting = status(there)["counts"]["waiting"]
    assert log.endswith(f"stopped: {waiting} readings wait on the disk\n")


@slow
@pytest.mark.usefixtures("meter")
def test_what_waits_at_the_end_is_said_to_be_delivered_later(
    service: Callable[..., Service],
) -> None:
    with refused() as state:
        there = service(**state.settings)
        there.start()
        there.wait_until(has_read(5))
        there.wait_until(state.met)
        assert there.stop() == 0, there.tail()
    log = there.log.read_text()
    assert "no InfluxDB is set" not in log
    assert "delivering to" not in log
    assert log.endswith(" readings wait on the disk, they are delivered after the next start\n")


@slow
@pytest.mark.usefixtures("meter")
def test_that_delivery_works_is_said_once_a_run(service: Callable[..., Service]) -> None:
    with Answers() as database:
        there = service(**influx(database.url), P1_KEEP_SECONDS="0.2")
        there.start()
        there.wait_until(lambda _: len(database.requests) > 2)
        assert there.stop() == 0, there.tail()
    log = there.log.read_text()
    assert log.count(f"delivering to `{database.url}`, bucket `") == 1, log
    assert log.count("delivering to") == 1, log


# --- what systemd is told


@dataclass
class Manager:
    """The service manager's end of the socket."""

    socket: socket.socket
    said: list[str] = field(default_factory=list)
    """What it has taken; the kernel holds ten messages more, and drops the next."""

    @property
    def address(self) -> str:
        return str(self.socket.getsockname())

    def wait_for(self, state: str, *, times: int = 1) -> None:
        self.wait_until(lambda line: line == state, times=times)

    def wait_until(self, holds: Callable[[str], bool], *, times: int = 1) -> None:
        """Return once so many lines were said for which something holds."""
        give_up = time.monotonic() + 60
        while sum(map(holds, self.said)) < times:
            assert self.hear(give_up - time.monotonic()), self.said

    def hear(self, seconds: float) -> bool:
        """Take one message; False if none comes in time."""
        if not select.select([self.socket], [], [], max(0.0, seconds))[0]:
            return False
        self.said += self.socket.recv(65536).decode().splitlines()
        return True

    def hear_everything(self) -> None:
        while self.hear(0):
            pass


@contextmanager
def manager(directory: Path) -> Iterator[Manager]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(str(directory / "notify"))
        yield Manager(end)


@slow
@pytest.mark.usefixtures("meter")
def test_systemd_is_told_that_it_is_ready_how_it_goes_and_that_it_stops(
    service: Callable[..., Service], tmp_path: Path
) -> None:
    with manager(tmp_path) as told:
        there = service(NOTIFY_SOCKET=told.address, WATCHDOG_USEC="900000")
        there.start()
        told.wait_for("READY=1")
        assert told.said == ["READY=1", "STATUS=waiting for the meter"]
        told.wait_for("WATCHDOG=1", times=5)
        there.wait_until(has_read(5))
        told.said.clear()
        told.wait_for("WATCHDOG=1", times=5)
        told.wait_until(lambda line: line.startswith("STATUS=reading, off: "))
        told.hear_everything()
        assert there.stop() == 0
        told.wait_for("STOPPING=1")


def unread(pipe: io.FileIO) -> int:
    """Give how many bytes wait in a pipe."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


@slow
def test_the_watchdog_is_fed_by_the_reading_alone(
    service: Callable[..., Service], tmp_path: Path
) -> None:
    """A pipe without a word holds the reader up in the middle of a read."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with manager(tmp_path) as told:
        there = service(
            P1_SOURCE=f"file://{pipe}", NOTIFY_SOCKET=told.address, WATCHDOG_USEC="600000"
        )
        there.start()
        with pipe.open("wb", buffering=0) as writer:
            sent = 0
            while told.said.count("WATCHDOG=1") < 3:
                writer.write(dsmr5(at(sent)))
                sent += 1
                told.hear(0.05)
            while unread(writer):
                assert there.process.poll() is None
                told.hear(0.05)
            while told.hear(1.2):  # twice the time after which systemd would kill it
                assert told.said.count("WATCHDOG=1") < 10, "it is still fed"
            assert there.process.poll() is None
            assert there.stop() == 0, there.tail()
        read = status(there)["counts"]["read"]
        assert len(records(there.spool)) == read
        assert sent - 1 <= read <= sent


# --- what it says of itself


@slow
@pytest.mark.usefixtures("meter")
def test_the_status_file_has_everything_that_the_screen_draws(
    service: Callable[..., Service], tmp_path: Path
) -> None:
    there = service()
    there.start()
    facts = there.wait_until(lambda facts: has_read(5)(facts) and facts["telegram"])
    assert set(facts) >= {
        *("version", "pid", "site", "source", "state", "trouble", "started", "updated"),
        *("telegram", "power", "counts", "lag_s", "delivery"),
    }
    assert (facts["pid"], facts["site"]) == (there.process.pid, "home")
    assert (facts["source"], facts["state"]) == (str(tmp_path / "meter"), "reading")
    assert facts["trouble"] is None
    assert abs(facts["updated"] - time.time()) < 10
    assert facts["telegram"]["meter"] == METER
    assert facts["telegram"]["header"] == "TST5\\TEST"
    assert facts["telegram"]["electricity"] == {
        "energy_import_t1_kwh": "123.450",
        "power_import_kw": "0.321",
        "energy_import_kwh": "123.450",
    }
    when, drawn, returned = facts["power"][-1]
    assert (when, drawn, returned) == (facts["telegram"]["time"], 0.321, 0.0)
    assert set(facts["counts"]) >= {
        *("telegrams", "repeated", "bad_checksums", "bad_lines", "unknown_lines", "found", "read"),
        *("delivered", "waiting", "rejected", "dropped", "damaged", "requests", "retries"),
        *("spool_bytes", "hot_bytes"),
    }
    assert all(isinstance(number, int) for number in facts["counts"].values())
    assert facts["delivery"] == {"state": "off", "url": None, "message": None}
    assert (there.hot / "status.json").stat().st_mode & 0o777 == 0o600


@slow
@pytest.mark.usefixtures("meter")
def test_the_status_file_has_no_password(service: Callable[..., Service]) -> None:
    there = service(P1_INFLUX_URL="http://me:very-secret@127.0.0.1:1/", P1_INFLUX_TOKEN=TOKEN)
    there.start()
    facts = there.wait_until(lambda facts: facts["delivery"]["message"])
    assert facts["delivery"]["url"] == "http://127.0.0.1:1"
    assert "very-secret" not in json.dumps(facts)


@slow
@pytest.mark.usefixtures("meter")
def test_telegrams_leave_no_trace_in_the_log(service: Callable[..., Service]) -> None:
    there = service()
    there.start()
    there.wait_until(has_read(5))
    before = there.log.read_text()
    there.wait_until(has_read(300))
    assert there.log.read_text() == before
    assert len(before.splitlines()) < 5


class Clock:
    """Stands for the module `time`."""

    now = 0.0

    def monotonic(self) -> float:
        return 1000.0 + self.now

    def time(self) -> float:
        return NOON.timestamp() + self.now


@pytest.fixture
def inside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., module.Service]]:
    """Make services within this process."""
    monkeypatch.chdir(tmp_path)
    made: list[module.Service] = []

    def make(**environment: str) -> module.Service:
        directories = {
            "P1_HOT_DIR": str(tmp_path / "hot"),
            "P1_SPOOL_DIR": str(tmp_path / "spool"),
            "P1_SOURCE": str(tmp_path / "nothing"),
        }
        settings, _ = load({**directories, **environment})
        made.append(module.Service(settings))
        return made[-1]

    yield make
    for each in made:
        each.stopping.set()
        each._handoff.wake()
        for lock in each._locks:
            lock.release()
    for thread in threading.enumerate():
        if thread.name in {"_read", "_keep", "_send"}:  # what it imports, it imports to the end
            thread.join()


def test_its_own_state_is_a_point_of_the_measurement_collector_once_a_minute(
    inside: Callable[..., module.Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(report, "time", clock)
    there = inside()
    while clock.now < 600:
        there._tell()
        clock.now += 0.25
    (path,) = there._settings.hot.glob("*.open")
    found = decode(path.read_bytes()).records
    assert {record.id.number for record in found} == {0}
    points = [parse_line(record.body.decode().rstrip("\n")) for record in found]
    assert [point["time"] for point in points] == [
        int(NOON.timestamp()) + minute * 60 for minute in range(10)
    ]
    assert {point["measurement"] for point in points} == {"collector"}
    assert points[0]["tags"] == {"site": "home", "host": socket.gethostname()}
    assert set(points[0]["fields"]) >= {
        *("telegrams", "repeated", "bad_checksums", "bad_lines", "unknown_lines", "delivered"),
        *("waiting", "rejected", "dropped", "damaged", "spool_bytes", "lag_s", "requests"),
        *("retries", "version"),
    }
    assert there._account.totals().read == 0


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give the names of the files that are written in a run, as they come."""
    names: list[str] = []

    def write(path: Path, data: dict[str, Any], **lists: Iterable[str]) -> None:
        names.append(path.name)
        real(path, data, **lists)

    real = status_file.write
    monkeypatch.setattr(status_file, "write", write)
    return names


def test_a_status_that_nobody_reads_is_written_seldom_and_one_that_is_read_each_second(
    inside: Callable[..., module.Service], monkeypatch: pytest.MonkeyPatch, writes: list[str]
) -> None:
    monkeypatch.setattr(report, "time", clock := Clock())
    there = inside()

    def a_minute(look: Callable[[], object]) -> int:
        writes.clear()
        for _ in range(240):
            there._tell()
            look()
            clock.now += 0.25
        return writes.count("status.json")

    assert a_minute(lambda: None) == 5
    assert a_minute((there._settings.hot / "status.json").read_bytes) == 60
    assert a_minute(lambda: None) in {5, 6}


def test_news_are_in_the_status_within_a_second(
    inside: Callable[..., module.Service], monkeypatch: pytest.MonkeyPatch, writes: list[str]
) -> None:
    monkeypatch.setattr(report, "time", clock := Clock())
    there = inside()
    there._tell()
    clock.now += 1
    there._tell()
    assert writes.count("status.json") == 1
    there._reader.line.trouble = Trouble("no byte", "plug it in")
    clock.now += 1
    there._tell()
    path = there._settings.hot / "status.json"
    assert json.loads(path.read_text())["trouble"] == "no byte (plug it in)"
    there._reader.points.memory.changed = True
    clock.now += 1
    there._tell()
    assert writes.count("memory.json") == 3
    path.unlink()
    clock.now += 1
    there._tell()
    assert path.exists()


# --- settings


@slow
@pytest.mark.usefixtures("meter")
def test_wrong_settings_do_not_stop_the_reading_and_are_named_once(
    service: Callable[..., Service],
) -> None:
    there = service(
        P1_BAUD="19200",
        P1_SORCE="/dev/p1",
        P1_INFLUX_URL="db:8086",
        P1_INFLUX_TOKEN=f"{TOKEN} x",
        P1_SAMPLE_SECONDS="often",
    )
    there.start()
    there.wait_until(has_read(5))
    assert there.stop() == 0
    log = there.log.read_text()
    for name in ("P1_BAUD", "P1_SORCE", "P1_INFLUX_URL", "P1_INFLUX_TOKEN", "P1_SAMPLE_SECONDS"):
        assert sum(f" {name}" in line for line in log.splitlines()) == 1, log
    assert "Traceback" not in log


@slow
@pytest.mark.usefixtures("meter")
def test_the_token_is_in_no_file_but_where_it_was_set(
    service: Callable[..., Service], tmp_path: Path
) -> None:
    with refused() as state:
        there = service(**state.settings, P1_KEEP_SECONDS="2")
        there.start()
        there.wait_until(state.met)
        assert there.stop() == 0
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert there.log in files
    assert [path for path in files if TOKEN.encode() in path.read_bytes()] == []


@slow
def test_neither_source_nor_spool_is_the_one_reason_to_give_up(
    service: Callable[..., Service],
) -> None:
    there = service(P1_SOURCE="ftp://meter", P1_SPOOL_DIR=f"{NOWHERE}/spool")
    there.start()
    assert finished(there) == 78
    assert "neither source nor spool can be used: `ftp://meter` is no source" in there.tail()


@slow
@pytest.mark.usefixtures("meter")
def test_without_a_spool_it_reads_on_and_says_so(service: Callable[..., Service]) -> None:
    there = service(P1_SPOOL_DIR=f"{NOWHERE}/spool", P1_KEEP_SECONDS="1")
    there.start()
    facts = there.wait_until(lambda facts: has_read(50)(facts) and bool(facts["trouble"]))
    assert facts["trouble"].startswith(f"cannot write to the spool `{NOWHERE}/spool`")
    assert facts["state"] == "reading"
    assert there.stop() == 0, there.tail()
    assert len(records(there.hot)) == status(there)["counts"]["read"]


def test_a_disk_that_cannot_even_be_looked_at_does_not_end_the_keeper(
    inside: Callable[..., module.Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = inside()
    looks = []

    def fail(path: Path) -> list[str]:
        looks.append(path)
        if len(looks) > 3:
            there.stopping.set()
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(module, "TICK_SECONDS", 0.0)
    monkeypatch.setattr(there._disk, "names", fail)
    there._keep()
    assert there._keeper.trouble is not None
    assert "Input/output error" in there._keeper.trouble


@slow
def test_without_a_source_it_runs_on_and_says_so(service: Callable[..., Service]) -> None:
    there = service(P1_SOURCE="ftp://meter")
    there.start()
    facts = there.wait_until(lambda facts: bool(facts["trouble"]))
    assert facts["trouble"].startswith("`ftp://meter` is no source (")
    assert there.stop() == 0, there.tail()


@slow
@pytest.mark.usefixtures("meter")
def test_without_the_hot_directory_that_was_set_it_takes_the_usual_one(
    service: Callable[..., Service], tmp_path: Path
) -> None:
    there = service(P1_HOT_DIR=f"{NOWHERE}/hot", XDG_RUNTIME_DIR=str(tmp_path))
    there.hot = tmp_path / "p1-collector"
    there.start()
    there.wait_until(has_read(5))
    assert f"cannot use the hot directory `{NOWHERE}/hot`" in there.log.read_text()


def test_without_any_hot_directory_it_gives_up(
    inside: Callable[..., module.Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", NOWHERE)
    with pytest.raises(SettingsError, match="cannot use the hot directory `/proc/nowhere/hot`"):
        inside(P1_HOT_DIR=f"{NOWHERE}/hot")


def test_a_hot_directory_that_somebody_else_put_where_everybody_may_is_not_used(
    inside: Callable[..., module.Service], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = tmp_path / "shm"
    shared.mkdir()
    shared.chmod(0o1777)
    (shared / "hot").mkdir()
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path / "run"))
    monkeypatch.setattr(os, "getuid", lambda: 54321)
    there = inside(P1_HOT_DIR=str(shared / "hot"))
    assert there._settings.hot == tmp_path / "run"


# --- one process per spool


@slow
@pytest.mark.usefixtures("meter")
def test_a_second_service_on_the_same_spool_names_the_first_and_ends(
    service: Callable[..., Service],
) -> None:
    first = service("first")
    first.start()
    first.wait_until(has_read(5))

    second = service("second", P1_SPOOL_DIR=str(first.spool))
    second.start()
    assert finished(second) == 1
    (line,) = second.log.read_text().splitlines()
    assert f"`{first.spool}` is in use by process {first.process.pid} (" in line
    assert "collector run)" in line
    assert first.stop() == 0


# --- crashes


@slow
@pytest.mark.usefixtures("meter")
def test_what_a_killed_process_left_is_found_and_counted_at_the_next_start(
    service: Callable[..., Service], meter: Meter
) -> None:
    there = service(P1_KEEP_SECONDS="1")
    there.start()
    there.wait_until(lambda facts: has_read(50)(facts) and facts["counts"]["spool_bytes"] > 0)
    there.kill()
    left = {record.id for record in [*records(there.hot), *records(there.spool)]}

    there.start()
    facts = there.wait_until(
        lambda facts: facts["counts"]["found"] >= len(left) and has_read(10)(facts)
    )
    assert there.stop() == 0
    assert facts["counts"]["found"] == len(left)
    counts = status(there)["counts"]
    assert counts["found"] + counts["read"] == counts["waiting"]
    assert len({record.id for record in records(there.spool)}) == counts["waiting"]
    assert counts["waiting"] >= meter.taken - 1


@pytest.mark.parametrize("thread", ["_read", "_keep", "_send"])
def test_a_thread_that_crashes_ends_the_program_with_status_1(
    inside: Callable[..., module.Service], monkeypatch: pytest.MonkeyPatch, thread: str
) -> None:
    there = inside()

    def crash() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(there, thread, crash)
    assert there.run() == 1
    facts = json.loads((there._settings.hot / "status.json").read_text())
    assert facts["state"] == "stopped"


# --- replaying a file


@slow
@pytest.mark.timeout(300)
def test_a_file_far_larger_than_the_hot_directory_loses_nothing(
    service: Callable[..., Service], tmp_path: Path
) -> None:
    number = 20_000
    file = tmp_path / "recorded.txt"
    file.write_bytes(b"".join(dsmr5(at(n)) for n in range(number)))
    there = service(P1_SOURCE=f"file://{file}", P1_HOT_MIB="1", P1_KEEP_SECONDS="3")
    there.start()
    assert finished(there, seconds=240) == 0, there.tail()

    kept = records(there.spool)
    assert sum(len(record.body) for record in kept) > 2 * 1024 * 1024
    assert [_time(record) for record in kept] == list(_times(number))
    counts = status(there)["counts"]
    assert (counts["read"], counts["waiting"], counts["dropped"]) == (number, number, 0)


def _time(record: Record) -> int:
    return int(record.body.splitlines()[0].rpartition(b" ")[2])


def _times(number: int) -> Sequence[int]:
    first = int(NOON.timestamp())
    return range(first, first + number)


# --- the start


class Watch(MetaPathFinder):
    """Calls `seen` when a module is about to be imported."""

    def __init__(self, name: str, seen: Callable[[], None]) -> None:
        self._name = name
        self._seen = seen

    def find_spec(self, fullname: str, *_: object) -> None:
        if fullname == self._name:
            self._seen()


@pytest.mark.usefixtures("meter")
def test_influxdb_client_is_imported_after_the_port_is_open(
    inside: Callable[..., module.Service], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    there = inside(P1_SOURCE=str(tmp_path / "meter"), **influx("http://127.0.0.1:9"))
    monkeypatch.setattr(module, "HEAD_START_SECONDS", 60.0)  # this port opens
    was_open: list[bool] = []

    def seen() -> None:
        was_open.append(there._reader.line.is_open)
        there.stopping.set()

    monkeypatch.delitem(sys.modules, "collector.delivery.influx", raising=False)
    monkeypatch.setattr(
        sys, "meta_path", [Watch("collector.delivery.influx", seen), *sys.meta_path]
    )
    assert there.run() == 0
    assert was_open == [True]


def test_without_an_influxdb_its_client_is_never_imported(tmp_path: Path) -> None:
    file = tmp_path / "recorded.txt"
    file.write_bytes(dsmr5(NOON))
    script = """
import sys
from collector.commands.cli import main
assert main(["run"]) == 0
assert not {"influxdb_client", "urllib3"} & set(sys.modules)
"""
    environment = {
        **{name: text for name, text in os.environ.items() if not name.startswith(("P1", "INF"))},
        "P1_SOURCE": f"file://{file}",
        "P1_HOT_DIR": str(tmp_path / "hot"),
        "P1_SPOOL_DIR": str(tmp_path / "spool"),
    }
    subprocess.run(
        [sys.executable, "-c", script], env=environment, cwd=tmp_path, check=True, timeout=100
    )
    assert len(records(tmp_path / "spool")) == 1
