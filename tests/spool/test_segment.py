"""Names that sort by age, and segments that are one request."""

from pathlib import Path

import pytest

from collector.spool.disk import Disk
from collector.spool.segment import (
    MAX_BYTES,
    MAX_LINES,
    closed_name,
    damage_name,
    first_second,
    fits,
    highest_number,
    number_of,
    open_name,
    segments,
)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("00000000000000000042.lp", 42),
        ("00000000000000000042.open", 42),
        ("00000000000000000042.draft", 42),
        ("00000000000000000042-1024.bin", 42),
        ("42.lp", None),
        ("00000000000000000042.lp.bak", None),
        ("status.json", None),
    ],
)
def test_a_name_says_its_number_or_is_none_of_ours(name: str, number: int | None) -> None:
    assert number_of(name) == number


def test_names_are_of_a_number() -> None:
    assert [number_of(name) for name in (closed_name(7), open_name(8), damage_name(9, 10))] == [
        7,
        8,
        9,
    ]


def test_segments_come_oldest_first_and_strangers_do_not_come(tmp_path: Path) -> None:
    for name in (closed_name(10), closed_name(9), open_name(11), "notes.lp", "9.lp"):
        (tmp_path / name).touch()

    assert [path.name for path in segments(Disk(), tmp_path)] == [closed_name(9), closed_name(10)]
    assert [path.name for path in segments(Disk(), tmp_path, ".open")] == [open_name(11)]


def test_the_highest_number_is_over_all_directories_and_kinds(tmp_path: Path) -> None:
    directories = [tmp_path / name for name in ("spool", "rejected", "damaged", "none")]
    for directory, name in zip(
        directories, (closed_name(4), open_name(6), damage_name(8, 0)), strict=False
    ):
        directory.mkdir()
        (directory / name).touch()

    assert highest_number(Disk(), *directories) == 8
    assert highest_number(Disk(), directories[3]) == 0


@pytest.mark.parametrize(
    ("size", "lines", "more_size", "more_lines", "fitting"),
    [
        (0, 0, MAX_BYTES, MAX_LINES, True),
        (1, 0, MAX_BYTES, 1, False),
        (0, 1, 1, MAX_LINES, False),
    ],
)
def test_a_segment_is_at_most_one_request(
    *, size: int, lines: int, more_size: int, more_lines: int, fitting: bool
) -> None:
    assert fits(size, lines, more_size, more_lines) is fitting


@pytest.mark.parametrize(
    ("line", "second"),
    [
        (b"electricity,site=home a=1 1700000000\n", 1700000000),
        (b"electricity,site=home a=1 " + b"9" * 5000, None),
        (b"9" * 5000 + b"\n", None),
        (b"\xb2\xb3\n", None),
        (b"", None),
    ],
)
def test_a_segment_that_begins_with_anything_has_a_time_or_none(
    line: bytes, second: int | None, tmp_path: Path
) -> None:
    path = tmp_path / closed_name(1)
    path.write_bytes(line)
    assert first_second(Disk(), path) == second
