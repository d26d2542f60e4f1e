"""A gateway that gives the meter's last telegram to whoever asks, over HTTP: a HomeWizard P1.

`http://ADDRESS` is its API of version 1 (`/api/v1/telegram`), `https://ADDRESS` that of version 2
(`/api/telegram`, with a token); an address with a path is asked as it stands. A thread asks, at
the telegrams' own pace, so that one that never ends its answer holds nobody up. Nothing is asked
of it but telegrams.
"""

import json
import ssl
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from queue import Empty, Queue
from statistics import median
from threading import Event, Thread
from typing import Final
from urllib.parse import urlsplit

from collector.errors import SourceError
from collector.reading.bell import Bell

SECONDS: Final = 5.0
"""How long a step of a request may take."""
MOST_BYTES: Final = 64 * 1024
OK: Final = 200
SHORTEST_SECONDS: Final = 0.5
"""Between two asks, whatever comes of them."""
_SECOND: Final = 1.0
_EARLIER: Final = 0.02
_LATER: Final = 0.1
_ALIKE: Final = 0.75
_DOUBT: Final = 30
"""After so many telegrams the pace is found out anew: the meter may send more often now."""

_LONGEST: Final = 80
_PATHS: Final = {"http": "/api/v1/telegram", "https": "/api/telegram"}
_REMEDIES: Final = {
    401: "the token is not the gateway's: `p1-collector pair` gets one (`P1_SOURCE_TOKEN`)",
    403: "switch the local API on: HomeWizard Energy app, Settings, Meters, your meter, Local API",
    404: "is it a HomeWizard P1 meter, and its firmware up to date? Else `P1_SOURCE` needs the"
    " path at which this gateway gives the telegram",
    503: "the gateway gets nothing from the meter: is it firmly in the P1 port?",
}
_OTHER: Final = (
    "is that the address of a HomeWizard P1 meter (`P1_SOURCE`)? Another product answers"
)
_JSON: Final = "that path gives JSON: the telegram is at `/api/v1/telegram`, or at `/api/telegram`"
_CERTIFICATE: Final = (
    "the maker's certificate authority signs it: set `P1_SOURCE_CA` to its certificate, or to the"
    " gateway's own, which `p1-collector pair` can keep"
)


def trusting(ca: str | None) -> ssl.SSLContext:
    """Trust the authorities of this machine, or a certificate (in a file, or its text).

    That is an authority's or the gateway's own. A gateway has no name that a network knows, so its
    name need not be in it.
    """
    text, file = (ca, None) if ca and ca.startswith("-----BEGIN") else (None, ca)
    context = ssl.create_default_context(cafile=file, cadata=text)
    if ca:
        context.check_hostname = False
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # not every maker's authority is
    return context


