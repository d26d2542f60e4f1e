"""`export` from a real InfluxDB: what comes out is what went in, digit by digit."""

import csv
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bed.command import called
from bed.influxd import Database
from bed.telegrams import utc
from collector.commands.export.query import CHUNK
from collector.points import Points
from commands.imports.recordings import read, telegrams

pytestmark = [pytest.mark.influxdb, pytest.mark.every_influxdb, pytest.mark.slow]

PERIOD = ("--from", "2021-03-05", "--to", "2021-03-06")


@pytest.fixture(scope="module")
def lines() -> list[str]:
    """Give the points of an hour of a meter, as the service writes them."""
    points = Points(site="home")
    read_again = [read(telegram) for telegram in telegrams(360)]
    return [line for one in read_again if one.time for line in points.lines(one, one.time) or []]


@pytest.fixture
def filled(influxd: Database, bucket: str, lines: list[str]) -> dict[str, str]:
    """Fill the bucket; gives the settings for it."""
    assert influxd.write(bucket, "".join(lines)).status == 204
    return {
        "P1_INFLUX_URL": influxd.url,
        "P1_INFLUX_TOKEN": influxd.token,
        "P1_INFLUX_ORG": influxd.org,
        "P1_INFLUX_BUCKET": bucket,
    }


def rows(done: subprocess.CompletedProcess[str]) -> list[dict[str, str]]:
    assert done.returncode == 0, done.stderr
    return list(csv.DictReader(io.StringIO(done.stdout)))


def test_a_csv_of_power_is_what_people_had(filled: dict[str, str], tmp_path: Path) -> None:
    columns = "time,local_time,power_import_kw"
    done = called("export", *PERIOD, "--columns", columns, home=tmp_path, **filled)
    found = rows(done)
    sent = [read(telegram) for telegram in telegrams(360)]
    assert done.stdout.splitlines()[0] == columns
    assert found[0]["time"] == "2021-03-05T12:00:00Z"
    assert found[0]["local_time"] == "2021-03-05 13:00:00+01:00"
    assert [float(row["power_import_kw"]) for row in found] == [
        float(one.electricity["power_import_kw"]) for one in sent
    ]
    assert done.stderr == "360 rows\n"


def test_all_columns_are_there_when_none_is_named(filled: dict[str, str], tmp_path: Path) -> None:
    found = rows(called("export", *PERIOD, home=tmp_path, **filled))
    (sent,) = telegrams(1)
    assert set(found[0]) == {"time", "local_time", "site", "meter", *read(sent).electricity}
    assert (found[0]["site"], found[0]["meter"]) == ("home", read(sent).meter)


def test_another_measurement_is_exported_by_its_name(
    filled: dict[str, str], tmp_path: Path
) -> None:
    done = called("export", *PERIOD, "--measurement", "gas", home=tmp_path, **filled)
    assert {"volume_m3", "channel"} <= set(rows(done)[0])


def test_line_protocol_is_what_was_written_and_can_be_written_again(
    filled: dict[str, str], influxd: Database, bucket: str, lines: list[str], tmp_path: Path
) -> None:
    done = called("export", "--from", "2000-01-01", "--line-protocol", home=tmp_path, **filled)
    assert sorted(map(parsed, done.stdout.splitlines())) == sorted(map(parsed, lines))
    other = influxd.new_bucket(f"{bucket}-other")
    assert influxd.write(other, done.stdout).status == 204
    for query in ("SELECT * FROM electricity", "SELECT * FROM gas"):
        assert influxd.influxql(other, query) == influxd.influxql(bucket, query)


def parsed(line: str) -> tuple[str, list[str], list[tuple[str, str | float]], str]:
    """Take a line apart; a float is its value, for `00.500` and `0.5` are the same."""
    head, fields, second = line.strip().rsplit(" ", 2) if '"' not in line else _with_text(line)
    measurement, *tags = head.split(",")
    pairs = (field.partition("=") for field in fields.split(","))
    values = [
        (name, text if text.endswith(("i", '"')) else float(text)) for name, _, text in pairs
    ]
    return measurement, sorted(tags), sorted(values, key=lambda pair: pair[0]), second


