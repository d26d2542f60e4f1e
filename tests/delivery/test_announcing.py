"""Where the readings go is said once a run, and never before they go."""

import logging
from collections import deque
from collections.abc import Sequence

import pytest

from bed.post import AWAY, STORED
from collector.delivery.announcing import Announcing
from collector.delivery.answer import Answer, Target


class Answering:
    """A link that gives these answers, one after the other."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = deque(answers)
        self.sent: list[bytes] = []

    def write(self, lines: bytes) -> Answer:
        self.sent.append(lines)
        return self.answers.popleft()


def said(
    caplog: pytest.LogCaptureFixture, url: str, answers: Sequence[Answer]
) -> list[tuple[str, str]]:
    """Give what is in the log after each answer has been handed on as it came."""
    caplog.set_level(logging.INFO)
    caplog.clear()
    link = Answering(*answers)
    announcing = Announcing(link, Target(url, "home", "p1", "made-up"))
    assert [announcing.write(b"p v=1 1\n") for _ in answers] == list(answers)
    assert link.sent == [b"p v=1 1\n"] * len(answers)
    return [(record.levelname, record.message) for record in caplog.records]


def test_the_first_204_is_said_and_no_other(caplog: pytest.LogCaptureFixture) -> None:
    line = ("INFO", "delivering to `http://nas:8086`, bucket `p1`")
    assert said(caplog, "http://nas:8086", [AWAY, STORED, AWAY, STORED]) == [line]


@pytest.mark.parametrize("answer", [AWAY, Answer(200, ""), Answer(401, "no"), Answer(422, "bad")])
def test_nothing_else_is_a_delivery(caplog: pytest.LogCaptureFixture, answer: Answer) -> None:
    assert said(caplog, "http://nas:8086", [answer]) == []


def test_a_password_in_the_address_is_not_said(caplog: pytest.LogCaptureFixture) -> None:
    ((_, words),) = said(caplog, "https://me:kept/to@ourselves@nas:8086/db", [STORED])
    assert words == "delivering to `https://nas:8086/db`, bucket `p1`"
