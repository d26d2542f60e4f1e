"""What arrives in a VictoriaMetrics, and what does not: the same requests, another data model."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from bed.trial import SITE, Trial
from bed.victoria import NoVictoriaError, Victoria, find

if TYPE_CHECKING:
    from bed.influxd import Influxd

pytestmark = [pytest.mark.influxdb, pytest.mark.slow, pytest.mark.timeout(900)]


def test_numbers_arrive_each_as_a_metric_and_texts_as_0(tmp_path: Path) -> None:
    try:
        program = find()
    except NoVictoriaError as error:
        pytest.skip(f"NO VICTORIAMETRICS TO TEST WITH: {error}")
    with (
        Victoria(program, tmp_path / "victoria") as server,
        Trial(cast("Influxd", server), tmp_path) as trial,
    ):
        trial.run(200, {})
        status = trial.drain()
        assert status["counts"]["rejected"] == 0
        assert status["counts"]["delivered"] == status["counts"]["read"]
        power = server.stored("electricity_power_import_kw", SITE)
        assert power == {
            printed.time: float(printed.electricity["power_import_kw"])
            for printed in trial.line.taken
        }
        assert set(server.stored("collector_version", SITE).values()) <= {0.0}
