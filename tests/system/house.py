"""All that a household has: a machine, a meter, and an InfluxDB somewhere else."""

import shutil
import time
from collections.abc import Collection
from pathlib import Path
from typing import Final

from bed.influxd import Influxd
from bed.service import Status
from system.machine import Machine
from system.meter import Meter

ROOT: Final = Path(__file__).resolve().parents[2]
INSTALL: Final = "/checkout/infra/install.sh"
OFFLINE: Final = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/wheels"}
"""What pip needs comes from a folder: the machine has no certificates of ours."""
BUCKET: Final = "p1"
RESTART_SECONDS: Final = 10
CAUGHT_UP_SECONDS: Final = 60
SEALED_SECONDS: Final = 6


class House:
    """A machine on which install.sh was run, with its meter and its InfluxDB."""

    def __init__(self, machine: Machine, meter: Meter, influxd: Influxd, checkout: Path) -> None:
        self.machine = machine
        self.meter = meter
        self.influxd = influxd
        self.checkout = checkout
        self.token = influxd.write_token(influxd.new_bucket(BUCKET))

    def install(self, **settings: str) -> str:
        """Run install.sh with everything it would ask for."""
        return self.machine.run(
            INSTALL,
            **OFFLINE,
            **{
                "P1_INFLUX_URL": self.influxd.url,
                "P1_INFLUX_ORG": self.influxd.org,
                "P1_INFLUX_BUCKET": BUCKET,
                "P1_INFLUX_TOKEN": self.token.text,
                "P1_RETRY_SECONDS": "1",  # so that the end of an outage is noticed at once
                "P1_FREE_MIB": "0",
                **settings,
            },
        )

    def put_right(self) -> None:
        """Make everything as it should be, whatever an earlier test left."""
        if not self.influxd.running:
            self.influxd.start()
        if self.meter.terminal is None:
            self.meter.switch_on()
        self.machine.plug(self.meter.terminal)
        self.install()
        self.machine.wait_until(delivers)

    def stored(self, since: int, until: int) -> set[int]:
        """Give the seconds from `since` up to `until` for which InfluxDB has a telegram."""
        query = (
            "SELECT power_import_kw FROM electricity "  # noqa: S608  two numbers
            f"WHERE time >= {since}s AND time <= {until}s"
        )
        return {row["time"] for row in self.influxd.influxql(BUCKET, query)}

    def missing(self, since: int) -> list[int]:
        """Wait until InfluxDB has all there is up to now; give the seconds that it lacks."""
        until = now()
        give_up = time.monotonic() + CAUGHT_UP_SECONDS
        while not (self.stored(until + 1, until + CAUGHT_UP_SECONDS) and self._is_caught_up()):
            assert time.monotonic() < give_up, f"{self.machine.status()}\n{self.machine.journal()}"
            time.sleep(0.3)
        return sorted(set(range(since, until + 1)) - self.stored(since, until))

    def _is_caught_up(self) -> bool:
        """Tell whether nothing waits but what came in the last seconds."""
        status = self.machine.status()
        return (
            status is not None
            and status["counts"]["spool_bytes"] == 0
            and status["lag_s"] <= SEALED_SECONDS
        )


def delivers(status: Status) -> bool:
    """Tell whether this run has delivered something, and nothing is in its way."""
    return bool(status["counts"]["delivered"] and status["delivery"]["state"] == "delivering")


def now() -> int:
    return int(time.time())


def lost_nothing(status: Status) -> bool:
    """Tell whether a run's account has no loss in it."""
    counts = status["counts"]
    return (counts["rejected"], counts["dropped"], counts["damaged"]) == (0, 0, 0)


def within(missing: Collection[int], since: int, seconds: int) -> bool:
    """Tell whether all that is missing is missing in one short while."""
    return all(since <= second <= since + seconds for second in missing)


def copy_checkout(place: Path) -> Path:
    """Copy what install.sh needs, so that a test may make another version of it."""
    place.mkdir()
    for name in ("collector", "infra"):
        shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
    (place / "tests").mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "tests/constraints.txt"):
        shutil.copy(ROOT / name, place / name)
    return place
