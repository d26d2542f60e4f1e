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

import pytest

from bed.influxd import Database
from collector.commands.demo.account import Account
from collector.commands.demo.stage import _remove_left_ones, drained, environment_for
from collector.delivery.answer import Target
from commands.show.statuses import COUNTS, status

SENT_300 = Account(sent=300, read=300, delivered=280, waiting=10, rejected=4, dropped=3, damaged=2)


def test_what_is_nowhere_is_lost() -> None:
    assert SENT_300.lost == 1


def test_the_accounts_are_a_table() -> None:
    assert SENT_300.lines() == [
        "sent by the meter        300",
        "read                     300",
        "delivered                280",
        "waiting                   10",
        "rejected                   4",
        "dropped                    3",
        "damaged                    2",
        "lost                       1",
    ]


def test_what_waits_is_counted_in_the_files_and_not_by_the_collector() -> None:
    account = Account.of(status(counts=COUNTS | {"waiting": 10}), sent=3000, waiting=7)

    assert (account.delivered, account.waiting, account.lost) == (2990, 7, 3)


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
    environment = environment_for(USERS, None, "/dev/pts/7", tmp_path / "hot", tmp_path)

    assert environment == {
        "PATH": "/bin",
        "P1_SOURCE": "/dev/pts/7",
        "P1_SITE": "demo",
        "P1_CLOCK": "meter",
        "P1_HOT_DIR": str(tmp_path / "hot"),
        "P1_SPOOL_DIR": str(tmp_path / "spool"),
    }


def test_the_demo_delivers_to_the_users_influxdb(tmp_path: Path) -> None:
    target = Target("http://influx:8086", "home", "p1", "made-up", "ca.pem")
    environment = environment_for(USERS, target, "/dev/pts/7", tmp_path / "hot", tmp_path)
    influxdb = {n: v for n, v in environment.items() if n.startswith(("P1_INFLUX", "INFLUX"))}

    assert influxdb == {
        "P1_INFLUX_URL": "http://influx:8086",
        "P1_INFLUX_TOKEN": "made-up",
        "P1_INFLUX_ORG": "home",
        "P1_INFLUX_BUCKET": "p1",
        "P1_INFLUX_CA": str(Path("ca.pem").resolve()),
    }


@pytest.mark.parametrize(
    ("delivery", "read", "waiting", "done"),
    [
        ("delivering", 3000, 0, True),
        ("delivering", 3000, 10, False),
        ("retrying", 3000, 10, False),
        ("delivering", 2999, 0, False),
        ("off", 3000, 3000, True),
        ("off", 2999, 2999, False),
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
HOW_TO_CONNECT = """
to see the readings in an InfluxDB, set P1_INFLUX_URL (http://localhost:8086),
P1_INFLUX_TOKEN, P1_INFLUX_ORG and P1_INFLUX_BUCKET, and run the demo again
"""


@contextmanager
def playing(home: Path, *options: str, **settings: str) -> Iterator[subprocess.Popen[str]]:
    """`p1-collector demo` on a pipe, with `home` as the place for what it keeps."""
    bare = {k: v for k, v in os.environ.items() if not k.startswith(("P1_", "INFLUX"))}
    with subprocess.Popen(
        [sys.executable, "-m", "collector", "demo", *options],
        env={**bare, "TMPDIR": str(home), **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def first_status(process: subprocess.Popen[str]) -> str:
    """Give the first line that tells of a telegram; before, the demo says that it starts."""
    assert process.stdout
    line = process.stdout.readline()
    while line.startswith("starting the collector"):
        line = process.stdout.readline()
    return line


def counts_in(printed: str) -> dict[str, int]:
    rows = re.findall(r"^([a-z ]+?) +(\d+)$", printed, re.MULTILINE)
    return {name: int(count) for name, count in rows}


@pytest.mark.slow
def test_without_an_influxdb_it_spools_and_says_how_to_connect_one(tmp_path: Path) -> None:
    with playing(tmp_path, "--seconds", "8", "--speed", "50") as process:
        printed, complaints = process.communicate(timeout=PATIENCE)
    counts = counts_in(printed)

    assert (process.returncode, complaints) == (0, "")
    assert counts["sent by the meter"] > 100
    assert [counts[name] for name in NAMES] == [counts["read"]] * 2 + [0, counts["read"], 0, 0, 0]
    assert counts["lost"] == 0
    assert printed.endswith(
        f"\n\n{counts['read']} telegrams waited for an InfluxDB,\n"
        f"as in an outage; the demo discards them\n{HOW_TO_CONNECT}"
    )


@pytest.mark.slow
def test_on_a_pipe_there_are_plain_lines(tmp_path: Path) -> None:
    with playing(tmp_path, "--seconds", "2", "--speed", "50") as process:
        assert process.stdout
        first, status_line = process.stdout.readline(), first_status(process)
        rest, _ = process.communicate(timeout=PATIENCE)

    assert first == "starting the collector on the meter of a simulated household\n"
    words = r"\d\d:\d\d:\d\d  import \d\.\d{3} kW  .*  read \d+  delivered 0"
    assert re.match(words, status_line)
    assert "\x1b" not in first + status_line + rest


@pytest.mark.slow
@pytest.mark.influxdb
def test_with_an_influxdb_it_delivers_there(
    tmp_path: Path, influxd: Database, bucket: str
) -> None:
    settings = {
        "P1_INFLUX_URL": influxd.url,
        "P1_INFLUX_TOKEN": influxd.token,
        "P1_INFLUX_ORG": influxd.org,
        "P1_INFLUX_BUCKET": bucket,
    }
    with playing(tmp_path, "--seconds", "3", "--speed", "30", **settings) as process:
        printed, complaints = process.communicate(timeout=PATIENCE)
    counts = counts_in(printed)
    (stored,) = influxd.influxql(bucket, "SELECT COUNT(power_import_kw) FROM electricity")

    assert (process.returncode, complaints, counts["lost"], counts["waiting"]) == (0, "", 0, 0)
    assert stored["count"] == counts["delivered"] == counts["sent by the meter"]
    assert printed.endswith(
        f"\nthe readings are in InfluxDB at {influxd.url},\n"
        f"in the bucket `{bucket}`, with the tag site=demo\n"
    )


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_told_to_end_it_ends_in_order_and_leaves_nothing_behind(
    tmp_path: Path, end: signal.Signals
) -> None:
    with playing(tmp_path, "--speed", "50") as process:
        assert process.stdout
        first = process.stdout.readline()
        collector = only_child(process.pid)
        first_status(process)
        process.send_signal(end)
        printed, complaints = process.communicate(timeout=PATIENCE)

    assert first.startswith("starting")
    assert (process.returncode, complaints) == (0, "")
    assert counts_in(printed)["lost"] == 0
    assert list(tmp_path.iterdir()) == []
    assert not Path("/proc", collector).exists()


@pytest.mark.slow
def test_what_is_killed_leaves_no_collector_and_the_next_demo_removes_its_files(
    tmp_path: Path,
) -> None:
    with playing(tmp_path, "--speed", "50") as process:
        assert process.stdout
        process.stdout.readline()
        collector = only_child(process.pid)
        first_status(process)
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
    _remove_left_ones(tmp_path)
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
        process.stdout.readline()
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
