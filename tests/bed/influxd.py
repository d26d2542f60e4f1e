"""A real InfluxDB 2 for the tests.

`Database` talks to any server; `Influxd` is a `Database` whose server is ours: it can be killed,
kept away and started again on the same data and the same port.
"""

import atexit
import csv
import gzip
import io
import json
import os
import random
import resource
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Self
from urllib import error, parse, request

import pytest

from bed import child
from bed.influxdb import Image, Program

PREFIX: Final = "p1-influxd-"  # and the number of the process that made it
START_SECONDS: Final = 300
STOP_SECONDS: Final = 20
REQUEST_SECONDS: Final = 300  # on a busy machine; an answer does not wait for it
FAR_AWAY: Final = datetime(2099, 1, 1, tzinfo=UTC)


class NotStartedError(Exception):
    """The server ended, or did not answer in time; its log's last lines say more."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said to one request."""

    status: int
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body, parse_float=Decimal)


@dataclass(frozen=True, slots=True)
class Token:
    """A token that can be revoked: `id` names it, `text` is what a client sends."""

    id: str
    text: str = field(repr=False)


Row = Mapping[str, Any]


def at(path: str, **query: str) -> str:
    """Give a path with its query."""
    return f"{path}?{parse.urlencode(query)}"


class Database:
    """An InfluxDB 2 server and its organisation, reached with a token that may do everything."""

    def __init__(self, url: str, token: str, org: str) -> None:
        self.url = url
        self.token = token
        self.org = org

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request. `body` is sent as it is if it is bytes, else as JSON."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        asked = request.Request(self.url + path, data, method=method)  # noqa: S310  http is meant
        asked.add_header("Authorization", f"Token {token or self.token}")
        asked.add_header("Content-Type", "application/json")
        for name, value in (headers or {}).items():
            asked.add_header(name, value)
        try:
            with request.urlopen(asked, timeout=REQUEST_SECONDS) as reply:  # noqa: S310  as above
                return Answer(reply.status, reply.read())
        except error.HTTPError as reply:
            with reply:
                return Answer(reply.code, reply.read())

    def write(self, bucket: str, lines: str, *, token: str | None = None) -> Answer:
        """Write line protocol with timestamps in seconds."""
        return self.request(
            "POST",
            at("/api/v2/write", org=self.org, bucket=bucket, precision="s"),
            gzip.compress(lines.encode()),
            token=token,
            headers={"Content-Encoding": "gzip", "Content-Type": "text/plain; charset=utf-8"},
        )

    def new_bucket(self, name: str, retention_seconds: int = 0) -> str:
        """Make a bucket and give its name. A retention of 0 keeps points for ever."""
        rules = [{"type": "expire", "everySeconds": retention_seconds}]
        self._made(
            "/api/v2/buckets",
            {"orgID": self._org_id(), "name": name, "retentionRules": rules},
        )
        return name

    def write_token(self, bucket: str) -> Token:
        """Make a token that may write to one bucket and do nothing else."""
        resource = {"type": "buckets", "id": self._id("buckets", name=bucket)}
        made = self._made(
            "/api/v2/authorizations",
            {
                "orgID": self._org_id(),
                "permissions": [{"action": "write", "resource": resource}],
            },
        )
        return Token(made["id"], made["token"])

    def revoke(self, token: Token) -> None:
        answer = self.request("DELETE", f"/api/v2/authorizations/{token.id}")
        assert answer.status == 204, answer

    def activate(self, token: Token, *, active: bool) -> None:
        """Take a token away, or give it back: it stays the same."""
        status = {"status": "active" if active else "inactive"}
        answer = self.request("PATCH", f"/api/v2/authorizations/{token.id}", status)
        assert answer.status == 200, answer

    def delete_bucket(self, name: str) -> None:
        answer = self.request("DELETE", f"/api/v2/buckets/{self._id('buckets', name=name)}")
        assert answer.status == 204, answer

    def empty(self, bucket: str, up_to: datetime = FAR_AWAY) -> None:
        """Delete every point of a bucket, or those up to a time."""
        times = {"start": "1970-01-01T00:00:00Z", "stop": up_to.isoformat()}
        answer = self.request("POST", at("/api/v2/delete", org=self.org, bucket=bucket), times)
        assert answer.status == 204, answer

    def retain(self, bucket: str, seconds: int) -> None:
        """Set how long a bucket keeps its points; 0 is for ever."""
        rules = {"retentionRules": [{"type": "expire", "everySeconds": seconds}]}
        path = f"/api/v2/buckets/{self._id('buckets', name=bucket)}"
        answer = self.request("PATCH", path, rules)
        assert answer.status == 200, answer

    def influxql(self, bucket: str, query: str) -> list[Row]:
        """Give the rows of an InfluxQL query: tags and columns by name, time in seconds.

        Numbers are Decimal or int, digit for digit as the server printed them.
        """
        answer = self.request("GET", at("/query", db=bucket, q=query, epoch="s"))
        assert answer.status == 200, answer
        (result,) = answer.json["results"]
        assert "error" not in result, result
        return [
            {**series.get("tags", {}), **dict(zip(series["columns"], values, strict=True))}
            for series in result.get("series", [])
            for values in series["values"]
        ]

    def flux(self, query: str) -> list[Row]:
        """Give the rows of a Flux query, every value as the server's text."""
        answer = self.request(
            "POST",
            at("/api/v2/query", org=self.org),
            {"query": query, "dialect": {"annotations": []}},
            headers={"Accept": "application/csv"},
        )
        assert answer.status == 200, answer
        tables = answer.body.decode().replace("\r\n", "\n").split("\n\n")
        return [row for table in tables for row in csv.DictReader(io.StringIO(table))]

    def _org_id(self) -> str:
        return self._id("orgs", org=self.org)

    def _id(self, kind: str, **query: str) -> str:
        answer = self.request("GET", at(f"/api/v2/{kind}", **query))
        assert answer.status == 200, answer
        (found,) = answer.json[kind]
        identifier: str = found["id"]
        return identifier

    def _made(self, path: str, body: Any) -> Any:
        answer = self.request("POST", path, body)
        assert answer.status == 201, answer
        return answer.json


