"""The way to a gateway that gives telegrams over HTTP, and whether it gives one."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

from collector.commands.check import network
from collector.commands.check.finding import Finding, fail, ok
from collector.delivery.answer import Target
from collector.errors import SourceError
from collector.reading.gateway import Gateway
from collector.remedies import Remedy
from collector.settings.settings import Settings


def findings(settings: Settings) -> Iterator[Finding]:
    """Judge the way, step by step; behind a step that fails the next are not tried."""
    end = network.end_of(Target(settings.source, "", "", "", None))
    found, addresses = network.name(end)
    yield _of_the_gateway(found, Remedy.GATEWAY_NAME)
    if not addresses:
        return
    found, place = network.port(end, addresses)
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
