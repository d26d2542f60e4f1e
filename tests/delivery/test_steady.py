"""A trouble that stays costs little: what waits for it is left alone until it is over."""

import logging
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Final

import pytest

from bed.post import AWAY, STORED, Post, line, telegram
from collector.delivery.answer import Answer
from collector.delivery.conflicts import OLD_BEFORE_PAUSE
from collector.errors import SELDOM_SECONDS

HOUR: Final = 3600
TOO_OLD: Final = Answer(422, "partial write: points beyond retention policy dropped=2")
CONFLICT: Final = Answer(
    422, 'field type conflict: input field "v" on measurement "gas" dropped=1'
)


@pytest.fixture
def post(tmp_path: Path) -> Post:
    return Post(tmp_path)


def gas_refused(sent: list[bytes]) -> Answer:
    return CONFLICT if any(each.startswith(b"gas") for each in sent) else STORED


def lives(post: Post, seconds: float, numbers: Iterator[int]) -> None:
    """Have the meter send each ten seconds, the keeper keep and the sender send."""
    end = post.clock.now + seconds
    while post.clock.now < end:
        post.read(telegram(next(numbers)))
        post.sender.step()
        post.keep()
        for _ in range(3):
            post.sender.step()
            post.keeper.tick()


def test_what_waits_for_a_measurement_is_a_few_files(post: Post) -> None:
    post.link.rule = gas_refused
    lives(post, 1.5 * HOUR, count(1))
    assert len(post.spool.stock.first(post.spool.directories.spool)) <= 2
    assert all(stored.startswith(b"electricity") for stored in post.link.stored)
    post.link.rule = lambda _: STORED
    post.clock.now += 2 * HOUR + SELDOM_SECONDS
    post.drain()
    refused = b"".join(path.read_bytes() for path in post.directories.rejected.iterdir())
    assert set(post.lines) - post.link.stored.keys() <= set(refused.splitlines(keepends=True))


def test_what_waits_for_a_measurement_is_not_asked_for_each_hour(post: Post) -> None:
    for first in range(0, 200, 20):
        post.spool_up(*map(telegram, range(first, first + 20)))
    post.link.rule = gas_refused
    post.steps(60)
    post.clock.now += HOUR + 61
    before = len(post.link.requests)
    post.steps(60)
    assert len(post.link.requests) - before < 60
    assert post.accounts()["waiting"] >= 180


def test_after_an_outage_what_was_kept_does_not_wait_for_a_measurement(post: Post) -> None:
    numbers = count(1)
    post.link.rule = gas_refused
    lives(post, HOUR / 2, numbers)
    post.link.rule = lambda _: AWAY
    post.read(telegram(5000))
    post.meanwhile = lambda: setattr(post.link, "rule", gas_refused)
    post.keep()
    post.read(telegram(5001))
    post.sender.step()
    for _ in range(10):
        post.sender.step()
        post.keeper.tick()
    assert post.link.stored[line(5000)] >= 1


def test_readings_that_are_new_and_too_old_wait_for_who_mends_that(post: Post) -> None:
    post.link.rule = lambda _: TOO_OLD
    for number in range(OLD_BEFORE_PAUSE):
        post.read(telegram(number))
        post.sender.step()
    assert post.accounts() == {"read": 10, "rejected": 10}
    post.spool_up(telegram(98))
    post.read(telegram(99))
    post.meanwhile = lambda: setattr(post.link, "rule", lambda _: STORED)
    post.sender.step()
    assert post.sender.delivery.state == "delivering"
    post.drain()
    assert post.accounts() == {"read": 12, "rejected": 10, "delivered": 2}


def test_after_new_readings_have_passed_old_ones_are_refused_as_ever(post: Post) -> None:
    post.link.rule = lambda _: TOO_OLD
    for number in range(OLD_BEFORE_PAUSE):
        post.read(telegram(number))
        post.sender.step()
    post.link.rule = lambda _: STORED
    post.read(telegram(100))
    post.sender.step()
    old = post.spool_up(telegram(50))
    post.link.rule = lambda sent: TOO_OLD if set(sent) & set(old) else STORED
    post.drain()
    assert post.waits == []
    assert post.accounts() == {"read": 12, "rejected": 11, "delivered": 1}


def test_refusals_of_one_kind_are_told_a_few_times_a_day(
    post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for number in range(200):
        bad = line(number, "gas")
        words = f"unable to parse 'gas {number}': missing value at {number}"
        post.link.rule = lambda sent, bad=bad, words=words: (  # type: ignore[misc]
            Answer(400, words) if bad in sent else STORED
        )
        post.read(telegram(number))
        post.sender.step()
        post.clock.now += 60
    said = [r.message for r in caplog.records if "refused and kept aside" in r.message]
    assert 1 <= len(said) <= 4
    assert len(list(post.directories.rejected.iterdir())) == 1
    assert post.accounts() == {"read": 200, "rejected": 200}
