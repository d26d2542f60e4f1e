"""The note that says how far an import got."""

import os
from pathlib import Path

from collector.commands.imports.job import DIRECTORY, Note, Progress
from collector.commands.imports.recording import Place
from collector.memory import Memory
from collector.spool.disk import Disk

PROGRESS = Progress(
    Place(65536, 80), Memory(meter="E1", second=1_700_000_000, shown={"1": {"x": "y"}})
)


def note(home: Path, name: str = "log.txt", under: str = "home") -> Note:
    return Note(home / "spool", home / name, under, Disk())


def test_what_was_noted_is_read_back(tmp_path: Path) -> None:
    (tmp_path / "log.txt").touch()
    note(tmp_path).write(PROGRESS)
    assert note(tmp_path).read() == PROGRESS


def test_a_file_that_grew_is_the_same_file(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_bytes(b"telegram")
    note(tmp_path).write(PROGRESS)
    with (tmp_path / "log.txt").open("ab") as file:
        file.write(b"another")
    assert note(tmp_path).read() == PROGRESS


def test_another_file_under_its_name_begins_anew(tmp_path: Path) -> None:
    (tmp_path / "log.txt").touch()
    note(tmp_path).write(PROGRESS)
    (tmp_path / "other").touch()
    (tmp_path / "other").rename(tmp_path / "log.txt")
    assert note(tmp_path).read() is None


def test_another_site_begins_anew(tmp_path: Path) -> None:
    (tmp_path / "log.txt").touch()
    note(tmp_path).write(PROGRESS)
    assert note(tmp_path, under="cottage").read() is None


def test_two_files_have_a_note_each(tmp_path: Path) -> None:
    for name in ("log.txt", "log2.txt"):
        (tmp_path / name).touch()
    note(tmp_path).write(PROGRESS)
    assert note(tmp_path, "log2.txt").read() is None


def test_a_note_that_is_damaged_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / "log.txt").touch()
    note(tmp_path).write(PROGRESS)
    (path,) = (tmp_path / "spool" / DIRECTORY).iterdir()
    for damage in (b"", b"[]", b'{"key": 5}', path.read_bytes()[:-20], b"\xff\xfe"):
        path.write_bytes(damage)
        assert note(tmp_path).read() is None


def test_a_note_is_removed(tmp_path: Path) -> None:
    (tmp_path / "log.txt").touch()
    note(tmp_path).write(PROGRESS)
    note(tmp_path).remove()
    assert os.listdir(tmp_path / "spool" / DIRECTORY) == []  # noqa: PTH208  names are enough
