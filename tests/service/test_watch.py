"""Which disk does not answer is said; who waits for it is not dead, and who is dead is noticed."""

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from collector.service.watch import HANG_SECONDS, PULSE_SECONDS, Watch
from collector.spool.disk import Call, Disk

LATER = 3600.0


@contextmanager
def hanging(disk: Disk, tmp_path: Path) -> Iterator[Path]:
    """Have a thread read what nobody writes, for as long as this lasts."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    thread = Thread(target=disk.read, args=[pipe])
    thread.start()
    while not disk.under_way:
        pass
    yield pipe
    pipe.write_bytes(b"")
    thread.join()


@pytest.fixture
def disk() -> Disk:
    return Disk()


def test_a_disk_that_hangs_is_named_and_said_once(
    disk: Disk, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    watch, now = Watch(disk, 30), time.monotonic()
    with hanging(disk, tmp_path) as path:
        watch.look(now)
        early = watch.hanging
        watch.look(now + HANG_SECONDS + 1)
        watch.look(now + HANG_SECONDS + 2)
        late = watch.hanging
    watch.look(now + HANG_SECONDS + 3)

    assert early is None is watch.hanging
    assert f"`{path}`" in str(late)
    first, last = (entry.message for entry in caplog.records)
    assert f"the disk of `{path}` does not answer (`read`)" in first
    assert "readings stay in RAM" in first
    assert "answers again" in last


def test_who_waits_for_a_disk_is_not_dead(disk: Disk, tmp_path: Path) -> None:
    watch = Watch(disk, 30)
    watch.keeper.beat()
    with hanging(disk, tmp_path):
        watch.look(time.monotonic() + LATER)
        assert watch.all_move(time.monotonic() + LATER)


@pytest.mark.parametrize("dead", ["keeper", "sender"])
def test_who_says_nothing_for_long_is_dead(disk: Disk, dead: str) -> None:
    watch = Watch(disk, 0)
    watch.keeper.beat()
    watch.sender.beat()
    assert watch.all_move(time.monotonic() + PULSE_SECONDS - 1)
    {"keeper": watch.sender, "sender": watch.keeper}[dead].beat(LATER)

    assert not watch.all_move(time.monotonic() + PULSE_SECONDS + 1)


def test_who_said_how_long_it_takes_is_not_dead_before(disk: Disk) -> None:
    watch = Watch(disk, 30)
    watch.sender.beat(900)

    assert watch.all_move(time.monotonic() + 900)
    assert not watch.all_move(time.monotonic() + 900 + 30 + PULSE_SECONDS + 1)


def test_who_has_not_begun_is_not_dead(disk: Disk) -> None:
    assert Watch(disk, 30).all_move(time.monotonic() + LATER)


def test_a_call_of_an_open_file_names_the_file(disk: Disk, tmp_path: Path) -> None:
    file = disk.create(tmp_path / "open")

    assert Call("sync", file, 0.0).path == tmp_path / "open"
    disk.close(file)
    assert disk.longest_call() is None
