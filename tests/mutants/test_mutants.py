"""The list of mutants fits the program as it is now; `./tests/run mutants` tries them all."""

from collections import Counter

import pytest

from mutants.mutant import PROMISES, ROOT, Mutant, mutants

ALL = mutants()


@pytest.mark.parametrize("mutant", ALL, ids=lambda mutant: f"{mutant.file}: {mutant.what}")
def test_a_mutant_is_a_change_that_can_still_be_made(mutant: Mutant) -> None:
    """Where its text has gone, it would be a mutant that nobody tries."""
    source = (ROOT / mutant.file).read_text()
    changed = mutant.put_into(source)
    assert changed != source
    compile(changed, mutant.file, "exec")


def test_each_mutant_is_there_once() -> None:
    names = Counter((mutant.file, mutant.what) for mutant in ALL)
    changes = Counter(mutant.put_into((ROOT / mutant.file).read_text()) for mutant in ALL)
    assert [name for name, times in names.items() if times > 1] == []
    assert max(changes.values()) == 1


def test_every_promise_is_broken_by_some() -> None:
    broken = Counter(mutant.breaks for mutant in ALL)
    assert broken.keys() == PROMISES.keys()


def test_the_tests_that_are_to_notice_are_there() -> None:
    tests = {test for mutant in ALL for test in mutant.tests if test.startswith("tests/")}
    assert [test for test in tests if not (ROOT / test).exists()] == []
