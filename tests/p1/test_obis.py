"""The field table is the only place that knows a code, and says one thing about each."""

from collections import defaultdict
from functools import cache

import pytest

from collector.p1.lines import OBIS, split
from collector.p1.obis import BY_CODE, FIELDS, MONTH_END, Field, Kind
from collector.p1.values import UNITS
from p1.golden import frames, names

_FIELD_KINDS = {
    Kind.REGISTER,
    Kind.COUNTER,
    Kind.CODE,
    Kind.PEAK,
    Kind.READING,
    Kind.BARE_READING,
    Kind.HOURLY,
    Kind.VALVE,
}


@cache
def printed() -> set[tuple[str, str]]:
    """Return each code that occurs in the telegrams, with each unit that follows it."""
    found = set()
    for name in names():
        for frame in frames(name):
            for line in split(frame.data)[1]:
                match = OBIS.match(line)
                if match:
                    units = {part.partition("*")[2].rstrip(")") for part in line.split("(")}
                    found |= {(match["code"], unit.lower()) for unit in units}
                    # DSMR 3 prints the unit in brackets of its own.
                    found |= {(match["code"], part.lower()) for part in line[:-1].split(")(")}
    return found


def test_a_code_and_a_name_make_one_row() -> None:
    pairs = [(field.code, field.name) for field in FIELDS]

    assert len(pairs) == len(set(pairs))


def test_rows_of_one_code_differ_in_unit_or_place() -> None:
    kinds = [(field.code, field.unit, field.place, field.nation) for field in FIELDS]

    assert len(kinds) == len(set(kinds))


def test_a_field_has_one_type_and_one_unit_whatever_its_code() -> None:
    units = defaultdict(set)
    integers = defaultdict(set)
    for field in FIELDS:
        if field.kind in _FIELD_KINDS:
            units[field.name].add(field.unit)
            integers[field.name].add(field.kind in {Kind.COUNTER, Kind.CODE, Kind.VALVE})

    assert {name for name, found in units.items() if len(found) > 1} == set()
    assert {name for name, found in integers.items() if len(found) > 1} == set()


@pytest.mark.parametrize(
    "field", [field for field in FIELDS if field.unit and field.kind in _FIELD_KINDS]
)
def test_a_name_ends_in_its_unit(field: Field) -> None:
    assert field.name.endswith(f"_{field.unit.lower()}")


@pytest.mark.parametrize("field", FIELDS)
def test_a_row_says_what_it_is_and_where_it_comes_from(field: Field) -> None:
    assert OBIS.fullmatch(field.code.replace("n", "1"))
    assert field.doc
    assert field.source
    assert field.unit in UNITS


@pytest.mark.parametrize("field", FIELDS)
def test_a_row_occurs_in_some_telegram(field: Field) -> None:
    codes = [code for code, rows in BY_CODE.items() if field in rows]
    if field.nation:
        codes.append(field.code)
    if field.code in MONTH_END:
        codes.append("0-0:98.1.0")

    units = {*UNITS[field.unit], *([""] if field.kind is Kind.BARE_READING else [])}

    assert {(code, unit) for code in codes for unit in units} & printed()


def test_a_channel_stands_for_nine() -> None:
    assert BY_CODE["0-1:24.2.1"] == BY_CODE["0-9:24.2.1"]
    assert "0-n:24.2.1" not in BY_CODE
    assert "0-0:24.2.1" not in BY_CODE


def test_swiss_codes_are_the_same_rows() -> None:
    assert BY_CODE["1-1:1.8.1"] == BY_CODE["1-0:1.8.1"]
    assert BY_CODE["1-1:31.4.0"] != BY_CODE["1-0:31.4.0"]
