"""Telegraf with its disk buffer, the peer of the figures: built once from its Go module.

It has the parts that the comparison needs and no others: a socket that takes line protocol, and
InfluxDB. Every setting that is not named in `_CONFIGURATION` is Telegraf's default.
"""

import os
import shutil
import signal
import socket
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from bed import build, child

if TYPE_CHECKING:
    from subprocess import Popen

VERSION: Final = "1.37.2"
RECIPE: Final = Path(__file__).parent / "telegraf_build"
PACKAGE: Final = "github.com/influxdata/telegraf/cmd/telegraf"
TAGS: Final = "custom,inputs.socket_listener,outputs.influxdb_v2,parsers.influx,serializers.influx"
_START_SECONDS: Final = 60
_STOP_SECONDS: Final = 20
_CONFIGURATION: Final = """\
[agent]
  buffer_strategy = "disk"
  buffer_directory = "{buffer}"
  omit_hostname = true
[[inputs.socket_listener]]
  service_address = "unix://{socket}"
  data_format = "influx"
  influx_timestamp_precision = "1s"
[[outputs.influxdb_v2]]
  urls = ["{url}"]
  token = "${{FIGURES_TOKEN}}"
  organization = "{org}"
  bucket = "{bucket}"
"""


def program() -> Path:
    """Give the program, and build it first if it is not there. Raises `build.NotBuiltError`."""
    directory = build.cache(f"telegraf-{VERSION}")
    built = directory / "telegraf"
    with build.alone(directory):
        if not built.exists():
            _build(directory)
    return built


def _build(directory: Path) -> None:
    build.say(f"building Telegraf {VERSION} into {directory}: once, in some minutes")
    with tempfile.TemporaryDirectory(dir=directory, prefix="build-") as name:
        work = Path(name) / "module"
        shutil.copytree(RECIPE, work)
        build.go(work, PACKAGE, "telegraf", "-tags", TAGS, env={})
        (work / "telegraf").rename(directory / "telegraf")


class Telegraf:
    """A context manager: it runs, and takes lines, from entry to exit.

    It may be stopped and started again; in `buffer` it keeps what is not delivered.
    """

    def __init__(
        self, home: Path, buffer: Path, *, url: str, token: str, org: str, bucket: str
    ) -> None:
        home.mkdir(parents=True)
        self._home = home
        self._socket = home / "socket"
        self._token = token
        self._sending: socket.socket | None = None
        self._process: Popen[bytes] | None = None
        (home / "telegraf.conf").write_text(
            _CONFIGURATION.format(
                buffer=buffer, socket=self._socket, url=url, org=org, bucket=bucket
            )
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it and return once it takes lines."""
        self._socket.unlink(missing_ok=True)
        self._process = child.start(
            [str(program()), "--config", str(self._home / "telegraf.conf")],
            env=os.environ | {"FIGURES_TOKEN": self._token},
            cwd=self._home,
            log=self._home / "telegraf.log",
        )
        self._sending = self._connected()

    def stop(self) -> None:
        if self._sending is not None:
            self._sending.close()
        if self._process is not None and self._process.poll() is None:
            child.end(self._process, signal.SIGTERM, seconds=_STOP_SECONDS)

    def feed(self, lines: bytes) -> None:
        """Send lines with timestamps in seconds; waits while it does not take them."""
        assert self._sending is not None
        self._sending.sendall(lines)

    def tail(self) -> str:
        return "\n".join((self._home / "telegraf.log").read_text().splitlines()[-10:])

    def _connected(self) -> socket.socket:
        give_up = time.monotonic() + _START_SECONDS
        while True:
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(str(self._socket))
            except OSError:
                connection.close()
                assert self._process is not None
                if self._process.poll() is not None or time.monotonic() > give_up:
                    raise AssertionError(f"Telegraf takes no lines:\n{self.tail()}") from None
                time.sleep(0.005)
            else:
                return connection
