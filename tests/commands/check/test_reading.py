"""What each product tells of the way that Grafana takes."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from collector.commands.check import reading
from collector.commands.check.finding import Finding, Outcome
from collector.commands.check.reading import Reply
from collector.delivery.answer import Target
from collector.remedies import Remedy

TARGET = Target("http://localhost:8086", "home", "p1", "made-up")
PING = Reply(204, "", {"X-Influxdb-Version": "v2.7.12", "X-Influxdb-Build": "OSS"})
ROWS = {"results": [{"series": [{"columns": ["name"], "values": [["gas"]]}]}]}
EMPTY = {"results": [{"statement_id": 0}]}
DAY = 86_400


def bucket(seconds: int, name: str = "p1") -> dict[str, Any]:
    rules = [{"type": "expire", "everySeconds": seconds}]
    return {"buckets": [{"id": "b1", "orgID": "o1", "name": name, "retentionRules": rules}]}


class Server:
    """Answers each path with what it was given, anything else with a page."""

    def __init__(self, answers: Mapping[str, object], status: int = 200) -> None:
        self.posted: list[tuple[str, Mapping[str, Any]]] = []
        self._answers = answers
        self._status = status

    def __call__(self, path: str, body: Mapping[str, Any] | None = None, **query: str) -> Reply:
        if path == "/ping":
            return PING
        if body is not None:
            self.posted.append((path, body))
            return Reply(self._status, "no", {})
        asked = "POLICIES" if "POLICIES" in query.get("q", "") else path
        if asked not in self._answers:
            return Reply(404, "404 page not found", {})
        answer = self._answers[asked]
        return answer if isinstance(answer, Reply) else Reply(200, json.dumps(answer), {})


def judged(answers: Mapping[str, object]) -> dict[str, Finding]:
    return {found.link: found for found in reading.findings(Server(answers), TARGET)}


def test_a_bucket_that_can_be_asked_and_keeps_everything_is_good() -> None:
    found = judged({"/query": ROWS, "/api/v2/buckets": bucket(0)})
    assert list(found) == list(reading.LINKS)
    assert {one.outcome for one in found.values()} == {Outcome.OK}
    assert found["product"].what == "InfluxDB, version v2.7.12 (OSS)"


def test_a_token_that_may_only_write_is_no_fault() -> None:
    for answers in ({"/query": EMPTY, "/api/v2/buckets": {"buckets": []}}, {}):
        found = judged(answers)
        assert found["product"].outcome is Outcome.OK
        assert found["reading"].outcome is found["keeps"].outcome is Outcome.SKIP


def test_a_bucket_that_no_database_leads_to_wants_a_mapping() -> None:
    answers = {"/query": Reply(404, "database not found", {}), "/api/v2/buckets": bucket(0)}
    found = judged({**answers, "/api/v2/dbrps": {"content": []}})
    assert found["reading"].remedy == Remedy.MAPPING.advice
    assert judged({**answers, "/query": EMPTY})["reading"].outcome is Outcome.OK  # none needed


@pytest.mark.parametrize(
    ("answers", "days"),
    [
        ({"/api/v2/buckets": bucket(30 * DAY)}, "30"),
        ({"/api/v2/buckets": bucket(30 * DAY, "p1/autogen")}, "30"),
        (
            {
                "POLICIES": {
                    "results": [
                        {
                            "series": [
                                {
                                    "columns": ["name", "duration", "default"],
                                    "values": [["autogen", "720h0m0s", True]],
                                }
                            ]
                        }
                    ]
                }
            },
            "30",
        ),
    ],
)
def test_a_bucket_that_keeps_a_month_is_told(answers: Mapping[str, object], days: str) -> None:
    found = judged({"/query": ROWS, **answers})["keeps"]
    assert (found.outcome, found.remedy) == (Outcome.WARN, Remedy.KEEPS.advice)
    assert found.what == f"points are kept for {days} days"


def test_a_mapping_is_made_once() -> None:
    answers = {"/api/v2/buckets": bucket(0), "/api/v2/dbrps": {"content": []}}
    server = Server(answers, 201)
    assert reading.map_bucket(server, TARGET).outcome is Outcome.OK
    wanted = {"bucketID": "b1", "orgID": "o1", "database": "p1", "retention_policy": "autogen"}
    assert server.posted == [("/api/v2/dbrps", {**wanted, "default": True})]
    there = Server({**answers, "/api/v2/dbrps": {"content": [{"id": "1"}]}})
    assert reading.map_bucket(there, TARGET).outcome is Outcome.OK
    assert there.posted == []


@pytest.mark.parametrize("answers", [{}, {"/api/v2/buckets": bucket(0), "/api/v2/dbrps": {}}])
def test_a_mapping_that_cannot_be_made_says_which_token_can(answers: Mapping[str, object]) -> None:
    found = reading.map_bucket(Server(answers, 403), TARGET)
    assert (found.outcome, found.remedy) == (Outcome.FAIL, Remedy.MAPPING_TOKEN.advice)
