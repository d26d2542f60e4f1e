"""Where the InfluxDBs for the tests come from.

The tests of the program take version 2.7; those of what differs take the others beside it, which
`other` gives: as they were built before, or built now. `find` answers for 2.7 with the first of
these that is there:

1. the server that `P1_TEST_INFLUXDB_URL` and `P1_TEST_INFLUXDB_TOKEN` (and `_ORG`) name;
2. `influxd` on the `PATH`;
3. `influxd` as it was built before, in the user's cache directory;
4. Docker with the image `influxdb:2.7`, if a daemon answers;
5. a build of InfluxDB's Go module, which takes Go, Rust, a C compiler and some four minutes.

`PYTHONPATH=tests python tests/bed/influxdb.py [VERSION]...` does that and prints what it found, so
that a long build is seen.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bed import build

IMAGE: Final = "influxdb:2.7"
RECIPES: Final = Path(__file__).parent / "influxd_build"
PKG_CONFIG: Final = "github.com/influxdata/pkg-config"
TAGS: Final = "sqlite_foreign_keys,sqlite_json,noassets"


@dataclass(frozen=True, slots=True)
class Recipe:
    """A version that is built, and the directory that pins what of."""

    version: str
    module: str = "github.com/influxdata/influxdb/v2/cmd/influxd"

    @property
    def directory(self) -> Path:
        return RECIPES / self.version.rpartition(".")[0]


USUAL: Final = Recipe("2.7.12")
NEWEST: Final = Recipe("2.8.0")
"""2.10 wants Flux 0.201, whose source could not be fetched in November 2026."""
FIRST: Final = Recipe("1.13.2", "github.com/influxdata/influxdb/cmd/influxd")
EVERY: Final = {recipe.version: recipe for recipe in (USUAL, NEWEST, FIRST)}


class NoInfluxDBError(Exception):
    """There is no InfluxDB, and this is why."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs already and is not ours to stop."""

    url: str
    token: str = field(repr=False)
    org: str


@dataclass(frozen=True, slots=True)
class Program:
    """An `influxd` that can be started."""

    path: str
    generation: int = 2
    """Version 1 is told and asked in other words."""


@dataclass(frozen=True, slots=True)
class Image:
    """A Docker image whose `influxd` can be started."""

    name: str


Found = Server | Program | Image


def find() -> Found:
    """Give the first InfluxDB there is, building one if need be.

    Raises NoInfluxDBError with the reason, in words for the person at the terminal.
    """
    return _named() or _installed() or _cached() or _docker() or _built()


def other(recipe: Recipe) -> Program:
    """Give an InfluxDB of just this version. Raises NoInfluxDBError as `find` does."""
    return _cached(recipe) or _built(recipe)


def _named() -> Server | None:
    url = os.environ.get("P1_TEST_INFLUXDB_URL")
    token = os.environ.get("P1_TEST_INFLUXDB_TOKEN")
    if not url and not token:
        return None
    if not url or not token:
        raise NoInfluxDBError(
            "P1_TEST_INFLUXDB_URL and P1_TEST_INFLUXDB_TOKEN go together: set both or neither"
        )
    return Server(url.rstrip("/"), token, os.environ.get("P1_TEST_INFLUXDB_ORG", "p1-collector"))


def _installed() -> Program | None:
    path = shutil.which("influxd")
    return Program(path) if path and _is_version_2(path) else None


def _is_version_2(path: str) -> bool:
    """Tell version 2 from version 1, whose program has the same name."""
    return "InfluxDB v1" not in build.output(path, "version")


def _cached(recipe: Recipe = USUAL) -> Program | None:
    path = cache(recipe) / "influxd"
    return _program(recipe) if path.exists() else None


def _program(recipe: Recipe) -> Program:
    return Program(str(cache(recipe) / "influxd"), int(recipe.version.partition(".")[0]))


def cache(recipe: Recipe = USUAL) -> Path:
    return build.cache(f"influxd-{recipe.version}")


def _docker() -> Image | None:
    if not shutil.which("docker") or not build.output(
        "docker", "version", "-f", "{{.Server.Version}}"
    ):
        return None
    pulled = subprocess.run(
        ["docker", "pull", "--quiet", IMAGE], check=False, capture_output=True, timeout=600
    )
    return Image(IMAGE) if pulled.returncode == 0 else None


def _built(recipe: Recipe = USUAL) -> Program:
    missing = [tool for tool in ("go", "cargo", "cc") if not shutil.which(tool)]
    if missing:
        raise NoInfluxDBError(
            f"none is named, installed or in Docker, and to build one {' and '.join(missing)} "
            "is missing (Go, Rust and a C compiler are needed)"
        )
    with build.alone(cache(recipe)):
        return _cached(recipe) or _build(recipe)


def _build(recipe: Recipe) -> Program:
    place = cache(recipe)
    build.say(
        f"building InfluxDB {recipe.version} into {place}: this is done once, it takes minutes"
    )
    with tempfile.TemporaryDirectory(dir=place, prefix="build-") as name:
        work = Path(name) / "module"
        shutil.copytree(recipe.directory, work)
        shutil.copy(RECIPES / "cargo", work)
        (work / "cargo").chmod(0o755)  # some ways of unpacking forget it
        env = _environment(work)
        try:
            build.go(work, PKG_CONFIG, "pkg-config", env=env)
            build.go(work, recipe.module, "influxd", "-tags", TAGS, env=env)
        except build.NotBuiltError as error:
            raise NoInfluxDBError(str(error)) from error
        (work / "influxd").rename(place / "influxd")
    return _program(recipe)


def _environment(work: Path) -> dict[str, str]:
    env = {
        "CGO_ENABLED": "1",
        "CARGO": str(work / "cargo"),
        "PKG_CONFIG": str(work / "pkg-config"),
    }
    # Flux asks rustup for a compiler of 2023; the one at hand does as well and is not fetched.
    toolchain = _toolchain()
    return env | {"RUSTUP_TOOLCHAIN": toolchain} if toolchain else env


def _toolchain() -> str | None:
    """Name an installed Rust toolchain, the default one first; None without rustup."""
    lines = build.output("rustup", "toolchain", "list").splitlines()
    lines.sort(key=lambda line: "default" not in line)
    return lines[0].split()[0] if lines else None


def main(versions: Sequence[str]) -> int:
    try:
        found: list[object] = [other(EVERY[version]) for version in versions] or [find()]
    except NoInfluxDBError as error:
        build.say(f"no InfluxDB: {error}")
        return 1
    for one in found:
        build.say(f"InfluxDB for the tests: {one}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
