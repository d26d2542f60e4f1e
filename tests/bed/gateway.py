"""A HomeWizard P1 meter as a program on the network sees it, both versions of its local API.

It answers as its maker's documentation says (https://api-documentation.homewizard.com).
"""

import json
import ssl
from collections.abc import Callable  # noqa: TC003  an attribute has this type
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Final, Self, cast

PACE: Final = 0.02
SERIAL: Final = "5c2fafc0ffee"
HOST: Final = f"appliance/p1dongle/{SERIAL}"
TOKEN: Final = "0123456789ABCDEF" * 2

Reply = tuple[int, str, bytes]


def said(status: int, words: object) -> Reply:
    return status, "application/json", json.dumps(words).encode()


class HomeWizard:
    """A context manager; with `context` it speaks TLS, as version 2 does."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.telegram: Callable[[], bytes] = lambda: b""
        self.is_enabled = True
        self.button_is_pressed = False
        self.asked: list[str] = []
        self.answer: Reply | None = None
        """What it says to everybody, if that is anything else."""
        self.keeps_alive = True
        self.connections = 0
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.device = self
        self._scheme = "https" if context else "http"
        if context:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port: int = self._server.server_address[1]
        self.url = f"{self._scheme}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread = Thread(target=self._server.serve_forever, args=(PACE,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def reply(self, method: str, path: str, headers: Any, body: bytes) -> Reply:
        self.asked.append(f"{method} {path}")
        if self.answer:
            return self.answer
        if self._scheme == "http":
            return self._version_1(path)
        if headers.get("X-Api-Version") != "2":
            return said(400, {"error": "request:api-version-not-supported"})
        if (method, path) == ("POST", "/api/user"):
            return self._pair(json.loads(body)["name"])
        if headers.get("Authorization") != f"Bearer {TOKEN}":
            return said(401, {"error": "user:unauthorized"})
        return self._telegram() if path == "/api/telegram" else said(404, {"error": "not-found"})

    def _version_1(self, path: str) -> Reply:
        if path == "/api":
            return said(200, {"product_type": "HWE-P1", "serial": SERIAL, "api_version": "v1"})
        if not self.is_enabled:
            return said(403, {"error": {"id": 202, "description": "API not enabled"}})
        if path == "/api/v1/data":
            return said(200, {"active_power_w": 1})
        return self._telegram() if path == "/api/v1/telegram" else (404, "text/plain", b"")

    def _pair(self, name: str) -> Reply:
        if not name.startswith("local/"):
            return said(400, {"error": "user:invalid-prefix"})
        if not self.button_is_pressed:
            return said(403, {"error": "user:creation-not-enabled"})
        return said(200, {"token": TOKEN, "name": name})

    def _telegram(self) -> Reply:
        if telegram := self.telegram():
            return 200, "text/plain", telegram
        return 503, "text/plain", b"telegram:no-telegram-received"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    device: HomeWizard

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of who hangs up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        cast("_Server", self.server).device.connections += 1

    def do_GET(self) -> None:
        device = cast("_Server", self.server).device
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, kind, text = device.reply(self.command, self.path, self.headers, body)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
        self.close_connection = not device.keeps_alive  # without a word about it

    do_POST = do_GET  # noqa: N815  its name there

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its name there
        """Say nothing."""
