"""Servers that cannot be had, as far as a collector sees them: one server, a product's answers.

Each product is what its document says; 3 Core's words were taken from a real one of 3.10.1, and of
3.6.0 where that differs. What the product would store is stored, and can be asked.
"""

import gzip
import json
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any, Final, Self, cast
from urllib.parse import parse_qs, urlsplit

from bed.influxd import Row, Token, free_port
from collector.protocol import LineError, Point, Scalar, read

PACE: Final = 0.02
MIB: Final = 1024 * 1024
MOST_TOLD: Final = 100

Reply = tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one line."""

    number: int
    line: str
    kind: str
    words: str


@dataclass(frozen=True, slots=True)
class Product:
    """How a product answers; `document` says so."""

    name: str
    document: str
    refuse: Callable[[Sequence[Fault]], Reply]
    unauthorised: Reply
    no_organisation: Reply | None = None
    makes_buckets: bool = False
    partial: bool = False
    """Whether it stores the good lines of a request of which it refuses others."""
    hides_old: bool = False
    """Whether it takes what is older than its retention, and never shows it."""
    largest: int = 50 * MIB
    later: bool = False
    """Whether 204 says only that it was accepted: type conflicts are dropped unseen."""


def said(status: int, **words: Any) -> Reply:
    return status, json.dumps(words).encode()


def _serverless(faults: Sequence[Fault]) -> Reply:
    old = [fault for fault in faults if fault.kind == "old"]
    if old and len(old) == len(faults):
        table = old[0].line.partition(",")[0]
        words = f"data in table {table} is outside of the retention period"
        return said(422, code="unprocessable entity", message=words)
    told = "; ".join(
        f"error parsing line {fault.number} (1-based): {fault.words}"
        for fault in faults[:MOST_TOLD]
    )
    words = f"failed to parse line protocol: errors encountered on line(s): {told}"
    return said(400, code="invalid", message=words, line=faults[0].number)


def _cloud(faults: Sequence[Fault]) -> Reply:
    if all(fault.kind == "old" for fault in faults):
        words = f"partial write: dropped {len(faults)} points outside retention policy"
        return said(422, code="unprocessable entity", message=words)
    bad = [f"unable to parse '{fault.line}': {fault.words}" for fault in faults]
    return said(400, code="invalid", message="\n".join(bad))


def _core(faults: Sequence[Fault]) -> Reply:
    conflict = next((fault for fault in faults if fault.kind == "conflict"), None)
    words = f"line protocol parse failed: {faults[0].words}"
    if conflict:
        words = f"write buffer error: {conflict.words}"
    return said(400, error=words)


def _core_36(_: Sequence[Fault]) -> Reply:
    return said(400, error="parsing for line protocol failed")


_DOCS: Final = "https://docs.influxdata.com"
SERVERLESS: Final = Product(
    "Cloud Serverless",
    f"{_DOCS}/influxdb3/cloud-serverless/write-data/troubleshoot/",
    _serverless,
    (401, b""),
    no_organisation=said(400, code="invalid", message="missing org/bucket value"),
    partial=True,
)
CLOUD: Final = Product(
    "Cloud (TSM)",
    f"{_DOCS}/influxdb/cloud/write-data/troubleshoot/",
    _cloud,
    said(401, code="unauthorized", message="unauthorized access"),
    no_organisation=said(404, code="not found", message='organization name "-" not found'),
    later=True,
)
CORE: Final = Product(
    "3 Core and Enterprise",
    f"{_DOCS}/influxdb3/core/write-data/http-api/compatibility-apis/",
    _core,
    said(401, error="the request was not authenticated"),
    makes_buckets=True,
    hides_old=True,
    largest=10 * MIB,
)
CORE_36: Final = Product(
    "3 Core 3.6",
    CORE.document,
    _core_36,
    CORE.unauthorised,
    makes_buckets=True,
    hides_old=True,
    largest=10 * MIB,
)
PRODUCTS: Final = (SERVERLESS, CLOUD, CORE, CORE_36)

TROUBLES: Final[Mapping[str, Reply]] = {
    SERVERLESS.name: said(503, code="unavailable", message="unable to process request"),
    CLOUD.name: said(429, code="too many requests", message="org 0 has exceeded limited_write"),
    CORE.name: said(400, error="error from wal: io error: No space left on device (os error 28)"),
    CORE_36.name: said(400, error="catalog update error: object store error: No space left"),
}
"""The words of a trouble of the server's own, or of the plan's."""


@dataclass
class Bucket:
    """What is stored: each point by measurement, tags and time; a field's type is the first."""

    points: dict[tuple[str, tuple[tuple[str, str], ...], int], dict[str, Scalar]] = field(
        default_factory=dict
    )
    types: dict[tuple[str, str], type] = field(default_factory=dict)
    oldest: int = -(2**63)

    def conflict(self, point: Point, types: dict[tuple[str, str], type]) -> str | None:
        for name, value in point.fields.items():
            known = (self.types | types).get((point.measurement, name), type(value))
            if known is not type(value):
                return (
                    f"invalid column type for column '{name}', expected"
                    f" iox::column_type::field::{_TYPES[known]},"
                    f" got iox::column_type::field::{_TYPES[type(value)]}"
                )
        return None

    def store(self, point: Point) -> None:
        key = (point.measurement, tuple(sorted(point.tags.items())), point.time)
        self.points.setdefault(key, {}).update(point.fields)
        for name, value in point.fields.items():
            self.types.setdefault((point.measurement, name), type(value))


