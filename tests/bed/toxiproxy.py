"""A bad network between a client and a server: Toxiproxy, and a client of its HTTP API.

`find` gives the program in the version below: from the `PATH`, or as it was built before in the
user's cache directory, or built now from its Go module, which takes Go and less than a minute.

`PYTHONPATH=tests python tests/bed/toxiproxy.py` does that and prints what it found, so that the
build is seen.
"""

import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self
from urllib import error, parse, request

from bed import build, child
from bed.influxd import free_port

if TYPE_CHECKING:
    from subprocess import Popen

VERSION: Final = "2.12.0"
RECIPE: Final = Path(__file__).parent / "toxiproxy_build"
MODULE: Final = "github.com/Shopify/toxiproxy/v2"
PROGRAM: Final = "toxiproxy-server"

START_SECONDS: Final = 30
STOP_SECONDS: Final = 10
REQUEST_SECONDS: Final = 30


class NoToxiproxyError(Exception):
    """There is no Toxiproxy, and this is why."""


class NotStartedError(Exception):
    """The program ended, or did not answer in time; its log's last lines say more."""


def find() -> Path:
    """Give the program, building it if need be.

    Raises NoToxiproxyError with the reason, in words for the person at the terminal.
    """
    return _installed() or _cached() or _built()


def cache() -> Path:
    return build.cache(f"toxiproxy-{VERSION}")


def _installed() -> Path | None:
    """Take an installed one of just this version: what a toxic does has changed before."""
    path = shutil.which(PROGRAM)
    return Path(path) if path and VERSION in build.output(path, "-version").split() else None


def _cached() -> Path | None:
    path = cache() / PROGRAM
    return path if path.exists() else None


def _built() -> Path:
    if not shutil.which("go"):
        raise NoToxiproxyError("none is installed, and to build one go is missing")
    with build.alone(cache()):
        return _cached() or _build()


def _build() -> Path:
    build.say(f"building Toxiproxy {VERSION} into {cache()}: this is done once")
    version = f"-ldflags=-X {MODULE}.Version={VERSION}"
    with tempfile.TemporaryDirectory(dir=cache(), prefix="build-") as name:
        work = Path(name) / "module"
        shutil.copytree(RECIPE, work)
        try:
            build.go(work, f"{MODULE}/cmd/server", PROGRAM, version, env={"CGO_ENABLED": "0"})
        except build.NotBuiltError as failed:
            raise NoToxiproxyError(str(failed)) from failed
        (work / PROGRAM).rename(cache() / PROGRAM)
    return cache() / PROGRAM


class Stream(StrEnum):
    """Which way the bytes go that a toxic works on."""

    UP = "upstream"
    """From the client to the server."""
    DOWN = "downstream"
    """From the server to the client."""


@dataclass(frozen=True, slots=True)
class Toxic:
    """Something bad that a proxy does to the bytes of one stream; the functions below make one."""

    kind: str
    stream: Stream
    attributes: Mapping[str, int]

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.stream}"


def latency(stream: Stream, milliseconds: int, *, jitter: int = 0) -> Toxic:
    """Let everything come later."""
    return Toxic("latency", stream, {"latency": milliseconds, "jitter": jitter})


def bandwidth(stream: Stream, kilobytes: int) -> Toxic:
    """Let so many kB (1000 bytes) through a second."""
    return Toxic("bandwidth", stream, {"rate": kilobytes})


def trickle(stream: Stream, size: int, milliseconds: int) -> Toxic:
    """Let pieces of about so many bytes through, one in so many milliseconds."""
    attributes = {"average_size": size, "size_variation": 0, "delay": milliseconds * 1000}
    return Toxic("slicer", stream, attributes)


def black_hole(stream: Stream) -> Toxic:
    """Throw away all that comes; the connection stays open."""
    return Toxic("timeout", stream, {"timeout": 0})


def reset(stream: Stream, *, after: int = 0) -> Toxic:
    """Reset the connection so many milliseconds after its first byte on this stream."""
    return Toxic("reset_peer", stream, {"timeout": after})


