"""What a meter shows over and over is in every bucket that it is to be in."""

from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Final

import pytest

from bed.influxd import Influxd, Row
from bed.trial import START, Trial
from collector.simulate.stream import stream_like

pytestmark = [pytest.mark.influxdb, pytest.mark.slow, pytest.mark.timeout(300)]

TELEGRAMS: Final = 50
HOUR: Final = 3600
SHOWN: Final = ("power_failure", "gas", "readings")


def send(trial: Trial, start: datetime, *, telegrams: int = TELEGRAMS, period: int = 1) -> None:
    stream_like("dsmr5", start=start, period=period, speed=0).run(trial.line, Event(), telegrams)


def settled(trial: Trial) -> None:
    """Return once InfluxDB has the last telegram."""
    last = trial.line.taken[-1].time
    trial.service.wait_until(
        lambda status: (
            (status["telegram"] or {}).get("time") == last and not status["counts"]["waiting"]
        )
    )


def numbers(trial: Trial) -> dict[str, int]:
    return {name: len(trial.stored_in(trial.bucket, name)) for name in SHOWN}


def test_a_bucket_that_is_changed_between_two_starts_has_what_the_meter_shows(
    influxd: Influxd, tmp_path: Path
) -> None:
    with Trial(influxd, tmp_path) as trial:
        trial.service.start()
        send(trial, START)
        settled(trial)
        first = numbers(trial)
        trial.service.stop(15)

        later = influxd.new_bucket(f"{trial.bucket}-later")
        trial.go_to(later, influxd.write_token(later).text)
        trial.service.start()
        send(trial, START + timedelta(seconds=TELEGRAMS))
        settled(trial)
        assert numbers(trial) == first
        trial.shows_all()


def test_a_bucket_that_is_emptied_under_the_service_is_complete_a_day_later(
    influxd: Influxd, tmp_path: Path
) -> None:
    """By the meter's clock, which is a fast one."""
    with Trial(influxd, tmp_path) as trial:
        before: list[Row] = []

        def empty() -> None:
            settled(trial)
            before.extend(trial.stored("power_failure"))
            influxd.empty(trial.bucket)

        trial.line.events = {1: [empty], 4: [lambda: settled(trial), lambda: has([])]}

        def has(failures: list[Row]) -> None:
            assert trial.stored("power_failure") == failures

        trial.service.start()
        send(trial, START, telegrams=5, period=6 * HOUR)
        settled(trial)
        assert before
        has(before)
