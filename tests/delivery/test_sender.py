"""What the sender does with each answer, in what order it sends, and when it leaves off."""

import errno
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import count, pairwise
from pathlib import Path
from threading import Event, Thread
from typing import Final

import pytest
from hypothesis import given, settings, strategies as st

from bed.post import AWAY, STORED, Post, line, telegram
from collector.delivery.answer import Answer
from collector.delivery.jobs import MOST_TOGETHER
from collector.delivery.leftovers import SWEEP_SECONDS
from collector.delivery.sender import Sender
from collector.spool.errands import Errands
from collector.spool.record import Record, RecordId, decode
from collector.spool.segment import closed_name
from spool.disks import FaultyDisk, HangingDisk

HOUR: Final = 3600
DELIVERING: Final = "delivering to `http://nas:8086`, bucket `p1`"
UNPARSABLE: Final = Answer(400, "unable to parse")
LIMIT: Final = Answer(413, "too large", is_page=True)
LATE: Final = Answer(0, "no answer within 30 s", is_late=True)
TOO_OLD: Final = Answer(422, "partial write: dropped 1 points outside retention policy of 1h")
CONFLICT: Final = Answer(
    422,
    'partial write: field type conflict: input field "v" on measurement "gas" is type float,'
    " already exists as type integer dropped=1",
)


@pytest.fixture
def post(tmp_path: Path) -> Post:
    return Post(tmp_path)


def bad(lines: Sequence[bytes], answer: Answer = UNPARSABLE) -> Callable[[list[bytes]], Answer]:
    return lambda sent: answer if set(sent) & set(lines) else STORED


def rejected(post: Post) -> list[tuple[bytes, bytes]]:
    """Give what is in each file of `rejected/`: its first line, and its lines of data."""
    texts = [path.read_bytes() for path in sorted(post.directories.rejected.glob("*.lp"))]
    return [
        (text.partition(b"\n")[0], b"".join(record.body for record in decode(text).records))
        for text in texts
    ]


def aside(post: Post) -> list[bytes]:
    """Give the lines in `rejected/`."""
    return [line for _, body in rejected(post) for line in body.splitlines(keepends=True)]


# 204 and what is not.


def test_after_a_204_nothing_is_left(post: Post) -> None:
    post.read(telegram(1), telegram(2))
    post.sender.step()
    assert post.link.requests == [post.lines]
    assert post.files == []
    assert post.accounts() == {"read": 2, "delivered": 2}


def test_a_segment_goes_after_the_204_and_not_before(post: Post) -> None:
    post.spool_up(telegram(1))
    seen: list[list[str]] = []
    post.link.during.append(lambda: seen.append(post.files))
    post.sender.step()
    assert seen == [["spool/00000000000000000001.lp"]]
    assert post.files == []


NOT_NOW: Final = [0, 408, 429, 500, 502, 503, 504, 507, 599]
UNKNOWN: Final = [200, 201, 202, 206, 301, 302, 304, 307, 402, 405, 406, 409, 418, 451]


@pytest.mark.parametrize("hot", [True, False])
@pytest.mark.parametrize("status", NOT_NOW + UNKNOWN)
def test_no_other_answer_removes_anything(post: Post, status: int, *, hot: bool) -> None:
    (post.read if hot else post.spool_up)(telegram(1))
    before = post.files
    kept: list[list[str]] = []
    post.meanwhile = lambda: kept.append(post.files)
    post.link.answers.extend([Answer(status, "not now")] * 7)
    post.sender.step()
    assert kept == [before] * 7
    assert post.waits == [1, 2, 4, 8, 16, 32, 60]
    assert post.link.requests == [post.lines] * 8
    assert post.files == []
    assert post.accounts() == {"read": 1, "delivered": 1}


def test_the_wait_is_drawn_below_its_bound(post: Post) -> None:
    post.read(telegram(1))
    draws = iter([0.5, 0.25, 0.0])
    post.sender._draw = lambda: next(draws)
    post.link.answers.extend([AWAY] * 3)
    post.sender.step()
    assert post.waits == [0.5, 0.5, 0.0]


def test_retry_after_is_waited_for(post: Post) -> None:
    post.read(telegram(1))
    post.sender._draw = lambda: 0.0
    post.link.answers.extend([Answer(429, "limit", 30.0), Answer(503, "busy", 5.0), AWAY])
    post.sender.step()
    assert post.waits == [30, 5, 0]


def test_the_waits_begin_anew_after_a_success(post: Post) -> None:
    post.spool_up(telegram(1))
    post.spool_up(telegram(2))
    post.link.answers.extend([AWAY, AWAY, STORED, AWAY, STORED])
    post.drain()
    assert post.waits == [1, 2, 1]


@pytest.mark.parametrize(
    ("status", "setting"),
    [(401, "P1_INFLUX_TOKEN"), (403, "P1_INFLUX_TOKEN"), (404, "P1_INFLUX_BUCKET")],
)
def test_wrong_settings_keep_everything_and_are_said_once(
    post: Post, caplog: pytest.LogCaptureFixture, status: int, setting: str
) -> None:
    caplog.set_level(logging.INFO)
    post.spool_up(telegram(1))
    told: list[tuple[str, str | None]] = []
    post.meanwhile = lambda: told.append(
        (post.sender.delivery.state, post.sender.delivery.message)
    )
    post.link.answers.extend([Answer(status, "no")] * 6)
    post.sender.step()
    assert post.waits == [60, 120, 240, 480, 900, 900]
    assert [state for state, _ in told] == ["misconfigured"] * 6
    assert all(message and setting in message for _, message in told)
    first, _, last = [r for r in caplog.records if r.name == "collector.delivery.sender"]
    assert (first.levelname, last.message) == ("ERROR", "InfluxDB takes readings again")
    assert f"check `{setting}`" in first.message
    assert post.sender.delivery.state == "delivering"
    assert post.sender.delivery.message is None
    assert post.accounts() == {"read": 1, "delivered": 1}


