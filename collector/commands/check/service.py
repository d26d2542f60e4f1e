"""What a running service says of itself: the facts of a port that has one reader already."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from collector.commands.check import line
from collector.commands.check.finding import Finding, fail, ok, skip, warn
from collector.p1.telegram import Device, Medium
from collector.remedies import Remedy
from collector.service.status import runs
from collector.settings.settings import Settings

_LIVE: Final = ("reading",)


def service(
    status: Mapping[str, Any], now: float, holder: str | None, settings: Settings
) -> Finding:
    """Whether the service runs, and with the `settings` that are found now."""
    who = f"process {status.get('pid')}, version {status.get('version')}"
    if runs(status, now, holder):
        if status.get("settings", settings.digest) != settings.digest:
            return fail("service", f"runs with other settings, {who}", Remedy.SERVICE_OTHER)
        return ok("service", f"runs, {who}: what it says of the port counts")
    if holder:
        silence = now - status.get("updated", now)
        words = f"{silence:.0f} s" if silence else "ever"
        return fail("service", f"{holder}, is silent for {words}", Remedy.SERVICE_SILENT)
    what = f"none runs in `{settings.hot}`, so nothing is read: the port is tried here"
    return warn("service", what, Remedy.SERVICE_STOPPED)


def delivery(status: Mapping[str, Any]) -> Finding:
    """How the running service delivers: what it was told by InfluxDB counts."""
    told, counts = status.get("delivery") or {}, status.get("counts") or {}
    names = ("delivered", "waiting", "rejected")
    what = ", ".join(f"{counts.get(name, 0)} {name}" for name in names)
    if told.get("state") != "delivering":
        message, _, hint = str(told.get("message") or told.get("state")).partition(" (")
        return fail("delivery", f"{what}: {message}", hint.removesuffix(")") or Remedy.BACKLOG)
    return ok("delivery", f"{what} since the service was started, {status.get('lag_s')} s behind")


def findings(status: Mapping[str, Any], expected: line.Expected) -> Iterator[Finding]:
    """Judge the line by the service's status, link by link as `line.findings` does."""
    source, trouble = status.get("source"), status.get("trouble")
    if status.get("state") not in _LIVE:
        words = trouble or f"{status.get('state')}, as the service says"
        message, _, hint = str(words).partition(" (")
        yield fail("bytes", message, hint.removesuffix(")") or Remedy.SILENCE.advice)
        yield from (skip(link, "the service reads no telegrams") for link in line.LINKS)
        return
    yield ok("bytes", f"the service reads `{source}`")
    words = status.get("speed", "not known") if expected.speeds else "none to set"
    yield ok("speed", str(words))
    yield from _telegrams(status, expected)


def _telegrams(status: Mapping[str, Any], expected: line.Expected) -> Iterator[Finding]:
    counts, telegram = status.get("counts") or {}, status.get("telegram") or {}
    number = counts.get("telegrams", 0)
    yield ok("telegrams", f"{number} since the service was started")
    yield _checksum(number, counts.get("bad_checksums", 0))
    yield _dialect(telegram, counts)
    yield line.clock(_moment(telegram.get("meter_time")), expected)
    now = _moment(telegram.get("time"))
    yield line.devices(map(_device, telegram.get("devices", [])), now)


def _checksum(number: int, bad: int) -> Finding:
    what = f"{bad} of {number + bad} telegrams not accepted"
    # One in a thousand is a spark on the line.
    if bad * 1000 > number:
        return warn("checksum", what, Remedy.CHECKSUM)
    return ok("checksum", what)


def _dialect(telegram: Mapping[str, Any], counts: Mapping[str, int]) -> Finding:
    what = f"{telegram.get('dialect', telegram.get('header'))}, meter {telegram.get('meter')}"
    if bad := counts.get("bad_lines", 0):
        what += f", {bad} lines could not be read since the service was started"
        return warn("dialect", what, Remedy.BAD_LINES)
    return ok("dialect", what)


def _device(device: Mapping[str, Any]) -> Device:
    medium, channel = Medium(device["medium"]), int(device["channel"])
    return Device(channel, medium, device["meter"], _moment(device["time"]), {})


def _moment(second: object) -> datetime | None:
    return datetime.fromtimestamp(second, UTC) if isinstance(second, int) else None
