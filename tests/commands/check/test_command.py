"""`p1-collector check`, as a person runs it."""

import json
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import CompletedProcess
from threading import Event, Thread
from typing import Any

import pytest

from bed.answers import Answers
from bed.command import called
from bed.service import Service
from collector.commands.check import chain, database, in_words, line, reading
from collector.commands.check.finding import fail, ok
from collector.remedies import Remedy
from collector.simulate.stream import stream_like
from collector.simulate.wire import Terminal

pytestmark = pytest.mark.slow

FULL_CHAIN = {
    *("settings", "service", "port", "permission", "other readers", "bytes"),
    *(*line.LINKS, "host's clock", "spool", "spool's disk", "free space", "hot directory"),
    *("backlog", "DNS", "TCP", "TLS", *database.LINKS, *reading.LINKS),
}


@contextmanager
def sending(link: Path) -> Iterator[None]:
    """Be a meter that sends every second, for as long as the `with` lasts."""
    stopping = Event()
    with Terminal(link) as terminal:
        stream = stream_like("dsmr5", speed=1)
        thread = Thread(target=stream.run, args=(terminal, stopping), daemon=True)
        thread.start()
        try:
            yield
        finally:
            stopping.set()
            thread.join()


def facts(done: CompletedProcess[str]) -> dict[str, Any]:
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def outcomes(done: CompletedProcess[str]) -> dict[str, str]:
    return {finding["link"]: finding["outcome"] for finding in facts(done)["findings"]}


def test_a_meter_that_sends_is_good_without_any_influxdb(tmp_path: Path) -> None:
    with sending(tmp_path / "meter"):
        done = called("check", home=tmp_path, P1_SOURCE=str(tmp_path / "meter"))
    assert done.returncode == 0, done.stdout
    assert "ok     telegrams      3 in " in done.stdout
    assert "ok     checksum       3 of 3 right" in done.stdout
    assert "ok     M-Bus          gas on channel 1" in done.stdout
    assert "warn   InfluxDB       none is set" in done.stdout


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"P1_INFLUX_URL": "http://127.0.0.1:1"}, "the token is missing"),
        ({"P1_INFLUX_TOKEN": "made-up"}, "the address is missing"),
        (
            {"P1_INFLUX_URL": "http://127.0.0.1:1", "P1_INFLUX_TOKEN": "two words"},
            "the token is wrong",
        ),
    ],
)
def test_half_of_an_influxdb_is_said_to_lack_the_other(
    given: dict[str, str], words: str, tmp_path: Path
) -> None:
    done = called("check", home=tmp_path, P1_SOURCE=str(tmp_path / "gone"), **given)
    assert f"warn   InfluxDB       not used: {words}\n" in done.stdout


def test_an_address_that_is_wrong_is_one_failure_of_the_settings(tmp_path: Path) -> None:
    done = called(
        "check",
        home=tmp_path,
        P1_SOURCE=str(tmp_path / "gone"),
        P1_INFLUX_URL="db:8086",
        P1_INFLUX_TOKEN="made-up",  # noqa: S106  of nobody
    )
    assert done.stdout.count("FAIL   settings") == 1
    assert "warn   InfluxDB       not used: the address is wrong\n" in done.stdout


