"""The InfluxDB of the demo: the user's, else an `influxd` of the demo's own, else a stand-in."""

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import urllib3

import collector
from collector.commands.check.database import COMMENT, access
from collector.commands.demo.process import Process
from collector.commands.demo.receiver import Onward
from collector.delivery.answer import Target, shown
from collector.delivery.influx import Influx
from collector.errors import CollectorError
from collector.settings.settings import load

_DEADLINE: Final = 10.0  # seconds for a request
_START: Final = 60.0  # seconds that `influxd` may take to begin
_PACE: Final = 0.2
_NAME: Final = "p1"  # the user, organisation and bucket of the demo's own
_READY: Final = 200
_MADE: Final = 201
_APPLY: Final = Path(collector.__file__).parents[1] / "dashboards/influxdb/apply.py"


@dataclass(frozen=True, slots=True)
class Database:
    """Where the readings go at last; without a target the demo's receiver keeps them itself."""

    name: str
    target: Target | None = None
    onward: Onward | None = None
    password: str = field(default="", repr=False)  # of the user `p1`, if it is the demo's own


@contextlib.contextmanager
def database(folder: Path) -> Iterator[Database]:
    """Give the best there is; raises at once what is wrong with the user's, and nothing else."""
    settings, problems = load()
    for problem in problems:
        if "P1_INFLUX_" in str(problem):
            raise problem
    if users := settings.target:
        yield Database("InfluxDB", users, _tried(users))
    elif program := _influxd():
        with _started(program, folder) as own:
            yield own
    else:
        yield Database("the stand-in")


def apply_dashboards(target: Target) -> None:
    """Put the dashboards into its UI, from a clone; a package that is installed has none."""
    if _APPLY.exists():
        options = (f"--url={target.url}", f"--org={target.org}", f"--bucket={target.bucket}")
        subprocess.run(  # noqa: S603 - ours
            [sys.executable, str(_APPLY), *options],
            env={**os.environ, "INFLUX_TOKEN": target.token},
            check=False,
        )


def _tried(target: Target) -> Onward:
    """Give what writes there, if it takes anything."""
    write = Influx(target, deadline=_DEADLINE).write
    if wrong := [found.what for found in access(write(COMMENT), target) if found.remedy]:
        hint = "`p1-collector check` says more; without P1_INFLUX_URL the demo needs none"
        raise CollectorError(f"InfluxDB at `{shown(target.url)}`: {wrong[0]}", hint=hint)
    return write


def _influxd() -> str | None:
    """Find version 2; version 1's program has the same name."""
    if (path := shutil.which("influxd")) is None:
        return None
    said = subprocess.run([path, "version"], check=False, capture_output=True).stdout  # noqa: S603
    return None if b"InfluxDB v1" in said else path


@contextlib.contextmanager
def _started(program: str, folder: Path) -> Iterator[Database]:
    with socket.create_server(("127.0.0.1", 0)) as trial:
        place = f"127.0.0.1:{trial.getsockname()[1]}"
    home = folder / "influxd"
    home.mkdir()
    options = [f"--{name}-path={home / name}" for name in ("bolt", "sqlite", "engine")]
    command = [program, "run", f"--http-bind-address={place}", "--reporting-disabled", *options]
    env = {k: v for k, v in os.environ.items() if not k.startswith("INFLUX")}
    target = Target(f"http://{place}", _NAME, _NAME, secrets.token_urlsafe())
    with Process(command, env, folder) as process:
        password = secrets.token_urlsafe(9)
        _set_up(target, password, process)
        yield Database("InfluxDB", target, _tried(target), password)


def _set_up(target: Target, password: str, process: Process) -> None:
    pool = urllib3.PoolManager(timeout=_DEADLINE, retries=False)
    end = time.monotonic() + _START
    while not _is_ready(pool, target):
        if not process.alive or time.monotonic() > end:
            hint = "take `influxd` off the PATH, or set P1_INFLUX_URL to an InfluxDB that runs"
            raise CollectorError(process.end() or "`influxd` does not begin", hint=hint)
        time.sleep(_PACE)
    body = {"username": _NAME, "password": password, "token": target.token}
    body |= {"org": target.org, "bucket": target.bucket}
    answer = pool.request("POST", f"{target.url}/api/v2/setup", json=body)
    if answer.status != _MADE:
        raise CollectorError(f"`influxd` cannot be set up: {answer.data.decode()}")


def _is_ready(pool: urllib3.PoolManager, target: Target) -> bool:
    with contextlib.suppress(urllib3.exceptions.HTTPError):
        return pool.request("GET", f"{target.url}/health").status == _READY
    return False
