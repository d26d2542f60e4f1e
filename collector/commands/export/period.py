"""A period, and local time: the European rule, so that no time zone data is needed.

Summer time is from 01:00 UTC on the last Sunday of March to 01:00 UTC on the last Sunday of
October (directive 2000/84/EC). `hours` is always the offset of winter time, `P1_UTC_OFFSET_HOURS`.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final

from collector.errors import UsageError

_SPAN: Final = re.compile(r"([1-9][0-9]{0,5})([hdwy])")
_HOURS: Final = {"h": 1, "d": 24, "w": 7 * 24, "y": 365 * 24}


@dataclass(frozen=True, slots=True)
class Period:
    """From a second up to another, which is outside; seconds since 1970."""

    start: int
    end: int


def period(start: str | None, end: str | None, now: datetime, hours: int) -> Period:
    """Understand `--from` and `--to`.

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
    return Period(int(since.timestamp()), int(until.timestamp()))


def local(second: int, hours: int) -> datetime:
    """Give the local time, with its offset."""
    moment = datetime.fromtimestamp(second, UTC)
    return moment.astimezone(_zone(hours + _is_summer(moment)))


def _moment(text: str, now: datetime, hours: int) -> datetime:
    if match := _SPAN.fullmatch(text):
        return now - timedelta(hours=int(match[1]) * _HOURS[match[2]])
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        hint = "a date or time such as `2026-01-31` or `2026-01-31T18:00`, or a span such as `7d`"
        raise UsageError(f"`{text}` is no time", hint=hint) from None
    return moment if moment.tzinfo else _from_local(moment, hours)


def _from_local(wall: datetime, hours: int) -> datetime:
    """Read a local time; in the hour that happens twice, the first one."""
    summer = wall.replace(tzinfo=_zone(hours + 1))
    return summer if _is_summer(summer) else wall.replace(tzinfo=_zone(hours))


def _is_summer(moment: datetime) -> bool:
    begin, end = _summer(moment.astimezone(UTC).year)
    return begin <= moment < end


@lru_cache(maxsize=64)
def _summer(year: int) -> tuple[datetime, datetime]:
    return _last_sunday(year, 3), _last_sunday(year, 10)


def _last_sunday(year: int, month: int) -> datetime:
    last = datetime(year, month, 31, 1, tzinfo=UTC)
    return last - timedelta(days=last.isoweekday() % 7)


@lru_cache(maxsize=64)
def _zone(hours: int) -> timezone:
    return timezone(timedelta(hours=hours))
