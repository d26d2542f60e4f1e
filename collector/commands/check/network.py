"""The way to InfluxDB or to a gateway: its name, its port, its certificate."""

import ipaddress
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any, Final
from urllib.parse import urlsplit

from collector.commands.check.finding import Finding, Outcome, fail, ok, skip, warn
from collector.delivery.answer import Target
from collector.errors import SourceError
from collector.reading.gateway import Gateway
from collector.remedies import Remedy
from collector.settings.settings import Settings

SECONDS: Final = 5.0
"""How long one step may take."""

SOON: Final = timedelta(days=14)
_PORTS: Final = {"http": 80, "https": 443}

Addresses = list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class End:
    host: str
    port: int
    secure: bool


def end_of(url: str) -> End:
    """Read the URL, which the settings have found to be one."""
    parts = urlsplit(url)
    port = parts.port or _PORTS[parts.scheme]
    return End(parts.hostname or "", port, parts.scheme == "https")


def findings(target: Target, now: datetime) -> Iterator[Finding]:
    """Judge the way, step by step; behind a step that fails the next are not tried."""
    end = end_of(target.url)
    found, addresses = name(end)
    yield found
    if not addresses:
        yield from (skip(link, "its name is not found") for link in ("TCP", "TLS"))
        return
    found, address = port(end, addresses)
    yield found
    if address is None:
        yield skip("TLS", "its port does not answer")
        return
    yield certificate(end, address, target.ca_file, now) if end.secure else plain(address)


def is_open(found: list[Finding]) -> bool:
    return all(finding.outcome is not Outcome.FAIL for finding in found)


def name(end: End) -> tuple[Finding, Addresses]:
    """Look the name up; nothing bounds that but a thread."""
    addresses: Addresses = []
    words = [f"no answer from the name server in {SECONDS:g} s"]

    def look() -> None:
        try:
            addresses[:] = socket.getaddrinfo(end.host, end.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            words[:] = [str(getattr(error, "strerror", None) or error)]

    thread = Thread(target=look, daemon=True)
    thread.start()
    thread.join(SECONDS)
    if not addresses:
        return fail("DNS", f"`{end.host}`: {words[0]}", Remedy.NAME), []
    if _is_address(end.host):
        return ok("DNS", f"{end.host} is an address"), addresses
    listed = ", ".join(dict.fromkeys(str(entry[4][0]) for entry in addresses))
    return ok("DNS", f"{end.host} is {listed}"), addresses


def port(end: End, addresses: Addresses) -> tuple[Finding, tuple[Any, ...] | None]:
    words = ""
    for family, kind, protocol, _, place in addresses:
        with socket.socket(family, kind, protocol) as trial:
            trial.settimeout(SECONDS)
            try:
                trial.connect(place)
            except OSError as error:
                words = error.strerror or str(error)
            else:
                return ok("TCP", f"{place[0]} port {place[1]} answers"), (family, place)
    what = f"{end.host} port {end.port}: {words}"
    return fail("TCP", what, Remedy.REFUSED), None


def certificate(end: End, address: tuple[Any, ...], ca_file: str | None, now: datetime) -> Finding:
    """Shake hands as the sender does, and look at the certificate's dates."""
    family, place = address
    try:
        context = ssl.create_default_context(cafile=ca_file)
        with socket.socket(family, socket.SOCK_STREAM) as raw:
            raw.settimeout(SECONDS)
            raw.connect(place)
            with context.wrap_socket(raw, server_hostname=end.host) as secure:
                return _dates(secure, now)
    except ssl.SSLCertVerificationError as error:
        dates = "expired" in error.verify_message or "not yet valid" in error.verify_message
        remedy = Remedy.TLS_TIME if dates else Remedy.TLS
        return fail("TLS", error.verify_message, remedy)
    except ssl.SSLError as error:
        return fail("TLS", error.reason or str(error), Remedy.TLS_NONE)
    except OSError as error:
        if ca_file and error.filename is None and error.errno is not None:
            return fail("TLS", f"`{ca_file}`: {error.strerror}", Remedy.TLS)
        return fail("TLS", error.strerror or str(error), Remedy.TLS_NONE)


def _dates(secure: ssl.SSLSocket, now: datetime) -> Finding:
    shown: Any = secure.getpeercert() or {}
    until = datetime.fromtimestamp(ssl.cert_time_to_seconds(shown["notAfter"]), UTC)
    what = f"{secure.version()}, certificate good until {until:%Y-%m-%d}"
    return warn("TLS", what, Remedy.TLS_SOON) if until - now < SOON else ok("TLS", what)


def in_plain(target: Target) -> bool:
    """Whether a server that speaks TLS is spoken to without; its certificate is not looked at."""
    end = end_of(target.url)
    if end.secure:
        return False
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        suppress(OSError),
        socket.create_connection((end.host, end.port), SECONDS) as raw,
        context.wrap_socket(raw, server_hostname=end.host),
    ):
        return True
    return False


def plain(address: tuple[Any, ...]) -> Finding:
    """Without TLS the token must not leave the house."""
    with suppress(ValueError):
        if ipaddress.ip_address(address[1][0]).is_global:
            return warn("TLS", "none, and the address is a public one", Remedy.PLAIN)
    return ok("TLS", "none (`http://`), within this network")


def _is_address(host: str) -> bool:
    with suppress(ValueError):
        return bool(ipaddress.ip_address(host))
    return False


def to_gateway(settings: Settings) -> Iterator[Finding]:
    """Judge the way to a gateway that gives telegrams over HTTP, and whether it gives one."""
    end = end_of(settings.source)
    found, addresses = name(end)
    yield _of_the_gateway(found, Remedy.GATEWAY_NAME)
    if not addresses:
        return
    found, place = port(end, addresses)
    yield _of_the_gateway(found, Remedy.GATEWAY_PORT)
    if place is None:
        return
    access = settings.access
    try:
        gateway = Gateway(settings.source, access.token, access.ca_file)
        with closing(gateway.connection):
            size = len(gateway.telegram())
    except SourceError as error:
        yield fail("gateway", str(error), error.hint or Remedy.GATEWAY_PORT)
    else:
        yield ok("gateway", f"gives a telegram of {size} bytes")


def _of_the_gateway(found: Finding, remedy: Remedy) -> Finding:
    advice = remedy.advice if found.remedy else None
    return replace(found, link=f"its {found.link}", remedy=advice)
