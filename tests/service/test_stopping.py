"""The service ends when it is told to, whichever of its threads the kernel tells."""

import ctypes
import os
import signal
from pathlib import Path
from threading import Event
from typing import Final

import pytest

from bed.child import LIBC
from bed.service import Service, tasks
from bench.running import running
from collector.simulate.stream import stream_like
from collector.simulate.wire import Terminal

pytestmark = pytest.mark.slow

SYS_TGKILL: Final = {"x86_64": 234, "aarch64": 131, "armv7l": 268}


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_that_comes_to_another_thread_ends_it_too(
    tmp_path: Path, ending: signal.Signals
) -> None:
    """Python runs a handler in its main thread alone, and does not wake it for that."""
    with Terminal(tmp_path / "meter"):
        service = Service(tmp_path / "service", P1_SOURCE=str(tmp_path / "meter"))
        service.start()
        # The main thread, reader and keeper at least, and who makes calls of the disk for them.
        service.wait_until(lambda _: len(tasks(service.process.pid)) >= 3)
        pid = service.process.pid
        others = {int(path.name) for path in tasks(pid)} - {pid}
        call = SYS_TGKILL[os.uname().machine]
        told = LIBC.syscall(
            ctypes.c_long(call), ctypes.c_int(pid), ctypes.c_int(min(others)), int(ending)
        )
        assert told == 0
        try:
            assert service.process.wait(60) == 0
        finally:
            if service.running:
                service.kill()


def test_the_main_thread_sleeps_until_it_is_told(tmp_path: Path) -> None:
    over, stream = Event(), stream_like("dsmr5", period=1, speed=10)
    with (
        Terminal(tmp_path / "meter") as terminal,
        running(lambda: stream.run(terminal, over), over),
    ):
        service = Service(tmp_path / "service", P1_SOURCE=str(tmp_path / "meter"))
        service.start()
        service.wait_for("read")
        main = Path(f"/proc/{service.process.pid}/status")
        before = _waits(main)
        service.wait_until(lambda status: status["counts"]["read"] > 20)
        assert _waits(main) == before
        assert service.stop() == 0


def _waits(status: Path) -> str:
    """Give how often a thread has gone to sleep."""
    lines = status.read_text().splitlines()
    return next(line for line in lines if line.startswith("voluntary_ctxt_switches"))
