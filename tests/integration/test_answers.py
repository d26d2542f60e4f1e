"""What a real InfluxDB says when it does not store, and that nothing is lost for it.

The files, the client and the server are real; the clock is the test's, so that waiting for a
person to mend something takes no time.
"""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Final

import pytest

from bed.influxd import Database, Influxd
from bed.post import Post, line, telegram
from collector.delivery.answer import Answer, Target
from collector.delivery.influx import Influx
from collector.spool.record import decode
from collector.spool.segment import MAX_LINES

pytestmark = [pytest.mark.influxdb, pytest.mark.timeout(300)]

HOUR: Final = 3600
PATIENCE: Final = 60  # seconds; no answer here is one of the deadline's


Before = Callable[[int], None]


class Watched:
    """The real client, counting; `before` is called before each request."""

    def __init__(self, influxd: Database, bucket: str, token: str | None = None) -> None:
        target = Target(influxd.url, influxd.org, bucket, token or influxd.token)
        self._influx = Influx(target, deadline=PATIENCE)
        self.answers: list[int] = []
        self.before: Before = lambda _: None

    def write(self, lines: bytes) -> Answer:
        self.before(len(self.answers))
        answer = self._influx.write(lines)
        self.answers.append(answer.status)
        return answer


def stored(influxd: Database, bucket: str) -> Counter[bytes]:
    """Give the lines that InfluxDB has, as `line` writes them."""
    return Counter(
        b"%s,site=%s v=%d %d\n"
        % (name.encode(), row["site"].encode(), int(row["v"]), int(row["time"]))
        for name in ("electricity", "gas")
        for row in influxd.influxql(bucket, f"SELECT v, site FROM {name}")  # noqa: S608  ours
    )


def refused(post: Post) -> list[bytes]:
    """Give the lines in `rejected/`."""
    segments = sorted(post.directories.rejected.glob("*.lp"))
    records = [record for path in segments for record in decode(path.read_bytes()).records]
    return [text for record in records for text in record.body.splitlines(keepends=True)]


def resend(post: Post) -> None:
    """Hand in what was refused, as a person does."""
    command = [sys.executable, "-m", "collector", "spool", "resend"]
    rooms = [f"--spool-dir={post.directories.spool}", f"--hot-dir={post.hot_directory}"]
    subprocess.run([*command, *rooms], check=True, capture_output=True, env=os.environ)


def test_what_is_sent_is_what_is_stored(influxd: Database, bucket: str, tmp_path: Path) -> None:
    post = Post(tmp_path, server=Watched(influxd, bucket))
    post.spool_up(*map(telegram, range(2000)))
    post.read(telegram(5000))
    post.drain()
    assert stored(influxd, bucket) == Counter(post.lines)
    assert post.files == []
    assert post.accounts() == {"read": 2001, "delivered": 2001}


def test_a_segment_can_be_loaded_as_it_stands(
    influxd: Database, bucket: str, tmp_path: Path
) -> None:
    post = Post(tmp_path)
    post.spool_up(*map(telegram, range(1600)))
    (path,) = post.directories.spool.glob("*.lp")
    text = path.read_text()
    assert text.count("# p1 ") == 1600
    assert influxd.write(bucket, text).status == 204
    assert stored(influxd, bucket) == Counter(post.lines)


def test_a_rejected_file_can_be_loaded_as_it_stands(
    influxd: Database, bucket: str, tmp_path: Path
) -> None:
    post = Post(tmp_path)
    post.spool_up(*map(telegram, range(3)))
    post.link.rule = lambda _: Answer(400, "unable to parse")
    post.drain()
    (path,) = post.directories.rejected.glob("*.lp")
    assert path.read_text().startswith("# rejected: answer 400: unable to parse\n")
    assert influxd.write(bucket, path.read_text()).status == 204
    assert stored(influxd, bucket) == Counter(post.lines)


def test_a_token_that_was_taken_away_and_given_back(
    influxd: Database, bucket: str, tmp_path: Path
) -> None:
    token = influxd.write_token(bucket)
    server = Watched(influxd, bucket, token.text)
    post = Post(tmp_path, server=server)
    post.spool_up(telegram(1))
    influxd.activate(token, active=False)
    told: list[str | None] = []

    def wait() -> None:
        told.append(post.sender.delivery.message)
        if len(post.waits) == 3:
            influxd.activate(token, active=True)

    post.meanwhile = wait
    post.drain()
    assert server.answers == [403, 403, 403, 204]
    assert post.waits == [60, 120, 240]
    assert told[0] == (
        "answer 403: insufficient permissions for write: token is inactive (the token may not"
        " write to this bucket: check `P1_INFLUX_TOKEN` and `P1_INFLUX_BUCKET`)"
    )
    assert stored(influxd, bucket) == Counter(post.lines)
    assert post.accounts() == {"read": 1, "delivered": 1}


