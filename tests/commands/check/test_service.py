"""What a running service says of itself."""

import os
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from collector.commands.check import chain, line, service
from collector.commands.check.finding import Finding, Outcome
from collector.commands.check.line import Expected
from collector.p1.telegram import Policy
from collector.reading.sources import FAST
from collector.remedies import Remedy
from collector.service.status import runs as is_running
from collector.settings.settings import load

NOW = 1_767_225_600
EXPECTED = Expected(
    (FAST,), Policy.REQUIRE, 60.0, host_is_set=True, now=datetime.fromtimestamp(NOW, UTC)
)
SETTINGS, _ = load({})
HOLDER = "process 7 (p1-collector run)"


def status(**changes: Any) -> dict[str, Any]:
    return {
        "version": "0.1.0",
        "pid": os.getpid(),
        "source": "/dev/p1",
        "speed": "115200 8N1",
        "state": "reading",
        "trouble": None,
        "updated": NOW,
        "telegram": {
            "time": NOW,
            "meter_time": NOW - 1,
            "dialect": "DSMR 5.0",
            "meter": "E1",
            "devices": [
                {"medium": "gas", "channel": 1, "meter": "G1", "time": NOW - 240, "fields": {}}
            ],
        },
        "counts": {"telegrams": 5000, "bad_checksums": 2, "bad_lines": 0},
        **changes,
    }


def judged(told: dict[str, Any]) -> dict[str, Finding]:
    return {found.link: found for found in service.findings(told, EXPECTED)}


def test_a_service_that_reads_is_good_at_every_link() -> None:
    found = judged(status())
    assert list(found) == ["bytes", *line.LINKS]
    assert {finding.outcome for finding in found.values()} == {Outcome.OK}
    assert found["telegrams"].what == "5000 since the service was started"
    assert found["meter's clock"].what == "1 s behind the host's"
    assert found["M-Bus"].what == "gas on channel 1, read 4 min ago"


def test_the_services_trouble_is_told_with_its_remedy() -> None:
    words = "no byte in 30 s from `/dev/p1` (is the cable in the meter's P1 port?)"
    found = judged(status(state="waiting for data", trouble=words))
    assert (found["bytes"].outcome, found["bytes"].what, found["bytes"].remedy) == (
        Outcome.FAIL,
        "no byte in 30 s from `/dev/p1`",
        "is the cable in the meter's P1 port?",
    )
    assert found["M-Bus"].outcome is Outcome.SKIP


def test_many_bad_checksums_are_a_warning() -> None:
    counts = {"telegrams": 5000, "bad_checksums": 50, "bad_lines": 0}
    found = judged(status(counts=counts))
    assert found["checksum"].what == "50 of 5050 telegrams not accepted"
    assert found["checksum"].remedy == Remedy.CHECKSUM.advice


def test_lines_that_could_not_be_read_are_a_warning() -> None:
    counts = {"telegrams": 5000, "bad_checksums": 0, "bad_lines": 7}
    assert judged(status(counts=counts))["dialect"].remedy == Remedy.BAD_LINES.advice


@pytest.mark.parametrize(
    ("told", "holder", "outcome", "runs"),
    [
        ({}, None, Outcome.WARN, False),
        (status(), HOLDER, Outcome.OK, True),
        (status(state="stopped"), None, Outcome.WARN, False),
        (status(updated=NOW - 1), None, Outcome.WARN, False),
        (status(updated=NOW - 90), None, Outcome.WARN, False),
        (status(updated=NOW - 90), HOLDER, Outcome.FAIL, False),
        ({}, HOLDER, Outcome.FAIL, False),
    ],
    ids=[
        *("never ran", "runs", "stopped", "was killed just now", "was killed a while ago"),
        *("hangs", "hangs at its start"),
    ],
)
def test_whether_the_service_runs(
    told: dict[str, Any], holder: str | None, outcome: Outcome, *, runs: bool
) -> None:
    assert service.service(told, NOW, holder, SETTINGS).outcome is outcome
    assert is_running(told, NOW, holder) is runs


@pytest.mark.parametrize(
    "setting",
    [
        *("influx_url", "influx_token", "influx_org", "influx_bucket", "influx_ca", "site"),
        *("source", "decrypt_key", "spool_dir", "sample_seconds"),
    ],
)
def test_a_service_that_runs_with_other_settings_is_to_be_restarted(setting: str) -> None:
    values = {"influx_token": SecretStr("new"), "decrypt_key": SecretStr("0" * 32)}
    changed = SETTINGS.model_copy(update={setting: values.get(setting, "new")})
    told = status(settings=SETTINGS.digest)

    assert service.service(told, NOW, HOLDER, SETTINGS).outcome is Outcome.OK
    found = service.service(told, NOW, HOLDER, changed)
    assert (found.outcome, found.remedy) == (Outcome.FAIL, Remedy.SERVICE_OTHER.advice)


def test_nothing_can_be_read_out_of_what_the_status_says_of_the_settings() -> None:
    secret = SETTINGS.model_copy(update={"influx_token": SecretStr("very-secret")})
    assert re.fullmatch("[0-9a-f]{16}", secret.digest)
    assert secret.digest != SETTINGS.digest


@pytest.mark.parametrize(
    ("delivery", "outcome", "remedy"),
    [
        ({"state": "delivering", "message": None}, Outcome.OK, None),
        (
            {"state": "retrying", "message": "no answer: refused (is InfluxDB running?)"},
            Outcome.FAIL,
            "is InfluxDB running?",
        ),
        ({"state": "retrying", "message": None}, Outcome.FAIL, Remedy.BACKLOG.advice),
        ({"state": "off", "message": None}, Outcome.FAIL, Remedy.BACKLOG.advice),
    ],
    ids=["delivers", "is told why it cannot", "cannot", "has no InfluxDB"],
)
def test_a_service_is_good_only_if_it_delivers(
    delivery: dict[str, Any], outcome: Outcome, remedy: str | None
) -> None:
    counts = {"delivered": 4990, "waiting": 10, "rejected": 0}
    found = service.delivery(status(delivery=delivery, counts=counts, lag_s=4))
    assert (found.outcome, found.remedy) == (outcome, remedy)
    assert found.what.startswith("4990 delivered, 10 waiting, 0 rejected")


def test_a_service_that_hangs_is_to_be_restarted() -> None:
    found = service.service(status(updated=NOW - 90), NOW, HOLDER, SETTINGS)
    assert found.remedy == Remedy.SERVICE_SILENT.advice
    assert found.what == f"{HOLDER}, is silent for 90 s"


def test_a_status_of_an_older_version_is_read() -> None:
    told = status()
    del told["speed"], told["telegram"]["dialect"], told["telegram"]["meter_time"]
    assert judged(told)["speed"].what == "not known"


@pytest.mark.parametrize(
    ("told", "begins"),
    [
        (status(), False),
        (status(state="waiting for data"), True),
        (status(state="waiting for data", trouble="no byte"), False),
        (status(delivery={"state": "starting"}), True),
        (status(delivery={"state": "off"}), False),
    ],
)
def test_one_that_has_just_been_started_is_known_as_such(
    told: dict[str, Any], *, begins: bool
) -> None:
    assert chain._begins(told) is begins
