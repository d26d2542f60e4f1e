"""A household around an emulated machine: its meter, its USB cables, an InfluxDB elsewhere.

The meter's book has every telegram that it sent, and whether the cable was in the machine then.
Those that were sent down a plugged cable and are not in InfluxDB in the end are missing.
"""

import secrets
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tenacity import retry, retry_if_exception_type, stop_after_attempt

from bed.influxd import Influxd
from bed.service import Status
from machine.cable import Cable, Meter
from machine.emulator import CrashedError, Disk
from machine.guest import CHECKOUT, NEAR, OURS, Guest, Service

SETTINGS: Final = "/etc/p1-collector/p1-collector.env"
CAUGHT_UP_SECONDS: Final = 600
NEAR_SECONDS: Final = 2
"""A telegram without a time is stored under that of the machine, which is so near this one's."""
MORE: Final = 3
"""So many telegrams are sent before a reckoning, so that what comes after is in it too."""
INSTALL: Final = f"cd {CHECKOUT} && ./infra/install.sh"

Span = tuple[float, float]
"""From one moment to another, by this machine's clock."""


class Home:
    """A machine on which the program is installed, with its meter and its InfluxDB."""

    def __init__(
        self, guest: Guest, influxd: Influxd, meter: Meter, service: Service = OURS
    ) -> None:
        self.guest = guest
        self.service = service
        self.influxd = influxd
        self.meter = meter
        self.bucket = influxd.new_bucket(f"machine-{secrets.token_hex(4)}")
        self.token = influxd.write_token(self.bucket)
        self.excused: list[Span] = []
        self.since = 0.0

    @property
    def settings(self) -> dict[str, str]:
        """Everything that the installer would ask for."""
        return {
            "P1_INFLUX_URL": self.influxd.url.replace("127.0.0.1", NEAR),
            "P1_INFLUX_ORG": self.influxd.org,
            "P1_INFLUX_BUCKET": self.bucket,
            "P1_INFLUX_TOKEN": self.token.text,
        }

    def boot(self, *extra: str) -> None:
        """Switch the machine on; the meter's cable is where it was."""
        self.guest.boot(*extra, plug=self.meter.cable.put_back)

    def reboot(self) -> None:
        """Shut it down as a person does and switch it on again."""
        self.guest.switch_off()
        self.boot()

    def connect(self) -> None:
        """Tell the installed program where InfluxDB is, and have it start anew."""
        settings = self.settings
        token = settings.pop("P1_INFLUX_TOKEN")
        lines = "".join(f"{name}={value}\n" for name, value in settings.items())
        self.guest.run(
            f"printf %s '{lines}' >>{SETTINGS} && echo {token} >/etc/p1-collector/influx-token"
            " && systemctl restart p1-collector"
        )

    @contextmanager
    def surviving(self) -> Iterator[None]:
        """Go on when the emulator itself ends: it is a power cut that nobody ordered."""
        try:
            yield
        except CrashedError:
            at = time.time()
            self.guest.crashes += 1
            self.boot()
            self.reading()
            self.excuse(at - self.promised_seconds, time.time())

    promised_seconds = 10.0
    """How much a power cut may cost."""

    def excuse(self, begin: float, end: float) -> None:
        """Promise nothing about what is sent between two moments."""
        self.excused.append((begin, end))

    def reading(self) -> Status:
        """Wait until it reads the meter, by the latest telegram it has."""
        since = time.time()
        return self.guest.wait_until(
            lambda status: bool(status["telegram"] and status["telegram"]["time"] >= since - 2),
            self.service,
        )

    def begins(self) -> None:
        """Wait until it reads and delivers; the reckoning begins now."""
        self.guest.wait_until(delivers, self.service)
        self.reading()
        self.since = time.time()

    def began(self) -> float:
        """Give when the service was ready, by this machine's clock."""
        up = float(self.guest.run("cut -d ' ' -f 1 /proc/uptime"))
        ready = int(self.guest.show("ActiveEnterTimestampMonotonic")) / 1e6
        return time.time() - up + ready

    def first_telegram(self) -> float:
        """Give when the first of the stored telegrams was sent."""
        self.guest.wait_until(delivers)
        return float(min(self.stored()))

    def stored(self, measurement: str = "electricity") -> set[int]:
        """Give the seconds for which InfluxDB has a telegram."""
        query = f"SELECT power_import_kw FROM {measurement}"  # noqa: S608  ours
        return {row["time"] for row in self.influxd.influxql(self.bucket, query)}

    def missing(self) -> list[int]:
        """Give the telegrams that the machine was sent and InfluxDB does not have."""
        return sorted(s for s in self.meter.offered() - self.stored() if s > self.since)

    def loses_only_what_was_promised(self) -> list[int]:
        """See that InfluxDB gets all but what was sent in the excused times; gives what lacks."""
        return self._until(lambda missing: all(map(self._is_excused, missing)))

    def stores_only_what_was_sent(self) -> None:
        """See that nothing is stored under a time that the meter did not say."""
        assert sorted(self.stored() - self.meter.sent()) == []

    def catches_up(self, second: int) -> None:
        """Wait until InfluxDB has what was sent then, or what came after it."""
        give_up = time.monotonic() + CAUGHT_UP_SECONDS
        while not self._has_caught_up(second - NEAR_SECONDS):
            assert time.monotonic() < give_up, f"{self.guest.status(self.service)}"
            time.sleep(1)

    def _is_excused(self, second: int) -> bool:
        # The meter sends within the second that it prints, and some milliseconds after it.
        return any(begin - 1 <= second <= end + 1 for begin, end in self.excused)

    def _until(self, enough: Callable[[Collection[int]], bool]) -> list[int]:
        self.meter.sends(MORE)
        last = max(self.meter.sent())
        give_up = time.monotonic() + CAUGHT_UP_SECONDS
        while True:
            missing = [second for second in self.missing() if second <= last]
            if enough(missing) and self._has_caught_up(last):
                return missing
            assert time.monotonic() < give_up, (
                f"missing: {missing}\nexcused: {self.excused}\n"
                f"{self.guest.status(self.service)}\n{self.guest.journal(self.service)}"
            )
            time.sleep(1)

    def _has_caught_up(self, last: int) -> bool:
        return max(self.stored(), default=0) >= last