def test_a_token_that_was_revoked_and_a_new_one(
    influxd: Database, bucket: str, tmp_path: Path
) -> None:
    token = influxd.write_token(bucket)
    influxd.revoke(token)
    server = Watched(influxd, bucket, token.text)
    post = Post(tmp_path, server=server)
    lines = post.spool_up(telegram(1))
    post.meanwhile = post.stopping.set
    post.sender.step()
    assert server.answers == [401]
    assert post.sender.delivery.message == (
        "answer 401: unauthorized access (the token is not valid: check `P1_INFLUX_TOKEN`)"
    )
    assert post.accounts() == {"read": 1, "waiting": 1}
    # The program is started again with another token.
    post = Post(tmp_path, server=Watched(influxd, bucket, influxd.write_token(bucket).text))
    post.drain()
    assert stored(influxd, bucket) == Counter(lines)
    assert post.accounts() == {"found": 1, "delivered": 1}


def test_a_token_for_another_bucket(influxd: Database, bucket: str, tmp_path: Path) -> None:
    other = influxd.new_bucket(f"{bucket}-other")
    server = Watched(influxd, bucket, influxd.write_token(other).text)
    post = Post(tmp_path, server=server)
    post.spool_up(telegram(1))
    post.meanwhile = post.stopping.set
    post.sender.step()
    assert server.answers == [403]
    assert post.sender.delivery.state == "misconfigured"
    assert post.accounts() == {"read": 1, "waiting": 1}


def test_a_bucket_that_was_deleted_and_made_again(
    influxd: Database, bucket: str, tmp_path: Path
) -> None:
    server = Watched(influxd, bucket)
    post = Post(tmp_path, server=server)
    post.read(telegram(1))
    post.drain()
    influxd.delete_bucket(bucket)
    post.spool_up(telegram(2))
    post.meanwhile = lambda: influxd.new_bucket(bucket) if len(post.waits) == 2 else None
    post.drain()
    assert server.answers == [204, 404, 404, 204]
    assert stored(influxd, bucket) == Counter(post.lines[2:])
    assert post.accounts() == {"read": 2, "delivered": 2}


def test_an_organisation_that_is_not_set_is_a_setting(influxd: Database, bucket: str) -> None:
    target = Target(influxd.url, "", bucket, influxd.token)
    answer = Influx(target, deadline=PATIENCE).write(line(1))
    assert answer == Answer(404, 'organization name "-" not found')


def test_lines_that_influxdb_cannot_read(influxd: Database, bucket: str, tmp_path: Path) -> None:
    server = Watched(influxd, bucket)
    post = Post(tmp_path, server=server)
    nonsense = b"gas,site=home v=NaN 1700000005\n"
    post.spool_up(*map(telegram, range(500)), line(501) + nonsense, telegram(502))
    post.drain()
    assert refused(post) == [nonsense]
    (path,) = post.directories.rejected.glob("*.lp")
    assert path.read_bytes().startswith(
        b"# rejected: answer 400: unable to parse 'gas,site=home v=NaN 1700000005': invalid number"
    )
    assert stored(influxd, bucket) == Counter(post.lines) - Counter([nonsense])
    assert len(server.answers) <= 22
    assert post.accounts() == {"read": 502, "delivered": 501, "rejected": 1}


def test_a_type_conflict_and_its_cure(influxd: Database, bucket: str, tmp_path: Path) -> None:
    influxd.write(bucket, "gas,site=away v=1i 1700000000\n")
    server = Watched(influxd, bucket)
    post = Post(tmp_path, server=server)
    post.spool_up(*map(telegram, range(3)), *(line(n) for n in range(3, 200)))
    post.drain()
    gas = [line(n, "gas") for n in range(3)]
    assert refused(post) == gas
    assert stored(influxd, bucket)[gas[0]] == 0
    assert post.accounts() == {"read": 200, "delivered": 197, "rejected": 3}
    # The cure: a bucket without the wrong type.
    influxd.delete_bucket(bucket)
    influxd.new_bucket(bucket)
    resend(post)
    post.drain()
    assert stored(influxd, bucket) == Counter(gas)
    assert refused(post) == []
    assert post.accounts() == {"read": 200, "found": 3, "delivered": 200, "rejected": 3}


