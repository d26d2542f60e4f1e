"""The SQLite file of slimmemeter-rpi: every row is the telegram that it was."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collector.commands.imports.database import Database, is_database
from collector.commands.imports.recording import Entry, Place
from collector.errors import SourceError
from collector.p1.checksum import Checksum
from collector.p1.telegram import Telegram
from commands.imports.recordings import START, read, telegrams, version_4, version_5

SUMMER_ENDS = datetime(2021, 10, 31, 0, 30, tzinfo=UTC)


def entries(path: Path, start: Place = Place()) -> list[Entry]:  # noqa: B008  it is frozen
    database = Database(path, utc_offset_hours=1)
    return [entry for stretch in database.stretches(start) for entry in stretch.entries]


def changed(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute(statement)
        database.commit()


def telegrams_in(path: Path) -> list[Telegram]:
    return [entry.telegram for entry in entries(path) if entry.telegram]


def said(telegram: Telegram) -> Telegram:
    """Leave out what a database cannot know: the header and the checksum."""
    return telegram._replace(header="", checksum=Checksum.ABSENT)


@pytest.mark.parametrize(
    ("write", "like"),
    [
        (version_5, "dsmr5"),
        (version_4, "dsmr4"),
        (lambda path, sent: version_4(path, sent, brackets=True), "dsmr4"),
    ],
    ids=["version 5", "version 4", "version 4 with brackets"],
)
def test_each_row_is_the_telegram_that_it_was(
    write: Callable[[Path, list[bytes]], None], like: str, tmp_path: Path
) -> None:
    sent = telegrams(300, like=like)
    write(tmp_path / "dsmr.sqlite", sent)
    found = entries(tmp_path / "dsmr.sqlite")
    assert [entry.trouble for entry in found] == [None] * 300
    assert [said(entry.telegram) for entry in found if entry.telegram] == [
        said(read(one)) for one in sent
    ]


def test_the_log_of_power_failures_is_read_without_its_count(tmp_path: Path) -> None:
    (one,) = telegrams(1)
    for number, log in enumerate(
        ("0)(0-0:96.7.19)", "1)(0-0:96.7.19)(210101020304W)(0000000600*s)")
    ):
        start = one.index(b"1-0:99.97.0(")
        line = one[start : one.index(b"\r\n", start)]
        telegram = one.replace(line, f"1-0:99.97.0({log}".encode())
        path = tmp_path / f"{number}.sqlite"
        version_5(path, [telegram])
        (entry,) = entries(path)
        assert entry.trouble is None
        assert entry.telegram
        assert entry.telegram.power_failures == read(telegram).power_failures
        assert len(entry.telegram.power_failures) == number


def test_a_bad_row_is_named_by_its_number_and_the_others_are_read(tmp_path: Path) -> None:
    path = tmp_path / "dsmr.sqlite"
    version_5(path, telegrams(4))
    changed(path, "UPDATE telegrams SET \"1-0:1.8.1\" = 'rubbish' WHERE id = 2")
    changed(path, 'UPDATE telegrams SET "0-0:1.0.0" = "", timestamp = NULL WHERE id = 3')
    found = entries(path)
    assert [(entry.name, entry.trouble) for entry in found] == [
        ("row 1", None),
        ("row 2", "not a number: 1-0:1.8.1(rubbish)"),
        ("row 3", "it has no time"),
        ("row 4", None),
    ]


def test_a_row_whose_values_slipped_by_a_column_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "dsmr.sqlite"
    version_5(path, telegrams(1))
    changed(path, 'UPDATE telegrams SET "1-0:1.8.1" = "0-0:96.1.1", "1-0:32.7.0" = "00.123*kW"')
    (entry,) = entries(path)
    assert entry.trouble is not None


def test_a_row_without_the_meters_time_has_the_hosts(tmp_path: Path) -> None:
    path = tmp_path / "dsmr.sqlite"
    version_5(path, telegrams(1))
    changed(path, 'UPDATE telegrams SET "0-0:1.0.0" = "000101010000W"')
    (telegram,) = telegrams_in(path)
    assert telegram.time == START + timedelta(seconds=2)


@pytest.mark.parametrize("offset", ["+00:00", "+02:00"])
def test_a_time_without_its_letter_takes_it_from_the_host(offset: str, tmp_path: Path) -> None:
    sent = telegrams(12, start=SUMMER_ENDS, period=600)
    path = tmp_path / "dsmr.sqlite"
    version_5(path, sent, offset)
    changed(path, 'UPDATE telegrams SET "0-0:1.0.0" = substr("0-0:1.0.0", 1, 12)')
    found = [telegram.time for telegram in telegrams_in(path)]
    assert found == [SUMMER_ENDS + timedelta(seconds=600 * n) for n in range(12)]


def test_in_the_hour_that_happens_twice_the_gas_reading_decides(tmp_path: Path) -> None:
    sent = telegrams(12, start=SUMMER_ENDS, period=600, like="dsmr5")
    path = tmp_path / "dsmr.sqlite"
    version_4(path, sent)
    changed(path, 'UPDATE telegrams SET "0-0:1.0.0" = substr("0-0:1.0.0", 1, 12)')
    found = [telegram.time for telegram in telegrams_in(path)]
    assert found == [SUMMER_ENDS + timedelta(seconds=600 * n) for n in range(12)]


def test_reading_goes_on_behind_a_row(tmp_path: Path) -> None:
    version_5(tmp_path / "dsmr.sqlite", telegrams(450))
    database = Database(tmp_path / "dsmr.sqlite", utc_offset_hours=1)
    places = [stretch.end for stretch in database.stretches(Place())]
    assert places == [Place(200, 200), Place(400, 400), Place(450, 450)]
    names = [entry.name for entry in entries(tmp_path / "dsmr.sqlite", places[1])]
    assert (names[0], len(names)) == ("row 401", 50)


def test_the_program_that_fills_it_is_not_held_up(tmp_path: Path) -> None:
    path = tmp_path / "dsmr.sqlite"
    version_5(path, telegrams(450))
    stretches = Database(path, utc_offset_hours=1).stretches(Place())
    next(stretches)
    changed(path, "DELETE FROM telegrams WHERE id = 450")
    assert [len(stretch.entries) for stretch in stretches] == [200, 49]


def test_a_file_is_told_by_its_first_bytes(tmp_path: Path) -> None:
    version_5(tmp_path / "a.db", telegrams(1))
    (tmp_path / "b.sqlite").write_bytes(telegrams(1)[0])
    assert is_database(tmp_path / "a.db")
    assert not is_database(tmp_path / "b.sqlite")


def test_another_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite"
    changed(path, "CREATE TABLE telegrams (id INTEGER, created_at TEXT)")
    with pytest.raises(SourceError, match="no table `telegrams` with a column for each OBIS code"):
        Database(path, utc_offset_hours=1)


def test_a_damaged_database_is_told_and_not_a_traceback(tmp_path: Path) -> None:
    path = tmp_path / "dsmr.sqlite"
    version_5(path, telegrams(450))
    data = bytearray(path.read_bytes())
    middle = len(data) // 2 // 4096 * 4096
    data[middle : middle + 4096 * 4] = b"\xff" * 4096 * 4
    path.write_bytes(data)
    with pytest.raises(SourceError, match="cannot read the database"):
        entries(path)
