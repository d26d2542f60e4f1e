"""An HTTP server that answers as it is told: what no real InfluxDB can be made to do."""

import contextlib
import gzip
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from types import TracebackType
from typing import Final, Self, cast

PACE: Final = 0.02


@dataclass(frozen=True, slots=True)
class Request:
    """What came in; `peer` is the client's end of the connection."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    peer: object

    @property
    def lines(self) -> bytes:
        return gzip.decompress(self.body)


Behaviour = Callable[["Handler"], None]
"""What to do with one request, of which the headers are read."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"

    @property
    def answers(self) -> "Answers":
        return cast("_Server", self.server).answers

    def do_POST(self) -> None:
        behaviours = self.answers.behaviours
        (behaviours.popleft() if behaviours else answer(204))(self)

    def take(self) -> None:
        """Read the body and note the request."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.answers.requests.append(
            Request(self.path, dict(self.headers), body, self.client_address)
        )

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its name there
        """Say nothing."""


@dataclass
class Answers:
    """A server on a free port of the loopback interface, for as long as the `with` lasts.

    It treats the n-th request as the n-th of `behaviours` says; when they are used up, with 204.
    """

    behaviours: deque[Behaviour] = field(default_factory=deque)
    requests: list[Request] = field(default_factory=list)
    over: Event = field(default_factory=Event)
    cut: Event = field(default_factory=Event)  # the client has gone in the middle of an answer
    tls: ssl.SSLContext | None = None

    def __enter__(self) -> Self:
        self._server = _Server(self)
        self._thread = Thread(target=self._server.serve_forever, args=(PACE,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        return self._server.server_port

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://localhost:{self.port}"


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        super().__init__(("127.0.0.1", 0), Handler)
        if answers.tls is not None:
            self.socket = answers.tls.wrap_socket(self.socket, server_side=True)

    def server_bind(self) -> None:
        # A small window, so that what is not read soon cannot be sent either.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        super().server_bind()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: that clients go away is what is tested."""


def answer(status: int, body: bytes = b"", **headers: str) -> Behaviour:
    """Answer; an underscore in a header's name stands for a hyphen."""

    def behave(handler: Handler) -> None:
        handler.take()
        handler.send_response(status)
        if status != 204:
            handler.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return behave


def refuse(status: int, message: str, **headers: str) -> Behaviour:
    """Answer as InfluxDB refuses."""
    body = b'{"code":"invalid","message":"%s"}' % message.encode()
    return answer(status, body, Content_Type="application/json", **headers)


def echo(status: int) -> Behaviour:
    """Answer with what was asked, as some proxies do on their error pages."""

    def behave(handler: Handler) -> None:
        handler.answers.behaviours.appendleft(answer(status, str(handler.headers).encode()))
        handler.do_POST()

    return behave


def hang(handler: Handler) -> None:
    """Take the request and never answer."""
    handler.take()
    handler.answers.over.wait()


def deaf(handler: Handler) -> None:
    """Never read the body."""
    handler.answers.over.wait()


def trickle(handler: Handler, header: bytes = b"Content-Length: 1000000") -> None:
    """Answer a byte at a time, for ever, or until the client goes."""
    handler.take()
    with contextlib.suppress(OSError):
        handler.wfile.write(b"HTTP/1.1 503 Wait\r\n%s\r\n\r\n" % header)
        while not handler.answers.over.wait(PACE):
            handler.wfile.write(b".")
        return
    handler.answers.cut.set()


def trickle_at_last(handler: Handler) -> None:
    """Trickle, and say before that the connection is not used again."""
    trickle(handler, b"Connection: close")


def endless(handler: Handler) -> None:
    """Answer as fast as it goes, for ever, or until the client goes."""
    handler.take()
    with contextlib.suppress(OSError):
        handler.wfile.write(b"HTTP/1.1 503 Wait\r\nConnection: close\r\n\r\n")
        while not handler.answers.over.is_set():
            handler.wfile.write(b"wait " * 1000)
        return
    handler.answers.cut.set()


def trickle_headers(handler: Handler) -> None:
    """Send headers a byte at a time, for ever, or until the client goes."""
    handler.take()
    with contextlib.suppress(OSError):
        handler.wfile.write(b"HTTP/1.1 204 No Content\r\nX-Long: ")
        while not handler.answers.over.wait(PACE):
            handler.wfile.write(b".")
        return
    handler.answers.cut.set()


def half(handler: Handler) -> None:
    """Promise a hundred bytes, send ten, and hang up."""
    handler.take()
    handler.wfile.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 100\r\n\r\n0123456789")
    handler.close_connection = True


def half_headers(handler: Handler) -> None:
    """Hang up in the middle of a status."""
    handler.take()
    handler.wfile.write(b"HTTP/1.1 20")
    handler.close_connection = True


def hang_up(handler: Handler) -> None:
    """Take the request and hang up."""
    handler.take()
    handler.close_connection = True


def reset(handler: Handler) -> None:
    """Tear the connection down as a router does that forgot it."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    handler.connection.close()
    handler.close_connection = True


def garbage(handler: Handler) -> None:
    """Answer something that is not HTTP."""
    handler.take()
    handler.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
    handler.close_connection = True


@contextlib.contextmanager
def nobody_listens() -> Iterator[int]:
    """Give a port that refuses connections, and that nobody else gets meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def seconds_taken(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def seconds_awake(work: Callable[[], object]) -> float:
    """Give how long some work took, without the moments in which this process stood still."""
    over, steps = Event(), 0

    def count() -> None:
        nonlocal steps
        while not over.wait(PACE):
            steps += 1

    counter = Thread(target=count)
    counter.start()
    try:
        work()
    finally:
        over.set()
        counter.join()
    return steps * PACE