def test_ten_type_conflicts_pause_one_measurement(
    influxd: Database, bucket: str, tmp_path: Path
) -> None:
    influxd.write(bucket, "gas,site=away v=1i 1700000000\n")
    server = Watched(influxd, bucket)
    post = Post(tmp_path, server=server)
    post.spool_up(*map(telegram, range(50)))
    post.sender.step()
    assert len(server.answers) <= 1 + 64
    assert stored(influxd, bucket).keys() - {b"gas,site=away v=1 1700000000\n"} == {
        line(n) for n in range(50)
    }
    assert post.accounts() == {"read": 50, "waiting": 50}
    influxd.delete_bucket(bucket)
    influxd.new_bucket(bucket)
    post.clock.now += HOUR
    post.drain()
    assert len(refused(post)) == 10
    assert stored(influxd, bucket) == Counter(
        [line(n, "gas") for n in range(50) if line(n, "gas") not in refused(post)]
    )
    assert post.accounts() == {"read": 50, "delivered": 40, "rejected": 10}


def test_what_is_older_than_the_retention_and_its_cure(
    influxd: Database, bucket: str, tmp_path: Path
) -> None:
    """InfluxDB takes an old point too, if it happens to lie in a shard that is still there."""
    bucket = influxd.new_bucket(f"{bucket}-short", retention_seconds=HOUR)
    server = Watched(influxd, bucket)
    post = Post(tmp_path, server=server)
    now = int(time.time())
    number = MAX_LINES // 2
    lines = [b"gas,site=home v=%d %d\n" % (n, now - n * 60) for n in range(number)]
    post.spool_up(*lines)
    post.drain()
    old = refused(post)
    assert len(server.answers) <= 14
    assert number - 121 <= len(old) <= number - 59
    assert Counter(lines) == stored(influxd, bucket) + Counter(old)
    assert all(int(text.split()[-1]) < now - HOUR + 60 for text in old)
    assert post.accounts() == {
        "read": number,
        "delivered": number - len(old),
        "rejected": len(old),
    }
    influxd.retain(bucket, 0)
    resend(post)
    post.drain()
    assert stored(influxd, bucket) == Counter(lines)
    assert post.accounts() == {
        "read": number,
        "found": len(old),
        "delivered": number,
        "rejected": len(old),
    }


@pytest.mark.slow
@pytest.mark.parametrize("request_", [0, 1, 2])
def test_a_restart_in_the_middle_of_a_batch(
    own_influxd: Influxd, tmp_path: Path, request_: int
) -> None:
    """Killed before a request that finds the bad line of a batch; the answers so far are valid."""
    bucket = own_influxd.new_bucket("restart")
    server = Watched(own_influxd, bucket)
    post = Post(tmp_path, server=server)
    nonsense = b"gas,site=home v=NaN 1700000005\n"
    post.spool_up(*map(telegram, range(100)), nonsense)

    def before(number: int) -> None:
        if number == request_:
            own_influxd.kill()

    def start() -> None:
        if len(post.waits) == 2:
            own_influxd.start()

    server.before, post.meanwhile = before, start
    post.drain()
    assert server.answers.count(0) == 2
    assert stored(own_influxd, bucket) == Counter(post.lines) - Counter([nonsense])
    assert refused(post) == [nonsense]
    assert post.accounts() == {"read": 101, "delivered": 100, "rejected": 1}


@pytest.mark.slow
def test_a_kill_while_the_request_is_on_its_way(own_influxd: Influxd, tmp_path: Path) -> None:
    """Whether it was stored or not, it is there once in the end."""
    bucket = own_influxd.new_bucket("killed")
    server = Watched(own_influxd, bucket)
    post = Post(tmp_path, server=server)
    for n in range(0, 8000, 1600):
        post.spool_up(*map(telegram, range(n, n + 1600)))
    killer = Thread(target=own_influxd.kill)

    def before(number: int) -> None:
        if number == 2:
            killer.start()

    def start() -> None:
        killer.join()
        if not own_influxd.running:
            own_influxd.start()

    server.before, post.meanwhile = before, start
    post.drain()
    start()  # the kill may have come when all had been answered
    assert stored(own_influxd, bucket) == Counter(post.lines)
    assert post.accounts() == {"read": 8000, "delivered": 8000}


@pytest.mark.slow
@pytest.mark.may_skip
def test_a_server_whose_disk_is_full(own_influxd: Influxd, tmp_path: Path) -> None:
    """It shows points that it refused, and has forgotten them once it is started again."""
    bucket = own_influxd.new_bucket("full")
    server = Watched(own_influxd, bucket)
    post = Post(tmp_path, server=server)
    for n in range(0, 1000, 200):
        post.spool_up(*map(telegram, range(n, n + 200)))
    post.steps(2)
    own_influxd.fill_disk(10_000)

    def start() -> None:
        if len(post.waits) == 5:
            own_influxd.kill()
            own_influxd.start()

    post.meanwhile = start
    post.drain()
    assert server.answers.count(500) == 5
    assert stored(own_influxd, bucket) == Counter(post.lines)
    assert post.accounts() == {"read": 1000, "delivered": 1000}
