"""What a crash leaves behind: a stack that says where, and nothing of the token."""

import resource
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from bed.answers import Answers, hang
from bed.service import Service
from bed.telegrams import dsmr5, utc

pytestmark = pytest.mark.slow

TOKEN: Final = "kept-to-ourselves-whatever-happens=="  # noqa: S105  invented
STARTING_WITH: Final = """
import collector.delivery.influx
{}

def broken(*_, **__):
    raise LookupError("broken on purpose")

{} = broken
"""


@pytest.fixture
def server() -> Iterator[Answers]:
    """Give a server that takes requests and never answers."""
    with Answers() as answers:
        answers.behaviours.extend([hang] * 100)
        yield answers


@pytest.fixture
def service(tmp_path: Path, server: Answers) -> Iterator[Service]:
    """Give a service that has something to send."""
    telegrams = tmp_path / "telegrams.txt"
    telegrams.write_bytes(dsmr5(utc("2026-02-03T12:00:00")))
    there = Service(
        tmp_path / "service",
        P1_SOURCE=f"file://{telegrams}",
        P1_INFLUX_URL=server.url,
        P1_INFLUX_TOKEN=TOKEN,
        P1_INFLUX_ORG="o",
        P1_RETRY_SECONDS="0.1",
        P1_REQUEST_SECONDS="100",
        PYTHONPATH=str(tmp_path),
    )
    yield there
    if there.running:
        there.kill()


@pytest.fixture
def _cores_wanted() -> Iterator[None]:
    """Let what is started now leave a core dump, if it does not see to it that it leaves none."""
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    assert before[1] != 0, "no core dump is possible here"
    yield
    resource.setrlimit(resource.RLIMIT_CORE, before)


@pytest.mark.usefixtures("_cores_wanted")
def test_the_watchdogs_signal_leaves_the_stacks_and_no_token(
    service: Service, server: Answers
) -> None:
    """In the midst of a request, which has the token in its headers."""
    service.start()
    service.wait_until(lambda _: bool(server.requests))
    soft, hard = resource.prlimit(service.process.pid, resource.RLIMIT_CORE)
    assert (soft, hard) == (0, resource.getrlimit(resource.RLIMIT_CORE)[1])
    service.process.send_signal(signal.SIGABRT)
    assert service.process.wait(60) == -signal.SIGABRT
    log = service.log.read_text()
    assert "Fatal Python error: Aborted" in log
    for thread in ("in _read", "in _keep", "in _send", "in _post"):
        assert thread in log, log
    assert service.privacy.leaks() == {}
    assert list(service.home.rglob("core*")) == []


@pytest.mark.parametrize(
    ("needs", "what", "ends"),
    [
        ("", "collector.delivery.influx.Influx.write", True),
        ("import urllib3.connection", "urllib3.connection.HTTPConnection.request", False),
    ],
    ids=["of the sender", "of a request"],
)
def test_an_error_that_nobody_expects_leaves_its_stack_and_no_token(
    service: Service, tmp_path: Path, needs: str, what: str, *, ends: bool
) -> None:
    """Without the sender the program ends; of a request it needs no more than another one."""
    (tmp_path / "sitecustomize.py").write_text(STARTING_WITH.format(needs, what))
    service.start()
    if ends:
        assert service.process.wait(60) == 1
    else:
        facts = service.wait_until(lambda facts: facts["delivery"]["message"])
        assert facts["delivery"]["message"] == "no answer: the request broke off"
        service.kill()
    log = service.log.read_text()
    assert "Traceback" in log
    assert "LookupError: broken on purpose" in log
    assert ("in _send" if ends else "in _post") in log
    assert service.privacy.leaks() == {}