def test_everything_broken_is_told_link_by_link(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = called(
        *("check", "--json", "--seconds", "1"),
        home=tmp_path,
        P1_SOURCE=str(tmp_path / "gone"),
        P1_SPOOL_DIR=str(tmp_path / "file" / "spool"),
        P1_INFLUX_URL="http://influx.invalid:8086",
        P1_INFLUX_TOKEN="made-up",  # noqa: S106  of nobody
        P1_BAUD="fast",
    )
    found = outcomes(done)
    assert done.returncode == 1
    assert set(found) == FULL_CHAIN
    failed = {link for link, outcome in found.items() if outcome == "FAIL"}
    assert failed == {"settings", "port", "spool", "DNS"}
    assert "Traceback" not in done.stderr


def test_each_failure_has_its_remedy_and_no_secret_is_told(tmp_path: Path) -> None:
    done = called(
        *("check", "--json"),
        home=tmp_path,
        P1_SOURCE="socket://127.0.0.1:1",
        P1_INFLUX_URL="http://127.0.0.1:1",
        P1_INFLUX_TOKEN="very-secret",  # noqa: S106  of nobody
    )
    found = facts(done)
    assert not found["ok"]
    assert all(f["remedy"] for f in found["findings"] if f["outcome"] in ("FAIL", "warn"))
    assert "very-secret" not in done.stdout + done.stderr
    token = {"name": "P1_INFLUX_TOKEN", "value": "(hidden)", "origin": "environment"}
    assert token in found["settings"]


def test_a_source_that_is_none_is_told(tmp_path: Path) -> None:
    done = called("check", "--json", home=tmp_path, P1_SOURCE="socket://no-port")
    assert outcomes(done)["port"] == "FAIL"


def test_a_port_that_another_program_reads_is_told_with_its_name(tmp_path: Path) -> None:
    service = Service(tmp_path / "other", P1_SOURCE=str(tmp_path / "meter"))
    with sending(tmp_path / "meter"):
        service.start()
        service.wait_until(lambda status: status["state"] == "reading")
        done = called("check", "--json", home=tmp_path, P1_SOURCE=str(tmp_path / "meter"))
        service.stop()
    (told,) = [f["what"] for f in facts(done)["findings"] if f["link"] == "bytes"]
    assert "another program reads it" in told
    assert f"process {service.process.pid} " in told


def test_while_the_service_runs_its_word_counts_and_it_goes_on(tmp_path: Path) -> None:
    service = Service(tmp_path, P1_SOURCE=str(tmp_path / "meter"))
    with sending(tmp_path / "meter"):
        service.start()
        service.wait_until(lambda _: True)  # it has begun, and read nothing yet
        done = called("check", "--json", home=tmp_path, P1_SOURCE=str(tmp_path / "meter"))
        status = service.wait_until(lambda status: status["counts"]["telegrams"] > 0)
        service.stop()
    found = outcomes(done)
    assert done.returncode == 0, done.stdout
    assert "port" not in found
    assert (found["service"], found["M-Bus"]) == ("ok", "ok")
    assert status["counts"]["bad_checksums"] == 0


def test_a_service_that_has_not_taken_the_settings_of_now_is_told(tmp_path: Path) -> None:
    service = Service(tmp_path, P1_SOURCE=str(tmp_path / "meter"))
    with sending(tmp_path / "meter"):
        service.start()
        service.wait_until(lambda status: status["state"] == "reading")
        done = called(
            "check", home=tmp_path, P1_SOURCE=str(tmp_path / "meter"), P1_SITE="elsewhere"
        )
        service.stop()
    assert done.returncode == 1
    assert "FAIL   service        runs with other settings, process" in done.stdout


def test_a_service_that_cannot_deliver_is_told_in_its_own_words(tmp_path: Path) -> None:
    away = {"P1_INFLUX_URL": "http://127.0.0.1:1", "P1_INFLUX_TOKEN": "made-up"}
    service = Service(tmp_path, P1_SOURCE=str(tmp_path / "meter"), **away)
    with sending(tmp_path / "meter"):
        service.start()
        service.wait_until(lambda status: status["delivery"]["message"] is not None)
        done = called("check", home=tmp_path, P1_SOURCE=str(tmp_path / "meter"), **away)
        service.stop()
    (told,) = re.findall(r"^FAIL   delivery       0 delivered, .*$", done.stdout, re.MULTILINE)
    assert done.returncode == 1
    assert told.endswith("Connection refused")


def test_a_reader_on_the_network_that_is_silent_is_asked_for_its_port(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        source = f"socket://127.0.0.1:{server.getsockname()[1]}"
        done = called("check", "--seconds", "1", home=tmp_path, P1_SOURCE=source)
    told = " ".join(done.stdout.split())
    assert f"FAIL bytes none in 1 s → {Remedy.NETWORK_SILENCE.advice}" in told


def test_a_server_that_speaks_tls_and_is_spoken_to_in_plain_is_told(
    secure: Answers, tmp_path: Path
) -> None:
    done = called(
        "check",
        home=tmp_path,
        P1_SOURCE=str(tmp_path / "gone"),
        P1_INFLUX_URL=f"http://localhost:{secure.port}",
        P1_INFLUX_TOKEN="made-up",  # noqa: S106  of nobody
    )
    told = " ".join(done.stdout.split())
    words = "the port speaks TLS, and is spoken to without"
    assert f"FAIL TLS {words} → {Remedy.TLS_WANTED.advice}" in told
    assert "- product not tried" in told


def test_a_service_without_a_meter_is_told_in_its_own_words(tmp_path: Path) -> None:
    service = Service(tmp_path, P1_SOURCE=str(tmp_path / "gone"))
    service.start()
    service.wait_until(lambda status: status["trouble"] is not None)
    done = called("check", home=tmp_path, P1_SOURCE=str(tmp_path / "gone"))
    service.stop()
    assert done.returncode == 1
    assert f"FAIL   bytes          cannot open `{tmp_path}/gone`" in done.stdout
    assert "→ is the cable plugged in?" in done.stdout


def test_a_service_that_hangs_is_told(tmp_path: Path) -> None:
    service = Service(tmp_path, P1_SOURCE=str(tmp_path / "gone"))
    service.start()
    service.wait_until(lambda _: True)
    with service.held():
        (service.hot / "status.json").write_text(json.dumps({"pid": 1, "updated": 0}))
        done = called("check", "--json", home=tmp_path, P1_SOURCE=str(tmp_path / "gone"))
    service.kill()
    (told,) = [f for f in facts(done)["findings"] if f["link"] == "service"]
    assert told["outcome"] == "FAIL"
    assert told["what"].startswith(f"process {service.process.pid} ")


def test_a_silent_meter_is_told_after_the_time_that_was_given(tmp_path: Path) -> None:
    with Terminal(tmp_path / "meter"):
        done = called(
            *("check", "--seconds", "1"), home=tmp_path, P1_SOURCE=str(tmp_path / "meter")
        )
    (told,) = re.findall(r"^FAIL   bytes          none in (\d+) s", done.stdout, re.MULTILINE)
    assert 1 <= int(told) < chain.LISTEN_SECONDS


def test_a_recording_is_checked_like_a_meter(tmp_path: Path) -> None:
    path = Path(__file__).parents[3] / "telegrams" / "dsmr50-3phase-solar-gas.txt"
    done = called("check", "--json", home=tmp_path, P1_SOURCE=f"file://{path}")
    found = outcomes(done)
    assert (found["telegrams"], found["checksum"], found["meter's clock"]) == ("ok", "ok", "ok")


def test_a_remedy_stands_below_its_finding() -> None:
    lines = in_words(fail("TCP", "refused", "a long remedy " * 12))
    assert lines[0] == "FAIL   TCP            refused"
    assert all(text.startswith("       ") and len(text) <= 99 for text in lines[1:])
    assert in_words(ok("TCP", "answers")) == ["ok     TCP            answers"]


@pytest.mark.parametrize("seconds", ["0", "-1", "soon", "inf", "nan"])
def test_a_time_that_is_none_is_wrong_usage(seconds: str, tmp_path: Path) -> None:
    assert called("check", "--seconds", seconds, home=tmp_path).returncode == 2