class Gateway:
    """Asks one gateway; its connection is kept. Raises `SourceError`, and may be asked again."""

    def __init__(self, url: str, token: str = "", ca: str | None = None) -> None:
        place = urlsplit(url)
        self.name = url
        self.path = place.path.rstrip("/") or _PATHS[place.scheme]
        self._headers = {"X-Api-Version": "2", "Accept": "text/plain"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        host = place.hostname or ""
        try:
            self.connection = (
                HTTPSConnection(host, place.port, timeout=SECONDS, context=trusting(ca))
                if place.scheme == "https"
                else HTTPConnection(host, place.port, timeout=SECONDS)
            )
        except OSError as error:
            words = f"cannot use `{ca}` to trust the gateway: {error.strerror or error}"
            raise SourceError(words, hint="check `P1_SOURCE_CA`") from error

    def telegram(self) -> bytes:
        """Give its last telegram."""
        status, body = self.ask("GET", self.path)
        if status != OK:
            words = f"`{self.name}` answers {status}{said(body)}"
            raise SourceError(words, hint=_REMEDIES.get(status, _OTHER))
        if not body.lstrip().startswith(b"/"):
            kind = "JSON" if _json(body) is not None else "something else"
            hint = _JSON if kind == "JSON" else _OTHER
            raise SourceError(f"`{self.name}` gives {kind} instead of a telegram", hint=hint)
        return body if body.endswith(b"\n") else body + b"\r\n"

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """Send a request; of the answer no more is read than a telegram may be long."""
        was_open = self.connection.sock is not None
        try:
            self.connection.request(method, path, body, self._headers)
            answer = self.connection.getresponse()
            data = answer.read(MOST_BYTES)
        except (OSError, HTTPException, ValueError) as error:
            self.connection.close()
            if was_open and isinstance(error, ConnectionError | HTTPException):
                return self.ask(method, path, body)  # it hung up between two requests
            hint = _CERTIFICATE if isinstance(error, ssl.SSLError) else None
            words = f"cannot ask `{self.name}`: {_words(error)}"
            default = "is it switched on, and are address and port right (`P1_SOURCE`)?"
            raise SourceError(words, hint=hint or default) from error
        if not answer.isclosed():
            self.connection.close()  # there is more, or it never ends
        return answer.status, data


class HttpSource:
    """A gateway as a source: `read` gives each new telegram once."""

    def __init__(self, gateway: Gateway, bell: Bell) -> None:
        """Ask for the first telegram at once; what is wrong then is why it cannot be opened."""
        self.name = gateway.name
        self._gateway = gateway
        self._bell = bell
        self._given: Queue[bytes | SourceError] = Queue()
        self._ended = Event()
        Thread(target=self._work, name="gateway", daemon=True).start()

    def read(self, seconds: float) -> bytes:
        if self._given.empty():
            self._bell.wait(seconds)
        try:
            given = self._given.get_nowait()
        except Empty:
            return b""
        if isinstance(given, SourceError):
            raise given
        return given

    def close(self) -> None:
        """End the thread, whatever it waits for."""
        self._ended.set()
        with suppress(OSError, AttributeError):
            self._gateway.connection.sock.shutdown(2)

    def _work(self) -> None:
        follow(self._gateway.telegram, self._give, self._ended.wait, time.monotonic)
        self._gateway.connection.close()

    def _give(self, given: bytes | SourceError) -> None:
        self._given.put(given)
        self._bell.ring()


def follow(
    ask: Callable[[], bytes],
    give: Callable[[bytes | SourceError], None],
    wait: Callable[[float], bool],
    monotonic: Callable[[], float],
) -> None:
    """Ask at the telegrams' own pace until `wait` says that it is over, or something is wrong."""
    phase, last, ended = Phase(), b"", False
    while not ended:
        asked = monotonic()
        try:
            telegram = ask()
        except SourceError as error:
            give(error)
            return
        is_new = telegram != last
        if is_new:
            give(telegram)
        last = telegram
        ended = wait(max(0.0, phase.next(asked, news=is_new) - monotonic()))


class Phase:
    """When to ask a gateway: just after each new telegram. All times are on the monotonic clock.

    The meter sends at its own pace, which nobody tells. So each ask moves a little forward, until
    one comes too early: that one is repeated in half a second, and the next ones come a little
    later. Two clocks that drift, and telegrams that jitter, are followed by that. A meter that
    sends each ten seconds is asked as seldom, once a few telegrams have come at that pace.
    """

    def __init__(self) -> None:
        self._due: float | None = None
        self._asks = 0
        self._news_at: float | None = None
        self._paces: deque[float] = deque(maxlen=4)
        self._telegrams = 0

    def next(self, asked: float, *, news: bool) -> float:
        """Say when to ask again after an ask that brought a new telegram, or the old one."""
        self._asks += 1
        if not news:
            return asked + SHORTEST_SECONDS
        if self._news_at is not None:
            self._paces.append(asked - self._news_at)
        self._news_at = asked
        self._telegrams += 1
        self._due = self._moved(asked) + self._pace()
        self._asks = 0
        return max(self._due, asked + SHORTEST_SECONDS)

    def _moved(self, asked: float) -> float:
        """Say when the ask for this telegram should have been."""
        if self._due is None or self._asks > 2:  # noqa: PLR2004  it was not near at all
            return asked - SHORTEST_SECONDS / 2
        return asked - _EARLIER if self._asks == 1 else self._due + _LATER

    def _pace(self) -> float:
        """Give the seconds between two telegrams, as far as they are sure."""
        if len(self._paces) < 4 or self._telegrams % _DOUBT == 0:  # noqa: PLR2004
            return _SECOND
        usual = median(self._paces)
        alike = all(abs(pace - usual) < _ALIKE for pace in self._paces)
        return max(_SECOND, round(usual)) if alike else _SECOND


def certificate(url: str) -> str:
    """Give the certificate that a gateway shows: whoever keeps it trusts it from now on."""
    place = urlsplit(url)
    return ssl.get_server_certificate((place.hostname or "", place.port or 443), timeout=SECONDS)


def said(body: bytes) -> str:
    """Give the gateway's own words for an error, if it has any."""
    told = _json(body)
    error = told.get("error") if isinstance(told, dict) else None
    words = error.get("description") if isinstance(error, dict) else error
    return f": {words[:_LONGEST]}" if isinstance(words, str) else ""


def _json(body: bytes) -> object:
    with suppress(ValueError, RecursionError):
        return json.loads(body)
    return None


def _words(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    return getattr(error, "strerror", None) or str(error) or "it hung up"