_TYPES: Final = {Decimal: "float", int: "integer", bool: "boolean", str: "string"}
_SELECT: Final = re.compile(r"SELECT (\*|last\(tariff\)) FROM (\w+)(?: WHERE site = '(\w+)')?")
_KEYS: Final = re.compile(r"SHOW FIELD KEYS FROM (\w+)")


class StandIn:
    """A server of one product on the loopback interface; a context manager.

    While `trouble` is set, it says that to every write. It is asked as `bed.influxd.Database` is,
    but for the queries that a trial does not need.
    """

    def __init__(self, product: Product) -> None:
        self.product = product
        self.url = f"http://127.0.0.1:{free_port()}"
        self.org = "home" if product is CLOUD else ""
        self.trouble: Reply | None = None
        self.buckets: dict[str, Bucket] = {}
        self.requests = 0
        self._token = secrets.token_urlsafe()
        self._lock = Lock()

    def __enter__(self) -> Self:
        host, _, port = self.url.removeprefix("http://").partition(":")
        self._server = _Server((host, int(port)), _Handler)
        self._server.stand_in = self
        self._thread = Thread(target=self._server.serve_forever, args=(PACE,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def new_bucket(self, name: str, retention_seconds: int = 0) -> str:
        """Make a bucket; one that keeps nothing for ever is set up by its `oldest`."""
        assert not retention_seconds
        self.buckets[name] = Bucket()
        return name

    def write_token(self, bucket: str) -> Token:
        assert bucket in self.buckets
        return Token("", self._token)

    def influxql(self, bucket: str, query: str) -> list[Row]:
        """Give the rows of the queries that a trial asks."""
        held = self.buckets[bucket]
        if keys := _KEYS.fullmatch(query):
            types = [(name, kind) for (m, name), kind in held.types.items() if m == keys[1]]
            return [{"fieldKey": name, "fieldType": _TYPES[kind]} for name, kind in types]
        select = _SELECT.fullmatch(query)
        assert select, query
        return [
            {"time": time, **dict(tags), **fields}
            for (measurement, tags, time), fields in sorted(held.points.items(), key=_by_time)
            if measurement == select[2] and dict(tags).get("site") == (select[3] or None)
        ]

    def write(self, query: Mapping[str, Sequence[str]], token: str, body: bytes) -> Reply:
        """Answer a write as the product does."""
        with self._lock:
            self.requests += 1
            return self._refusal(query, token, body) or self._take(query["bucket"][0], body)

    def _refusal(
        self, query: Mapping[str, Sequence[str]], token: str, body: bytes
    ) -> Reply | None:
        if token != f"Token {self._token}":
            return self.product.unauthorised
        if not query.get("org") and self.product.no_organisation:
            return self.product.no_organisation
        bucket = query.get("bucket", [""])[0]
        if bucket not in self.buckets and not self.product.makes_buckets:
            return said(404, code="not found", message=f'bucket "{bucket}" not found')
        if len(body) > self.product.largest:
            return said(413, code="request too large", message="payload too large")
        return self.trouble

    def _take(self, name: str, body: bytes) -> Reply:
        bucket = self.buckets.setdefault(name, Bucket())
        good, faults = self._sorted(bucket, body.decode().split("\n"))
        if not good and not faults:
            return said(400, error="incoming write was empty")
        if not faults or self.product.partial:
            for point in good:
                bucket.store(point)
        return self.product.refuse(faults) if faults else (204, b"")

    def _sorted(self, bucket: Bucket, lines: Sequence[str]) -> tuple[list[Point], list[Fault]]:
        good: list[Point] = []
        faults: list[Fault] = []
        types: dict[tuple[str, str], type] = {}
        for number, line in enumerate(lines, 1):
            if not line or line.startswith("#"):
                continue
            try:
                point = read(line)
            except LineError as error:
                faults.append(Fault(number, line, "bad", str(error)))
                continue
            if words := bucket.conflict(point, types):
                if not self.product.later:
                    faults.append(Fault(number, line, "conflict", words))
            elif point.time >= bucket.oldest:
                good.append(point)
                types |= {(point.measurement, key): type(v) for key, v in point.fields.items()}
            elif not self.product.hides_old:
                faults.append(Fault(number, line, "old", "outside of the retention period"))
        return good, faults


def _by_time(entry: tuple[tuple[str, object, int], object]) -> int:
    return entry[0][2]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    stand_in: StandIn


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        parts = urlsplit(self.path)
        stand_in = cast("_Server", self.server).stand_in
        status, text = 404, b"404 page not found"
        if parts.path == "/api/v2/write":
            token = self.headers.get("Authorization", "")
            status, text = stand_in.write(parse_qs(parts.query), token, body)
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its name there
        """Say nothing."""
