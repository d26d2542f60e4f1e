"""A command that is told to end does, however often and whenever it is told."""

import signal
from threading import Event

import pytest

from collector.service.ending import ended_by_signals

each = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])


@each
def test_a_signal_ends_it(number: signal.Signals) -> None:
    stopping = Event()
    with ended_by_signals(stopping):
        signal.raise_signal(number)
        assert stopping.wait(60)


@each
def test_a_signal_while_the_event_is_locked_waits_for_nothing(number: signal.Signals) -> None:
    """Another signal's handler may hold the lock, or whoever waits for the event."""
    stopping = Event()
    with ended_by_signals(stopping):
        with stopping._cond:  # type: ignore[attr-defined]  # nobody else may hold it
            signal.raise_signal(number)
            signal.raise_signal(number)
        assert stopping.wait(60)


def test_another_signal_ends_nothing() -> None:
    stopping, told = Event(), Event()
    before = signal.signal(signal.SIGUSR1, lambda *_: told.set())
    try:
        with ended_by_signals(stopping):
            signal.raise_signal(signal.SIGUSR1)
            assert told.wait(60)
        assert not stopping.is_set()  # all that was told is read by the end
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_afterwards_a_signal_means_what_it_did() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with ended_by_signals(Event()):
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before
