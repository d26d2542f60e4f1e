"""What a meter or a server says can be read on a terminal, and does nothing to it."""

import io
import json
import logging
import unicodedata
from collections import deque
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, strategies as st

from bed.answers import Answers, refuse
from bed.command import called
from bed.telegrams import dsmr5, utc
from collector.commands.cli import _Formatter, _JournalFormatter
from collector.commands.export.session import write_csv
from collector.commands.output import visible
from collector.commands.show.screen import render
from commands.show.statuses import NOW, status

MARKS: Final = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
NASTY: Final = "".join(map(chr, (*range(1, 10), *range(11, 32), *range(127, 160)))) + MARKS
SEEN: Final = "\\u001b"


def obeyed(text: str) -> set[str]:
    """Give what is neither a letter, a sign nor the end of a line."""
    return {c for c in text if unicodedata.category(c) in {"Cc", "Cf", "Zl", "Zp"}} - {"\n"}


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Give a telegram that says such things in each of the places where a meter says anything."""
    octets = f"now {NASTY}!".encode().hex().upper()
    raw = NASTY[:-12].replace("\r", "")
    path = tmp_path / "nasty.bin"
    path.write_bytes(
        dsmr5(
            utc("2026-02-03T12:00:00"),
            f"0-0:96.13.0({octets})",
            f"0-0:96.13.1({octets})",
            f"9-9:99.99.99({raw})",
            f"1-0:2.7.0({raw}*kW)",
            "0-1:24.1.0(003)",
            f"0-1:96.1.0({octets})",
            "0-1:24.2.1(260203115500W)(00421.337*m3)",
            number=f"E{NASTY}1",
        )
    )
    return path


@given(st.text())
def test_nothing_that_is_shown_is_obeyed(text: str) -> None:
    assert obeyed(visible(text)) == set()
    visible(text).encode()


@given(st.text(st.characters(exclude_characters="\\")))
def test_what_is_shown_as_an_escape_is_read_back_by_json(text: str) -> None:
    assert json.loads(visible(json.dumps(text, ensure_ascii=False))) == text


def test_letters_of_any_language_and_ends_of_lines_stay() -> None:
    assert visible("m³ → één\nç █") == "m³ → één\nç █"


@pytest.mark.slow
@pytest.mark.parametrize("form", [(), ("--json",), ("--line-protocol",)])
def test_decode_shows_a_nasty_meter_harmlessly(
    recording: Path, tmp_path: Path, form: tuple[str, ...]
) -> None:
    done = called("decode", str(recording), *form, home=tmp_path)
    assert obeyed(done.stdout) == obeyed(done.stderr) == set()
    assert SEEN in done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("form", [("check",), ("check", "--json"), ("once",)])
def test_check_and_once_show_a_nasty_meter_and_server_harmlessly(
    recording: Path, tmp_path: Path, form: tuple[str, ...]
) -> None:
    words = json.dumps(f"no {NASTY}")[1:-1]
    with Answers(deque([refuse(401, words)] * 9)) as server:
        done = called(
            *form,
            home=tmp_path,
            P1_SOURCE=f"file://{recording}",
            P1_INFLUX_URL=server.url,
            P1_INFLUX_TOKEN="made-up",  # noqa: S106  nobody's
        )
    assert obeyed(done.stdout) == obeyed(done.stderr) == set()
    assert "\\u0001" in done.stdout + done.stderr


def test_show_draws_a_nasty_status_harmlessly() -> None:
    there = status(site=NASTY, source=NASTY, trouble=f"no {NASTY}")
    there["delivery"] = {"state": "retrying", "url": NASTY, "message": NASTY}
    shown = "\n".join(render(there, 80, colour=False, now=NOW))
    assert obeyed(shown) == set()
    assert "\\u0001" in shown
    assert all(len(line) <= 80 for line in shown.splitlines())


@pytest.mark.parametrize("kind", [_Formatter, _JournalFormatter])
def test_the_log_writes_nasty_words_harmlessly(kind: type[logging.Formatter]) -> None:
    record = logging.makeLogRecord({"msg": "no %s", "args": (NASTY,), "levelname": "INFO"})
    written = kind("%(message)s").format(record)
    assert obeyed(written) == set()
    assert "\\u0001" in written


def cells(*texts: str) -> list[str]:
    """Give each text as it stands in the second column of a CSV file."""
    stream = io.StringIO()
    write_csv(stream, [{"time": 0, "text": text} for text in texts], ["time", "text"], 1)
    return [line.partition(",")[2] for line in stream.getvalue().splitlines()[1:]]


@pytest.mark.parametrize("sign", "=+-@")
@pytest.mark.parametrize("before", ["", " ", '"'])
def test_a_spreadsheet_runs_no_cell(sign: str, before: str) -> None:
    """Whatever it parts the columns by: Dutch ones take semicolons."""
    alone, behind = cells(f"{before}{sign}1+1", f"now;{before}{sign}1+1")
    assert alone.strip('"').startswith("'")
    assert behind.strip('"').partition(";")[2].startswith("'")


def test_numbers_and_words_are_cells_as_they_are() -> None:
    assert cells("E0042000000000042", "3 = 1 + 2", "a-b") == [
        "E0042000000000042",
        "3 = 1 + 2",
        "a-b",
    ]
    stream = io.StringIO()
    write_csv(stream, [{"time": 0, "a": Decimal("-0.5"), "b": -3}], ["time", "a", "b"], 1)
    assert stream.getvalue().splitlines()[1] == "1970-01-01T00:00:00Z,-0.5,-3"


def test_names_of_columns_are_cells_too() -> None:
    stream = io.StringIO()
    write_csv(stream, [], ["time", "=1+1"], 1)
    assert stream.getvalue() == "time,'=1+1\n"
