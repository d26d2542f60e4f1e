"""One process per directory, however the other one ended."""

import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from collector.errors import LockedError
from collector.service.lock import Lock

HOLDER = """
import sys, pathlib, collector.service.lock
lock = collector.service.lock.Lock(pathlib.Path(sys.argv[1]))
print("locked", flush=True)
sys.stdin.read()
"""


def holder(directory: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"locked\n"
    return process


def test_a_second_lock_names_the_process_that_has_it(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        with pytest.raises(LockedError) as caught:
            Lock(tmp_path)

        assert f"`{tmp_path}` is in use by process {process.pid} (" in str(caught.value)
        assert sys.executable in str(caught.value)
        assert "`P1_SPOOL_DIR`" in (caught.value.hint or "")
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_lock_ends_with_its_process(tmp_path: Path, number: int) -> None:
    with holder(tmp_path) as process:
        process.send_signal(number)
        process.wait(60)

    Lock(tmp_path).release()


def test_a_lock_that_is_let_go_can_be_taken(tmp_path: Path) -> None:
    Lock(tmp_path).release()
    again = Lock(tmp_path)

    with pytest.raises(LockedError):
        Lock(tmp_path)
    again.release()


def test_taking_a_lock_writes_nothing(tmp_path: Path) -> None:
    before = tmp_path.stat().st_mtime_ns
    lock = Lock(tmp_path)

    assert list(tmp_path.iterdir()) == []
    assert tmp_path.stat().st_mtime_ns == before
    lock.release()


def test_a_refused_lock_leaves_no_file_open(tmp_path: Path) -> None:
    lock = Lock(tmp_path)
    before = opened(tmp_path)

    with pytest.raises(LockedError):
        Lock(tmp_path)

    assert opened(tmp_path) == before
    assert before > 0
    lock.release()


def opened(directory: Path) -> int:
    """Give how often this process has it open; what else it has may be another test's."""
    found = 0
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            found += entry.readlink() == directory
    return found


def test_other_directories_are_not_locked(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()

    locks = [Lock(tmp_path / name) for name in ("a", "b")]

    for lock in locks:
        lock.release()


def test_there_is_no_lock_without_a_directory(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Lock(tmp_path / "none")
