"""The service ends when it is told to, whichever of its threads the kernel tells."""

import ctypes
import os
import signal
from pathlib import Path
from typing import Final

import pytest

from bed.child import LIBC
from bed.service import Service, tasks
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
