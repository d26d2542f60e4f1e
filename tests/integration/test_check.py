"""`check` against a real InfluxDB: tokens, buckets, retention, and that nothing is spoilt."""

import secrets
import time
from pathlib import Path

import pytest

from bed.command import called
from bed.influxd import Database
from collector.commands.check import database, reading
from collector.commands.check.finding import Finding, Outcome
from collector.delivery.answer import Target
from collector.delivery.influx import Influx
from collector.remedies import Remedy

pytestmark = pytest.mark.influxdb

NOBODY = "no-such-token"
HOUR = 3600
DAY = 24 * HOUR


def judged(
    server: Database,
    bucket: str,
    token: str,
    *,
    org: str | None = None,
    oldest: bytes | None = None,
) -> dict[str, Finding]:
    target = Target(server.url, server.org if org is None else org, bucket, token)
    write = Influx(target, deadline=60).write
    found = database.findings(write, target, "home", time.time(), oldest)
    return {finding.link: finding for finding in found}


def failures(found: dict[str, Finding]) -> dict[str, str | None]:
    return {f.link: f.remedy for f in found.values() if f.outcome is not Outcome.OK and f.remedy}


def test_a_token_that_may_only_write_is_good(influxd: Database, bucket: str) -> None:
    found = judged(influxd, bucket, influxd.write_token(bucket).text)
    assert {finding.outcome for finding in found.values()} == {Outcome.OK}


def test_one_point_is_stored_however_often_it_is_checked(influxd: Database, bucket: str) -> None:
    token = influxd.write_token(bucket).text
    before = time.time()
    for _ in range(3):
        judged(influxd, bucket, token)
    rows = influxd.influxql(bucket, "SELECT * FROM collector")
    quarters = int(time.time()) // 900 - int(before) // 900 + 1
    assert 1 <= len(rows) <= quarters
    assert set(rows[0]) == {"time", "site", "host", "version"}
    names = influxd.influxql(bucket, "SHOW MEASUREMENTS")
    assert [row["name"] for row in names] == ["collector"]


def test_a_token_that_is_wrong_is_told(influxd: Database, bucket: str) -> None:
    assert failures(judged(influxd, bucket, NOBODY)) == {"token": Remedy.TOKEN.advice}


def test_a_token_that_was_revoked_is_told(influxd: Database, bucket: str) -> None:
    token = influxd.write_token(bucket)
    influxd.revoke(token)
    assert failures(judged(influxd, bucket, token.text)) == {"token": Remedy.TOKEN.advice}


def test_a_token_for_another_bucket_is_told(influxd: Database, bucket: str) -> None:
    other = influxd.new_bucket(f"{bucket}-other")
    token = influxd.write_token(other).text
    found = failures(judged(influxd, bucket, token))
    assert found == {"token": Remedy.TOKEN_FORBIDDEN.advice}


def test_a_bucket_that_is_not_there_is_told(influxd: Database, bucket: str) -> None:
    token = influxd.write_token(bucket).text
    found = judged(influxd, f"{bucket}-none", token)
    assert failures(found) == {"bucket": Remedy.BUCKET.advice}
    assert found["token"].outcome is Outcome.OK


@pytest.mark.parametrize("org", ["nobodys", ""])
def test_an_organisation_that_is_wrong_or_missing_is_told(
    org: str, influxd: Database, bucket: str
) -> None:
    found = judged(influxd, bucket, influxd.token, org=org)
    assert failures(found) == {"bucket": Remedy.ORGANISATION.advice}


def test_a_backlog_older_than_the_retention_is_told(influxd: Database, bucket: str) -> None:
    short = influxd.new_bucket(f"{bucket}-short", retention_seconds=HOUR)
    token = influxd.write_token(short).text
    line = "electricity,site=home,meter=E1 power_import_kw=0.321 %d\n"
    old = judged(influxd, short, token, oldest=(line % 1_500_000_000).encode())
    young = judged(influxd, short, token, oldest=(line % (time.time() - 60)).encode())
    assert failures(old) == {"retention": Remedy.RETENTION.advice}
    assert "1h0m0s" in old["retention"].what
    assert failures(young) == {}


@pytest.mark.every_influxdb
def test_the_way_of_grafana_is_tried_where_the_token_may_read(influxd: Database) -> None:
    month = influxd.new_bucket(f"month-{secrets.token_hex(4)}", retention_seconds=30 * DAY)
    target = Target(influxd.url, influxd.org, month, influxd.token)
    found = {one.link: one for one in reading.findings(reading.asker(target), target)}
    assert [one.outcome for one in found.values()] == [Outcome.OK, Outcome.OK, Outcome.WARN]
    assert found["keeps"].what == "points are kept for 30 days"
    assert "(OSS)" in found["product"].what
    only_write = Target(influxd.url, influxd.org, month, influxd.write_token(month).text)
    asked = {one.link: one for one in reading.findings(reading.asker(only_write), only_write)}
    assert asked["reading"].outcome is Outcome.SKIP


@pytest.mark.slow
def test_the_whole_chain_holds(influxd: Database, bucket: str, tmp_path: Path) -> None:
    path = Path(__file__).parents[2] / "telegrams" / "dsmr50-3phase-solar-gas.txt"
    done = called(
        "check",
        home=tmp_path,
        P1_SOURCE=f"file://{path}",
        P1_INFLUX_URL=influxd.url,
        P1_INFLUX_TOKEN=influxd.write_token(bucket).text,
        P1_INFLUX_ORG=influxd.org,
        P1_INFLUX_BUCKET=bucket,
    )
    assert done.returncode == 0, done.stdout
    assert "ok     write " in done.stdout
