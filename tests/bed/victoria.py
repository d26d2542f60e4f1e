"""A real VictoriaMetrics for the tests, built once from its Go module: a target, and no more."""

import json
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self
from urllib import parse, request

from bed import build, child
from bed.influxd import Token, free_port

if TYPE_CHECKING:
    import subprocess

VERSION: Final = "1.151.0"
RECIPE: Final = Path(__file__).parent / "victoria_build"
PACKAGE: Final = "github.com/VictoriaMetrics/VictoriaMetrics/app/victoria-metrics"
PROGRAM: Final = "victoria-metrics"
START_SECONDS: Final = 60


class NoVictoriaError(Exception):
    """There is none, and this is why."""


def find() -> Path:
    """Give the program, building it if need be. Raises NoVictoriaError with the reason."""
    place = build.cache(f"victoria-{VERSION}")
    if not (place / PROGRAM).exists() and not shutil.which("go"):
        raise NoVictoriaError("to build it go is missing")
    with build.alone(place):
        if not (place / PROGRAM).exists():
            _build(place)
    return place / PROGRAM


def _build(place: Path) -> None:
    build.say(f"building VictoriaMetrics {VERSION} into {place}: this is done once")
    with tempfile.TemporaryDirectory(dir=place, prefix="build-") as name:
        work = Path(name) / "module"
        shutil.copytree(RECIPE, work)
        try:
            build.go(work, PACKAGE, PROGRAM, env={"CGO_ENABLED": "0"})
        except build.NotBuiltError as error:
            raise NoVictoriaError(str(error)) from error
        (work / PROGRAM).rename(place / PROGRAM)


class Victoria:
    """A server on the loopback interface with data of its own; a context manager."""

    org = ""

    def __init__(self, program: Path, home: Path) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self._program = program
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._home.mkdir(exist_ok=True)
        self._process = child.start(
            [
                str(self._program),
                f"-storageDataPath={self._home / 'data'}",
                f"-httpListenAddr={self.url.removeprefix('http://')}",
                "-retentionPeriod=100y",
            ],
            env=dict(os.environ),
            cwd=self._home,
            log=self._home / "victoria.log",
        )
        give_up = time.monotonic() + START_SECONDS
        while not self._answers():
            assert time.monotonic() < give_up, (self._home / "victoria.log").read_text()
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)

    def new_bucket(self, name: str) -> str:
        """Give a name: it needs no making."""
        return name

    def write_token(self, _: str) -> Token:
        return Token("", secrets.token_urlsafe())

    def stored(self, metric: str, site: str) -> Mapping[int, float]:
        """Give the values of one metric, by the second. Nothing says which bucket was meant."""
        self._get("/internal/force_flush")
        match = parse.urlencode({"match[]": f'{metric}{{site="{site}"}}'})
        series: list[dict[str, Any]] = [
            json.loads(line) for line in self._get(f"/api/v1/export?{match}").splitlines()
        ]
        return {
            stamp // 1000: value
            for one in series
            for stamp, value in zip(one["timestamps"], one["values"], strict=True)
        }

    def _get(self, path: str) -> bytes:
        with request.urlopen(self.url + path, timeout=60) as reply:  # noqa: S310  ours
            text: bytes = reply.read()
            return text

    def _answers(self) -> bool:
        try:
            self._get("/health")
        except OSError:
            return False
        return True
