"""The links in their order: what is tried, and what need not be when an earlier one is broken."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from collector.commands.check import (
    configuration,
    database,
    disk,
    line,
    network,
    port,
    reading,
    service,
)
from collector.commands.check.finding import Finding, Outcome, fail, holding, ok, warn
from collector.commands.output import counted
from collector.delivery.answer import Target
from collector.errors import SettingsError, SourceError
from collector.p1.telegram import Policy
from collector.reading.clock import HostClock
from collector.reading.port import Finder
from collector.reading.share import end_of
from collector.reading.sources import FAST, SLOW, Address
from collector.remedies import Remedy
from collector.service import former, status
from collector.service.lock import holder
from collector.settings.settings import Settings, load_first
from collector.spool.disk import Disk
from collector.spool.spool import Directories

LISTEN_SECONDS: Final = 15.0  # at each speed: a meter sends every 1 or 10 seconds
START_SECONDS: Final = 5.0  # that a service with the lock may take for its first status
POLL_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Chain:
    """Everything from the settings to the database; `seconds` is the patience with the meter."""

    settings: Settings
    problems: list[SettingsError]
    set_by_hand: int
    seconds: float = LISTEN_SECONDS
    pause: Callable[[float], object] = time.sleep

    def findings(self) -> Iterator[Finding]:
        """Try the links, one after the other; each is given as soon as it is known."""
        settings = self.settings
        yield from configuration.findings(self.problems, self.set_by_hand)
        if first := load_first():
            yield configuration.beside_the_first(settings, first)
        told = self._status()
        held = holder(settings.hot)
        yield service.service(told, time.time(), held, settings)
        running = status.runs(told, time.time(), held)
        host = HostClock(time.monotonic)
        place = settings.place
        expected = self._expected(place, host_is_set=host.synchronised())
        if running:
            yield from service.findings(told, expected)
        else:
            yield from self._line(place, expected)
        if settings.share:
            yield port.share(end_of(settings.share), running=running)
        yield host_clock(host.is_set())
        # As long as the line is not the trouble, it is the spool.
        reads = running and told.get("state") == "reading"
        trouble = told.get("trouble") if reads else None
        yield from disk.findings(settings, disk.mounts(), Disk(), trouble)
        for spool in former.left(settings, Disk()):
            what = f"{counted(len(former.backlog(spool, Disk())), 'file')} in `{spool}`"
            yield warn("other spool", what, Remedy.OTHER_SPOOL)
        if target := settings.target:
            yield from self._delivery(target)
            if running:
                yield service.delivery(told)
        else:
            yield warn("InfluxDB", self._unused(), Remedy.NO_INFLUX)

    def mapping(self) -> Iterator[Finding]:
        if target := self.settings.target:
            yield reading.map_bucket(reading.asker(target), target)
        else:
            yield fail("InfluxDB", self._unused(), Remedy.NO_INFLUX)

    def _status(self) -> Mapping[str, Any]:
        """Read what the service says; one that has just been started gets time to begin."""
        path = self.settings.hot / status.FILE_NAME
        began = time.monotonic()
        told = status.newest(path)
        while time.monotonic() - began < self.seconds:
            held = holder(self.settings.hot)
            late = time.monotonic() - began > START_SECONDS or not held
            if not _begins(told) if status.runs(told, time.time(), held) else late:
                break
            self.pause(POLL_SECONDS)
            told = status.read(path)
        return told

    def _expected(self, place: Address, *, host_is_set: bool) -> line.Expected:
        settings = self.settings
        return line.Expected(
            speeds=place.speeds if place.is_device else (),
            policy=place.policy(Policy(settings.crc)),
            tolerance_seconds=settings.clock_tolerance_seconds,
            host_is_set=host_is_set,
            now=datetime.now(UTC) if place.live else None,
            utc_offset_hours=settings.utc_offset_hours,
            keys=settings.keys,
        )

    def _line(self, place: Address, expected: line.Expected) -> Iterator[Finding]:
        every = ("bytes", *line.LINKS)
        if fault := place.fault if place.found else Finder().missing():
            found = fail("port", str(fault), fault.hint or Remedy.PORT_NO_SERIAL)
            way = holding([found], every, "there is no port")
        elif place.is_device:
            way = holding(port.findings(place.text), line.LINKS, "the port cannot be used")
        elif not place.checked:
            gateway = network.to_gateway(self.settings)
            way = holding(gateway, every, "the gateway gives no telegram")
        else:
            way = holding(())
        if not (yield from way):
            return
        # A speed that the settings rule out is tried last: it may be the setting that is wrong.
        others = [s for s in (FAST, SLOW) if s not in place.speeds] if place.is_device else []
        speeds = [*place.speeds, *others]
        try:
            heard = line.listen(place, speeds, expected, self.seconds, time.monotonic)
        except SourceError as error:
            silent = fail("bytes", str(error), error.hint or Remedy.NETWORK_READER)
            refused = port.refusal(place.text, error) if place.is_device else silent
            yield from holding([refused], line.LINKS, "the port does not open")
        else:
            yield from line.findings(heard, expected)

    def _unused(self) -> str:
        """Say why nothing is delivered: of the address and the token one is not there."""
        settings = self.settings
        if not settings.influx_url and settings.influx_token is None:
            return "none is set"
        lack = "token" if settings.influx_url else "address"
        missing = any(" is missing, " in str(problem) for problem in self.problems)
        return f"not used: the {lack} is {'missing' if missing else 'wrong'}"

    def _delivery(self, target: Target) -> Iterator[Finding]:
        way = network.findings(target, datetime.now(UTC))
        behind = (*database.LINKS, *reading.LINKS)
        if not (yield from holding(way, behind, "there is no way to InfluxDB")):
            return
        # 150 ms on a fast machine, seconds on a small one: only once it is needed.
        from collector.delivery.influx import Influx  # noqa: PLC0415

        influx = Influx(target, deadline=min(self.settings.request_seconds, LISTEN_SECONDS))
        oldest = disk.oldest_line(Directories(self.settings.spool), Disk())
        site = self.settings.site
        found = list(database.findings(influx.write, target, site, time.time(), oldest))
        if found[0].outcome is Outcome.FAIL and network.in_plain(target):
            yield fail("TLS", "the port speaks TLS, and is spoken to without", Remedy.TLS_WANTED)
        yield from found
        yield from reading.findings(reading.asker(target), target)


def host_clock(is_set: bool | None) -> Finding:  # noqa: FBT001  the fact itself
    """Whether this machine's clock can be believed; None where nobody can be asked."""
    if is_set:
        return ok("host's clock", "set by a time server")
    if is_set is None:
        what = "nobody here knows who sets it (a container?): believed from an hour after the boot"
        return ok("host's clock", what)
    what = "systemd-timesyncd and chrony do not say that it is set"
    return warn("host's clock", what, line.unset_clock())


def _begins(told: Mapping[str, Any]) -> bool:
    waits = told.get("state") == "waiting for data" and not told.get("trouble")
    return waits or (told.get("delivery") or {}).get("state") == "starting"
