"""Where the demo's collector delivers: InfluxDB's write API, with a door that can be shut.

What comes is passed on to an InfluxDB; where there is none, the receiver stands in its place.
Either way it knows what was acknowledged.
"""

import json
import secrets
import zlib
from collections.abc import Callable
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any, Final, Self

from collector.delivery.answer import Answer, Packed, Target
from collector.protocol import Scalar, read

Onward = Callable[[bytes], Answer]
"""Passes lines on, and gives the answer: `collector.delivery.influx.Influx.write`."""

_HOST: Final = "127.0.0.1"
_NAME: Final = "demo"
_STORED: Final = 204
_NO_ANSWER: Final = 502
_GZIP: Final = 16 + zlib.MAX_WBITS
_PACE: Final = 0.05  # seconds until a door that is being shut is


class Receiver:
    """Takes lines on the loopback interface; a context manager, in which the door is open.

    `stored` is what was acknowledged of `electricity`, by second: the value of each field.
    """

    def __init__(self, onward: Onward | None = None) -> None:
        self.stored: dict[int, dict[str, Scalar]] = {}
        self._onward = onward
        self._lock = Lock()
        self._token = secrets.token_urlsafe()
        self._server: ThreadingHTTPServer | None = None
        self._port = 0

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.shut()

    @property
    def target(self) -> Target:
        """Where to deliver; known once the door has been open."""
        return Target(f"http://{_HOST}:{self._port}", _NAME, _NAME, self._token)

    def open(self) -> None:
        """Listen, at the same address as before."""
        if self._server is None:
            handler = partial(_Handler, self)
            self._server = ThreadingHTTPServer((_HOST, self._port), handler)
            self._port = self._server.server_port
            Thread(target=self._server.serve_forever, args=(_PACE,), daemon=True).start()

    def shut(self) -> None:
        """Be away: nothing answers any more."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def write(self, token: str, body: bytes) -> Answer:
        if token != f"Token {self._token}":
            return Answer(401, "unauthorized access")
        with self._lock:
            answer = self._onward(Packed(body)) if self._onward else Answer(_STORED, "")
            for line in zlib.decompress(body, _GZIP).decode().splitlines():
                if line.startswith("electricity,") and answer.status == _STORED:
                    point = read(line)
                    self.stored.setdefault(point.time, {}).update(point.fields)
            return answer


class _Handler(BaseHTTPRequestHandler):
    """Speaks HTTP/1.0: each request has its connection, so that a shut door cuts none."""

    def __init__(self, receiver: Receiver, *request: Any) -> None:
        self._receiver = receiver
        super().__init__(*request)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = self._receiver.write(self.headers.get("Authorization", ""), body)
        self.send_response(answer.status or _NO_ANSWER)
        if answer.retry_after is not None:
            self.send_header("Retry-After", f"{answer.retry_after:g}")
        self.end_headers()
        if answer.status != _STORED:
            self.wfile.write(json.dumps({"message": answer.message}).encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its name there
        """Say nothing."""
