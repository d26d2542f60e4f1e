"""What the calls of the spool ask of the operating system: what returned is on the card."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.spool.disk import Disk


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, int]]]:
    """Note what the kernel is asked to bring to the card: name and size; it is asked, too."""
    calls: list[tuple[str, int]] = []
    for name in ("fsync", "fdatasync"):
        monkeypatch.setattr(os, name, _noting(calls, getattr(os, name)))
    yield calls
    monkeypatch.undo()


def _noting(calls: list[tuple[str, int]], sync: object) -> object:
    def note(file: int) -> None:
        path = Path(f"/proc/self/fd/{file}").readlink()
        calls.append((path.name, 0 if path.is_dir() else os.fstat(file).st_size))
        sync(file)  # type: ignore[operator]  # one of the two

    return note


def test_a_file_is_synced_with_all_that_was_written(
    tmp_path: Path, synced: list[tuple[str, int]]
) -> None:
    disk = Disk()
    file = disk.create(tmp_path / "a")
    disk.write(file, b"12345")
    disk.sync(file)
    disk.close(file)
    assert synced == [("a", 5)]


def test_a_directory_is_synced(tmp_path: Path, synced: list[tuple[str, int]]) -> None:
    Disk().sync_directory(tmp_path)
    assert synced == [(tmp_path.name, 0)]


def test_a_file_that_is_cut_is_synced_behind_the_cut(
    tmp_path: Path, synced: list[tuple[str, int]]
) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    Disk().cut(tmp_path / "a", 3)
    assert synced == [("a", 3)]


def test_a_file_written_whole_is_synced_before_it_has_its_name_and_then_the_name(
    tmp_path: Path, synced: list[tuple[str, int]]
) -> None:
    Disk().write_whole(tmp_path / "a.lp", b"12345")
    assert synced == [("a.draft", 5), (tmp_path.name, 0)]
    assert [path.name for path in tmp_path.iterdir()] == ["a.lp"]


def test_each_new_directory_is_synced_in_the_one_above(
    tmp_path: Path, synced: list[tuple[str, int]]
) -> None:
    Disk().make_directory(tmp_path / "a" / "b")
    assert synced == [(tmp_path.name, 0), ("a", 0)]


def test_a_file_that_has_gone_is_removed_without_an_error(tmp_path: Path) -> None:
    Disk().remove(tmp_path / "gone")


class Narrow(Disk):
    """A disk that takes two bytes at a time."""

    def write(self, file: int, data: bytes) -> int:
        return super().write(file, data[:2])


def test_a_file_is_written_whole_in_however_many_pieces(tmp_path: Path) -> None:
    Narrow().write_whole(tmp_path / "a.lp", b"12345")
    assert (tmp_path / "a.lp").read_bytes() == b"12345"


def test_a_directory_is_known_by_its_last_change_once_that_is_some_seconds_old(
    tmp_path: Path,
) -> None:
    disk = Disk()
    assert disk.version(tmp_path) is None  # a file made now may have the same time
    os.utime(tmp_path, (0, 0))
    before = disk.version(tmp_path)
    assert before is not None
    (tmp_path / "a").touch()
    os.utime(tmp_path, (1, 1))
    assert disk.version(tmp_path) not in (None, before)
    assert disk.version(tmp_path / "none") is None
