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

SECONDS: Final = 5.0  # how long one step may take
SOON: Final = timedelta(days=14)
_PORTS: Final = {"http": 80, "https": 443}


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
    if (yield from holding([name(end)], ("TCP", "TLS"), "its name is not found")):
        found, address = port(end)
        if (yield from holding([found], ("TLS",), "its port does not answer")):
            yield certificate(end, target.ca_file, now) if end.secure else plain(address)


def name(end: End, whose: str = "", remedy: Remedy = Remedy.NAME) -> Finding:
    """Look the name up; nothing bounds that but a thread."""
    addresses: list[str] = []
    words = [f"no answer from the name server in {SECONDS:g} s"]

    def look() -> None:
        try:
            found = socket.getaddrinfo(end.host, end.port, type=socket.SOCK_STREAM)
            addresses[:] = dict.fromkeys(str(place[0]) for *_, place in found)
        except (OSError, UnicodeError) as error:
            words[:] = [str(getattr(error, "strerror", None) or error)]

    thread = Thread(target=look, daemon=True)
    thread.start()
    thread.join(SECONDS)
    if not addresses:
        return fail(f"{whose}DNS", f"`{end.host}`: {words[0]}", remedy)
    what = "an address" if addresses == [end.host] else ", ".join(addresses)
    return ok(f"{whose}DNS", f"{end.host} is {what}")


def port(end: End, whose: str = "", remedy: Remedy = Remedy.REFUSED) -> tuple[Finding, str]:
    """Connect; gives the address too."""
    try:
        with socket.create_connection((end.host, end.port), SECONDS) as trial:
            address = str(trial.getpeername()[0])
    except OSError as error:
        what = f"{end.host} port {end.port}: {error.strerror or error}"
        return fail(f"{whose}TCP", what, remedy), ""
    return ok(f"{whose}TCP", f"{address} port {end.port} answers"), address


def certificate(end: End, ca_file: str | None, now: datetime) -> Finding:
    """Shake hands as the sender does, and look at the certificate's dates."""
    try:
        context = ssl.create_default_context(cafile=ca_file)
        with (
            socket.create_connection((end.host, end.port), SECONDS) as raw,
            context.wrap_socket(raw, server_hostname=end.host) as secure,
        ):
            shown: Any = secure.getpeercert() or {}
            until = datetime.fromtimestamp(ssl.cert_time_to_seconds(shown["notAfter"]), UTC)
            what = f"{secure.version()}, certificate good until {until:%Y-%m-%d}"
            soon = until - now < SOON
            return warn("TLS", what, Remedy.TLS_SOON) if soon else ok("TLS", what)
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


def plain(address: str) -> Finding:
    """Without TLS the token must not leave the house."""
    if ipaddress.ip_address(address).is_global:
        return warn("TLS", "none, and the address is a public one", Remedy.PLAIN)
    return ok("TLS", "none (`http://`), within this network")


def to_gateway(settings: Settings) -> Iterator[Finding]:
    """Judge the way to a gateway that gives telegrams over HTTP, and whether it gives one."""
    end = end_of(settings.source)
    if not (yield from holding([name(end, "its ", Remedy.GATEWAY_NAME)])):
        return
    if not (yield from holding([port(end, "its ", Remedy.GATEWAY_PORT)[0]])):
        return
    try:
        access = settings.access
        gateway = Gateway(settings.source, access.token, access.ca_file)
        with closing(gateway.connection):
            yield ok("gateway", f"gives a telegram of {len(gateway.telegram())} bytes")
    except SourceError as error:
        yield fail("gateway", str(error), error.hint or Remedy.GATEWAY_PORT)
