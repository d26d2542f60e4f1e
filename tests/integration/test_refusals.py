"""What a real InfluxDB refuses, and when it is gone: the whole service, from meter to bucket.

`test_answers.py` has each answer by itself, and the sender between files that can be looked at.
"""

import os
import secrets
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from bed.influxd import Database, Influxd
from bed.influxd1 import own
from bed.influxdb import Found, Program
from bed.ram import RamDisk, fill
from bed.trial import START, Trial
from collector.spool.disk import Disk
from collector.spool.inbox import Inbox
from collector.spool.record import Record, RecordId
from collector.spool.segment import segments
from collector.spool.spool import Directories

pytestmark = [
    pytest.mark.influxdb,
    pytest.mark.every_influxdb,
    pytest.mark.slow,
    pytest.mark.timeout(600),
]

QUICKLY: Final = "0.2"  # seconds, the longest wait; with a wrong setting 3
PATIENCE: Final = 120  # seconds; how fast it ends is another test's
SECOND: Final = int(START.timestamp())
YEAR: Final = 365 * 86_400


@pytest.fixture
def server(influxd: Database) -> Influxd:
    """Give the server that all tests share; each trial has a bucket of its own."""
    if not isinstance(influxd, Influxd):
        pytest.skip("P1_TEST_INFLUXDB_URL names a server that is not ours")
    return influxd


def refused(trial: Trial, words: str) -> Callable[[], None]:
    """Return once the delivery says so."""

    def wait() -> None:
        trial.service.wait_until(
            lambda status: (status["delivery"]["message"] or "").startswith(words),
            seconds=PATIENCE,
        )

    return wait


def delivering(trial: Trial) -> None:
    """Return once all that was read is delivered."""
    last = trial.line.taken[-1].time
    trial.service.wait_until(
        lambda status: (
            status["telegram"]
            and status["telegram"]["time"] == last
            and status["delivery"]["state"] == "delivering"
            and status["counts"]["waiting"] == 0
        ),
        seconds=PATIENCE,
    )


def test_a_token_taken_away_and_given_back_then_revoked_and_replaced_costs_nothing(
    server: Influxd, tmp_path: Path
) -> None:
    with Trial(server, tmp_path, P1_RETRY_SECONDS=QUICKLY) as trial:

        def replace() -> None:
            assert trial.service.stop(PATIENCE) == 0, trial.service.tail()
            trial.service.set(P1_INFLUX_TOKEN=server.write_token(trial.bucket).text)
            trial.service.start()

        trial.run(
            500,
            {
                100: [
                    lambda: delivering(trial),
                    lambda: server.activate(trial.token, active=False),
                ],
                200: [refused(trial, "answer 403: ")],
                201: [lambda: server.activate(trial.token, active=True)],
                300: [lambda: delivering(trial), lambda: server.revoke(trial.token)],
                400: [refused(trial, "answer 401: ")],
                401: [replace],
            },
        )
        trial.check(trial.drain())
        log = trial.service.log.read_text()
        assert log.count("ERROR InfluxDB did not take the readings, they are kept: answer 40") == 2


def test_a_bucket_that_was_deleted_and_made_again_gets_all_that_came_since(
    server: Influxd, tmp_path: Path
) -> None:
    """A token for the one bucket is none for another of that name, so this one is for all."""
    with Trial(server, tmp_path, P1_INFLUX_TOKEN=server.token, P1_RETRY_SECONDS=QUICKLY) as trial:
        trial.run(
            400,
            {
                100: [
                    lambda: delivering(trial),
                    lambda: server.delete_bucket(trial.bucket),
                ],
                200: [refused(trial, "answer 404: ")],
                300: [lambda: server.new_bucket(trial.bucket)],
            },
        )
        gone = trial.check_the_rest(trial.drain())
        assert gone == {printed.time for printed in trial.line.taken[:100]}


