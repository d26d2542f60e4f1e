"""Asks InfluxDB in InfluxQL, and gives the rows as they come."""

import codecs
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import urllib3

from collector.delivery.answer import Target, shown
from collector.delivery.causes import explain
from collector.errors import CollectorError, UsageError
from collector.p1.time import from_local

_SPAN: Final = re.compile(r"([1-9][0-9]{0,5})([hdwy])")
_HOURS: Final = {"h": 1, "d": 24, "w": 7 * 24, "y": 365 * 24}
CHUNK: Final = 5_000  # rows that the server sends, and we hold, at a time
CONNECT_SECONDS: Final = 10.0
READ_SECONDS: Final = 300.0  # between two pieces: a small server looks for long
_DECODER: Final = json.JSONDecoder(parse_float=Decimal)
_SHOWN: Final = 40
_PIECE: Final = 256 * 1024
_LONGEST: Final = 32 * 1024 * 1024  # ten times what a chunk of rows takes
_OK: Final = 200
# What a page, or JSON of another shape, ends in.
_UNREADABLE: Final = (ValueError, RecursionError, AttributeError, KeyError, TypeError)
_CHECK: Final = "`p1-collector check` tries the way there"
_HINTS: Final = {
    401: "the token is not valid: check `P1_INFLUX_TOKEN`",
    403: "the token may not read: check `P1_INFLUX_TOKEN`",
    404: "this server does not know InfluxQL: check `P1_INFLUX_URL`",
}

_REFUSED: Final = (
    "does the bucket exist (`P1_INFLUX_BUCKET`), and may the token read it, not only write?"
)

Row = Mapping[str, Any]
"""A row: `time` in seconds, tags and fields by name; None is what it does not have."""


def period(start: str | None, end: str | None, now: datetime, hours: int) -> range:
    """Understand `--from` and `--to`: gives seconds since 1970.

    Each is a date or a time (`2026-01-31`, `2026-01-31T18:00`), local unless it has an offset, or
    a span back from now (`24h`, `7d`, `4w`, `1y`). Raises `UsageError`.
    """
    until = _moment(end, now, hours) if end else now
    since = _moment(start, now, hours) if start else until - timedelta(days=1)
    if since >= until:
        order = "the same as" if since == until else "after"
        limit = "`--to`" if end else "now, where it ends without `--to`"
        words = f"the period is empty: `--from` is {order} {limit}"
        times = [moment.isoformat(" ", "seconds") for moment in (since, until)]
        raise UsageError(words, hint=f"it would be from {times[0]} to {times[1]}")
    return range(int(since.timestamp()), int(until.timestamp()))


def _moment(text: str, now: datetime, hours: int) -> datetime:
    if match := _SPAN.fullmatch(text):
        return now - timedelta(hours=int(match[1]) * _HOURS[match[2]])
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        hint = "a date or time such as `2026-01-31` or `2026-01-31T18:00`, or a span such as `7d`"
        raise UsageError(f"`{text}` is no time", hint=hint) from None
    return moment if moment.tzinfo else from_local(moment, hours)


@dataclass(frozen=True, slots=True)
class Schema:
    """What a measurement has: its tags, and each field's type (`float`, `integer`, `string`)."""

    measurement: str
    tags: tuple[str, ...]
    fields: Mapping[str, str]


class Asker:
    def __init__(self, target: Target) -> None:
        self._target = target
        self._pool = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
            retries=False,
            ca_certs=target.ca_file,
        )

    def schemas(self) -> list[Schema]:
        """Give what is in the bucket, measurement by measurement."""
        tags, fields = defaultdict[str, list[str]](list), defaultdict[str, dict[str, str]](dict)
        for name, _, rows in self._series("SHOW TAG KEYS"):
            tags[name] += [key for key, *_ in rows]
        for name, _, rows in self._series("SHOW FIELD KEYS"):
            fields[name].update(map(tuple, rows))
        return [Schema(name, tuple(tags[name]), kinds) for name, kinds in fields.items()]

    def rows(self, measurement: str, columns: Sequence[str], period: range) -> Iterator[Row]:
        """Give the rows of a period, oldest first; only those that have one of the columns."""
        listed = ", ".join(map(_quoted, columns))
        query = (
            f"SELECT {listed} FROM {_quoted(measurement)}"  # noqa: S608  quoted
            f" WHERE time >= {period.start}s AND time < {period.stop}s ORDER BY time"
        )
        for _, names, values in self._series(query):
            for row in values:
                yield dict(zip(names, row, strict=True))

    def _series(self, query: str) -> Iterator[tuple[str, list[str], list[list[Any]]]]:
        try:
            for answer in self._answers(query):
                for result in answer.get("results", []):
                    if words := result.get("error"):
                        raise CollectorError(f"InfluxDB refuses the query: {words}", hint=_REFUSED)
                    for series in result.get("series", []):
                        yield series.get("name", ""), series["columns"], series["values"]
        except _UNREADABLE as error:
            words = f"what {shown(self._target.url)} answers cannot be read: {error}"
            raise CollectorError(words, hint=_CHECK) from error

    def _answers(self, query: str) -> Iterator[dict[str, Any]]:
        """Read the answer object by object, as they come."""
        target = self._target
        try:
            answer = self._pool.request(
                "POST",
                f"{target.url}/query",
                fields={
                    "db": target.bucket,
                    "q": query,
                    "epoch": "s",
                    "chunked": "true",
                    "chunk_size": str(CHUNK),
                },
                encode_multipart=False,
                headers={"Authorization": f"Token {target.token}", "Accept": "application/json"},
                preload_content=False,
            )
            if answer.status != _OK:
                said = answer.read(500, decode_content=False).decode("utf-8", "replace")
                words = f"answer {answer.status}: {' '.join(said.split())}"
                raise CollectorError(words, hint=_HINTS.get(answer.status))
            yield from objects(answer.stream(_PIECE, decode_content=False))
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise CollectorError(explain(error, target.url), hint=_CHECK) from error


def objects(pieces: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Take objects of JSON from the pieces they come in: 3 Core puts no line end between them.

    Raises `ValueError` for what is none.
    """
    decode, rest = codecs.getincrementaldecoder("utf-8")().decode, ""
    for piece in pieces:
        rest = (rest + decode(piece)).lstrip()
        while rest.startswith("{"):
            try:
                found, end = _DECODER.raw_decode(rest)
            except json.JSONDecodeError:
                break  # it goes on in the next piece
            yield found
            rest = rest[end:].lstrip()
        if rest and (not rest.startswith("{") or len(rest) > _LONGEST):
            raise ValueError(f"no JSON: {rest[:_SHOWN]!r}")
    if rest:
        _DECODER.decode(rest)  # raises, and says where it breaks off


def _quoted(name: str) -> str:
    plain = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{plain}"'
