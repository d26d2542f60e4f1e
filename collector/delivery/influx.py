"""One write request to InfluxDB: ready-made bytes in, an answer out, within a total deadline.

`influxdb_client` takes long to import, so this module is imported by the sender's thread alone,
after reading has begun.
"""

import json
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPException
from threading import Thread, current_thread
from typing import Any, Final

import urllib3
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.rest import ApiException
from influxdb_client.service.write_service import WriteService
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from collector.delivery.answer import Answer, Packed, Target, pack, retry_after, told
from collector.delivery.causes import explain

CONNECT_SECONDS: Final = 5.0
CUT_SECONDS: Final = 1.0
"""How long a request may take to notice that its connection was cut."""
MOST_BYTES: Final = 64 * 1024
"""So much of an answer is read, of what comes packed nothing: the words in it need no more."""
PLACEHOLDER: Final = "-"
"""An organisation where none is set: some products need none, and refuse an empty one."""
_LONGEST_MESSAGE: Final = 500
_ONE_CHARACTER: Final = 7
"""Bytes that a character of JSON may have, as an escape, and one."""


class Influx:
    """Writes line protocol to one bucket; each call of `write` is exactly one request.

    The client's own time-outs are per socket operation, and looking up a name has none: a server
    that trickles its answer would hold a request for ever. So each request runs in a thread of
    its own, and when the deadline has passed its connection is cut. `meanwhile` is called in each,
    by who waits for the answer.
    """

    meanwhile: Callable[[], None]

    def __init__(self, target: Target, *, deadline: float) -> None:
        self.meanwhile = lambda: None
        self._target = target
        self._deadline = deadline
        self._connection: HTTPConnection | None = None
        self._socket: socket.socket | None = None
        self._client: InfluxDBClient | None = None
        self._late: Thread | None = None

    def write(self, lines: bytes) -> Answer:
        """Post lines with timestamps in seconds. Never raises: a failure is an answer too.

        Lines that are packed already go as they are.
        """
        if self._late is not None and self._late.is_alive():
            return Answer(0, "the last request still hangs (the name server, perhaps)")
        body = lines if isinstance(lines, Packed) else pack([lines])
        answers: list[Answer] = []
        thread = Thread(
            target=lambda: answers.append(self._post(body)), name="request", daemon=True
        )
        cut_at = time.monotonic() + self._deadline
        thread.start()
        self.meanwhile()
        thread.join(max(0.0, cut_at - time.monotonic()))
        if thread.is_alive():
            self._late = thread
            self._cut()
            thread.join(CUT_SECONDS)
            return self._too_late()
        return answers[0] if answers else Answer(0, "the request broke off")

    def _post(self, body: bytes) -> Answer:
        try:
            service: Any = WriteService(self._opened().api_client)  # type: ignore[no-untyped-call]  # theirs
            response = service.post_write_with_http_info(
                org=self._target.org or PLACEHOLDER,
                bucket=self._target.bucket,
                body=body,
                precision="s",
                content_encoding="gzip",
                # The client would decode any page as UTF-8, and lose its status if it is not.
                _preload_content=False,
                _return_http_data_only=True,
            )
            return Answer(response.status, self._words(response.data))
        except ApiException as error:
            return self._refusal(error)
        except urllib3.exceptions.ReadTimeoutError:
            return self._too_late()  # who waits was held up: the computer slept, for instance
        except (urllib3.exceptions.HTTPError, HTTPException, OSError) as error:
            return Answer(0, self._words(explain(error, self._target.url)))
        except ValueError:
            # What cannot be put into a request; its words would show the token.
            what = "cannot ask: check `P1_INFLUX_URL`, `P1_INFLUX_TOKEN` for typing errors"
            return Answer(0, what)

    def _too_late(self) -> Answer:
        return Answer(0, f"no answer within {self._deadline:g} s", is_late=True)

    def _refusal(self, error: ApiException) -> Answer:
        if not error.status:
            return Answer(0, self._words(explain(error, self._target.url)))
        return Answer(
            error.status,
            self._words(error.message or error.reason),
            retry_after(error.retry_after),
            is_page=not _is_json(error.body),
            told=told(f"{error.message}\n{_text(error.body or b'')}"),
        )

    def _words(self, text: object) -> str:
        """Make one line of what somebody said, without the token, should they repeat it."""
        words = _text(text) if isinstance(text, bytes) else str(text or "")
        if self._target.token:
            words = words.replace(self._target.token, "(token)")
        return " ".join(words.split())[:_LONGEST_MESSAGE]

    def _opened(self) -> InfluxDBClient:
        if self._client is None:
            target = self._target
            connecting = int(min(CONNECT_SECONDS, self._deadline) * 1000)
            self._client = InfluxDBClient(
                target.url,
                target.token,
                org=target.org,
                # Reading has longer, so that it is always the deadline that ends it.
                timeout=(connecting, int(2 * self._deadline * 1000)),
                ssl_ca_cert=target.ca_file,
            )
            self._watch(self._client.api_client.rest_client.pool_manager)
        return self._client

    def _watch(self, manager: Any) -> None:
        """Make the pool tell which connections it opens, so that they can be cut."""
        opening, opened = self._opening, self._end_if_late

        class Plain(HTTPConnection):
            def connect(self) -> None:
                opening(self)
                super().connect()
                opened(self)

        class Secure(Plain, HTTPSConnection):
            pass

        class PlainPool(_Bounded, HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(_Bounded, HTTPSConnectionPool):
            ConnectionCls = Secure

        manager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}

    def _opening(self, connection: HTTPConnection) -> None:
        self._connection, self._socket = connection, None

    def _end_if_late(self, connection: HTTPConnection) -> None:
        """End what is connected at last, after the deadline: nobody would cut it any more."""
        # `http.client` lets go of it as soon as an answer says that it is the last.
        self._socket = connection.sock
        if current_thread() is self._late:
            connection.close()
            raise TimeoutError

    def _cut(self) -> None:
        self._client = None
        opened = self._socket or (self._connection and self._connection.sock)
        if opened:
            with suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)


class _Bounded(HTTPConnectionPool):
    """Gives answers of which no more than `MOST_BYTES` are read, and nothing is unpacked."""

    def urlopen(self, *arguments: Any, **more: Any) -> Any:
        answer = super().urlopen(*arguments, **more)
        body = b""
        while piece := answer.read(MOST_BYTES - len(body), decode_content=False):
            body += piece
        answer.close()  # if that was not all of it, so does its connection
        answer.release_conn()
        if len(body) == MOST_BYTES:
            body = _closed(body)
        return urllib3.HTTPResponse(
            b"" if "Content-Encoding" in answer.headers else body,
            answer.headers,
            answer.status,
            reason=answer.reason,
            decode_content=False,
            retries=answer.retries,
        )


def _closed(body: bytes) -> bytes:
    """End an object of JSON that was cut in its last text: InfluxDB's words on every bad line."""
    for lost in range(_ONE_CHARACTER):
        whole = body[: len(body) - lost] + b'"}'
        if _is_json(whole):
            return whole
    return body


def _text(body: bytes) -> str:
    return body.decode("utf-8", "replace")


def _is_json(body: bytes | None) -> bool:
    try:
        return isinstance(json.loads(body or b""), dict)
    except (ValueError, RecursionError):
        return False
