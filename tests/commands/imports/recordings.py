"""Recordings to import: what other programs would have left of simulated telegrams."""

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Final

from collector.p1.framing import Framer
from collector.p1.telegram import Telegram, parse
from collector.simulate.house import Household
from collector.simulate.likeness import like as printing_like
from collector.simulate.localtime import local, midnight
from collector.simulate.meter import Meter

START: Final = datetime(2021, 3, 5, 12, 0, 0, tzinfo=UTC)
FAILURES: Final = "1-0:99.97.0"


@cache
def telegrams(
    number: int, *, start: datetime = START, period: int = 10, like: str = "dsmr5"
) -> list[bytes]:
    """Give what a meter of some kind sends, one telegram every `period` seconds."""
    dialect = printing_like(like)
    meter = Meter(Household(1, grain=60), midnight(local(start).date()), dialect.build)
    moments = (start + timedelta(seconds=period * n) for n in range(number))
    return [dialect.telegram(meter.at(moment)) for moment in moments]


def read(data: bytes) -> Telegram:
    (frame,) = Framer().feed(data)
    return parse(frame)


def lines_of(telegram: bytes) -> list[tuple[str, str]]:
    """Give a telegram's codes, and what stands behind the first bracket of each."""
    lines = telegram.decode("ascii").split("\r\n")
    return [
        (code, rest)
        for code, bracket, rest in (line.partition("(") for line in lines)
        if bracket and code[:1].isdigit()
    ]


def version_5(path: Path, sent: Iterable[bytes], offset: str = "+01:00") -> None:
    """Write the database of version 5: brackets stripped, the log's tail, the host's time."""
    rows = []
    for telegram in sent:
        values = [
            (code, rest[3:] if code == FAILURES else rest.strip(")"))
            for code, rest in lines_of(telegram)
        ]
        time = read(telegram).time
        assert time is not None
        zone = datetime.fromisoformat(f"2000-01-01T00:00:00{offset}").tzinfo
        # The host is a little late, and tells microseconds.
        host = (time + timedelta(seconds=2.5)).astimezone(zone).isoformat()
        rows.append([*values, ("timestamp", host)])
    write(path, rows)


def version_4(path: Path, sent: Iterable[bytes], *, brackets: bool = False) -> None:
    """Write the database of version 4, which in later versions kept the brackets."""
    rows = [
        [
            (code, f"({rest}" if brackets else rest.removesuffix(")"))
            for code, rest in lines_of(one)
        ]
        for one in sent
    ]
    write(path, rows)


def write(path: Path, rows: Sequence[Sequence[tuple[str, str]]]) -> None:
    """Make the table with a column for each code of the first row, and fill it."""
    columns = ", ".join(f'"{code}" TEXT' for code, _ in rows[0])
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"CREATE TABLE telegrams (id INTEGER PRIMARY KEY, {columns})")
        for row in rows:
            places = ", ".join("?" * (len(row) + 1))
            values = [None, *(value for _, value in row)]
            database.execute(f"INSERT INTO telegrams VALUES ({places})", values)  # noqa: S608
        database.commit()
