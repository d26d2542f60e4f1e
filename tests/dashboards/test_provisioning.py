"""What Grafana is given at its start: it fits the dashboards, and the alerts' queries work."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final
from urllib import parse

import pytest
from ruamel.yaml import YAML

from bed.influxd import at
from dashboards.asked import Ask, of
from dashboards.conftest import Year
from dashboards.homes import NOW
from dashboards.shipped import ROOT, Json, Range, dashboards, panels, sent

PROVISIONING: Final = ROOT / "infra" / "grafana" / "provisioning"
AS_THEY_ARE: Final = ("annotations", "model")
"""Grafana puts the environment's variables into every text but these, since its version 9.1."""


def _read(name: str) -> Json:
    read: Json = YAML(typ="safe").load((PROVISIONING / name).read_text())
    return read


(GROUP,) = _read("alerting/p1.yaml")["groups"]
RULES: Final[dict[str, Json]] = {rule["uid"]: rule for rule in GROUP["rules"]}
(SOURCE,) = _read("datasources/influxdb.yaml")["datasources"]
(PROVIDER,) = _read("dashboards/p1.yaml")["providers"]


def _queries(rule: Json) -> Iterator[str]:
    for step in rule["data"]:
        if step["datasourceUid"] != "__expr__":
            yield step["model"]["query"]


QUERIES: Final = [query for rule in RULES.values() for query in _queries(rule)]


def test_the_rules_ask_the_source_that_is_provisioned() -> None:
    asked = {step["datasourceUid"] for rule in RULES.values() for step in rule["data"]}

    assert asked == {SOURCE["uid"], "__expr__"}


@pytest.mark.parametrize("uid", RULES)
def test_a_rule_links_to_a_panel_with_both_its_dashboard_and_its_number(uid: str) -> None:
    """Grafana ends at its start where one of the two is missing."""
    linked = RULES[uid]["annotations"]
    by_uid = {dashboard["uid"]: dashboard for dashboard in dashboards().values()}
    titles = {panel["id"]: panel["title"] for panel in panels(by_uid[linked["__dashboardUid__"]])}

    assert isinstance(linked["__panelId__"], str)
    assert titles[int(linked["__panelId__"])] == {
        "p1-silence": "Last reading of each meter",
        "p1-backlog": "Age of the backlog",
        "p1-month-peak": "The running quarter and the peak",
    }.get(uid)


def test_a_dollar_stands_only_where_grafana_leaves_it_as_it_is() -> None:
    texts = list(_texts(GROUP, ""))

    assert not [text for key, text in texts if "$" in text and key not in AS_THEY_ARE]
    assert not [text for _, text in texts if "$$" in text]


def _texts(node: Any, key: str) -> Iterator[tuple[str, str]]:
    """Every text, with the outermost of the names in AS_THEY_ARE that it lies below."""
    if isinstance(node, str):
        yield key, node
    elif isinstance(node, list):
        for each in node:
            yield from _texts(each, key)
    elif isinstance(node, dict):
        for name, each in node.items():
            yield from _texts(each, key or (name if name in AS_THEY_ARE else ""))


def test_rules_and_dashboards_are_in_one_folder() -> None:
    """Rules come first and make it by its title; a uid would make a second one of that title."""
    assert PROVIDER["folder"] == GROUP["folder"]
    assert "folderUid" not in PROVIDER


@pytest.mark.influxdb
@pytest.mark.slow
@pytest.mark.timeout(1800)
class TestOnInfluxDB:
    """The queries, asked of a real server with a year of two households in it."""

    @pytest.mark.parametrize("query", QUERIES)
    def test_the_rules_queries_are_answered(self, year: Year, query: str) -> None:
        ask = of(year.influxd, year.bucket)

        last = _last(ask, query, NOW, minutes=10)

        if '"collector"' in query:
            return  # in the year there is none; test_queries.py has some
        assert set(last) == ({"gent"} if "demand" in query else {"gent", "utrecht"})
        assert min(last.values()) > 0

    def test_silence_is_told_from_readings_and_from_a_site_long_gone(self, year: Year) -> None:
        ask = of(year.influxd, year.bucket)
        (query,) = _queries(RULES["p1-silence"])
        minutes = RULES["p1-silence"]["data"][0]["relativeTimeRange"]["from"] // 60

        assert min(_last(ask, query, NOW, minutes).values()) > 0.1
        silent = _last(ask, query, NOW + timedelta(minutes=10), minutes)
        assert silent == {"gent": 0, "utrecht": 0}
        assert _last(ask, query, NOW + timedelta(minutes=minutes + 10), minutes) == {}
        assert RULES["p1-silence"]["noDataState"] == "Alerting"

    def test_the_source_asks_as_the_server_wants_to_be_asked(self, year: Year) -> None:
        """The query in a form, the bucket as a database, the token in a header."""
        assert SOURCE["jsonData"]["httpMode"] == "POST"
        assert SOURCE["jsonData"]["httpHeaderName1"] == "Authorization"
        assert SOURCE["secureJsonData"]["httpHeaderValue1"].startswith("Token $__file{")

        answer = year.influxd.request(
            "POST",
            at("/query", db=year.bucket, epoch="ms"),
            parse.urlencode({"q": "SHOW MEASUREMENTS"}).encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )

        assert answer.status == 200
        assert b'"electricity"' in answer.body


def _last(ask: Ask, query: str, now: datetime, minutes: int) -> dict[str, float]:
    """What the rule's step "last" makes of the answer, for each site."""
    made = sent(query, Range(now - timedelta(minutes=minutes), now), {})
    return {one["tags"]["site"]: one["values"][-1][1] for one in ask(made)}
