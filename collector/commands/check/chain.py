"""The links in their order: what is tried, and what need not be when an earlier one is broken."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from collector.commands.check import (
    configuration,
    database,
    disk,
    line,
    network,
    port,
    service,
)
from collector.commands.check.disk import TABLE
from collector.commands.check.finding import Finding, Outcome, fail, ok, skip, warn
from collector.commands.check.line import Patience, listen
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
from collector.spool.segment import segments
from collector.spool.spool import Directories

LISTEN_SECONDS: Final = 15.0
"""How long to listen at each speed: a meter sends every 1 or 10 seconds."""

START_SECONDS: Final = 5.0
"""How long a service that holds the lock may take to write its first status."""

POLL_SECONDS: Final = 0.5
_PORT: Final = ("port", "permission", "other readers")


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
        yield from configuration.findings(self.problems, self.set_by_hand)
        if first := load_first():
            yield configuration.beside_the_first(self.settings, first)
        told = self._status()
        held = holder(self.settings.hot)
        yield service.service(told, time.time(), held, self.settings)
        running = status.runs(told, time.time(), held)
        host = HostClock(time.monotonic)
        host_is_set = host.synchronised()
        if running:
            yield from service.findings(told, self._expected(self._place(), host_is_set))
        else:
            yield from self._line(host_is_set)
        if self.settings.share:
            yield port.share(end_of(self.settings.share), running=running)
        yield host_clock(host.is_set())
        yield from disk.findings(self._places(), Disk(), _spool_trouble(told) if running else None)
        for spool in former.left(self.settings, Disk()):
            what = f"{counted(len(former.backlog(spool, Disk())), 'file')} in `{spool}`"
            yield warn("other spool", what, Remedy.OTHER_SPOOL)
        yield from self._delivery()
        if running and self.settings.target:
            yield service.delivery(told)

    def mapping(self) -> Iterator[Finding]:
        from collector.commands.check import reading  # noqa: PLC0415  only once it is needed

        target = self.settings.target
        if target is None:
            yield fail("InfluxDB", self._unused(), Remedy.NO_INFLUX)
        else:
            yield reading.map_bucket(reading.asker(target), target)

    def _status(self) -> Mapping[str, Any]:
        """Read what the service says; one that has just been started gets time to begin."""
        path = self.settings.hot / status.FILE_NAME
        began = time.monotonic()
        told = status.read(path)
        while time.monotonic() - began < self.seconds:
            held = holder(self.settings.hot)
            runs = status.runs(told, time.time(), held)
            late = time.monotonic() - began > START_SECONDS or not held
            if (runs and not _begins(told)) or (not runs and late):
                break
            self.pause(POLL_SECONDS)
            told = status.read(path)
        return told

    def _place(self) -> Address:
        return self.settings.place

    def _expected(self, place: Address, host_is_set: bool) -> line.Expected:  # noqa: FBT001  a fact
        settings = self.settings
        return line.Expected(
            speeds=place.speeds if place.is_device else (),
            policy=place.policy(Policy(settings.crc)),
            tolerance_seconds=settings.clock_tolerance_seconds,
            host_is_set=host_is_set,
            now=datetime.now(UTC) if place.live else None,
        )

    def _line(self, host_is_set: bool) -> Iterator[Finding]:  # noqa: FBT001  a fact
        place = self._place()
        fault = place.fault if place.found else Finder().missing()
        if fault:
            yield fail("port", str(fault), fault.hint or Remedy.PORT_NO_SERIAL)
            yield from (skip(link, "there is no port") for link in ("bytes", *line.LINKS))
            return
        if place.is_device:
            found = list(_device(place.text))
            yield from found
            if any(finding.outcome is Outcome.FAIL for finding in found):
                yield from (skip(link, "the port cannot be used") for link in line.LINKS)
                return
        if not place.checked:
            found = list(network.to_gateway(self.settings))
            yield from found
            if any(finding.outcome is Outcome.FAIL for finding in found):
                links = ("bytes", *line.LINKS)
                yield from (skip(link, "the gateway gives no telegram") for link in links)
                return
        yield from self._bytes(place, host_is_set)

    def _bytes(self, place: Address, host_is_set: bool) -> Iterator[Finding]:  # noqa: FBT001
        settings = self.settings
        patience = Patience(
            self.seconds,
            place.policy(Policy(settings.crc)),
            settings.utc_offset_hours,
            settings.keys,
        )
        # A speed that the settings rule out is tried last: it may be the setting that is wrong.
        others = [s for s in (FAST, SLOW) if s not in place.speeds] if place.is_device else []
        try:
            heard = listen(place, [*place.speeds, *others], patience, time.monotonic)
        except SourceError as error:
            yield _unopened(place, error)
            yield from (skip(link, "the port does not open") for link in line.LINKS)
            return
        yield from line.findings(heard, self._expected(place, host_is_set))

    def _places(self) -> disk.Places:
        settings = self.settings
        try:
            table = TABLE.read_text()
        except OSError:
            table = ""
        return disk.Places(
            settings.spool, settings.hot, settings.free_mib, settings.hot_mib, table
        )

    def _delivery(self) -> Iterator[Finding]:
        target = self.settings.target
        if target is None:
            yield warn("InfluxDB", self._unused(), Remedy.NO_INFLUX)
            return
        way = []
        for finding in network.findings(target, datetime.now(UTC)):
            way.append(finding)
            yield finding
        if not network.is_open(way):
            links = (*database.LINKS, *database.READ)
            yield from (skip(link, "there is no way to InfluxDB") for link in links)
            return
        yield from self._database(target)

    def _unused(self) -> str:
        """Say why nothing is delivered: of the address and the token one is not there."""
        settings = self.settings
        if not settings.influx_url and settings.influx_token is None:
            return "none is set"
        lack = "token" if settings.influx_url else "address"
        missing = any(" is missing, " in str(problem) for problem in self.problems)
        return f"not used: the {lack} is {'missing' if missing else 'wrong'}"

    def _database(self, target: Target) -> Iterator[Finding]:
        # 150 ms on a fast machine, seconds on a small one: only once it is needed.
        from collector.delivery.influx import Influx  # noqa: PLC0415

        influx = Influx(target, deadline=min(self.settings.request_seconds, LISTEN_SECONDS))
        oldest = oldest_line(Directories(self.settings.spool), Disk())
        site = self.settings.site
        found = list(database.findings(influx.write, target, site, time.time(), oldest))
        if found[0].outcome is Outcome.FAIL and network.in_plain(target):
            yield fail("TLS", "the port speaks TLS, and is spoken to without", Remedy.TLS_WANTED)
        yield from found
        from collector.commands.check import reading  # noqa: PLC0415  as above

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


def oldest_line(directories: Directories, disk_: Disk) -> bytes | None:
    """Give the first line of the oldest segment that waits; None if nothing can be read."""
    try:
        for path in (*segments(disk_, directories.spool), *segments(disk_, directories.inbox)):
            return _first_line(path)
    except OSError:
        return None
    return None


def _first_line(path: Path) -> bytes | None:
    with path.open("rb") as file:
        for text in file:
            if text.strip() and not text.startswith(b"#"):
                return text
    return None


def _device(device: str) -> Iterator[Finding]:
    try:
        yield from _port_findings(device)
    except OSError as error:
        # It lies behind a directory that this user may not look into, or has just been pulled out.
        yield fail("port", f"`{device}`: {error.strerror}", Remedy.PORT_ABSENT)


def _port_findings(device: str) -> Iterator[Finding]:
    found = port.presence(device)
    yield found
    if found.outcome is Outcome.FAIL:
        yield from (skip(link, "there is no port") for link in (*_PORT[1:], "bytes"))
        return
    found = port.permission(device)
    yield found
    yield port.sharing(device)
    if found.outcome is Outcome.FAIL:
        yield skip("bytes", "the port may not be used")


def _unopened(place: Address, error: SourceError) -> Finding:
    if not place.is_device:
        return fail("bytes", str(error), error.hint or Remedy.NETWORK_READER)
    cause = error.__cause__
    return port.refusal(place.text, cause if isinstance(cause, OSError) else None, str(error))


def _begins(told: Mapping[str, Any]) -> bool:
    waits = told.get("state") == "waiting for data" and not told.get("trouble")
    return waits or (told.get("delivery") or {}).get("state") == "starting"


def _spool_trouble(told: Mapping[str, Any]) -> str | None:
    """Give what keeps the running service from writing, as long as the line is not the trouble."""
    return told.get("trouble") if told.get("state") == "reading" else None
