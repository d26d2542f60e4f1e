"""The way to InfluxDB or to a gateway: its name, its port, its certificate."""

import ipaddress
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any, Final
from urllib.parse import urlsplit

from collector.commands.check.finding import Finding, fail, holding, ok, warn
from collector.delivery.answer import Target
from collector.errors import SourceError
from collector.reading.gateway import Gateway
from collector.remedies import Remedy
from collector.settings.settings import Settings

SECONDS: Final = 5.0
"""How long one step may take."""

SOON: Final = timedelta(days=14)
_PORTS: Final = {"http": 80, "https": 443}

Place = tuple[socket.AddressFamily, Any]
"""What `socket.connect` wants, and of which family it is."""


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
    if (yield from holding([found], ("TCP", "TLS"), "its name is not found")):
        found, address = port(end, addresses)
        if (yield from holding([found], ("TLS",), "its port does not answer")):
            yield certificate(end, address, target.ca_file, now) if end.secure else plain(address)


def name(end: End, whose: str = "", remedy: Remedy = Remedy.NAME) -> tuple[Finding, list[Place]]:
    """Look the name up; nothing bounds that but a thread."""
    places: list[Place] = []
    words = [f"no answer from the name server in {SECONDS:g} s"]

    def look() -> None:
        try:
            found = socket.getaddrinfo(end.host, end.port, type=socket.SOCK_STREAM)
            places[:] = [(family, place) for family, _, _, _, place in found]
        except (OSError, UnicodeError) as error:
            words[:] = [str(getattr(error, "strerror", None) or error)]

    thread = Thread(target=look, daemon=True)
    thread.start()
    thread.join(SECONDS)
    if not places:
        return fail(f"{whose}DNS", f"`{end.host}`: {words[0]}", remedy), []
    listed = ", ".join(dict.fromkeys(str(place[0]) for _, place in places))
    is_address = end.host == listed
    return ok(f"{whose}DNS", f"{end.host} is {'an address' if is_address else listed}"), places


def port(
    end: End, places: list[Place], whose: str = "", remedy: Remedy = Remedy.REFUSED
) -> tuple[Finding, Place]:
    words = ""
    for family, place in places:
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            trial.settimeout(SECONDS)
            try:
                trial.connect(place)
            except OSError as error:
                words = error.strerror or str(error)
            else:
                what = f"{place[0]} port {place[1]} answers"
                return ok(f"{whose}TCP", what), (family, place)
    return fail(f"{whose}TCP", f"{end.host} port {end.port}: {words}", remedy), places[-1]


def certificate(end: End, address: Place, ca_file: str | None, now: datetime) -> Finding:
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


def plain(address: Place) -> Finding:
    """Without TLS the token must not leave the house."""
    with suppress(ValueError):
        if ipaddress.ip_address(address[1][0]).is_global:
            return warn("TLS", "none, and the address is a public one", Remedy.PLAIN)
    return ok("TLS", "none (`http://`), within this network")


def to_gateway(settings: Settings) -> Iterator[Finding]:
    """Judge the way to a gateway that gives telegrams over HTTP, and whether it gives one."""
    end = end_of(settings.source)
    found, places = name(end, "its ", Remedy.GATEWAY_NAME)
    if not (yield from holding([found])):
        return
    found, _ = port(end, places, "its ", Remedy.GATEWAY_PORT)
    if not (yield from holding([found])):
        return
    try:
        access = settings.access
        gateway = Gateway(settings.source, access.token, access.ca_file)
        with closing(gateway.connection):
            yield ok("gateway", f"gives a telegram of {len(gateway.telegram())} bytes")
    except SourceError as error:
        yield fail("gateway", str(error), error.hint or Remedy.GATEWAY_PORT)
