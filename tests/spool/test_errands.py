"""Who has the disk's calls made by another thread is never held up by one that does not end."""

from threading import Event, get_ident

import pytest

from collector.spool.errands import Errands, HangingError


def test_a_call_is_made_by_another_thread_and_its_result_given() -> None:
    errands = Errands(60)

    assert errands.do(get_ident) != get_ident()
    assert not errands.hang


def test_an_error_comes_to_who_asked() -> None:
    def fail() -> None:
        raise PermissionError("not there")

    with pytest.raises(PermissionError, match="not there"):
        Errands(60).do(fail)


def test_a_call_that_does_not_end_holds_up_nobody() -> None:
    errands, answer, made = Errands(0.01), Event(), list[int]()
    with pytest.raises(HangingError):
        errands.do(answer.wait)

    assert errands.hang
    with pytest.raises(HangingError):
        errands.do(lambda: made.append(1))
    answer.set()
    assert made == []


def test_after_a_call_has_ended_after_all_others_are_made() -> None:
    errands, answer, over = Errands(0.01), Event(), Event()

    def hang() -> None:
        answer.wait()
        over.set()

    with pytest.raises(HangingError):
        errands.do(hang)
    answer.set()
    over.wait()
    while errands.hang:
        pass

    patient = Errands(60)
    assert patient.do(lambda: 7) == 7
    assert not patient.hang


def test_without_patience_who_asks_makes_it_itself() -> None:
    assert Errands().do(get_ident) == get_ident()
