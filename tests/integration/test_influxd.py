"""The tests' own InfluxDB is a real one and behaves as the tests take for granted."""

import os
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import pytest

from bed.influxd import Database, Influxd, at
from bed.influxdb import IMAGE, Found, Image, Program, Server

pytestmark = [pytest.mark.influxdb, pytest.mark.timeout(300)]

LINE = "electricity,meter=E1,site=home power_import_kw=0.123,tariff=2i 1700000000\n"


def test_a_line_that_was_written_is_read_back(influxd: Database, bucket: str) -> None:
    assert influxd.write(bucket, LINE).status == 204
    assert influxd.influxql(bucket, "SELECT * FROM electricity") == [
        {
            "time": 1700000000,
            "meter": "E1",
            "site": "home",
            "power_import_kw": Decimal("0.123"),
            "tariff": 2,
        }
    ]


def test_tags_are_columns_of_a_grouped_query(influxd: Database, bucket: str) -> None:
    influxd.write(bucket, LINE + LINE.replace("E1", "E2"))
    rows = influxd.influxql(bucket, "SELECT COUNT(tariff) FROM electricity GROUP BY meter")
    assert [(row["meter"], row["count"]) for row in rows] == [("E1", 1), ("E2", 1)]


def test_flux_gives_text(influxd: Database, bucket: str) -> None:
    influxd.write(bucket, LINE)
    rows = influxd.flux(f'from(bucket: "{bucket}") |> range(start: 0)')
    assert {row["_field"]: row["_value"] for row in rows} == {
        "power_import_kw": "0.123",
        "tariff": "2",
    }


def test_a_bucket_sees_nothing_of_another(influxd: Database, bucket: str) -> None:
    other = influxd.new_bucket(f"{bucket}-other")
    influxd.write(other, LINE)
    assert influxd.influxql(bucket, "SELECT * FROM electricity") == []


def test_a_bucket_refuses_what_is_older_than_its_retention(influxd: Database, bucket: str) -> None:
    short = influxd.new_bucket(f"{bucket}-short", retention_seconds=3600)
    answer = influxd.write(short, LINE)
    assert answer.status == 422
    assert "retention" in answer.json["message"]


def test_a_write_token_writes_to_its_bucket_and_nothing_else(
    influxd: Database, bucket: str
) -> None:
    other = influxd.new_bucket(f"{bucket}-other")
    token = influxd.write_token(bucket)
    assert influxd.write(bucket, LINE, token=token.text).status == 204
    assert influxd.write(other, LINE, token=token.text).status == 403
    query = at("/query", db=bucket, q="SELECT * FROM electricity")
    assert b"series" in influxd.request("GET", query).body
    assert b"series" not in influxd.request("GET", query, token=token.text).body


def test_a_revoked_token_gives_401(influxd: Database, bucket: str) -> None:
    token = influxd.write_token(bucket)
    assert influxd.write(bucket, LINE, token=token.text).status == 204
    influxd.revoke(token)
    assert influxd.write(bucket, LINE, token=token.text).status == 401


@pytest.mark.slow
def test_what_was_acknowledged_survives_a_kill(own_influxd: Influxd) -> None:
    bucket = own_influxd.new_bucket("killed")
    own_influxd.write(bucket, LINE)
    own_influxd.kill()
    assert not own_influxd.running
    own_influxd.start()
    assert len(own_influxd.influxql(bucket, "SELECT * FROM electricity")) == 1


@pytest.mark.slow
def test_a_stopped_server_comes_back_at_the_same_address(own_influxd: Influxd) -> None:
    url = own_influxd.url
    bucket = own_influxd.new_bucket("stopped")
    own_influxd.stop()
    with pytest.raises(OSError, match="refused"):
        own_influxd.write(bucket, LINE)
    own_influxd.start()
    assert own_influxd.url == url
    assert own_influxd.write(bucket, LINE).status == 204


@pytest.mark.slow
def test_the_server_ends_with_the_tests_that_started_it(found_influxdb: Found) -> None:
    if isinstance(found_influxdb, Server):
        pytest.skip("P1_TEST_INFLUXDB_URL names a server that is not ours to start")
    started = subprocess.run(
        [sys.executable, "-c", STARTS_AND_DIES, repr(found_influxdb)],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
        check=False,
        capture_output=True,
        text=True,
        timeout=150,
    )
    assert started.returncode == 7, started.stderr
    _until_refused(Database(started.stdout.strip(), "", ""))


STARTS_AND_DIES = """
import os, sys
from bed.influxd import Influxd
from bed.influxdb import Image, Program
server = Influxd(eval(sys.argv[1]))
server.start()
print(server.url, flush=True)
os._exit(7)
"""


def _until_refused(server: Database) -> None:
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up:
        try:
            server.request("GET", "/ready")
        except OSError:
            return
        time.sleep(0.05)
    pytest.fail(f"{server.url} still answers")


@pytest.mark.slow
def test_docker_runs_the_same_program(
    found_influxdb: Found, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no Docker, a stand-in takes its arguments as Docker would."""
    if not isinstance(found_influxdb, Program):
        pytest.skip("only for machines where Docker is not what runs")
    stand_in = tmp_path / "docker"
    stand_in.write_text(DOCKER.format(influxd=found_influxdb.path, image=IMAGE, place=tmp_path))
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with Influxd(Image(IMAGE)) as server:
        assert server.write(server.new_bucket("b"), LINE).status == 204
        server.kill()
        assert not server.running


DOCKER = """#!/bin/sh
case "$1" in
run)
    for word; do
        shift
        case "$word" in
        --name=*) echo $$ > "{place}/${{word#--name=}}" ;;
        {image}) exec {influxd} "$@" ;;
        esac
    done ;;
kill) exec kill -KILL "$(cat "{place}/$2")" ;;
esac
"""
