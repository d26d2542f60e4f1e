"""Processes of the demo's own: none of them outlives it."""

import ctypes
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Self

_STOP: Final = 10.0  # seconds that a process may take to end
_LAST: Final = 20  # lines of its log that are shown
_PR_SET_PDEATHSIG: Final = 1


class Process:
    """A program in a directory of the demo's, where no `.env` of the user's is."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], directory: Path) -> None:
        self._name = Path(command[0]).name
        self._log = directory / f"{self._name}.log"
        libc, parent = ctypes.CDLL(None), os.getpid()

        def ask_the_kernel() -> None:
            """To end a child in order when the demo is killed."""
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:  # it was gone before the kernel knew
                os._exit(1)

        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - the demo's own
                command,
                env=env,
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is the demo's, which ends it in order
                preexec_fn=ask_the_kernel,  # noqa: PLW1509 - no lock is taken
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def end(self) -> str | None:
        """Stops it; what it said, if it had stopped by itself, or badly."""
        by_itself = not self.alive
        if not by_itself:
            self._process.terminate()
        try:
            code = self._process.wait(_STOP)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        if not by_itself and code == 0:
            return None
        said = self._log.read_text(errors="replace").splitlines()[-_LAST:]
        return "\n".join([f"{self._name} ended with {code}:", "", *said])
