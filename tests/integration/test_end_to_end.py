"""From the meter's line to a real InfluxDB, through what goes wrong in a year, in a minute."""

from pathlib import Path
from typing import Final

import pytest

from bed.influxd import Influxd
from bed.trial import Trial

pytestmark = [
    pytest.mark.influxdb,
    pytest.mark.every_influxdb,
    pytest.mark.slow,
    pytest.mark.timeout(300),
]

TELEGRAMS: Final = 3000


def test_every_telegram_arrives_once_through_kills_and_an_outage(
    own_influxd: Influxd, tmp_path: Path
) -> None:
    with Trial(own_influxd, tmp_path) as trial:
        service = trial.service
        trial.run(
            TELEGRAMS,
            {
                600: [
                    lambda: service.wait_for("delivered"),
                    trial.kill_and_restart,
                ],
                1200: [own_influxd.kill],
                1800: [
                    lambda: service.wait_for("spool_bytes"),
                    trial.kill_and_restart,
                ],
                2400: [own_influxd.start],
            },
        )
        trial.check(trial.drain())
