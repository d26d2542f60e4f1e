"""What a running service says of itself: the facts of a port that has one reader already."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from collector.commands.check import line
from collector.commands.check.finding import Finding, fail, holding, ok, warn
from collector.p1.telegram import Device, Medium
from collector.remedies import Remedy
from collector.service.status import runs
from collector.settings.settings import Settings


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
        words = told.get("message") or told.get("state")
        return _trouble("delivery", f"{what}: {words}", Remedy.BACKLOG)
    return ok("delivery", f"{what} since the service was started, {status.get('lag_s')} s behind")


def findings(status: Mapping[str, Any], expected: line.Expected) -> Iterator[Finding]:
    """Judge the line by the service's status, link by link as `line.findings` does."""
    bytes_ = ok("bytes", f"the service reads `{status.get('source')}`")
    if status.get("state") != "reading":
        words = status.get("trouble") or f"{status.get('state')}, as the service says"
        bytes_ = _trouble("bytes", words, Remedy.SILENCE)
    if not (yield from holding([bytes_], line.LINKS, "the service reads no telegrams")):
        return
    words = status.get("speed", "not known") if expected.speeds else "none to set"
    yield ok("speed", str(words))
    counts, telegram = status.get("counts") or {}, status.get("telegram") or {}
    good, bad = counts.get("telegrams", 0), counts.get("bad_checksums", 0)
    yield ok("telegrams", f"{good} since the service was started")
    what = f"{bad} of {good + bad} telegrams not accepted"
    # One in a thousand is a spark on the line.
    many = bad * 1000 > good
    yield warn("checksum", what, Remedy.CHECKSUM) if many else ok("checksum", what)
    what = f"{telegram.get('dialect', telegram.get('header'))}, meter {telegram.get('meter')}"
    if lines := counts.get("bad_lines", 0):
        what += f", {lines} lines could not be read since the service was started"
        yield warn("dialect", what, Remedy.BAD_LINES)
    else:
        yield ok("dialect", what)
    yield line.clock(_moment(telegram.get("meter_time")), expected)
    yield line.devices(map(_device, telegram.get("devices", [])), _moment(telegram.get("time")))


def _trouble(link: str, words: str, remedy: Remedy) -> Finding:
    """Give what the service says, which may have its own remedy in brackets behind it."""
    message, _, hint = words.partition(" (")
    return fail(link, message, hint.removesuffix(")") or remedy)


def _device(device: Mapping[str, Any]) -> Device:
    medium, channel = Medium(device["medium"]), int(device["channel"])
    return Device(channel, medium, device["meter"], _moment(device["time"]), {})


def _moment(second: object) -> datetime | None:
    return datetime.fromtimestamp(second, UTC) if isinstance(second, int) else None
