"""Where the demo's collector delivers: InfluxDB's write API, with a door that can be shut.

What comes is passed on to an InfluxDB. Where there is none, the receiver stands in its place: it
reads each line, refuses what InfluxDB 2 refuses, and keeps the points in memory. Either way it
knows what was acknowledged.
"""

import json
import secrets
import zlib
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any, Final, Self
from urllib.parse import parse_qs, urlsplit

from collector.delivery.answer import Answer, Packed, Target
from collector.protocol import LineError, Point, Scalar, read

Onward = Callable[[bytes], Answer]
"""Passes lines on, and gives the answer: `collector.delivery.influx.Influx.write`."""

Series = tuple[str, tuple[tuple[str, str], ...]]
"""A measurement and its tags."""

_HOST: Final = "127.0.0.1"
_NAME: Final = "demo"
_STORED: Final = 204
_NO_ANSWER: Final = 502
_GZIP: Final = 16 + zlib.MAX_WBITS
_PACE: Final = 0.05  # seconds until a door that is being shut is
_CODES: Final = {400: "invalid", 401: "unauthorized", 404: "not found"}
_TYPES: Final = {Decimal: "float", int: "integer", bool: "boolean", str: "string"}


class Receiver:
    """Takes lines on the loopback interface; a context manager, in which the door is open."""

    def __init__(self, onward: Onward | None = None) -> None:
        self.points: dict[Series, dict[int, dict[str, Scalar]]] = {}
        self._types: dict[tuple[str, str], type] = {}
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

    @property
    def stored(self) -> dict[int, dict[str, Scalar]]:
        """What was acknowledged of `electricity`, by second: the value of each field."""
        mine = [rows for (name, _), rows in self.points.items() if name == "electricity"]
        return {second: fields for rows in mine for second, fields in rows.items()}

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

    def write(self, path: str, token: str, body: bytes) -> Answer:
        parts = urlsplit(path)
        bucket = parse_qs(parts.query).get("bucket", [""])[0]
        if parts.path != "/api/v2/write":
            return Answer(404, "path not found")
        if token != f"Token {self._token}":
            return Answer(401, "unauthorized access")
        if bucket != _NAME:
            return Answer(404, f'bucket "{bucket}" not found')
        with self._lock:
            answer = self._onward(Packed(body)) if self._onward else None
            if answer and answer.status != _STORED:
                return answer
            kept = self._taken(body)
            return answer or kept

    def _taken(self, body: bytes) -> Answer:
        """Keep the points: all if each can be read, and none of another type than before."""
        points: list[Point] = []
        for line in zlib.decompress(body, _GZIP).decode().splitlines():
            if line and not line.startswith("#"):
                try:
                    points.append(read(line))
                except LineError as error:
                    return Answer(400, f"unable to parse '{line}': {error}")
        conflicts = [words for point in points if (words := self._kept(point))]
        if conflicts:
            words = f"partial write: {conflicts[0]} dropped={len(conflicts)}"
            return Answer(422, f"failure writing points to database: {words}")
        return Answer(_STORED, "")

    def _kept(self, point: Point) -> str | None:
        """Keep a point, or say what is against it; a point that comes again has its fields."""
        for name, value in point.fields.items():
            known = self._types.setdefault((point.measurement, name), type(value))
            if known is not type(value):
                return (
                    f'field type conflict: input field "{name}" on measurement'
                    f' "{point.measurement}" is type {_TYPES[type(value)]},'
                    f" already exists as type {_TYPES[known]}"
                )
        series = (point.measurement, tuple(sorted(point.tags.items())))
        self.points.setdefault(series, {}).setdefault(point.time, {}).update(point.fields)
        return None


class _Handler(BaseHTTPRequestHandler):
    """Speaks HTTP/1.0: each request has its connection, so that a shut door cuts none."""

    def __init__(self, receiver: Receiver, *request: Any) -> None:
        self._receiver = receiver
        super().__init__(*request)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = self._receiver.write(self.path, self.headers.get("Authorization", ""), body)
        status = answer.status or _NO_ANSWER
        self.send_response(status)
        if answer.retry_after is not None:
            self.send_header("Retry-After", f"{answer.retry_after:g}")
        self.end_headers()
        if status != _STORED:
            code = _CODES.get(status, self.responses[status][0].lower())
            self.wfile.write(json.dumps({"code": code, "message": answer.message}).encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its name there
        """Say nothing."""
