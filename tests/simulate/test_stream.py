"""The stream: no telegram left out, none before its time."""

import re
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pytest

from collector.simulate.house import Household
from collector.simulate.likeness import like
from collector.simulate.meter import Meter
from collector.simulate.stream import Stream, stream_like
from collector.simulate.wire import Outcome

START = datetime(2026, 6, 11, 15, 0, 0, tzinfo=UTC)


class Scripted:
    """A wire that answers as it is told, and then takes everything."""

    def __init__(self, *outcomes: Outcome) -> None:
        self._outcomes = list(outcomes)
        self.telegrams: list[bytes] = []

    def send(self, telegram: bytes, stopping: Event) -> Outcome:
        assert not stopping.is_set()
        self.telegrams.append(telegram)
        return self._outcomes.pop(0) if self._outcomes else Outcome.TAKEN

    @property
    def seconds(self) -> list[int]:
        """The second of each telegram's own clock."""
        stamps = [re.search(rb"1\.0\.0\(\d{10}(\d\d)S\)", data) for data in self.telegrams]
        return [int(stamp[1]) for stamp in stamps if stamp]


def stream(start: datetime | None = START, **more: Any) -> Stream:
    printer = like("dsmr5")
    meter = Meter(Household(), START - timedelta(hours=1), printer.build)
    return Stream(meter, printer, 1, 0, start, **more)


def test_each_second_has_its_telegram() -> None:
    wire = Scripted()
    sending = stream()
    sending.run(wire, Event(), count=5)

    assert (wire.seconds, sending.sent, sending.last) == (
        [0, 1, 2, 3, 4],
        5,
        START + timedelta(seconds=4),
    )


def test_a_telegram_that_was_not_taken_is_sent_again() -> None:
    wire = Scripted(Outcome.TAKEN, Outcome.AGAIN, Outcome.AGAIN)
    sending = stream()
    sending.run(wire, Event(), count=3)

    assert (wire.seconds, sending.sent) == ([0, 1, 1, 1, 2], 3)


def test_only_what_was_taken_counts_as_sent() -> None:
    wire = Scripted(Outcome.TAKEN, Outcome.STOPPED)
    sending = stream()
    sending.run(wire, Event())

    assert (sending.sent, sending.last) == (1, START)


def test_a_live_meter_goes_on_while_nobody_reads() -> None:
    nows = iter([START + timedelta(seconds=s) for s in (0, 7, 7, 7.5)])
    wire = Scripted(Outcome.AGAIN)
    stream(None, now=lambda: next(nows)).run(wire, Event(), count=3)

    assert wire.seconds == [0, 7, 8, 9]


def test_a_live_meter_keeps_to_its_period() -> None:
    nows = iter([START + timedelta(seconds=s) for s in (4, 13.9)])
    sending = stream(None, now=lambda: next(nows))
    sending.period = 10
    first = sending.after(None)

    assert (first, sending.after(first)) == (START, START + timedelta(seconds=10))


def test_a_stopped_stream_sends_no_more() -> None:
    stopping = Event()
    stopping.set()
    wire = Scripted()
    stream().run(wire, stopping)

    assert wire.telegrams == []


@pytest.mark.parametrize(("kind", "seconds"), [("dsmr5", [0, 1, 2]), ("dsmr4", [0, 10, 20])])
def test_a_kind_of_meter_has_its_own_period(kind: str, seconds: list[int]) -> None:
    wire = Scripted()
    stream_like(kind, start=START, speed=0).run(wire, Event(), count=3)

    assert wire.seconds == seconds
