"""What Grafana is given at its start: it fits the dashboards, and the alerts' queries work."""

import re
from datetime import timedelta
from typing import Final

import pytest

from dashboards.asked import of_version_2
from dashboards.conftest import Year
from dashboards.homes import NOW
from dashboards.shipped import ROOT, Range, dashboards, sent

PROVISIONING: Final = ROOT / "infra" / "grafana" / "provisioning"
RULES: Final = (PROVISIONING / "alerting" / "p1.yaml").read_text()
QUERIES: Final = re.findall(r"query: (SELECT .*)", RULES)


def test_the_rules_ask_the_source_that_is_provisioned() -> None:
    source = (PROVISIONING / "datasources" / "influxdb.yaml").read_text()
    (uid,) = re.findall(r"uid: (\S+)", source)

    assert set(re.findall(r"datasourceUid: (\S+)", RULES)) == {uid, "__expr__"}
    shown = set(re.findall(r"__dashboardUid__: (\S+)", RULES))
    assert shown <= {dashboard["uid"] for dashboard in dashboards().values()}


def test_a_dollar_of_grafanas_own_is_not_taken_for_the_environments() -> None:
    assert not re.findall(r"(?<!\$)\$(?!\$)", RULES)


@pytest.mark.influxdb
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("query", QUERIES)
def test_the_alerts_queries_are_answered(year: Year, query: str) -> None:
    ask = of_version_2(year.influxd, year.bucket)
    made = sent(query.replace("$$", "$"), Range(NOW - timedelta(minutes=10), NOW), {})

    sites = {series["tags"]["site"] for series in ask(made)}

    if '"collector"' in query:
        return  # in the year there is none; test_queries.py has some
    assert sites == ({"gent"} if "demand" in query else {"gent", "utrecht"})
    values = [n for one in ask(made) for row in one["values"] for n in row[1:] if n is not None]
    assert max(values) > 0