def test_a_token_for_a_bucket_that_was_deleted_is_replaced(
    server: Influxd, tmp_path: Path
) -> None:
    # What it tries with must not be on the disk before it tries again.
    settings = {"P1_RETRY_SECONDS": QUICKLY, "P1_KEEP_SECONDS": "4"}
    with Trial(server, tmp_path, **settings) as trial:

        def replace() -> None:
            assert trial.service.stop(PATIENCE) == 0, trial.service.tail()
            trial.service.set(P1_INFLUX_TOKEN=server.write_token(trial.bucket).text)
            trial.service.start()

        trial.run(
            300,
            {
                100: [lambda: delivering(trial), lambda: server.delete_bucket(trial.bucket)],
                200: [refused(trial, "answer 40"), lambda: server.new_bucket(trial.bucket)],
                201: [refused(trial, "answer 403: "), replace],
            },
        )
        gone = trial.check_the_rest(trial.drain())
        assert gone == {printed.time for printed in trial.line.taken[:100]}


BAD: Final[Mapping[bytes, bytes]] = {
    b"electricity,site=import,meter=M power_import_kw=NaN %d\n" % SECOND: b"unable to parse",
    b"electricity,site=import,meter=M power_import_kw=1i %d\n" % SECOND: b"field type conflict",
    b"electricity,site=import,meter=M power_import_kw=1 %d\n" % YEAR: b"retention policy",
}
"""Lines that InfluxDB refuses, and of its words: no number, another type, older than it keeps."""


def _with_words(text: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Give each line of a file of `rejected/`, with the words that stand over it."""
    words = b""
    for line in text.splitlines(keepends=True):
        words = line if line.startswith(b"# rejected") else words
        yield line, words


def test_bad_lines_are_kept_aside_with_its_words_and_hold_up_nothing(
    server: Influxd, tmp_path: Path
) -> None:
    with Trial(server, tmp_path) as trial:
        server.retain(trial.bucket, 20 * YEAR)
        good = [
            b"electricity,site=import,meter=M power_import_kw=0.5 %d\n" % (SECOND + n)
            for n in range(100)
        ]
        bodies = [*good[:30], *BAD, *good[30:]]

        def hand_in() -> None:
            trial.service.wait_for("delivered")  # the first point says which type a field has
            inbox = Inbox(Directories(trial.service.spool), Disk(), free=0)
            run = secrets.token_hex(6)
            records = [Record(RecordId(run, n), body) for n, body in enumerate(bodies, 1)]
            inbox.put(records, wait=lambda: None)

        trial.run(300, {100: [hand_in]})
        trial.check(trial.drain(), rejected=len(BAD))
        kept = [path.read_bytes() for path in segments(Disk(), trial.service.spool / "rejected")]
        aside = dict(pair for text in kept for pair in _with_words(text))
        for line, words in BAD.items():
            assert aside[line].startswith(b"# rejected: answer 4"), kept
            assert words in aside[line], kept
        rows = server.influxql(trial.bucket, "SELECT * FROM electricity WHERE site = 'import'")
        assert {row["time"] for row in rows} == {SECOND + n for n in range(100)}


MIB: Final = 1024 * 1024


@pytest.fixture
def small(found_influxdb: Found) -> Iterator[Influxd]:
    """Give a server whose data are on a small disk of their own."""
    if not isinstance(found_influxdb, Program):
        pytest.skip("only for a server that is ours, on this machine")
    with ExitStack() as stack:
        server = own(found_influxdb)
        disk = RamDisk(server._data, 256 * MIB)
        try:
            disk.make()
        except (OSError, subprocess.CalledProcessError) as error:
            reason = f"NO SMALL DISK FOR INFLUXDB: mounting one takes root: {error}"
            if os.geteuid() == 0 and os.environ.get("CI"):
                pytest.fail(reason)
            pytest.skip(reason)
        stack.enter_context(server)
        stack.callback(disk.lose)
        yield server


@pytest.mark.may_skip
def test_a_server_whose_disk_is_full_gets_everything_once_there_is_room(
    small: Influxd, tmp_path: Path
) -> None:
    """It never tries again to open a shard that it could not open, so it is started again as well.

    (Killed a second time before it has made a snapshot, it loses what it took since the first: it
    appends behind the torn end of its own log, and finds the hole when it reads that again.)
    """
    with Trial(small, tmp_path) as trial:
        trial.run(
            400,
            {
                100: [lambda: delivering(trial), lambda: fill(small._data)],
                200: [refused(trial, "answer 500: ")],
                300: [(small._data / "somebody-else").unlink, small.kill, small.start],
            },
        )
        trial.check(trial.drain())