def test_where_readings_go_is_said_at_the_first_204_and_at_no_other(
    post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for second in range(1, 4):
        post.read(telegram(second))
        post.link.answers.extend([AWAY, STORED])
        post.sender.step()
    assert [r.message for r in caplog.records].count(DELIVERING) == 1


def test_an_outage_is_two_lines_in_the_log(post: Post, caplog: pytest.LogCaptureFixture) -> None:
    """Pages have a number in them, or the time of day: that is no news."""
    caplog.set_level(logging.INFO)
    post.spool_up(telegram(1))
    post.link.answers.extend([Answer(503, f"busy, ray {n}") for n in range(20)])
    post.spool_up(telegram(2))
    post.steps(2)
    lines = [r.message for r in caplog.records if r.name == "collector.delivery.sender"]
    assert lines == [
        "InfluxDB did not take the readings, they are kept: answer 503: busy, ray 0",
        DELIVERING,
        "InfluxDB takes readings again",
    ]


def test_what_is_not_influxdb_is_said_loudly(post: Post, caplog: pytest.LogCaptureFixture) -> None:
    post.read(telegram(1))
    post.link.answers.append(Answer(200, "Welcome to the hotel"))
    post.sender.step()
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert "this is not what InfluxDB answers: check `P1_INFLUX_URL`" in record.message


def test_requests_and_retries_are_counted(post: Post) -> None:
    post.read(telegram(1))
    post.link.answers.extend([AWAY, AWAY])
    post.sender.step()
    assert (post.sender.delivery.requests, post.sender.delivery.retries) == (3, 2)


# 400, 422, 413.


@pytest.mark.parametrize("answer", [UNPARSABLE, Answer(422, "a shard is pending deletion")])
def test_a_bad_line_costs_that_line(post: Post, answer: Answer) -> None:
    post.spool_up(*map(telegram, range(50)))
    wrong = line(17, "gas")
    post.link.rule = bad([wrong], answer)
    post.sender.step()
    assert post.link.stored == Counter(post.lines) - Counter([wrong])
    words = b"# rejected: answer %d: %s" % (answer.status, answer.message.encode())
    assert rejected(post) == [(words, wrong)]
    assert post.accounts() == {"read": 50, "delivered": 49, "rejected": 1}
    assert [name for name in post.files if not name.startswith("rejected")] == []


def test_a_bad_line_in_ram_costs_that_line(post: Post) -> None:
    post.read(*map(telegram, range(5)))
    post.link.rule = bad([line(3)])
    post.sender.step()
    assert post.link.stored == Counter(post.lines) - Counter([line(3)])
    assert aside(post) == [line(3)]
    assert post.accounts() == {"read": 5, "delivered": 4, "rejected": 1}


def test_refused_lines_are_synced_before_their_segment_goes(tmp_path: Path) -> None:
    disk = FaultyDisk()
    post = Post(tmp_path, disk)
    post.spool_up(telegram(1), telegram(2))
    post.link.rule = bad([line(1)])
    disk.calls.clear()
    post.sender.step()
    rejected, spool = post.directories.rejected, post.directories.spool
    (kept,) = rejected.iterdir()
    assert [call for call in disk.calls if call[0] in {"sync", "sync_directory", "rename"}] == [
        ("sync_directory", rejected),
        ("sync", kept),
    ]
    removed = disk.calls.index(("remove", spool / "00000000000000000001.lp"))
    assert disk.calls.index(("sync", kept)) < removed


def test_refused_lines_can_be_sent_again(post: Post) -> None:
    post.spool_up(*map(telegram, range(8)))
    post.link.rule = bad([line(3), line(5)])
    post.sender.step()
    assert post.accounts() == {"read": 8, "delivered": 6, "rejected": 2}
    post.link.rule = bad([])
    post.resend()
    post.drain()
    assert post.link.stored == Counter(post.lines)
    assert post.files == []
    assert post.accounts() == {"read": 8, "found": 2, "delivered": 8, "rejected": 2}


def test_which_lines_were_refused_is_told_before_their_record_counts_as_rejected(
    post: Post,
) -> None:
    told: list[tuple[list[bytes], int]] = []
    post.sender.tell_refused = lambda lines: told.append(
        ([*lines], post.account.totals().rejected)
    )
    post.read(telegram(1), telegram(2))
    post.link.rule = bad([line(1)])
    post.sender.step()
    assert told == [([line(1)], 0)]
    assert post.account.totals().rejected == 1


def test_a_record_refused_for_two_reasons_is_sent_again_whole(post: Post) -> None:
    post.spool_up(telegram(1))
    post.link.rule = lambda sent: UNPARSABLE if sent[0] == line(1) else CONFLICT
    post.sender.step()
    assert len(rejected(post)) == 2
    post.link.rule = bad([])
    post.resend()
    while post.spool.count_one():
        pass
    post.drain()
    assert post.link.stored == Counter(post.lines)


def test_a_segment_older_than_the_retention_takes_some_twelve_requests(post: Post) -> None:
    post.spool_up(*(line(n) for n in range(4999)))
    post.link.rule = bad([line(n) for n in range(3333)], TOO_OLD)
    post.drain()
    assert len(post.link.requests) <= 28  # two segments: a trailer takes a line as well
    assert post.accounts() == {"read": 4999, "delivered": 1666, "rejected": 3333}
    assert len(aside(post)) <= 3333
    assert post.link.stored.keys() == {line(n) for n in range(3333, 4999)}


def test_a_segment_that_is_too_large_goes_in_halves(post: Post) -> None:
    post.spool_up(*map(telegram, range(100)))
    post.link.rule = lambda sent: LIMIT if len(sent) > 60 else STORED
    post.sender.step()
    assert [len(sent) for sent in post.link.requests] == [200, 100, 50, 50, 100, 50, 50]
    assert post.link.stored == Counter(post.lines)
    assert post.accounts() == {"read": 100, "delivered": 100}


def test_a_line_that_is_too_large_alone_is_rejected(post: Post) -> None:
    post.spool_up(telegram(1), telegram(2))
    post.link.rule = bad([line(2)], LIMIT)
    post.sender.step()
    assert rejected(post) == [(b"# rejected: answer 413: too large", line(2))]
    assert post.accounts() == {"read": 2, "delivered": 1, "rejected": 1}


def test_an_outage_in_the_middle_of_halving_loses_no_progress(post: Post) -> None:
    post.spool_up(*map(telegram, range(64)))
    post.link.rule = bad([line(40)])
    post.link.answers.extend([UNPARSABLE, STORED, AWAY, AWAY])
    post.sender.step()
    assert post.link.requests[2] == post.link.requests[3] == post.link.requests[4]
    assert post.link.stored == Counter(post.lines) - Counter([line(40)])
    assert post.accounts() == {"read": 64, "delivered": 63, "rejected": 1}


def test_over_64_requests_it_waits_for_an_hour_and_others_go_on(post: Post) -> None:
    wrong = post.spool_up(*map(telegram, range(40)))
    good = post.spool_up(*map(telegram, range(100, 103)))
    post.link.rule = bad(wrong)
    post.sender.step()
    assert len(post.link.requests) == 1 + 64
    assert post.link.stored == Counter()
    post.sender.step()
    assert post.link.stored == Counter(good)
    asked = len(post.link.requests)
    post.steps(1)
    assert len(post.link.requests) == asked
    assert post.accounts() == {"read": 43, "delivered": 3, "waiting": 40}
    post.clock.now += HOUR
    post.sender.step()
    assert len(post.link.requests) == asked + 64
    post.clock.now += HOUR
    post.sender.step()
    assert len(post.link.requests) == 1 + 158 + 1  # as if it had never stopped
    assert post.accounts() == {"read": 43, "delivered": 3, "rejected": 40}
    assert len(aside(post)) == 80


def test_ten_type_conflicts_pause_their_measurement_for_an_hour(post: Post) -> None:
    post.spool_up(*map(telegram, range(30)))
    gas = [line(n, "gas") for n in range(1000)]
    post.link.rule = bad(gas, CONFLICT)
    post.sender.step()
    assert post.accounts() == {"read": 30, "waiting": 30}
    assert post.link.stored.keys() == {line(n) for n in range(30)}
    asked = len(post.link.requests)
    # Others go on, without it.
    post.clock.now += HOUR - 1
    post.read(telegram(50))
    post.sender.step()
    assert post.link.requests[asked:] == [[line(50)]]
    # An hour later the cause is mended.
    post.link.rule = bad([])
    post.clock.now += 2 * HOUR
    post.drain()
    assert set(post.lines) - post.link.stored.keys() == set(aside(post))
    assert len(aside(post)) == 10
    assert post.accounts() == {"read": 31, "delivered": 21, "rejected": 10}


def test_after_the_hour_it_takes_ten_conflicts_again(post: Post) -> None:
    post.spool_up(*map(telegram, range(30)))
    post.link.rule = bad([line(n, "gas") for n in range(1000)], CONFLICT)
    post.sender.step()
    post.clock.now += HOUR
    post.sender.step()
    post.clock.now += HOUR
    post.sender.step()
    assert len(aside(post)) == 30
    assert post.accounts() == {"read": 30, "rejected": 30}


def test_conflicts_of_one_measurement_hold_up_no_other(post: Post) -> None:
    post.link.rule = bad([line(n, "gas") for n in range(1000)], CONFLICT)
    for n in range(20):
        post.read(telegram(n))
        post.sender.step()
    assert post.link.stored.keys() >= {line(n) for n in range(20)}
    gas = [sent for sent in post.link.requests if any(text.startswith(b"gas") for text in sent)]
    assert len(gas) == 20  # ten telegrams, each whole, then its line of gas alone


# In what order.


def test_the_newest_goes_first_then_the_backlog_then_the_inbox(post: Post) -> None:
    inbox = post.hand_in(telegram(900))
    oldest = post.spool_up(telegram(1))
    old = post.spool_up(telegram(2))
    newest = post.read(telegram(3))
    post.drain()
    assert post.link.requests == [newest, oldest, old, inbox]
    assert post.accounts() == {"read": 3, "found": 1, "delivered": 4}


def test_of_two_in_ram_the_newer_goes_first(post: Post) -> None:
    older = post.read(telegram(1))
    post.clock.now += 5
    newer = post.read(telegram(2))
    post.drain()
    assert post.link.requests == [newer, older]


def test_a_line_as_slow_as_the_meter_still_drains_the_backlog(post: Post) -> None:
    """With each request something newer is there: it takes turns with what is old."""
    backlog = [post.spool_up(telegram(n)) for n in range(3)]
    post.read(telegram(10))
    post.link.during.extend(
        [lambda n=n: [post.read(telegram(n)), None][-1] for n in range(11, 20)]  # type: ignore[misc]
    )
    post.steps(6)
    assert post.link.requests[1::2] == backlog


def test_after_a_failure_another_segment_is_tried(post: Post) -> None:
    first = post.spool_up(telegram(1))
    second = post.spool_up(telegram(2))
    post.link.rule = bad(first, Answer(500, "internal error"))
    post.sender.step()
    assert post.link.requests == [first, second]


def test_after_a_failure_the_newest_is_tried_before_the_backlog(post: Post) -> None:
    post.spool_up(telegram(1))
    post.spool_up(telegram(2))
    post.read(telegram(3))
    post.link.answers.extend([STORED, AWAY])
    newest: list[list[bytes]] = []
    post.meanwhile = lambda: newest.append(post.read(telegram(4)))
    post.steps(2)
    assert post.link.requests[2:] == newest


def test_a_segment_that_fails_while_others_pass_is_tried_once_an_hour(post: Post) -> None:
    poison = post.spool_up(telegram(0))
    others = [post.spool_up(telegram(n)) for n in range(1, 9)]
    post.link.rule = bad(poison, Answer(500, "internal error"))
    post.steps(8)
    assert [sent for sent in post.link.requests if sent != poison] == others
    assert post.link.requests.count(poison) == 5
    post.steps(3)
    assert post.link.requests.count(poison) == 5
    assert post.accounts() == {"read": 9, "delivered": 8, "waiting": 1}
    post.clock.now += HOUR
    post.link.rule = bad([])
    post.drain()
    assert post.link.requests[-1] == poison
    assert post.accounts() == {"read": 9, "delivered": 9}


def test_a_segment_for_which_the_server_is_always_busy_holds_up_no_other(post: Post) -> None:
    """It is not set aside for an hour, as a server that is busy says nothing of segments."""
    poison = post.spool_up(telegram(0))
    others = [post.spool_up(telegram(n)) for n in range(1, 9)]
    post.link.rule = bad(poison, Answer(503, "busy"))
    began = post.clock.now
    while post.link.stored.keys() != {text for lines in others for text in lines}:
        post.sender.step()
    assert post.clock.now - began < HOUR
    post.link.rule = bad([])
    post.drain()
    assert post.clock.now - began < HOUR
    assert post.accounts() == {"read": 9, "delivered": 9}


def test_a_segment_in_ram_that_fails_while_others_pass_stands_back(post: Post) -> None:
    """Also when there is no disk to move it to."""
    poison = post.read(telegram(0))
    post.link.rule = bad(poison, Answer(500, "internal error"))
    arriving = iter(range(1, 100))
    post.meanwhile = lambda: post.read(telegram(next(arriving)))
    post.steps(12)
    post.meanwhile = lambda: None
    post.steps(2)
    assert post.link.requests.count(poison) == 5
    assert post.accounts()["waiting"] == 1


def test_an_outage_is_held_against_no_segment(post: Post) -> None:
    post.spool_up(telegram(1))
    post.spool_up(telegram(2))
    post.link.answers.extend([AWAY] * 40)
    post.drain()
    assert len(post.link.requests) == 42
    assert post.accounts() == {"read": 2, "delivered": 2}


@pytest.mark.parametrize("late", [LATE, Answer(408, "slow"), Answer(504, "slow", is_page=True)])
def test_a_line_too_slow_for_a_segment_gets_it_in_pieces(post: Post, late: Answer) -> None:
    """And in larger ones when it has recovered."""
    post.spool_up(*map(telegram, range(1500)))
    for n in range(2000, 2006):
        post.spool_up(*map(telegram, range(n, n + 20)))
    post.link.rule = lambda sent: late if len(sent) > 600 else STORED
    post.drain()
    too_large = [len(sent) for sent in post.link.requests if len(sent) > 600]
    assert too_large[0] == 3000
    assert len(too_large) <= 5
    assert post.link.stored == Counter(post.lines)
    post.link.rule = bad([])
    for n in range(60):
        post.spool_up(telegram(3000 + n))
    post.drain()
    post.spool_up(*map(telegram, range(5000, 6000)))
    post.drain()
    assert len(post.link.requests[-1]) == 2000


def test_pieces_do_not_become_crumbs(post: Post) -> None:
    post.spool_up(*map(telegram, range(1500)))
    post.link.answers.extend([LATE] * 30)
    post.drain()
    assert min(len(sent) for sent in post.link.requests) == 100
    assert len(post.link.requests) <= 30 + 8
    assert post.link.stored == Counter(post.lines)


def test_the_newest_goes_between_the_pieces_of_a_segment(post: Post) -> None:
    """However many there are: who looks at the graph sees what is now, not the backlog's end."""
    old = set(post.spool_up(*map(telegram, range(1500))))
    post.link.answers.append(AWAY)

    def take_long() -> None:
        post.clock.now += 6
        post.read(telegram(10_000 + len(post.link.requests)))

    post.link.during.extend([take_long] * 60)
    post.steps(50)
    asked = [bool(old & set(sent)) for sent in post.link.requests]
    assert asked[1:50] == [False, True] * 24 + [False]
    post.drain()
    assert post.link.stored == Counter(post.lines)


def test_who_gets_through_while_influxdb_is_busy_leaves_room_for_others(post: Post) -> None:
    """But for the newest: that is sent at once, also while the backlog pauses."""
    for n in range(5):
        post.spool_up(telegram(n))
    post.link.answers.extend([Answer(503, "busy")] * 5)
    sent_at: list[tuple[float, int]] = []

    def note(sent: list[bytes]) -> Answer:
        sent_at.append((post.clock.now, len(sent)))
        return STORED

    post.link.rule = note
    post.steps(1)
    newest = post.read(telegram(100))
    post.steps(1)
    assert post.link.requests[-1] == newest
    post.drain()
    began, *then = (at for at, _ in sent_at)
    assert then[0] == began
    assert [after - at for at, after in pairwise(then)] == [23, 15, 12, 10]


def test_while_the_backlog_pauses_the_open_segment_stays_open(post: Post) -> None:
    """Else each pause would make a file of its own."""
    post.spool_up(telegram(0))
    post.read(telegram(1))
    post.keep()
    post.link.answers.extend([Answer(503, "busy")] * 5)
    post.steps(6)
    assert not post.keeper.close_wanted
    post.drain()
    assert post.files == []


def test_the_state_of_what_has_gone_makes_room(post: Post) -> None:
    for n in range(0, 240, 40):
        post.spool_up(*map(telegram, range(n, n + 40)))
    post.link.rule = lambda _: UNPARSABLE
    post.steps(6)
    first = post.spool.next(1)[0]
    post.spool.drop(first)
    post.clock.now += HOUR
    post.steps(5)
    assert first not in post.sender.learnt
    assert len(post.sender.learnt) == 4


def test_the_state_of_a_few_segments_is_kept_in_memory_not_of_a_month(post: Post) -> None:
    for n in range(0, 400, 40):
        post.spool_up(*map(telegram, range(n, n + 40)))
    post.link.rule = lambda _: UNPARSABLE
    post.steps(10)
    assert len(post.sender.learnt) == 4
    for _ in range(60):
        post.clock.now += HOUR
        post.sender.step()
    assert len(post.sender.learnt) <= 4
    _until_nothing_waits(post)
    assert len(aside(post)) == 800


# The keeper's open segment.


def test_the_open_segment_is_closed_when_there_is_nothing_else(post: Post) -> None:
    post.read(telegram(1))
    post.keep()
    assert post.keeper.has_open
    post.sender.step()
    assert post.keeper.close_wanted
    post.keeper.tick()
    post.sender.step()
    assert post.link.requests == [post.lines]
    assert post.files == []


def test_the_open_segment_stays_open_while_something_else_can_be_sent(post: Post) -> None:
    post.spool_up(telegram(1))
    post.read(telegram(2))
    post.keep()
    post.read(telegram(3))
    post.steps(2)
    assert not post.keeper.close_wanted
    post.sender.step()
    assert post.keeper.close_wanted


def test_during_an_outage_the_open_segment_is_closed_after_half_a_minute(post: Post) -> None:
    """Else each attempt would make a file of its own, for a month."""
    post.read(telegram(1))
    post.link.rule = lambda _: AWAY
    wanted: list[tuple[float, bool]] = []

    def keep() -> None:
        if not post.keeper.has_open and not wanted:
            post.keep()
        wanted.append((post.clock.now, post.keeper.close_wanted))
        if post.keeper.close_wanted:
            post.stopping.set()

    post.meanwhile = keep
    post.sender.step()
    began = wanted[0][0]
    assert 30 <= wanted[-1][0] - began <= 32
    assert [want for _, want in wanted[:-1]] == [False] * (len(wanted) - 1)


def test_as_long_as_there_is_a_newer_one_to_knock_with_it_stays_open(post: Post) -> None:
    post.read(telegram(1))
    post.link.rule = lambda _: AWAY
    knocked = [post.clock.now]

    def meanwhile() -> None:
        assert not post.keeper.close_wanted
        if post.handoff.oldest() is not None:
            post.keep()
        elif post.clock.now - knocked[-1] > 25:
            post.read(telegram(len(post.lines)))
            knocked.append(post.clock.now)
        if len(knocked) > 10:
            post.stopping.set()

    post.sender._draw = lambda: 0.0
    post.meanwhile = meanwhile
    post.steps(300)
    assert len(knocked) == 11


# The keeper and the sender at the same file.


def test_what_is_kept_while_in_flight_is_counted_once(post: Post) -> None:
    post.read(telegram(1), telegram(2))
    post.link.during.append(post.keep)
    post.sender.step()
    post.keeper.close_wanted = True
    post.keeper.tick()
    assert post.files == ["spool/00000000000000000001.lp"]
    post.sender.step()
    assert post.files == []
    assert post.link.requests == [post.lines]
    assert post.accounts() == {"read": 2, "delivered": 2}


def test_what_is_kept_while_it_fails_is_sent_from_the_disk(post: Post) -> None:
    post.read(telegram(1))
    post.link.answers.append(AWAY)
    post.link.during.append(post.keep)
    post.meanwhile = post.keeper.tick
    post.drain()
    assert post.link.requests == [post.lines] * 2
    assert post.files == []
    assert post.accounts() == {"read": 1, "delivered": 1}


def test_what_is_kept_while_it_is_halved_is_counted_once(post: Post) -> None:
    post.read(*map(telegram, range(4)))
    post.link.rule = bad([line(2)])
    post.link.during.append(lambda: None)
    post.link.during.append(post.keep)
    post.sender.step()
    post.keeper.close_wanted = True
    post.keeper.tick()
    post.drain()
    post.sender.step()
    assert post.accounts() == {"read": 4, "delivered": 3, "rejected": 1}
    assert post.link.stored == Counter(post.lines) - Counter([line(2)])
    assert aside(post) == [line(2)]


def test_a_segment_in_flight_is_not_dropped(post: Post) -> None:
    post.spool_up(telegram(1))
    post.spool_up(telegram(2))
    chosen: list[str] = []
    post.link.during.append(
        lambda: chosen.append(str(post.spool.stock.oldest_kept(post.spool.in_flight)))
    )
    post.sender.step()
    assert ["00000000000000000002.lp" in file for file in chosen] == [True]


# A disk that fails.


def test_refused_lines_that_cannot_be_written_wait(tmp_path: Path) -> None:
    disk = FaultyDisk()
    post = Post(tmp_path, disk)
    post.spool_up(telegram(1), telegram(2))
    post.spool_up(telegram(3))
    post.link.rule = bad([line(1)])
    disk.fail("sync", errno.ENOSPC, post.directories.rejected, times=1)
    post.steps(2)
    asked = len(post.link.requests)
    assert post.link.requests[-1] == telegram(3).splitlines(keepends=True)
    assert post.accounts() == {"read": 3, "delivered": 1, "waiting": 2}
    post.clock.now += HOUR
    post.sender.step()
    assert len(post.link.requests) == asked  # what is known is not asked again
    assert aside(post) == [line(1)]
    assert post.accounts() == {"read": 3, "delivered": 2, "rejected": 1}


def test_refused_lines_in_ram_that_cannot_be_written_wait(tmp_path: Path) -> None:
    disk = FaultyDisk()
    post = Post(tmp_path, disk)
    post.read(telegram(1), telegram(2))
    post.link.rule = bad([line(1)])
    disk.fail("create", errno.EROFS, post.directories.spool)
    post.sender.step()
    assert post.accounts() == {"read": 2, "waiting": 2}
    assert post.handoff.take_newest() is not None


def test_segments_that_cannot_be_removed_are_not_sent_again_and_go_when_they_can(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    disk = FaultyDisk()
    post = Post(tmp_path, disk)
    good = [post.spool_up(telegram(n)) for n in (1, 2, 3)]
    disk.fail("remove", errno.EROFS, post.directories.spool)
    post.steps(5)
    for _ in range(3):
        post.clock.now += SWEEP_SECONDS
        post.steps(1)
    assert post.link.requests == good
    totals = post.account.totals()
    assert (totals.delivered, totals.waiting) == (3, 0)
    delivering, said = (record.message for record in caplog.records)
    assert delivering == DELIVERING
    assert str(post.directories.spool) in said
    assert "Read-only file system" in said
    assert "remount,rw" in said

    disk.faults.clear()
    post.clock.now += SWEEP_SECONDS
    post.steps(1)
    assert post.files == []
    assert len(post.link.requests) == 3
    assert caplog.records[-1].message == "what was delivered could be removed now"


def test_a_file_in_ram_that_cannot_be_removed_is_said_once_and_sent_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    disk = FaultyDisk()
    post = Post(tmp_path, disk)
    disk.fail("remove", errno.EACCES, post.hot_directory)
    good = []
    for number in range(3):
        good.append(post.read(telegram(number)))
        post.steps(1)
    assert post.link.requests == good
    assert post.account.totals().waiting == 0
    (said,) = (record.message for record in caplog.records)
    assert str(post.hot_directory) in said


@pytest.mark.parametrize("error", [errno.EIO, errno.EACCES])
def test_a_segment_that_cannot_be_read_holds_up_no_other(tmp_path: Path, error: int) -> None:
    disk = FaultyDisk()
    post = Post(tmp_path, disk)
    post.spool_up(telegram(1))
    good = post.spool_up(telegram(2))
    disk.fail("read", error, post.directories.spool / "00000000000000000001.lp")
    post.steps(2)
    assert post.link.requests == [good]


def test_a_file_in_ram_that_cannot_be_read_holds_up_no_other(tmp_path: Path) -> None:
    disk = FaultyDisk()
    post = Post(tmp_path, disk)
    good = post.read(telegram(1))
    post.clock.now += 1
    post.read(telegram(2))
    disk.fail("read", errno.EIO, post.hot_directory / "00000000000000000002.lp")
    post.steps(2)
    assert post.link.requests == [good]
    assert post.handoff.drop_oldest() is not None  # it is nobody's


def test_a_file_in_ram_that_was_deleted_is_counted(post: Post) -> None:
    post.read(telegram(1))
    (post.hot_directory / "00000000000000000001.lp").unlink()
    good = post.read(telegram(2))
    post.steps(2)
    assert post.link.requests == [good]
    assert post.accounts() == {"read": 2, "delivered": 1, "dropped": 1}


def test_damage_in_ram_costs_the_damaged_record(post: Post) -> None:
    post.read(telegram(1), telegram(2))
    path = post.hot_directory / "00000000000000000001.lp"
    path.write_bytes(path.read_bytes().replace(b"v=1", b"v=7"))
    post.sender.step()
    assert post.link.requests == [telegram(2).splitlines(keepends=True)]
    assert post.accounts() == {"read": 2, "delivered": 1, "damaged": 1}


def test_a_segment_of_damage_alone_is_no_request(post: Post) -> None:
    post.spool_up(telegram(1))
    path = post.directories.spool / "00000000000000000001.lp"
    path.write_bytes(path.read_bytes().replace(b"v=1", b"v=7"))
    post.steps(2)
    assert post.link.requests == []
    assert post.accounts() == {"read": 1, "damaged": 1}


def test_an_error_of_the_disk_does_not_end_the_thread(tmp_path: Path) -> None:
    disk = FaultyDisk()
    post = Post(tmp_path, disk)
    post.spool_up(telegram(1))
    disk.fail("read", errno.EMFILE, post.directories.spool, times=2)
    post.meanwhile = lambda: post.stopping.set() if not post.waiting else None
    post.sender.run()
    assert post.waits == [1, 1]
    assert post.link.requests == [post.lines]


def test_a_spool_that_cannot_be_read_holds_up_nothing_in_ram(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    disk = FaultyDisk()
    post = Post(tmp_path, disk)
    read = count(2)
    post.spool_up(telegram(1))
    disk.fail("read", errno.EMFILE, post.directories.spool)

    def meanwhile() -> None:
        number = next(read)
        post.read(telegram(number))
        if number > 11:
            post.stopping.set()

    post.meanwhile = meanwhile
    post.sender.run()
    assert len(post.link.requests) == 10
    (complaint,) = caplog.records
    assert "cannot read or remove a segment" in complaint.message


# A disk that hangs.


@pytest.mark.slow  # it waits for the disk
@pytest.mark.parametrize(
    "operation", ["read", "remove", "create", "write", "sync", "sync_directory"]
)
def test_a_disk_that_hangs_holds_up_nothing_in_ram(tmp_path: Path, operation: str) -> None:
    """Whoever makes the call: the sender reads, removes and keeps aside what was refused."""
    disk = HangingDisk()
    post = Post(tmp_path, disk, errands=Errands(1.0))
    post.spool_up(telegram(1), telegram(2))
    disk.hang(operation, post.directories.spool)
    post.link.rule = bad([line(1)])
    post.steps(2)
    assert disk.hung.is_set()
    for number in range(3, 7):
        post.read(telegram(number))
        post.sender.step()
        assert post.link.stored[line(number)] == 1
    disk.answer.set()
    while post.sender._errands.hang:
        pass
    post.clock.now += HOUR
    post.drain()
    assert post.accounts() == {"read": 6, "delivered": 5, "rejected": 1}


@pytest.mark.slow  # as above
def test_what_the_keeper_was_copying_when_the_disk_hung_is_sent(tmp_path: Path) -> None:
    disk = HangingDisk()
    post = Post(tmp_path, disk, errands=Errands(1.0))
    disk.hang("sync", post.directories.spool)
    post.read(telegram(1))
    post.clock.now += 10
    post.keeper.tick()
    keeper = Thread(target=post.keeper.tick)
    keeper.start()
    assert disk.hung.wait(60)
    post.sender.step()
    assert post.link.requests == []  # a card may be slow
    post.clock.now += 5
    post.sender.step()
    assert post.link.stored == Counter(post.lines)
    disk.answer.set()
    keeper.join()
    post.keeper.close_wanted = True
    post.keeper.tick()
    post.drain()
    assert post.link.stored == Counter(post.lines)
    assert post.accounts() == {"read": 1, "delivered": 1}


# Small segments.


def test_small_segments_go_in_one_request(tmp_path: Path) -> None:
    post = Post(tmp_path, together=MOST_TOGETHER)
    for number in range(50):
        post.spool_up(telegram(number))
    post.sender.step()
    assert post.link.requests == [post.lines]
    assert post.files == []
    assert post.accounts() == {"read": 50, "delivered": 50}


def test_no_more_go_together_than_one_request_takes(tmp_path: Path) -> None:
    post = Post(tmp_path, together=MOST_TOGETHER)
    for first in range(0, 8_000, 800):
        post.spool_up(*map(telegram, range(first, first + 800)))
    post.drain()
    assert [len(sent) for sent in post.link.requests] == [3_200, 3_200, 3_200, 3_200, 3_200]


def test_of_those_that_were_refused_together_each_shows_its_own_lines(tmp_path: Path) -> None:
    post = Post(tmp_path, together=MOST_TOGETHER)
    for number in range(5):
        post.spool_up(telegram(number))
    post.link.rule = bad([line(3)])
    post.drain()
    assert post.waits == []
    assert aside(post) == [line(3)]
    assert post.link.requests[1] == telegram(0).splitlines(keepends=True)
    assert post.accounts() == {"read": 5, "delivered": 4, "rejected": 1}


def test_what_failed_goes_alone_and_the_others_go_on_together(tmp_path: Path) -> None:
    post = Post(tmp_path, together=10)
    for number in range(30):
        post.spool_up(telegram(number))
    post.link.answers.extend([AWAY] * 3)
    post.drain()
    assert [len(sent) // 2 for sent in post.link.requests] == [10, *[1] * 12, 10, 10]
    assert post.accounts() == {"read": 30, "delivered": 30}


def test_a_record_in_two_small_segments_goes_once(tmp_path: Path) -> None:
    post = Post(tmp_path, together=MOST_TOGETHER)
    post.spool_up(telegram(1))
    post.spool_up(telegram(2))
    (one, _) = post.spool.stock.first(post.spool.directories.spool)
    (post.directories.spool / closed_name(7)).write_bytes(one.path.read_bytes())
    post.spool.look()
    post.drain()
    assert post.link.stored == Counter(post.lines)
    assert post.files == []


def test_a_backlog_of_ten_thousand_is_looked_at_once(tmp_path: Path) -> None:
    """What is done for a file costs the same however many there are."""
    disk = FaultyDisk()
    post = Post(tmp_path, disk)
    for number in range(1, 10_001):
        path = post.directories.inbox / closed_name(number)
        path.write_bytes(Record(RecordId("feedfeedfeed", number), line(number)).encode())
    post.keeper.tick()
    disk.calls.clear()
    post.steps(50)
    assert len(disk.calls) <= 50 * 10
    assert sum(operation == "names" for operation, _ in disk.calls) == 0
    assert len(post.link.requests) == 50


# A name that comes again.


def test_a_name_that_comes_again_is_another_segment_while_the_old_one_is_half_sent(
    post: Post,
) -> None:
    post.hand_in(*map(telegram, range(40)))
    post.link.rule = lambda sent: UNPARSABLE if len(sent) > 1 else STORED
    post.sender.step()
    (file,) = post.spool.stock.first(post.spool.directories.inbox)
    assert file in post.sender.learnt
    file.path.unlink()
    other = post.hand_in(*map(telegram, range(100, 125)), run="beefbeefbeef")
    post.clock.now += HOUR
    post.link.rule = lambda _: STORED
    post.drain()
    assert set(other) <= post.link.stored.keys()
    assert post.accounts() == {"found": 65, "delivered": 25, "dropped": 40}


def test_a_name_that_comes_again_is_not_removed_for_what_was_delivered(tmp_path: Path) -> None:
    disk = FaultyDisk()
    post = Post(tmp_path, disk)
    post.hand_in(telegram(1))
    disk.fail("remove", errno.EIO, post.directories.inbox, times=1)
    post.sender.step()
    (file,) = post.spool.stock.first(post.spool.directories.inbox)
    file.path.unlink()
    other = post.hand_in(telegram(2))
    post.clock.now += SWEEP_SECONDS
    post.drain()
    assert set(other) <= post.link.stored.keys()
    assert post.accounts() == {"found": 2, "delivered": 2}


# The end.


def test_a_stop_ends_a_wait_at_once(post: Post) -> None:
    """With the real wait: it would last between a minute and a quarter of an hour."""
    post.spool_up(telegram(1))
    post.link.answers.append(Answer(503, "busy", retry_after=600.0))
    stopping = _Stopping()
    sender = Sender(
        post.link,
        post.spool,
        post.handoff,
        post.account,
        post.keeper,
        place="`http://nas:8086`, bucket `p1`",
        stopping=stopping,
        monotonic=post.clock,
    )
    thread = Thread(target=sender.run, daemon=True)
    thread.start()
    assert stopping.waited.wait(60)
    stopping.set()
    thread.join(30)
    assert not thread.is_alive()
    assert len(post.link.requests) == 1  # and no other one is begun
    assert post.accounts() == {"read": 1, "waiting": 1}


class _Stopping(Event):
    """Says when somebody waits for it."""

    def __init__(self) -> None:
        super().__init__()
        self.waited = Event()

    def wait(self, timeout: float | None = None) -> bool:
        self.waited.set()
        return super().wait(timeout)


def test_after_a_stop_nothing_is_sent(post: Post) -> None:
    post.read(telegram(1))
    post.stopping.set()
    post.sender.run()
    post.sender.step()
    assert post.link.requests == []


# All of it together.

ANSWERS: Final = [
    *(Answer(status, "no") for status in (200, 302, 401, 403, 404, 408, 413, 429, 500, 503)),
    *(AWAY, UNPARSABLE, CONFLICT, STORED, STORED, STORED),
]


@pytest.mark.slow
@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 6)), min_size=1, max_size=6),
    st.sets(st.integers(0, 40)),
    st.lists(st.sampled_from(ANSWERS), max_size=40),
    st.sets(st.integers(0, 40)),
)
def test_whatever_is_answered_every_line_is_stored_or_kept_aside(
    tmp_path_factory: pytest.TempPathFactory,
    arrivals: list[tuple[bool, int]],
    wrong: set[int],
    answers: list[Answer],
    kept_during: set[int],
) -> None:
    post = Post(tmp_path_factory.mktemp("post"))
    number = 0
    for hot, size in arrivals:
        (post.read if hot else post.spool_up)(*map(telegram, range(number, number + size)))
        number += size
    post.link.answers.extend(answers)
    post.link.rule = bad([line(n) for n in wrong])
    last = max(kept_during, default=0)
    post.link.during.extend([post.keep if n in kept_during else _nothing for n in range(last + 1)])
    post.meanwhile = post.keeper.tick
    _until_nothing_waits(post)
    assert post.link.stored.keys() | set(aside(post)) == set(post.lines)
    counts = post.accounts()
    assert counts["read"] == number == counts.get("delivered", 0) + counts.get("rejected", 0)


def _nothing() -> None:
    pass


def _until_nothing_waits(post: Post) -> None:
    for _ in range(300):
        if not post.waiting:
            return
        post.sender.step()
        post.keeper.tick()
        post.clock.now += HOUR / 10
    raise AssertionError(post.files)


@pytest.mark.parametrize(
    ("answer", "seconds", "quick"),
    [(STORED, 0.05, True), (STORED, 0.2, False), (AWAY, 0.0, False)],
)
def test_who_takes_a_request_at_once_may_have_one_for_each_telegram(
    post: Post, answer: Answer, seconds: float, *, quick: bool
) -> None:
    def meanwhile() -> None:
        assert not post.handoff.quick  # the next telegrams gather while one is on its way
        post.clock.now += seconds

    post.link.answers.append(answer)
    post.link.during.append(meanwhile)
    post.meanwhile = post.stopping.set
    post.read(b"a v=1 1\n")
    post.handoff.quick = True
    post.sender.step()
    assert post.handoff.quick is quick


def test_while_a_backlog_is_sent_telegrams_gather(post: Post) -> None:
    post.spool_up(b"a v=1 1\n")
    post.handoff.quick = True
    post.sender.step()
    assert post.link.stored
    assert not post.handoff.quick
