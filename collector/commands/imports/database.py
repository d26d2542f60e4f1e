"""The SQLite file of slimmemeter-rpi, in both its versions.

One table `telegrams`, one row a telegram, and a column of text named by each OBIS code, with what
the meter printed between the outer brackets (later versions of the version 4 program kept these
too). So a row is turned back into the lines of a telegram and read like any other: same fields,
same decimals.

- `1-0:99.97.0` (the log of power failures) has lost its count in the version 5 file: only the tail
  of its line is there. Nobody needs the count.
- The time is the meter's, `0-0:1.0.0`. Where its letter is missing, the column `timestamp` of the
  version 5 file (the host's, ISO 8601 with offset) says which of the two it was; in the version 4
  file, which has none, the European rule does, and in the hour that happens twice the letter of
  the gas reading. A row without the meter's time has that of `timestamp`.
- The program put the lines into the columns in the order in which they came, whatever their codes.
  So a row of which one value is no value of its column is a row that slipped, and not used at all.
"""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from collector.commands.imports.recording import Entry, Place, Stretch
from collector.errors import SourceError
from collector.p1.framing import Frame
from collector.p1.telegram import Telegram, parse
from collector.p1.time import instant

MAGIC: Final = b"SQLite format 3\0"
TABLE: Final = "telegrams"
TIMESTAMP: Final = "timestamp"
CLOCK: Final = "0-0:1.0.0"
FAILURES: Final = "1-0:99.97.0"
GAS: Final = "0-1:24.2.1"

_ROWS: Final = 200
_CODE: Final = re.compile(r"\d-\d{1,2}:\d{1,3}\.\d{1,3}\.\d{1,3}")
_COUNT: Final = re.compile(r"\d+(?:\)|$)")
_LETTERLESS: Final = re.compile(r"\d{12}")

Row = dict[str, str]


class Database:
    """Telegrams of one database; a place in it is the number of a row.

    Each stretch is a query of its own, so that the program that fills the file is not held up.
    """

    kind = "database of slimmemeter-rpi"

    def __init__(self, path: Path, *, utc_offset_hours: int) -> None:
        """Raise `SourceError` if it is no such database."""
        self._path = path
        self._offset = utc_offset_hours
        self._columns = [str(row[1]) for row in self._asked(f"PRAGMA table_info({TABLE})")]
        if not any(map(_CODE.fullmatch, self._columns)):
            raise SourceError(
                f"`{self._path}` has no table `{TABLE}` with a column for each OBIS code",
                hint="the database of slimmemeter-rpi is `dsmr42.sqlite` or `dsmr50.sqlite`",
            )
        highest = self._asked(f"SELECT MAX(rowid) FROM {TABLE}")  # noqa: S608  our own words
        self.size = highest[0][0] or 0

    def stretches(self, start: Place) -> Iterator[Stretch]:
        """Give the rows in the order in which they were written."""
        last, number = start.position, start.number
        query = f"SELECT rowid, * FROM {TABLE} WHERE rowid > ? ORDER BY rowid LIMIT {_ROWS}"  # noqa: S608
        while rows := self._asked(query, last):
            last = rows[-1][0]
            number += len(rows)
            yield Stretch(tuple(map(self._entry, rows)), Place(last, number))

    def _entry(self, values: Sequence[Any]) -> Entry:
        row = {
            name: str(value).strip()
            for name, value in zip(self._columns, values[1:], strict=True)
            if value is not None
        }
        host = _host_time(row)
        row |= _clock(row, host, self._offset)
        lines = [_line(code, text) for code, text in row.items() if _CODE.fullmatch(code)]
        data = "\r\n".join(["/slimmemeter-rpi", "", *lines, "!"]).encode("ascii", "replace")
        telegram = parse(Frame(data, b""), utc_offset_hours=self._offset)
        telegram = telegram if telegram.time else telegram._replace(time=host)
        return Entry(f"row {values[0]}", telegram, _trouble(telegram))

    def _asked(self, query: str, *values: int) -> list[Any]:
        try:
            uri = f"{self._path.absolute().as_uri()}?mode=ro"
            with closing(sqlite3.connect(uri, uri=True)) as connection:
                connection.text_factory = lambda text: text.decode("utf-8", "replace")
                return connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise SourceError(
                f"cannot read the database `{self._path}`: {error}",
                hint="if it is damaged, `sqlite3 FILE .recover | sqlite3 NEW` saves what it can",
            ) from error


def is_database(path: Path) -> bool:
    """Whether a file is one of SQLite's."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def _trouble(telegram: Telegram) -> str | None:
    if telegram.errors:
        first = telegram.errors[0]
        return f"{first.message}: {first.line}"
    if telegram.time is None:
        return "it has no time"
    return None if telegram.electricity or telegram.devices else "it has no values"


def _line(code: str, text: str) -> str:
    inner = text.strip("()")
    if code == FAILURES and inner and not _COUNT.match(inner):
        inner = f"0)({inner}"
    return f"{code}({inner})"


def _host_time(row: Row) -> datetime | None:
    with suppress(ValueError):
        time = datetime.fromisoformat(row.get(TIMESTAMP, ""))
        if time.tzinfo is not None:
            return time.astimezone(UTC).replace(microsecond=0)
    return None


def _clock(row: Row, host: datetime | None, offset: int) -> Row:
    """Put the letter behind a time that has none, where something says which it was."""
    text = row.get(CLOCK, "").strip("()")
    if not _LETTERLESS.fullmatch(text):
        return {}
    if host is not None:
        with suppress(ValueError):
            return {CLOCK: text + min("SW", key=lambda x: abs(instant(text + x, offset) - host))}
    gas = row.get(GAS, "").strip("()").partition(")")[0]
    return {CLOCK: text + gas[-1:]} if gas[-1:] in ("S", "W") and _twice(text, offset) else {}


def _twice(text: str, offset: int) -> bool:
    """Whether this time of a clock on the wall is in the hour that happens twice a year."""
    with suppress(ValueError):
        day = date(2000 + int(text[:2]), int(text[2:4]), int(text[4:6]))
        last_sunday = (day.month, day.isoweekday()) == (10, 7) and day.day > 31 - 7
        return last_sunday and int(text[6:8]) == offset + 1
    return False
