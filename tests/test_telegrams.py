"""Every telegram gives exactly what is written beside it."""

import re

import pytest

from collector.p1.checksum import Checksum
from collector.p1.telegram import Policy, acceptable
from p1.golden import INDEX, TELEGRAMS, golden, index, names, produced, telegrams

# Pauses within a telegram (tests/p1/test_framing.py), readings that repeat (tests/test_points.py).
NOT_IN_ONE_TELEGRAM = {"Q12", "Q43"}
REFUSED = {"dsmr50-checksum-missing", "dsmr50-checksum-wrong", "hungary-wrong-polynomial"}


def test_there_are_at_least_forty() -> None:
    assert len(names()) >= 40


@pytest.mark.parametrize("name", names())
def test_a_telegram_gives_what_is_written_beside_it(name: str) -> None:
    assert produced(name) == golden(name)


@pytest.mark.parametrize("name", names())
def test_a_telegram_says_what_it_shows_and_where_that_comes_from(name: str) -> None:
    assert golden(name)["shows"]
    assert golden(name)["source"]
    assert golden(name)["telegrams"]


def test_every_departure_is_in_some_telegram() -> None:
    shown = {item for name in names() for item in re.findall(r"Q\d+", golden(name)["source"])}

    assert shown == {f"Q{n}" for n in range(1, 59)} - NOT_IN_ONE_TELEGRAM


@pytest.mark.parametrize("name", names())
def test_a_telegram_may_be_used_unless_its_checksum_is_what_it_shows(name: str) -> None:
    assert all(acceptable(telegram) for telegram in telegrams(name)) == (name not in REFUSED)


def test_the_setting_takes_what_is_refused_without_it() -> None:
    (missing,) = telegrams("dsmr50-checksum-missing")
    (wrong,) = telegrams("hungary-wrong-polynomial")

    assert missing.checksum is Checksum.ABSENT
    assert acceptable(missing, Policy.ACCEPT_MISSING)
    assert not acceptable(wrong, Policy.ACCEPT_MISSING)
    assert acceptable(wrong, Policy.IGNORE)


def test_nothing_lies_beside_them_that_belongs_to_none() -> None:
    assert sorted(path.stem for path in TELEGRAMS.glob("*.json")) == names()


def test_the_index_lists_them_all() -> None:
    assert INDEX.read_text("utf-8") == index()
