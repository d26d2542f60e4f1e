"""Each record counts once, whatever file it is met in, and by what really became of it."""

import pytest

from collector.spool.account import WAITING, Account, Outcome, Totals
from collector.spool.record import RecordId

ONE, TWO, THREE = (RecordId("a" * 12, number) for number in (1, 2, 3))
STATE = RecordId("a" * 12, 0)
LOST = [Outcome.DROPPED, Outcome.DAMAGED]
ANSWERED = [Outcome.DELIVERED, Outcome.REJECTED]


def balanced(totals: Totals) -> bool:
    gone = totals.delivered + totals.rejected + totals.dropped + totals.damaged
    return totals.found + totals.read == totals.waiting + gone and totals.waiting >= 0


def test_what_was_read_waits_until_it_is_settled() -> None:
    account = Account()
    for record in (ONE, TWO, THREE):
        account.read(record)
    account.settle(Outcome.DELIVERED, [ONE])
    account.settle(Outcome.REJECTED, [TWO])

    totals = account.totals()

    assert (totals.read, totals.delivered, totals.rejected, totals.waiting) == (3, 1, 1, 1)
    assert balanced(totals)


def test_a_record_found_in_two_files_is_found_once() -> None:
    account = Account()
    account.found([ONE, TWO])
    account.found([TWO, THREE])

    assert account.totals().found == 3


def test_a_record_of_this_run_is_not_found() -> None:
    account = Account()
    account.read(ONE)

    account.found([ONE])

    assert (account.totals().read, account.totals().found) == (1, 0)


@pytest.mark.parametrize("outcome", Outcome)
def test_a_record_settled_from_two_files_counts_once(outcome: Outcome) -> None:
    account = Account()
    account.read(ONE)

    assert account.settle(outcome, [ONE, ONE]) == 1
    assert account.settle(outcome, [ONE]) == 0
    assert account.totals().waiting == 0
    assert account.totals().as_dict()[outcome] == 1


@pytest.mark.parametrize("outcome", Outcome)
def test_one_of_many_that_was_answered_is_noticed(outcome: Outcome) -> None:
    account = Account()
    for record in (ONE, TWO, THREE):
        account.read(record)
    account.settle(outcome, [TWO])

    assert account.any_settled([ONE, TWO, THREE]) == (outcome in ANSWERED)
    assert not account.any_settled([STATE, ONE, THREE])


@pytest.mark.parametrize("lost", LOST)
@pytest.mark.parametrize("answer", ANSWERED)
def test_what_was_given_up_and_turns_up_is_delivered(lost: Outcome, answer: Outcome) -> None:
    account = Account()
    account.read(ONE)
    account.settle(lost, [ONE])
    assert account.fate(ONE) == lost

    account.settle(answer, [ONE])

    assert account.fate(ONE) == answer
    assert account.totals().as_dict() == {
        "found": 0, "read": 1, "delivered": 0, "rejected": 0, "dropped": 0, "damaged": 0,
        "waiting": 0, answer: 1,
    }  # fmt: skip


@pytest.mark.parametrize("answer", ANSWERED)
@pytest.mark.parametrize("later", Outcome)
def test_what_was_answered_stays_answered(answer: Outcome, later: Outcome) -> None:
    account = Account()
    account.read(ONE)
    account.settle(answer, [ONE])

    account.settle(later, [ONE])

    assert account.totals().as_dict()[answer] == 1
    assert balanced(account.totals())


@pytest.mark.parametrize("before", Outcome)
def test_what_is_handed_in_again_waits_again(before: Outcome) -> None:
    account = Account()
    account.read(ONE)
    account.settle(before, [ONE])

    account.handed_in([ONE, TWO])

    assert account.fate(ONE) == "waiting"
    assert (account.totals().found, account.totals().waiting) == (2, 2)
    assert account.settle(Outcome.DELIVERED, [ONE, TWO]) == 2
    assert balanced(account.totals())


def test_what_is_handed_in_while_it_waits_is_no_second_record() -> None:
    account = Account()
    account.read(ONE)

    account.handed_in([ONE])

    assert (account.totals().found, account.totals().waiting) == (0, 1)


def test_damage_that_nobody_had_counted_is_found_and_damaged() -> None:
    account = Account()
    account.found_damaged(2)

    assert (account.totals().found, account.totals().damaged) == (2, 2)
    assert account.totals().waiting == 0


def test_the_programs_own_state_is_outside_the_accounting() -> None:
    account = Account()
    account.read(STATE)
    account.found([STATE])
    account.handed_in([STATE])
    account.settle(Outcome.DELIVERED, [STATE])

    assert set(account.totals().as_dict().values()) == {0}
    assert account.fate(STATE) is None


def test_a_month_in_doubt_takes_no_memory() -> None:
    """An outage in which every request hangs: each segment is copied while it is in flight."""
    account = Account()
    for number in range(1, 100_000):
        account.read(RecordId("a" * 12, number))
    account.settle(Outcome.DELIVERED, (RecordId("a" * 12, n) for n in range(1, 100_000)))

    sets = [account._known, *account._settled.values()]
    assert sum(identities.ranges for identities in sets) == 2
    assert account.totals().delivered == 99_999


@pytest.mark.parametrize("outcome", Outcome)
def test_the_fate_of_a_record_is_its_outcome_once_it_has_one(outcome: Outcome) -> None:
    account = Account()
    assert account.fate(ONE) is None
    account.found([ONE])
    assert account.fate(ONE) == WAITING
    account.settle(outcome, [ONE])
    assert account.fate(ONE) == outcome
