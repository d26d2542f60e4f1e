"""The demo: it accounts for every telegram, and leaves nothing behind."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from re import MULTILINE
from urllib.request import urlopen

import pytest

from bed.influxd import Database, Influxd
from bed.influxdb import Program
from collector.commands.demo.stage import account, drained, environment_for, lines, missing, room
from collector.delivery.answer import Target
from collector.p1.framing import Framer
from collector.p1.telegram import Telegram, parse
from commands.show.statuses import COUNTS, status
from p1.golden import TELEGRAMS


def test_the_accounts_are_a_table_and_what_is_nowhere_is_lost() -> None:
    """What waits is counted in the files, and not by the collector."""
    ends = {"delivered": 280, "waiting": 77, "rejected": 4, "dropped": 3, "damaged": 2}
    counts = account(status(counts=COUNTS | {"read": 299} | ends), sent=300, waiting=10)

    assert lines(counts) == [
        "sent by the meter        300",
        "read                     299",
        "delivered                280",
        "waiting                   10",
        "rejected                   4",
        "dropped                    3",
        "damaged                    2",
        "lost                       1",
    ]


USERS = {
    "PATH": "/bin",
    "P1_SOURCE": "/dev/ttyUSB0",
    "P1_KEEP_SECONDS": "60",
    "P1_INFLUX_URL": "http://influx:8086",
    "INFLUX_TOKEN": "made-up",
    "NOTIFY_SOCKET": "/run/notify",
    "STATE_DIRECTORY": "/var/lib/p1-collector",
}


def test_the_demo_has_its_own_settings_and_nothing_of_another_collector(tmp_path: Path) -> None:
    target = Target("http://127.0.0.1:7", "demo", "demo", "of-the-demo")
    environment = environment_for(USERS, target, "/dev/pts/7", tmp_path / "hot", tmp_path)

    assert environment == {
        "PATH": "/bin",
        "P1_SOURCE": "/dev/pts/7",
        "P1_SITE": "demo",
        "P1_CLOCK": "meter",
        "P1_RETRY_SECONDS": "2",
        "P1_HOT_DIR": str(tmp_path / "hot"),
        "P1_SPOOL_DIR": str(tmp_path / "spool"),
        "P1_INFLUX_URL": "http://127.0.0.1:7",
        "P1_INFLUX_TOKEN": "of-the-demo",
        "P1_INFLUX_ORG": "demo",
        "P1_INFLUX_BUCKET": "demo",
    }


def sent() -> Telegram:
    (frame,) = Framer().feed((TELEGRAMS / "dsmr50-1phase-gas.txt").read_bytes())
    return parse(frame)


def test_what_is_stored_as_the_meter_printed_it_is_not_missing() -> None:
    telegram = sent()
    assert telegram.time
    stored = {int(telegram.time.timestamp()): dict(telegram.electricity)}

    assert missing([telegram], stored) == []


@pytest.mark.parametrize("name", sent().electricity)
def test_a_telegram_of_which_one_value_is_another_or_not_there_is_missing(name: str) -> None:
    telegram = sent()
    assert telegram.time
    second = int(telegram.time.timestamp())
    another = {second: {**telegram.electricity, name: 7654}}
    without = {second: {n: v for n, v in telegram.electricity.items() if n != name}}

    assert missing([telegram], another) == missing([telegram], without) == [telegram]
    assert missing([telegram], {second + 1: telegram.electricity}) == [telegram]


@pytest.mark.parametrize(
    ("delivery", "read", "waiting", "done"),
    [
        ("delivering", 3000, 0, True),
        ("delivering", 3000, 10, False),
        ("retrying", 3000, 10, False),
        ("delivering", 2999, 0, False),
        ("misconfigured", 3000, 3000, True),
    ],
)
def test_the_path_is_drained_when_all_is_where_it_can_get_to(
    delivery: str, read: int, waiting: int, *, done: bool
) -> None:
    content = status(
        counts=COUNTS | {"read": read, "waiting": waiting},
        delivery={"state": delivery, "url": None, "message": None},
    )

    assert drained(content, sent=3000) is done


PATIENCE = 80  # seconds; a demo takes some 10 of them
NAMES = ("sent by the meter", "read", "delivered", "waiting", "rejected", "dropped", "damaged")
ACTS = (
    "1 of 3: {} is there: what is read is delivered every 5 seconds\n",
    "2 of 3: {} is away: readings wait, in RAM, then on the disk\n",
    "3 of 3: {} is back: new readings go first, then those that waited\n",
    "the meter has stopped: waiting until the last readings are delivered\n",
)


@contextmanager
def playing(home: Path, *options: str, **settings: str) -> Iterator[subprocess.Popen[str]]:
    """`p1-collector demo` on a pipe and without an `influxd`; what it keeps is in `home`."""
    bare = {k: v for k, v in os.environ.items() if not k.startswith(("P1_", "INFLUX"))}
    with subprocess.Popen(
        [sys.executable, "-m", "collector", "demo", *options],
        env={**bare, "PATH": "", "TMPDIR": str(home), **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def first_status(process: subprocess.Popen[str]) -> str:
    """Give the first line that tells of a telegram; before, the demo says what it is."""
    assert process.stdout
    return next(line for line in process.stdout if "  read " in line)


def counts_in(printed: str) -> dict[str, int]:
    rows = re.findall(r"^([a-z ]+?) +(\d+)$", printed, MULTILINE)
    return {name: int(count) for name, count in rows}


def story_in(printed: str) -> list[str]:
    words = ("1 of 3", "2 of 3", "3 of 3", "the meter has stopped")
    return [line for line in printed.splitlines(keepends=True) if line.startswith(words)]


@pytest.mark.slow
def test_without_an_influxdb_a_stand_in_goes_away_and_comes_back_and_gets_all(
    tmp_path: Path,
) -> None:
    with playing(tmp_path, "--seconds", "8", "--speed", "50") as process:
        printed, complaints = process.communicate(timeout=PATIENCE)
    counts = counts_in(printed)
    waited = re.search(r"^up to (\d+) telegrams waited", printed, MULTILINE)

    assert (process.returncode, complaints) == (0, "")
    assert printed.startswith("There is no InfluxDB: P1_INFLUX_URL is not set")
    assert story_in(printed) == [act.format("the stand-in") for act in ACTS]
    assert waited
    assert int(waited[1]) > 100
    assert counts["sent by the meter"] > 100
    assert [counts[name] for name in NAMES] == [counts["read"]] * 3 + [0, 0, 0, 0]
    assert counts["lost"] == 0
    assert (
        f"compared: the stand-in has all {counts['read']}, each value as the meter sent it\n"
        in printed
    )
    assert "set P1_INFLUX_URL (http://localhost:8086)" in printed


@pytest.mark.slow
def test_on_a_pipe_there_are_plain_lines(tmp_path: Path) -> None:
    with playing(tmp_path, "--seconds", "2", "--speed", "50") as process:
        status_line = first_status(process)
        rest, _ = process.communicate(timeout=PATIENCE)

    words = r"\d\d:\d\d:\d\d  import \d\.\d{3} kW  .*  read \d+  delivered 0"
    assert re.match(words, status_line)
    assert "\x1b" not in status_line + rest


@pytest.mark.slow
@pytest.mark.influxdb
def test_with_an_influxdb_it_delivers_there_and_what_it_tells_to_paste_removes_that(
    tmp_path: Path, influxd: Database, bucket: str
) -> None:
    token = influxd.write_token(bucket).text
    settings = {
        "P1_INFLUX_URL": influxd.url,
        "P1_INFLUX_TOKEN": token,
        "P1_INFLUX_ORG": influxd.org,
        "P1_INFLUX_BUCKET": bucket,
    }
    influxd.write(bucket, "electricity,site=home power_import_kw=1 1")
    with playing(tmp_path, "--seconds", "8", "--speed", "30", **settings) as process:
        printed, complaints = process.communicate(timeout=PATIENCE)
    counts = counts_in(printed)
    count = "SELECT COUNT(power_import_kw) FROM electricity"
    (stored,) = influxd.influxql(bucket, f"{count} WHERE site = 'demo'")

    assert (process.returncode, complaints, counts["lost"], counts["waiting"]) == (0, "", 0, 0)
    assert story_in(printed) == [act.format("InfluxDB") for act in ACTS]
    assert stored["count"] == counts["delivered"] == counts["sent by the meter"]
    assert f"compared: InfluxDB has all {stored['count']}, each value as" in printed

    _, told, paste = printed.partition("to remove them:\n\n")
    assert told
    subprocess.run(["sh", "-c", paste], check=True, env={**os.environ, "P1_INFLUX_TOKEN": token})
    assert [row["count"] for row in influxd.influxql(bucket, count)] == [1]


@pytest.mark.slow
@pytest.mark.influxdb
def test_an_influxd_on_the_path_is_started_shown_and_ended_with_the_demo(
    tmp_path: Path, own_influxd: Influxd
) -> None:
    if not isinstance(own_influxd._found, Program):
        pytest.skip("this influxd is in a container")
    path = str(Path(own_influxd._found.path).parent)
    with playing(tmp_path, "--seconds", "3", "--speed", "30", PATH=path) as process:
        printed, complaints = process.communicate(timeout=PATIENCE)
    told = re.search(r"^InfluxDB's UI: (http://\S+)   user p1   password \S+$", printed, MULTILINE)

    assert (process.returncode, complaints, counts_in(printed)["lost"]) == (0, "", 0)
    assert "(`influxd`, started for the demo)" in printed
    assert "compared: InfluxDB has all" in printed
    assert "made in p1: 6 dashboards" in printed
    assert told
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OSError, match="refused"):
        urlopen(told[1])  # noqa: S310  http is meant


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_told_to_end_it_ends_in_order_and_leaves_nothing_behind(
    tmp_path: Path, end: signal.Signals
) -> None:
    with playing(tmp_path, "--speed", "50") as process:
        first_status(process)
        collector = only_child(process.pid)
        process.send_signal(end)
        printed, complaints = process.communicate(timeout=PATIENCE)

    assert (process.returncode, complaints) == (0, "")
    assert counts_in(printed)["lost"] == 0
    assert list(tmp_path.iterdir()) == []
    assert not Path("/proc", collector).exists()


@pytest.mark.slow
def test_what_is_killed_leaves_no_collector_and_the_next_demo_removes_its_files(
    tmp_path: Path,
) -> None:
    with playing(tmp_path, "--speed", "50") as process:
        first_status(process)
        collector = only_child(process.pid)
        process.kill()
        process.wait()
    gone = Path("/proc", collector)
    give_up = time.monotonic() + PATIENCE
    while gone.exists():
        assert time.monotonic() < give_up, "the collector goes on without its demo"
        time.sleep(0.05)
    places = (tmp_path, Path("/dev/shm"))  # noqa: S108 - only looked at
    left = [path for place in places for path in place.glob(f"p1-demo-{process.pid}-*")]
    assert tmp_path in [path.parent for path in left]

    with playing(tmp_path, "--seconds", "1") as process:
        process.communicate(timeout=PATIENCE)
    assert [path for path in left if path.exists()] == []


def test_the_files_of_a_demo_that_still_runs_are_left_alone(tmp_path: Path) -> None:
    running = tmp_path / f"p1-demo-{os.getpid()}-x"
    others = tmp_path / "p1-demo-of-somebody-else"
    for directory in (running, others):
        directory.mkdir()
    with room(str(tmp_path)):
        assert running.exists()
    assert others.exists()


def only_child(pid: int) -> str:
    (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return child


@pytest.mark.slow
def test_whose_reader_goes_away_ends_quietly_with_all_it_started(tmp_path: Path) -> None:
    with playing(tmp_path, "--speed", "50") as process:
        assert process.stdout
        assert process.stderr
        first_status(process)
        collector = only_child(process.pid)
        process.stdout.close()
        complaints = process.stderr.read()
        process.wait(PATIENCE)

    assert (process.returncode, complaints) == (1, "")
    assert list(tmp_path.iterdir()) == []
    assert not Path("/proc", collector).exists()


@pytest.mark.slow
def test_an_influxdb_without_its_token_is_told_before_anything_starts(tmp_path: Path) -> None:
    with playing(tmp_path, P1_INFLUX_URL="http://localhost:8086") as process:
        printed, complaints = process.communicate(timeout=PATIENCE)

    assert (process.returncode, printed) == (2, "")
    assert complaints.startswith(
        "error: P1_INFLUX_TOKEN is missing, P1_INFLUX_URL is set\n\nhint:"
    )


@pytest.mark.slow
def test_an_influxdb_that_does_not_answer_is_told_before_anything_starts(tmp_path: Path) -> None:
    there = {"P1_INFLUX_URL": "http://127.0.0.1:9", "P1_INFLUX_TOKEN": "made-up-token"}
    with playing(tmp_path, **there, P1_INFLUX_ORG="home") as process:
        printed, complaints = process.communicate(timeout=PATIENCE)

    assert (process.returncode, printed) == (1, "")
    assert complaints.startswith(
        "error: InfluxDB at `http://127.0.0.1:9`: no answer: `127.0.0.1` port 9: Connection"
    )
    assert "\n\nhint: `p1-collector check` says more" in complaints
