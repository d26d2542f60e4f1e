"""Whose fault a refusal is: the lines', or the settings' and the server's, which are all alike."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from bed.post import STORED, Post, line, telegram
from collector.delivery.answer import Answer
from collector.spool.record import decode

MINUTE: Final = 60
HOUR: Final = 3600
UNCLEAR: Final = Answer(400, "the schema is not what it was")
CONFLICT: Final = Answer(400, "invalid column type for column 'v', expected float, got integer")
WAL: Final = Answer(400, "error from wal: No space left on device")


@pytest.fixture
def post(tmp_path: Path) -> Post:
    return Post(tmp_path)


def bad(lines: list[bytes], answer: Answer) -> Callable[[list[bytes]], Answer]:
    wrong = set(lines)
    return lambda sent: answer if wrong & set(sent) else STORED


def refused(post: Post) -> list[bytes]:
    texts = [path.read_bytes() for path in sorted(post.directories.rejected.glob("*.lp"))]
    records = [record for text in texts for record in decode(text).records]
    return [text for record in records for text in record.body.splitlines(keepends=True)]


def until(post: Post, holds: Callable[[], bool]) -> float:
    """Send until something holds; gives how long it took on the clock."""
    began = post.clock.now
    while not holds():
        post.sender.step()
        post.keeper.tick()
        assert post.clock.now - began < 3 * HOUR
    return post.clock.now - began


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("answer", "measurement", "alive"),
    [
        (UNCLEAR, "electricity", True),
        (UNCLEAR, "gas", False),
        (CONFLICT, "gas", True),
    ],
)
def test_segments_that_are_wholly_bad_hold_up_no_good_one_and_are_kept_aside_within_an_hour(
    post: Post,
    answer: Answer,
    measurement: str,
    alive: bool,  # noqa: FBT001  a case
) -> None:
    good = post.spool_up(telegram(1))
    wrong = post.spool_up(*(line(n, measurement) for n in range(10_000, 14_990)))
    good += post.spool_up(telegram(2))
    wrong += post.spool_up(line(20_000, measurement))
    good += post.spool_up(telegram(3))
    post.link.rule = bad(wrong, answer)

    def live() -> None:
        if alive and int(post.clock.now) % 10 == 0:
            good.extend(post.read(telegram(int(post.clock.now))))

    assert until(post, lambda: set(good) <= post.link.stored.keys()) <= MINUTE
    post.meanwhile = live
    assert until(post, lambda: len(refused(post)) == len(wrong)) <= HOUR
    assert Counter(refused(post)) == Counter(wrong)
    post.meanwhile = lambda: None
    post.drain()
    assert post.link.stored.keys() == set(post.lines) - set(wrong)


def test_what_is_refused_whatever_it_is_waits_loudly_and_heals_by_itself(post: Post) -> None:
    for n in range(20):
        post.spool_up(*map(telegram, range(100 * n, 100 * n + 100)))
    post.link.rule = lambda _: UNCLEAR
    told: list[tuple[str, str | None]] = []

    def wait() -> None:
        told.append((post.sender.delivery.state, post.sender.delivery.message))
        if len(post.waits) == 14:
            post.link.rule = lambda _: STORED

    post.meanwhile = wait
    until(post, lambda: not post.waiting)
    words = (
        f"answer 400: {UNCLEAR.message} (it takes nothing at all: check `P1_INFLUX_BUCKET`, and"
        " look at its log)"
    )
    assert set(told) == {("misconfigured", words)}
    assert max(post.waits) == 15 * MINUTE
    assert len(post.link.requests) <= 14 * 6 + 2 * 20
    assert refused(post) == []
    assert post.link.stored.keys() == set(post.lines)
    assert post.accounts() == {"read": 2000, "delivered": 2000}


def test_a_servers_own_trouble_said_with_400_costs_nothing(post: Post) -> None:
    lines = post.spool_up(*map(telegram, range(600)))
    post.link.answers.extend([WAL] * 8)
    post.drain()
    assert post.link.stored == Counter(lines)
    assert refused(post) == []
    assert post.sender.delivery.retries == 8


def test_a_type_conflict_that_names_no_measurement_lets_its_own_wait(post: Post) -> None:
    """Of 200 lines none is refused that could be stored once a person has mended it."""
    lines = post.spool_up(*(line(n, "gas") for n in range(200)), line(500))
    post.link.rule = bad([line(n, "gas") for n in range(1000)], CONFLICT)
    for _ in range(20):
        post.sender.step()
    assert post.link.stored == Counter([line(500)])
    assert len(post.link.requests) <= 40
    assert refused(post) == []
    post.link.rule = lambda _: STORED
    post.clock.now += HOUR
    post.drain()
    assert len(refused(post)) == 10
    assert post.link.stored.keys() == set(lines) - set(refused(post))


def test_a_conflict_of_one_segment_does_not_let_the_meters_own_readings_wait(post: Post) -> None:
    wrong = post.spool_up(*(line(n) for n in range(10_000, 10_050)))
    post.link.rule = bad(wrong, CONFLICT)
    post.sender.step()
    good = post.read(telegram(1))
    post.sender.step()
    assert post.link.stored.keys() >= set(good)
