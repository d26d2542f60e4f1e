"""What the service gathers of itself, for those who look."""

import json
from datetime import timedelta

from bed.telegrams import said, utc
from collector.reading.clock import Stamped
from collector.service.report import Power

NOON = utc("2026-02-03T12:00:00")


def history(*telegrams: tuple[int, str]) -> list[tuple[int, float, float]]:
    """Give what is drawn of telegrams so many seconds after noon, each with a line."""
    there = Power()
    for after, line in telegrams:
        there.add(Stamped(said(line), NOON + timedelta(seconds=after)))
    return [tuple(json.loads(row)) for row in there.rows]


def test_the_power_of_each_telegram_is_remembered_once() -> None:
    drawn, returned = "1-0:1.7.0(00.321*kW)", "1-0:2.7.0(01.500*kW)"
    assert history((0, drawn), (0, drawn), (1, returned), (2, "0-0:96.14.0(0001)")) == [
        (1770120000, 0.321, 0.0),
        (1770120001, 0.0, 1.5),
        (1770120002, 0.0, 0.0),
    ]


def test_the_last_three_hundred_are_drawn() -> None:
    drawn = history(*((n, "1-0:1.7.0(00.321*kW)") for n in range(301)))
    assert (len(drawn), drawn[0][0]) == (300, 1770120001)