def _with_text(line: str) -> tuple[str, str, str]:
    head, _, rest = line.strip().partition(" ")
    fields, _, second = rest.rpartition(" ")
    return head, fields, second


def test_more_than_one_piece_of_an_answer_comes_whole(
    influxd: Database, filled: dict[str, str], bucket: str, tmp_path: Path
) -> None:
    begin, number = int(utc("2022-01-01T00:00:00").timestamp()), 2 * CHUNK + 7
    many = "".join(f"many n={n}i {begin + n}\n" for n in range(number))
    assert influxd.write(bucket, many).status == 204
    done = called(
        *("export", "--from", "2022-01-01", "--to", "2022-01-02", "--measurement", "many"),
        *("--columns", "n"),
        home=tmp_path,
        **filled,
    )
    assert [int(row["n"]) for row in rows(done)] == list(range(number))


def test_a_period_ends_before_its_end(filled: dict[str, str], tmp_path: Path) -> None:
    done = called(
        *("export", "--from", "2021-03-05T12:00Z", "--to", "2021-03-05T12:01Z"),
        home=tmp_path,
        **filled,
    )
    assert [row["time"][-3:] for row in rows(done)] == ["00Z", "10Z", "20Z", "30Z", "40Z", "50Z"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--columns", "time,power"], 2, "error: `electricity` has no column `power`"),
        (["--columns", "time"], 2, "error: no field among the columns"),
        (["--measurement", "steam"], 2, "error: the bucket has no measurement `steam`"),
        (["--from", "soon"], 2, "error: `soon` is no time"),
        (["--columns", "time", "--line-protocol"], 2, "not allowed with argument"),
    ],
)
def test_what_is_not_there_is_told(
    arguments: list[str], code: int, words: str, filled: dict[str, str], tmp_path: Path
) -> None:
    done = called("export", *arguments, home=tmp_path, **filled)
    assert done.returncode == code
    assert words in done.stderr
    assert done.stdout == ""


def test_a_token_that_may_only_write_is_told(
    influxd: Database, filled: dict[str, str], bucket: str, tmp_path: Path
) -> None:
    only_write = {**filled, "P1_INFLUX_TOKEN": influxd.write_token(bucket).text}
    done = called("export", home=tmp_path, **only_write)
    assert done.returncode == 1
    words = ("may the token read it, not only write?", "the token may not read: ")
    assert any(one in done.stderr for one in words)


def test_a_token_that_is_wrong_is_told(filled: dict[str, str], tmp_path: Path) -> None:
    done = called("export", home=tmp_path, **{**filled, "P1_INFLUX_TOKEN": "made-up"})
    assert done.returncode == 1
    assert "hint: the token is not valid: check `P1_INFLUX_TOKEN`" in done.stderr


def test_a_server_that_is_away_is_told(filled: dict[str, str], tmp_path: Path) -> None:
    done = called("export", home=tmp_path, **{**filled, "P1_INFLUX_URL": "http://127.0.0.1:1"})
    assert done.returncode == 1
    assert done.stderr.startswith("error: `127.0.0.1` port 1: Connection refused (")


def test_without_an_influxdb_there_is_nothing_to_export(tmp_path: Path) -> None:
    done = called("export", home=tmp_path)
    assert (done.returncode, done.stderr.splitlines()[0]) == (2, "error: no InfluxDB is set")


def test_a_file_of_the_shell_is_private(filled: dict[str, str], tmp_path: Path) -> None:
    with (tmp_path / "power.csv").open("wb") as file:
        command = [sys.executable, "-m", "collector", "export", *PERIOD]
        subprocess.run(command, check=True, stdout=file, env={**os.environ, **filled})
        assert os.fstat(file.fileno()).st_mode & 0o777 == 0o600
