"""What InfluxDB's answers mean, each alone; the real one's are in `tests/integration`."""

import pytest

from collector.commands.check import database
from collector.commands.check.finding import Finding, Outcome
from collector.delivery.answer import Answer, Target
from collector.remedies import Remedy

TARGET = Target("http://localhost:8086", "home", "p1", "made-up")
NOW = 1_700_000_123.4
STORED = Answer(204, "")
OLD = b"electricity,site=home,meter=E1 power_import_kw=0.321 1500000000\n"
RETENTION = Answer(422, "partial write: dropped 1 points outside retention policy of 1h0m0s")


class Server:
    """Gives these answers, and remembers what was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.asked: list[bytes] = []
        self._answers = iter(answers)

    def __call__(self, lines: bytes) -> Answer:
        self.asked.append(lines)
        return next(self._answers)


def judged(*answers: Answer, oldest: bytes | None = None) -> dict[str, Finding]:
    found = database.findings(Server(*answers), TARGET, "home", NOW, oldest)
    return {finding.link: finding for finding in found}


def test_a_good_database_is_good_at_every_link() -> None:
    found = judged(STORED, STORED)
    assert list(found) == list(database.LINKS)
    assert {finding.outcome for finding in found.values()} == {Outcome.OK}


def test_three_harmless_requests_are_sent() -> None:
    server = Server(STORED, STORED, STORED)
    list(database.findings(server, TARGET, "home", NOW, OLD))
    comment, point, old = server.asked
    assert comment.startswith(b"#")
    assert point.startswith(b"collector,site=home,host=")
    assert point.endswith(b" 1700000100\n")
    assert old == OLD


def test_the_point_is_the_same_within_a_quarter_hour() -> None:
    assert database.point("home", NOW) == database.point("home", NOW + 600)


@pytest.mark.parametrize(
    ("answer", "link", "remedy"),
    [
        (Answer(401, "unauthorized access"), "token", Remedy.TOKEN),
        (Answer(401, "", is_page=True), "token", Remedy.TOKEN),
        (Answer(404, 'database not found: "p1"'), "bucket", Remedy.DATABASE),
        (Answer(400, "missing bucket"), "bucket", Remedy.BUCKET),
        (Answer(400, "exceed limit of 5 databases"), "bucket", Remedy.BUCKET),
        (Answer(403, "insufficient permissions"), "token", Remedy.TOKEN_FORBIDDEN),
        (Answer(404, 'bucket "p1" not found'), "bucket", Remedy.BUCKET),
        (Answer(404, 'organization name "x" not found'), "bucket", Remedy.ORGANISATION),
        (Answer(400, "Please provide either orgID or org"), "bucket", Remedy.ORGANISATION),
        (Answer(404, "Not Found", is_page=True), "token", Remedy.NOT_INFLUX),
        (Answer(200, "<html>log in</html>"), "token", Remedy.NOT_INFLUX),
        (Answer(400, "plain HTTP to HTTPS port", is_page=True), "token", Remedy.NOT_INFLUX),
        (Answer(503, "starting"), "token", Remedy.BUSY),
        (Answer(0, "no answer within 15 s"), "token", Remedy.BUSY),
    ],
)
def test_a_refusal_is_held_against_the_right_link(
    answer: Answer, link: str, remedy: Remedy
) -> None:
    found = judged(answer)
    assert list(found) == list(database.LINKS)
    failed = [f for f in found.values() if f.outcome is Outcome.FAIL]
    assert [(f.link, f.remedy) for f in failed] == [(link, remedy.advice)]
    assert found["write"].outcome is Outcome.SKIP


def test_an_address_of_influxdbs_pages_is_told() -> None:
    target = Target("https://cloud/orgs/0123abcd", "home", "p1", "made-up")
    (found, *_) = database.findings(Server(Answer(200, "<html>")), target, "home", NOW, None)
    assert found.remedy == Remedy.UI_PATH.advice


def test_influxdb_3_refuses_a_request_without_points_and_that_is_no_fault() -> None:
    found = judged(Answer(400, "no points in the request"), STORED)
    assert {finding.outcome for finding in found.values()} == {Outcome.OK}


def test_a_point_that_is_refused_is_told_in_influxdbs_words() -> None:
    found = judged(STORED, Answer(500, "engine: disk full"))["write"]
    assert (found.outcome, found.what) == (Outcome.FAIL, "answer 500: engine: disk full")


def test_a_point_of_now_outside_the_retention_is_a_wrong_clock() -> None:
    assert judged(STORED, RETENTION)["write"].remedy == Remedy.HOST_CLOCK.advice


def test_a_backlog_older_than_the_bucket_keeps_is_a_warning() -> None:
    found = judged(STORED, STORED, RETENTION, oldest=OLD)["retention"]
    assert (found.outcome, found.remedy) == (Outcome.WARN, Remedy.RETENTION.advice)
    assert "1h0m0s" in found.what


def test_a_backlog_that_the_bucket_takes_is_good() -> None:
    found = judged(STORED, STORED, STORED, oldest=OLD)["retention"]
    assert (found.outcome, found.what) == (
        Outcome.OK,
        "the bucket takes the oldest line that waits (2017-07-14 02:40:00 UTC)",
    )
