"""A set of records that a month's backlog does not make big."""

from hypothesis import given, strategies as st

from collector.spool.identities import Identities
from collector.spool.record import RecordId

some = st.builds(RecordId, st.sampled_from(["a" * 12, "b" * 12]), st.integers(0, 30))


sets = st.sets(some, max_size=40)


@given(sets, some)
def test_it_is_a_set(model: set[RecordId], one: RecordId) -> None:
    identities = Identities(model)

    assert (one in identities) is (one in model)
    assert list(identities) == sorted(model)
    assert len(identities) == len(model)
    assert identities.add(one) is (one not in model)
    assert sorted(identities) == sorted({*model, one})


@given(sets, sets)
def test_sets_are_combined(one: set[RecordId], other: set[RecordId]) -> None:
    united, left, both = Identities(one), Identities(one), Identities(one)
    united.update(Identities(other))
    left.remove(Identities(other))

    assert set(united) == one | other
    assert set(left) == one - other
    assert set(both.common(Identities(other))) == one & other
    assert set(both) == one


@given(sets, sets)
def test_ranges_that_touch_are_one(one: set[RecordId], other: set[RecordId]) -> None:
    united = Identities(one)
    united.update(Identities(other))

    assert united.ranges == Identities(one | other).ranges


def test_records_in_order_take_one_range_a_run() -> None:
    identities = Identities(RecordId(run * 12, n) for run in "abc" for n in range(1, 10_000))

    assert identities.ranges == 3
    assert len(identities) == 3 * 9_999
