"""Programs that the tests build from a Go module, once, into the user's cache directory.

A recipe is a module without packages: its `go.mod` and `go.sum` pin what is built, to the byte.
"""

import contextlib
import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

BUILD_SECONDS: Final = 1500
TRIES: Final = 3
PAUSE_SECONDS: Final = 20.0
"""Between two of them: most builds that fail could not fetch something."""


class NotBuiltError(Exception):
    """A build failed; the compiler's last words are in it."""


def cache(name: str) -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "p1-collector" / name


@contextlib.contextmanager
def alone(directory: Path) -> Iterator[None]:
    """Make a directory and wait until nobody else builds in it."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def go(module: Path, package: str, program: str, *options: str, env: Mapping[str, str]) -> None:
    """Build one package that `module` requires, as `program` in the same directory.

    Raises NotBuiltError if it cannot be built, nor a while later. Nothing is built that the recipe
    does not pin.
    """
    command = ["go", "build", "-mod=readonly", *options, "-o", program, package]
    for tries_left in reversed(range(TRIES)):
        try:
            return _run(command, module, env)
        except subprocess.TimeoutExpired as error:
            raise NotBuiltError(f"the build of {package} took over {BUILD_SECONDS} s") from error
        except subprocess.CalledProcessError as error:
            tail = "\n".join(error.output.splitlines()[-20:])
            words = f"the build of {package} failed:\n{tail}"
            if not tries_left:
                raise NotBuiltError(words) from error
        say(f"{words}\ntrying again in {PAUSE_SECONDS:g} s")
        time.sleep(PAUSE_SECONDS)
    return None


def _run(command: Sequence[str], module: Path, env: Mapping[str, str]) -> None:
    subprocess.run(
        command,
        cwd=module,
        env={**os.environ, **env},
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=BUILD_SECONDS,
    )


def output(*command: str) -> str:
    """Give what a command printed, or nothing if it failed or hung."""
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201  the person waits for minutes