@contextmanager
def household(
    disk: Disk, influxd: Influxd, place: Path, service: Service = OURS, **machine: int
) -> Iterator[Home]:
    """Give a machine with a copy of a disk; it is switched off, and the meter sends."""
    place.mkdir(exist_ok=True)
    guest = Guest(disk.copied(place / "disk.qcow2"), place, **machine)
    meter = Meter(Cable(guest.emulator.socket("p1")), lambda: guest.emulator.kept)
    try:
        with meter.sending():
            yield Home(guest, influxd, meter, service)
    finally:
        guest.remove()
        guest.emulator.disk.image.unlink()


def in_a_machine(
    place: Path, work: Callable[[Guest], None], **machine: int
) -> Callable[[Disk], None]:
    """Give what does some work in a machine that runs on a disk; `place` is its directory."""

    @retry(retry=retry_if_exception_type(CrashedError), stop=stop_after_attempt(3), reraise=True)
    def make(disk: Disk) -> None:
        guest = Guest(disk, place, **machine)
        try:
            guest.boot()
            work(guest)
            guest.switch_off()
        finally:
            guest.remove()

    return make


def install(guest: Guest) -> None:
    """Install the program as README says."""
    guest.clone()
    guest.run(INSTALL)


def delivers(status: Status) -> bool:
    """Tell whether this run has delivered something, and nothing is in its way."""
    return bool(status["counts"]["delivered"] and status["delivery"]["state"] == "delivering")
