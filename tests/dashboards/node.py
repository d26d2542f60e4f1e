"""Grafana's own code: its npm packages, run by Node.

They are installed from `package-lock.json` into the user's cache, once for each content of it.
"""

import contextlib
import fcntl
import hashlib
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Self

from bed.influxdb import cache

HERE: Final = Path(__file__).parent
INSTALL_SECONDS: Final = 600
RUN_SECONDS: Final = 600


class NoNodeError(Exception):
    """Node or the packages are missing, and this is why."""


class Packages:
    """The packages in `place`, and one Node that runs them; a context manager."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._node: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._node:
            self._node.communicate(timeout=RUN_SECONDS)

    def transformed(self, jobs: Sequence[Any]) -> Any:
        """Run transformations; see transform.mjs for what goes in and comes out."""
        node = self._started()
        assert node.stdin is not None
        assert node.stdout is not None
        node.stdin.write(json.dumps(jobs) + "\n")
        node.stdin.flush()
        answer = json.loads(node.stdout.readline())
        assert "error" not in answer, answer["error"]
        return answer["frames"]

    def _started(self) -> subprocess.Popen[str]:
        if self._node is None:
            command = ["node", str(HERE / "transform.mjs"), str(self._place / "node_modules")]
            self._node = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        return self._node

    def complaints(self, program: str) -> str:
        """Check a TypeScript program against the packages' types; give what is wrong with it."""
        with tempfile.TemporaryDirectory(dir=self._place) as name:
            path = Path(name) / "check.ts"
            path.write_text(program)
            command = [
                *("node", str(self._place / "node_modules/typescript/bin/tsc")),
                *("--noEmit", "--strict", "--skipLibCheck", "--target", "es2022"),
                *("--module", "esnext", "--moduleResolution", "bundler", str(path)),
            ]
            done = subprocess.run(
                command, check=False, capture_output=True, text=True, timeout=RUN_SECONDS
            )
        return done.stdout + done.stderr


def install(folder: Path = HERE) -> Path:
    """Give the directory with the packages of a folder's lock; raises NoNodeError in words."""
    if not (shutil.which("node") and shutil.which("npm")):
        raise NoNodeError("node and npm are not on the PATH")
    files = [folder / "package.json", folder / "package-lock.json"]
    content = b"".join(path.read_bytes() for path in files)
    place = cache().parent / f"node-{hashlib.sha256(content).hexdigest()[:16]}"
    place.parent.mkdir(parents=True, exist_ok=True)
    with alone(place.parent / "node.lock"):
        if not place.exists():
            _install(files, place)
    return place


def _install(files: Sequence[Path], place: Path) -> None:
    with tempfile.TemporaryDirectory(dir=place.parent, prefix="node-draft-") as name:
        draft = Path(name) / "packages"
        draft.mkdir()
        for path in files:
            shutil.copy(path, draft)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        command.append("--fetch-retries=5")
        done = subprocess.run(
            command,
            cwd=draft,
            check=False,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
        )
        if done.returncode:
            raise NoNodeError(f"npm could not install them:\n{done.stderr[-1000:]}")
        draft.rename(place)


@contextlib.contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Let nobody else in, of all tests that run on this machine."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
