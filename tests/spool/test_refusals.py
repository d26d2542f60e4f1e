"""Refusals of a kind share a file a day, with the words above the records that they are about."""

import errno
from pathlib import Path
from typing import Final

import pytest

from collector.spool.record import Record, decode
from collector.spool.refusals import MOST_KINDS, Refusals, kind
from collector.spool.segment import MAX_LINES
from spool.disks import FaultyDisk
from spool.machine import record

DAY: Final = 86_400
TYPE: Final = 'answer 422: partial write: field type conflict on measurement "{}" dropped={}'


class Bench:
    """A directory of refusals, and a clock."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.disk = FaultyDisk()
        self.now = 1_700_000_000.0
        self._number = 0
        self.start()

    def start(self) -> None:
        """Begin another run of the program."""
        self.refusals = Refusals(
            self.directory, self.disk, number=self._next, wall=lambda: self.now
        )

    def add(self, number: int, words: str) -> Path:
        return self.refusals.add([record(number)], words)

    @property
    def files(self) -> list[Path]:
        return sorted(self.directory.iterdir())

    def _next(self) -> int:
        self._number += 1
        return self._number


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def numbers(path: Path) -> list[int]:
    return [identity.number for identity in decode(path.read_bytes()).ids]


def test_a_day_of_refusals_of_one_kind_is_one_file(bench: Bench) -> None:
    for number in range(1, 101):
        bench.add(number, TYPE.format("gas", number))

    (path,) = bench.files
    assert path.name.startswith("00000000000000000001-20231114-")
    assert numbers(path) == list(range(1, 101))


def test_each_record_has_its_words_above_it_in_full(bench: Bench) -> None:
    for number, count in ((1, 5), (2, 5), (3, 6)):
        bench.add(number, TYPE.format("gas", count))

    one, two, three = (record(number).encode() for number in (1, 2, 3))
    five, six = (f"# rejected: {TYPE.format('gas', n)}\n".encode() for n in (5, 6))
    assert bench.files[0].read_bytes() == five + one + two + six + three
    assert decode(bench.files[0].read_bytes()).damage == ()


def test_another_kind_and_another_day_have_files_of_their_own(bench: Bench) -> None:
    bench.add(1, TYPE.format("gas", 1))
    bench.add(2, "answer 400: unable to parse")
    bench.now += DAY
    bench.add(3, TYPE.format("gas", 1))

    assert [numbers(path) for path in bench.files] == [[1], [2], [3]]


@pytest.mark.parametrize(
    "other",
    [
        'answer 400: cannot parse "gas v=2": at 2027-02-02T10:00:00Z, 1h2m ago',
        "answer 400: cannot parse `water`: at 10:00, 7 ago",
        "answer 400: cannot parse 'a b': at 5, 90s ago",
    ],
)
def test_what_changes_makes_no_kind(other: str) -> None:
    assert kind(other) == kind("answer 400: cannot parse 'x': at 1700000000, 3 ago")


@pytest.mark.parametrize("other", ["answer 422: no field", "answer 400: no fields"])
def test_status_and_words_make_the_kind(other: str) -> None:
    assert kind(other) != kind("answer 400: no field")


def test_words_in_json_are_no_quotation() -> None:
    """InfluxDB 1 and 3 say `error`, and all of that is quoted."""
    told = 'answer 400: {{"error":"{}"}}'
    assert kind(told.format("no field")) == kind("answer 400: no field")
    assert kind(told.format("no field")) != kind(told.format("unable to parse 'gas v=x'"))


def test_a_later_run_goes_on_in_the_file(bench: Bench) -> None:
    bench.add(1, "answer 400: no")
    bench.start()
    bench.add(2, "answer 400: no")

    assert [numbers(path) for path in bench.files] == [[1, 2]]


def test_nothing_goes_behind_an_end_that_is_none(bench: Bench) -> None:
    path = bench.add(1, "answer 400: no")
    path.write_bytes(path.read_bytes() + record(2).encode()[:-9])
    bench.start()
    bench.add(3, "answer 400: no")

    assert [numbers(path) for path in bench.files] == [[1], [3]]


def test_a_file_is_no_more_than_a_request(bench: Bench) -> None:
    wide = Record(record(1).id, record(1).body * (MAX_LINES // 8))
    for _ in range(4):
        bench.refusals.add([wide], "answer 400: no")

    assert len(bench.files) == 2


def test_a_file_that_was_handed_in_again_is_not_missed(bench: Bench) -> None:
    bench.add(1, "answer 400: no").unlink()
    bench.add(2, "answer 400: no")

    assert [numbers(path) for path in bench.files] == [[2]]


@pytest.mark.parametrize("operation", ["write", "sync"])
def test_what_could_not_be_written_is_not_there_by_half(bench: Bench, operation: str) -> None:
    bench.add(1, "answer 400: no")
    before = bench.files[0].read_bytes()
    bench.disk.fail(operation, errno.ENOSPC, bench.directory, times=1)

    with pytest.raises(OSError, match="No space"):
        bench.add(2, "answer 400: no")

    assert [path.read_bytes() for path in bench.files] == [before]
    bench.add(2, "answer 400: no")
    assert sorted(n for path in bench.files for n in numbers(path)) == [1, 2]


def test_words_without_end_make_no_files_without_end(bench: Bench) -> None:
    for number in range(1, 200):
        bench.add(number, f"answer 400: {'word ' * number}")

    assert len(bench.files) == MOST_KINDS + 1


def test_a_refusal_is_synced_and_so_is_its_name(bench: Bench) -> None:
    path = bench.add(1, "answer 400: no")

    calls = [call for call, _ in bench.disk.calls if call in {"create", "write"} | {"sync"}]
    assert calls == ["create", "write", "sync"]
    assert ("sync_directory", path.parent) in bench.disk.calls
