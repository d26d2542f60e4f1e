"""A period, as a person says it. `hours` is the offset of winter time, `P1_UTC_OFFSET_HOURS`."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from collector.errors import UsageError
from collector.p1.time import from_local

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


def _moment(text: str, now: datetime, hours: int) -> datetime:
    if match := _SPAN.fullmatch(text):
        return now - timedelta(hours=int(match[1]) * _HOURS[match[2]])
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        hint = "a date or time such as `2026-01-31` or `2026-01-31T18:00`, or a span such as `7d`"
        raise UsageError(f"`{text}` is no time", hint=hint) from None
    return moment if moment.tzinfo else from_local(moment, hours)
