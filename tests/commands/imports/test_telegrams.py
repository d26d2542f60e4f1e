"""Files of telegrams: all are found, and reading goes on at any place that it stopped at."""

from pathlib import Path

import pytest

from bed.telegrams import dsmr5, utc, written
from collector.commands.imports.recording import Entry, Place, Telegrams
from collector.p1.decryption import Keys, Refusal
from collector.p1.telegram import Policy
from p1.sealing import KEY, seal

NOON = utc("2021-03-05T12:00:00")
LONG = "0-0:96.13.0(" + "41" * 500 + ")"
GOOD = dsmr5(NOON)


def opened(path: Path, keys: Keys | None = None) -> Telegrams:
    return Telegrams(path, utc_offset_hours=1, policy=Policy.REQUIRE, keys=keys)


def entries(path: Path, start: Place = Place(), keys: Keys | None = None) -> list[Entry]:  # noqa: B008  it is frozen
    recording = opened(path, keys)
    return [entry for stretch in recording.stretches(start) for entry in stretch.entries]


def energies(found: list[Entry]) -> list[object]:
    return [e.telegram and e.telegram.electricity["energy_import_t1_kwh"] for e in found]


def test_telegrams_are_named_by_their_number_and_bad_ones_say_why(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_bytes(
        b"ser2net banner\r\n"
        + GOOD
        + GOOD.replace(b"00.321", b"00.421")
        + written("1-0:1.8.1(000123.450*kWh)")
        + GOOD
    )
    assert [(entry.name, entry.trouble) for entry in entries(path)] == [
        ("telegram 1", None),
        ("telegram 2", "checksum bad"),
        ("telegram 3", "it has no time"),
        ("telegram 4", None),
    ]


@pytest.mark.parametrize("keys", [None, Keys(KEY)], ids=["plain", "encrypted"])
def test_reading_goes_on_at_each_place_that_it_stopped_at(
    keys: Keys | None, tmp_path: Path
) -> None:
    path = tmp_path / "log.txt"
    sent = [dsmr5(NOON, LONG, energy=f"{n:06d}.000") for n in range(300)]
    path.write_bytes(b"".join(seal(one, n) if keys else one for n, one in enumerate(sent)))
    whole = energies(entries(path, keys=keys))
    assert whole == list(range(300))
    places = [stretch.end for stretch in opened(path, keys).stretches(Place())]
    assert len(places) > 4
    for place in places:
        assert energies(entries(path, place, keys)) == whole[place.number :]


def test_what_is_encrypted_and_has_no_key_is_told(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_bytes(GOOD + seal(GOOD) + GOOD)
    assert [entry.trouble for entry in entries(path)] == [None, None, Refusal.NO_KEY.message]


def test_a_last_telegram_without_its_line_end_is_read(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_bytes(GOOD + GOOD.rstrip())
    assert len(entries(path)) == 2


def test_an_empty_file_has_no_telegrams(tmp_path: Path) -> None:
    (tmp_path / "log.txt").touch()
    assert entries(tmp_path / "log.txt") == []