class Influxd(Database):
    """An `influxd` of ours on the loopback interface, with data of its own.

    A context manager: it starts on entry, and on exit it is stopped and its data are removed.
    """

    def __init__(self, found: Program | Image) -> None:
        super().__init__(f"http://127.0.0.1:{free_port()}", secrets.token_urlsafe(), "p1")
        self._found = found
        self._data = _directory()
        self._log = self._data / "influxd.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._container = ""

    def __enter__(self) -> Self:
        try:
            self.start()
            self._set_up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self.running:
            self.kill()
        shutil.rmtree(self._data)

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the server and return once it answers. Data from an earlier start are kept."""
        assert not self.running, "it runs already"
        self._container = f"p1-influxd-{secrets.token_hex(8)}"
        self._process = child.start(
            self._command(),
            env={k: v for k, v in os.environ.items() if not k.startswith("INFLUX")},
            cwd=self._data,
            log=self._log,
            # Docker's client hands this one on; nobody can hand on a SIGKILL.
            last_signal=signal.SIGKILL if isinstance(self._found, Program) else signal.SIGTERM,
        )
        self._wait_for_answers()

    def stop(self) -> None:
        """End the server as an operating system does, with SIGTERM."""
        child.end(self._running_process(), signal.SIGTERM, seconds=STOP_SECONDS)

    def kill(self) -> None:
        """End the server as a power cut does: with no warning."""
        process = self._running_process()
        if isinstance(self._found, Image):
            docker = ["docker", "kill", self._container]
            subprocess.run(docker, check=True, capture_output=True, timeout=STOP_SECONDS)
            process.wait(STOP_SECONDS)
        else:
            child.end(process, signal.SIGKILL, seconds=STOP_SECONDS)

    def suspend(self) -> None:
        """Let it hang: it takes connections and answers nothing, until it goes on."""
        self._running_process().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._running_process().send_signal(signal.SIGCONT)

    def fill_disk(self, bytes_: int) -> None:
        """Let none of its files grow beyond so many bytes until it is started again."""
        if isinstance(self._found, Image):
            pytest.skip("a container's disk is not ours to fill")
        pid = self._running_process().pid
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (bytes_, resource.RLIM_INFINITY))

    def _running_process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        assert self.running, "it does not run"
        return self._process

    def _command(self) -> Sequence[str]:
        arguments = [
            "run",
            f"--http-bind-address={self.url.removeprefix('http://')}",
            f"--bolt-path={self._data / 'influxd.bolt'}",
            f"--sqlite-path={self._data / 'influxd.sqlite'}",
            f"--engine-path={self._data / 'engine'}",
            "--reporting-disabled",
            "--ui-disabled",
            "--storage-write-timeout=5m",  # ten seconds are too few where others have the disk
        ]
        if isinstance(self._found, Program):
            return [self._found.path, *arguments]
        return [
            *("docker", "run", "--rm", f"--name={self._container}", "--network=host"),
            *(f"--user={os.getuid()}:{os.getgid()}", f"--volume={self._data}:{self._data}"),
            *("--entrypoint=influxd", self._found.name),
            *arguments,
        ]

    def _wait_for_answers(self) -> None:
        give_up = time.monotonic() + START_SECONDS
        while not self._answers():
            if not self.running or time.monotonic() > give_up:
                tail = "\n".join(self._log.read_text(errors="replace").splitlines()[-10:])
                raise NotStartedError(f"influxd does not answer at {self.url}:\n{tail}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            return self.request("GET", "/ready").status == 200
        except OSError:
            return False

    def _set_up(self) -> None:
        self._made(
            "/api/v2/setup",
            {
                "username": "tests",
                "password": secrets.token_urlsafe(),
                "token": self.token,
                "org": self.org,
                "bucket": "first",
            },
        )


def _directory() -> Path:
    """Make a directory, on the RAM disk where there is one, and remove what the dead left there.

    Tests that were killed could not clean up, and a RAM disk keeps what it has until a reboot.
    """
    shm = Path("/dev/shm")  # noqa: S108  mkdtemp makes a private directory in it
    place = shm if os.access(shm, os.W_OK) else Path(tempfile.gettempdir())
    for left in place.glob(f"{PREFIX}*"):
        if not Path("/proc", left.name.removeprefix(PREFIX).partition("-")[0]).exists():
            shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=place))


def free_port() -> int:
    """Choose a port that nobody else gets, also while the server is away, until the tests end.

    A socket of ours stays bound to it and never listens: who connects is refused, and another
    process that chooses like this is told that the port is taken. A server that may use a port
    again soon (SO_REUSEADDR, as all do) can still listen there, as often as it is started.

    It lies below the ports that the kernel hands out by itself.
    """
    choose = random.SystemRandom()  # every run of the tests seeds the other generator alike
    while True:
        holder = socket.socket()
        try:
            holder.bind(("127.0.0.1", choose.randrange(15_000, 32_000)))
        except OSError:
            holder.close()
            continue
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # from now on
        atexit.register(holder.close)
        port: int = holder.getsockname()[1]
        return port
