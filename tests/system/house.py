"""All that a household has: a machine, a meter, and an InfluxDB somewhere else."""

import shutil
import time
from collections.abc import Callable, Collection
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
CAUGHT_UP_SECONDS: Final = 120
MORE: Final = 3
"""So many telegrams are read before the reckoning, so that what comes after is in it too."""

Span = tuple[int, int]
"""From which telegram up to which, counted from 0; the latter is not of it."""


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

    def stored(self, since: int) -> set[int]:
        """Give the seconds from `since` on for which InfluxDB has a telegram."""
        query = f"SELECT power_import_kw FROM electricity WHERE time >= {since}s"  # noqa: S608  ours
        return {row["time"] for row in self.influxd.influxql(BUCKET, query)}

    def loses_nothing(self, since: int) -> None:
        """See that InfluxDB gets all that the service has read from `since` up to now."""
        self._gets_all(since, lambda lacking: not lacking)

    def loses_one_at_most(self, since: int, while_: Span) -> None:
        """See that it gets all but one telegram that was on its way while something happened."""

        def is_little(lacking: Collection[int]) -> bool:
            return len(lacking) <= 1 and set(lacking) <= self.meter.times(*while_)

        self._gets_all(since, is_little)

    def loses_only(self, since: int, these: Collection[int]) -> None:
        """See that it gets all but what is among these."""
        self._gets_all(since, lambda lacking: set(lacking) <= set(these))

    def _gets_all(self, since: int, but: Callable[[Collection[int]], bool]) -> None:
        """Wait until what InfluxDB lacks is as little as may be."""
        self.meter.sends(MORE)
        taken = {second for second in self.meter.times() if second >= since}
        give_up = time.monotonic() + CAUGHT_UP_SECONDS
        while not but(lacking := taken - self.stored(since)):
            assert time.monotonic() < give_up, (
                f"lost: {sorted(lacking)}\n{self.machine.status()}\n{self.machine.journal()}"
            )
            time.sleep(0.3)

    def span(self, interrupt: Callable[[], object]) -> Span:
        """Interrupt the service; tells which telegrams it may have been reading meanwhile."""
        first = len(self.meter.taken)
        interrupt()
        return max(0, first - 1), len(self.meter.taken) + 1


def delivers(status: Status) -> bool:
    """Tell whether this run has delivered something, and nothing is in its way."""
    return bool(status["counts"]["delivered"] and status["delivery"]["state"] == "delivering")


def now() -> int:
    return int(time.time())


def lost_nothing(status: Status) -> bool:
    """Tell whether a run's account has no loss in it."""
    counts = status["counts"]
    return (counts["rejected"], counts["dropped"], counts["damaged"]) == (0, 0, 0)


def copy_checkout(place: Path) -> Path:
    """Copy what install.sh needs, so that a test may make another version of it."""
    place.mkdir()
    for name in ("collector", "infra"):
        shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
    (place / "tests").mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "tests/constraints.txt"):
        shutil.copy(ROOT / name, place / name)
    return place