def limit(stream: Stream, size: int) -> Toxic:
    """Close each connection once so many bytes went through it."""
    return Toxic("limit_data", stream, {"bytes": size})


class Toxiproxy:
    """A Toxiproxy of ours on the loopback interface: a context manager, gone with the tests.

    It logs to `log`.
    """

    def __init__(self, program: Path, log: Path) -> None:
        self._program = program
        self._log = log
        self._port = free_port()
        self._process: Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            child.end(self._process, signal.SIGTERM, seconds=STOP_SECONDS)

    def proxy(self, name: str, upstream: str) -> "Proxy":
        """Make a proxy on a free port, which stays the same, to `upstream` (a host and a port)."""
        made = Proxy(self, name, f"127.0.0.1:{free_port()}", upstream)
        made.create()
        made.enable()
        return made

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Send one request to the API and give the JSON it answers with; fails if it refuses."""
        data = json.dumps(body).encode() if body is not None else None
        url = f"http://127.0.0.1:{self._port}{path}"
        asked = request.Request(url, data, method=method)
        try:
            with request.urlopen(asked, timeout=REQUEST_SECONDS) as reply:  # noqa: S310  http is meant
                return json.loads(reply.read() or b"null")
        except error.HTTPError as refused:
            with refused:
                words = refused.read().decode(errors="replace").strip()
            raise AssertionError(f"{method} {path}: {refused.code} {words}") from refused

    def _start(self) -> None:
        self._process = child.start(
            [str(self._program), "-host", "127.0.0.1", "-port", str(self._port)],
            env=os.environ,
            cwd=self._log.parent,
            log=self._log,
        )
        give_up = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > give_up:
                tail = "\n".join(self._log.read_text(errors="replace").splitlines()[-10:])
                raise NotStartedError(f"Toxiproxy does not answer at port {self._port}:\n{tail}")
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            self.ask("GET", "/proxies")
        except OSError:
            return False
        return True


class Proxy:
    """One line to one server. As it is made, it lets everything through."""

    def __init__(self, toxiproxy: Toxiproxy, name: str, address: str, upstream: str) -> None:
        self.address = address  # the host and the port that a client connects to
        self._toxiproxy = toxiproxy
        self._path = f"/proxies/{parse.quote(name, safe='')}"
        self._facts = {"name": name, "listen": address, "upstream": upstream, "enabled": False}

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def create(self) -> None:
        """Make it, disabled."""
        self._toxiproxy.ask("POST", "/proxies", self._facts)

    def disable(self) -> None:
        """Cut every connection, and refuse new ones."""
        self._toxiproxy.ask("POST", self._path, {"enabled": False})

    def enable(self) -> None:
        self._toxiproxy.ask("POST", self._path, {"enabled": True})

    def add(self, *toxics: Toxic) -> None:
        """Put toxics on, also for connections that there are already."""
        for toxic in toxics:
            self._toxiproxy.ask(
                "POST",
                f"{self._path}/toxics",
                {
                    "name": toxic.name,
                    "type": toxic.kind,
                    "stream": toxic.stream,
                    "attributes": toxic.attributes,
                },
            )

    def remove(self, *toxics: Toxic) -> None:
        """Take toxics off. Bytes that one of them was holding back go through first."""
        for toxic in toxics:
            self._toxiproxy.ask("DELETE", f"{self._path}/toxics/{toxic.name}")

    def become(self, *toxics: Toxic) -> None:
        """Cut every connection; new ones have just these toxics, none to mend the line.

        A toxic has its full effect only on a connection that was opened under it (a reset, for
        instance, is else an orderly end). And the proxy is made anew, because to take a toxic off
        that holds bytes back for somebody who has gone takes seconds.
        """
        self._toxiproxy.ask("DELETE", self._path)
        self.create()
        self.add(*toxics)
        self.enable()


def main() -> int:
    try:
        found = find()
    except NoToxiproxyError as missing:
        build.say(f"no Toxiproxy: {missing}")
        return 1
    build.say(f"Toxiproxy for the tests: {found}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
