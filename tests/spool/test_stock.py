"""What is known of the spool's files without looking: in order, counted, told apart."""

from pathlib import Path
from typing import Final

import pytest

from collector.spool.identities import Identities
from collector.spool.record import RecordId
from collector.spool.segment import closed_name
from collector.spool.stock import Amount, Directories, File, Stock

ROOMS: Final = Directories(Path("spool"))
RUN: Final = "0123456789ab"


@pytest.fixture
def stock() -> Stock:
    return Stock(ROOMS)


def file(number: int, directory: Path = ROOMS.spool, *, size: int = 10, mark: int = 1) -> File:
    return File(directory, closed_name(number), size, mark)


def records(*numbers: int) -> Identities:
    return Identities(RecordId(RUN, number) for number in numbers)


def test_the_first_are_given_in_order_whenever_they_came(stock: Stock) -> None:
    for number in (3, 1, 5, 2, 4):
        stock.add(file(number), records())

    assert stock.first(ROOMS.spool, 3) == [file(1), file(2), file(3)]
    assert stock.first(ROOMS.spool, 9, lambda one: one == file(2)) == [
        file(n) for n in (1, 3, 4, 5)
    ]


def test_a_file_of_the_same_name_is_another_one(stock: Stock) -> None:
    stock.add(file(1), records(1, 2))
    stock.add(file(1, mark=2), stock.forget(file(1)))

    assert file(1) not in stock
    assert file(1, mark=2) in stock
    assert stock.count(file(1, mark=2), records(3)) is not None
    assert stock.forget(file(1)) is None
    assert stock.usage() == Amount(10, 1)


def test_what_was_counted_in_a_file_is_given_when_it_goes(stock: Stock) -> None:
    stock.add(file(1))
    assert stock.count(file(1), records(1, 2, 7)) is None

    gone = stock.forget(file(1))

    assert gone is not None
    assert set(gone) == set(records(1, 2, 7))
    assert stock.usage() == Amount(0, 0)


def test_the_last_of_those_that_nobody_counted_comes_first(stock: Stock) -> None:
    for number in (1, 2, 3):
        stock.add(file(number))
    stock.count(file(3), records())

    assert stock.last_uncounted() == file(2)
    assert len(stock.uncounted) == 2


def test_all_but_the_inbox_is_counted_against_the_limits(stock: Stock) -> None:
    stock.add(file(1, size=1), records())
    stock.add(file(2, ROOMS.rejected, size=10), records())
    stock.add(file(3, ROOMS.damaged, size=100), records())
    stock.add(file(9, ROOMS.inbox, size=1000), records())
    stock.unfinished[ROOMS.spool / "4.open"] = 10_000

    assert stock.usage() == Amount(10_111, 4)
    assert stock.backlog_bytes == 10_001
    assert stock.highest == 3


def test_what_is_used_or_cannot_be_used_is_not_dropped(stock: Stock) -> None:
    for number in (1, 2, 3):
        stock.add(file(number), records())
    stock.unusable.add(file(2))

    assert stock.oldest_kept({file(1)}) == file(3)
    assert stock.droppable([file(1), file(9, ROOMS.inbox)]) == Amount(10, 1)
