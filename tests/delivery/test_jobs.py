"""A segment is made ready while a request is under way, and that changes nothing but the speed."""

import errno
from pathlib import Path
from typing import Final

import pytest

from bed.post import AWAY, Post, line, telegram
from collector.delivery.answer import Answer
from collector.delivery.pace import LEAST_LINES
from collector.spool.account import Outcome
from collector.spool.record import decode
from spool.disks import FaultyDisk

REFUSED: Final = Answer(400, "unable to parse")


@pytest.fixture
def disk() -> FaultyDisk:
    return FaultyDisk()


@pytest.fixture
def post(tmp_path: Path, disk: FaultyDisk) -> Post:
    return Post(tmp_path, disk)


def look_during_the_first(post: Post) -> tuple[list[bytes], list[bytes]]:
    """Deliver a segment of two while the other is made ready; gives the lines of both."""
    first, second = post.spool_up(telegram(1)), post.spool_up(telegram(2), telegram(3))
    post.link.during.append(post.sender.backlog.look)
    post.sender.step()
    assert post.link.requests == [first]
    return first, second


def reads(disk: FaultyDisk) -> list[str]:
    return [path.name for operation, path in disk.calls if operation == "read"]


def test_the_next_segment_is_read_while_a_request_is_under_way(
    post: Post, disk: FaultyDisk
) -> None:
    _, second = look_during_the_first(post)
    before = reads(disk)
    post.sender.step()

    assert reads(disk) == before
    assert post.link.requests[1:] == [second]
    assert post.files == []
    assert post.accounts() == {"read": 3, "delivered": 3}


def test_a_segment_of_many_records_is_made_ready_whole(post: Post) -> None:
    post.spool_up(telegram(0))
    many = post.spool_up(*map(telegram, range(1, 601)))
    post.link.during.append(post.sender.backlog.look)
    post.drain()

    assert post.link.requests[1:] == [many]
    assert post.accounts() == {"read": 601, "delivered": 601}


def test_a_segment_that_is_ready_stays_until_it_is_stored(post: Post) -> None:
    _, second = look_during_the_first(post)
    files = post.files
    seen: list[list[str]] = []
    post.link.answers.append(AWAY)
    post.meanwhile = lambda: seen.append(post.files)
    post.sender.step()

    assert seen == [files]
    assert post.link.requests[1:] == [second, second]
    assert post.accounts() == {"read": 3, "delivered": 3}


def test_a_bad_line_of_a_segment_that_is_ready_costs_that_line(post: Post) -> None:
    look_during_the_first(post)
    bad = line(3, "gas")
    post.link.rule = lambda sent: REFUSED if bad in sent else Answer(204, "")
    post.drain()

    assert post.waits == []
    assert set(post.lines) - set(post.link.stored) == {bad}
    assert post.accounts() == {"read": 3, "delivered": 2, "rejected": 1}


def test_what_was_delivered_meanwhile_is_not_sent_again(post: Post) -> None:
    _, second = look_during_the_first(post)
    (file,) = post.spool.stock.first(post.spool.directories.spool)
    twin = decode(file.path.read_bytes()).records[0]
    post.link.stored.update(twin.body.splitlines(keepends=True))
    post.account.settle(Outcome.DELIVERED, [twin.id])
    post.drain()

    assert post.link.requests[1:] == [second[2:]]
    assert post.accounts() == {"read": 3, "delivered": 3}


def test_a_segment_that_was_dropped_meanwhile_is_not_sent(post: Post) -> None:
    look_during_the_first(post)
    (path,) = post.spool.stock.first(post.spool.directories.spool)
    third = post.spool_up(telegram(4))
    post.spool.drop(path)
    post.drain()

    assert post.link.requests[1:] == [third]
    assert post.accounts() == {"read": 4, "delivered": 2, "dropped": 2}


def test_damage_in_a_segment_that_is_made_ready_is_counted_once(post: Post) -> None:
    post.spool_up(telegram(1))
    post.spool_up(telegram(2), telegram(3))
    path = post.spool.stock.first(post.spool.directories.spool)[1].path
    path.write_bytes(path.read_bytes().replace(telegram(2), telegram(2).upper()))
    post.link.during.append(post.sender.backlog.look)
    post.drain()

    assert post.accounts() == {"read": 3, "delivered": 2, "damaged": 1}
    assert len(list(post.directories.damaged.iterdir())) == 1


def test_a_segment_that_cannot_be_read_ahead_costs_the_request_nothing(
    post: Post, disk: FaultyDisk
) -> None:
    post.spool_up(telegram(1))
    post.spool_up(telegram(2))

    def look() -> None:
        disk.fail("read", errno.EMFILE, post.directories.spool, times=1)
        post.sender.backlog.look()

    post.link.during.append(look)
    post.drain()

    assert post.accounts() == {"read": 2, "delivered": 2}


def test_nothing_is_made_ready_that_goes_in_pieces(post: Post, disk: FaultyDisk) -> None:
    """While InfluxDB is away, no segment is read for nothing at each attempt."""
    post.spool_up(telegram(1))
    post.spool_up(telegram(2))
    post.sender._pace.most_lines = LEAST_LINES
    before = reads(disk)
    post.sender.backlog.look()

    assert reads(disk) == before


def test_a_file_that_got_the_name_of_one_that_is_ready_is_sent_too(post: Post) -> None:
    """Names come again in the inbox."""
    post.spool_up(telegram(1))
    old = post.hand_in(telegram(2))
    post.link.during.append(post.sender.backlog.look)
    post.sender.step()
    (file,) = post.spool.stock.first(post.spool.directories.inbox)
    file.path.unlink()
    other = post.hand_in(telegram(3))
    assert [another.path for another in post.spool.stock.first(post.spool.directories.inbox)] == [
        file.path
    ]
    post.drain()

    assert post.link.requests[-1] == other
    assert post.link.requests[1:-1] in ([], [old])
    assert post.accounts()["delivered"] == 1 + len(post.link.requests[1:])
    assert post.files == []
