"""An InfluxDB 1.x for the tests: Debian's `influxdb` package, which speaks nothing but InfluxQL.

`find` takes `influxd` of version 1 from the `PATH`, or what it unpacked before into the user's
cache, or asks apt for the package and unpacks it there. Nothing is installed.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib import error, parse, request

from bed import child
from bed.influxd import Answer, free_port
from bed.influxdb import cache
from dashboards.node import alone

PACKAGE: Final = "influxdb"
PROGRAM: Final = "usr/bin/influxd"
DOWNLOAD: Final = ("apt-get", "--option=Acquire::Retries=5", "download", PACKAGE)
START_SECONDS: Final = 60
SECONDS: Final = 60


class NoInfluxDB1Error(Exception):
    """There is none, and this is why."""


def find() -> Path:
    """Give the program; raises NoInfluxDB1Error with the reason in words."""
    _unpacked().parent.mkdir(parents=True, exist_ok=True)
    with alone(_unpacked().with_suffix(".lock")):
        for path in (shutil.which("influxd"), str(_unpacked() / PROGRAM)):
            if path and Path(path).exists() and "InfluxDB v1" in _version(path):
                return Path(path)
        return _from_debian()


def _unpacked() -> Path:
    return cache().parent / "influxdb-1"


def _version(path: str) -> str:
    done = subprocess.run([path, "version"], check=False, capture_output=True, text=True)
    return done.stdout


def _from_debian() -> Path:
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise NoInfluxDB1Error("no `influxd` of version 1 on the PATH, and this is no Debian")
    with tempfile.TemporaryDirectory(dir=_unpacked().parent, prefix="influxdb-1-") as name:
        here = Path(name)
        if not _ran(DOWNLOAD, here):
            # The lists may be missing; where that may not be mended, the second try says so.
            _ran(["apt-get", "update"], here)
            if not _ran(DOWNLOAD, here):
                raise NoInfluxDB1Error(f"`apt-get download {PACKAGE}` gave nothing")
        (package,) = here.glob("*.deb")
        _ran(["dpkg-deb", "--extract", package.name, "root"], here)
        shutil.rmtree(_unpacked(), ignore_errors=True)
        (here / "root").rename(_unpacked())
    return _unpacked() / PROGRAM


def _ran(command: Sequence[str], here: Path) -> bool:
    done = subprocess.run(command, cwd=here, check=False, capture_output=True, timeout=300)
    return done.returncode == 0


class Influxd1:
    """A server on the loopback interface with data of its own; a context manager."""

    def __init__(self, program: Path, home: Path) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self._program = program
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        config = self._home / "influxdb.conf"
        config.write_text(
            f"""reporting-disabled = true
bind-address = "127.0.0.1:0"
[meta]
  dir = "{self._home}/meta"
[data]
  dir = "{self._home}/data"
  wal-dir = "{self._home}/wal"
  query-log-enabled = false
[http]
  bind-address = "{self.url.removeprefix("http://")}"
  log-enabled = false
[monitor]
  store-enabled = false
"""
        )
        self._process = child.start(
            [str(self._program), "-config", str(config)],
            env=dict(os.environ),
            cwd=self._home,
            log=self._home / "influxd.log",
        )
        self._wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process is not None
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(10)

    def _wait(self) -> None:
        give_up = time.monotonic() + START_SECONDS
        while time.monotonic() < give_up:
            try:
                if self.request("GET", "/ping").status == 204:
                    return
            except OSError:
                time.sleep(0.05)
        raise NoInfluxDB1Error(f"{self._program} does not answer at {self.url}")

    def request(self, method: str, path: str, body: bytes | None = None) -> Answer:
        asked = request.Request(self.url + path, body, method=method)  # noqa: S310  http is meant
        try:
            with request.urlopen(asked, timeout=SECONDS) as reply:  # noqa: S310  as above
                return Answer(reply.status, reply.read())
        except error.HTTPError as reply:
            with reply:
                return Answer(reply.code, reply.read())

    def make(self, database: str) -> None:
        query = parse.urlencode({"q": f'CREATE DATABASE "{database}"'})
        assert self.request("POST", f"/query?{query}").status == 200

    def load(self, database: str, lines: bytes) -> None:
        """Load line protocol with timestamps in seconds, as one does by hand."""
        query = parse.urlencode({"db": database, "precision": "s"})
        answer = self.request("POST", f"/write?{query}", lines)
        assert answer.status == 204, answer
