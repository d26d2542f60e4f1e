"""Why a request had no answer: what happened, to whom, and what to do, in one line for the log.

What changes from one attempt to the next (counters, addresses of objects, bytes that came) is
left out, so that the same trouble is known by its words.
"""

import socket
import ssl
from collections.abc import Iterator
from errno import EHOSTDOWN, EHOSTUNREACH, ENETDOWN, ENETUNREACH
from http.client import BadStatusLine, HTTPException
from typing import Final
from urllib.parse import urlsplit

from collector.remedies import Remedy

_UNREACHABLE: Final = (ENETUNREACH, EHOSTUNREACH, ENETDOWN, EHOSTDOWN)
_NO_TLS: Final = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE")
_PORTS: Final = {"http": 80, "https": 443}
_NETWORK: Final = "is the network up, and the address in `P1_INFLUX_URL` right?"
_BROKEN: Final = (
    "the network or a proxy ends connections, or this port speaks TLS and wants `https://`"
)
_TLS: Final = "check `P1_INFLUX_URL`, `P1_INFLUX_CA` and this host's clock"


def explain(error: BaseException, url: str) -> str:
    """Say what happened on the way to the server that `url` names."""
    parts = urlsplit(url)
    host, port = f"`{parts.hostname}`", parts.port or _PORTS.get(parts.scheme)
    place = f"{host} port {port}"
    causes = list(_causes(error))
    found = (_of_tls(cause, host) or _of_the_way(cause, host, place) for cause in causes)
    return next(filter(None, found), f"{place}: {causes[0]}")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Give an error's causes, the first cause first."""
    if behind := error.__cause__ or error.__context__:
        yield from _causes(behind)
    yield error


def _of_tls(cause: BaseException, host: str) -> str | None:
    if isinstance(cause, ssl.SSLCertVerificationError):
        words = str(getattr(cause, "verify_message", None) or cause.strerror)
        dates = "expired" in words or "not yet valid" in words
        advice = Remedy.TLS_TIME.advice if dates else Remedy.TLS.advice
        return f"the certificate of {host} is not accepted: {words} ({advice})"
    if isinstance(cause, ssl.SSLError):
        # The C library's has a reason.
        words = str(getattr(cause, "reason", None) or cause.strerror)
        advice = Remedy.TLS_NONE.advice if words in _NO_TLS else _TLS
        return f"no TLS with {host}: {words} ({advice})"
    if isinstance(cause, FileNotFoundError | PermissionError):
        return f"cannot read the file in `P1_INFLUX_CA`: {cause.strerror}"
    return None


def _of_the_way(cause: BaseException, host: str, place: str) -> str | None:
    if isinstance(cause, socket.gaierror):
        return f"the name {host} is not found: {cause.strerror} ({Remedy.NAME.advice})"
    if isinstance(cause, ConnectionRefusedError):
        return f"{place}: {cause.strerror} ({Remedy.REFUSED.advice})"
    if isinstance(cause, TimeoutError):
        return f"{place}: no connection in time ({Remedy.REFUSED.advice})"
    if isinstance(cause, OSError) and cause.errno in _UNREACHABLE:
        return f"{place}: {cause.strerror} ({_NETWORK})"
    if isinstance(cause, ConnectionError):
        words = cause.strerror or "it was closed"
        return f"the connection to {host} broke off: {words} ({_BROKEN})"
    return _of_the_answer(cause, host)


def _of_the_answer(cause: BaseException, host: str) -> str | None:
    if isinstance(cause, BadStatusLine) and str(cause)[:5] != "HTTP/"[: len(str(cause))]:
        return f"what {host} answers is not HTTP ({Remedy.NOT_INFLUX.advice})"
    if isinstance(cause, HTTPException):
        return f"the answer of {host} broke off ({_BROKEN})"
    return None
