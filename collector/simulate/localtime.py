"""The time on a Dutch or Belgian meter's clock: local time and the letter behind it.

Everything in the simulator is in UTC. Summer time runs from 01:00 UTC on the last Sunday of March
to 01:00 UTC on the last Sunday of October, the European rule since 1996, so no time zone data is
needed.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

_WINTER = timedelta(hours=1)
_SUMMER = timedelta(hours=2)


def offset(when: datetime) -> timedelta:
    """What the clock is ahead of UTC at this instant."""
    begin, end = _summer(when.year)
    return _SUMMER if begin <= when < end else _WINTER


def local(when: datetime) -> datetime:
    """What the clock on the wall says: a naive datetime."""
    return (when + offset(when)).replace(tzinfo=None)


def midnight(day: date) -> datetime:
    """The instant, in UTC, at which this local day begins."""
    naive = datetime(day.year, day.month, day.day, tzinfo=UTC)
    # Both changes are at 01:00 UTC on a Sunday, so no midnight is ambiguous.
    return naive - offset(naive - _WINTER)


def hours(day: date) -> int:
    """How long this local day is: 24, or 23 and 25 at the changes."""
    length = midnight(day + timedelta(days=1)) - midnight(day)
    return length // timedelta(hours=1)


def stamp(when: datetime) -> str:
    """`YYMMDDhhmmssX` with `S` for summer and `W` for winter (DSMR 5.0.2 P1, 6.4)."""
    return stamp_without_letter(when) + ("S" if offset(when) == _SUMMER else "W")


def stamp_without_letter(when: datetime) -> str:
    """`YYMMDDhhmmss`, as DSMR 2 and 3 print it: ambiguous for an hour each year."""
    return local(when).strftime("%y%m%d%H%M%S")


@lru_cache(maxsize=64)
def _summer(year: int) -> tuple[datetime, datetime]:
    return _last_sunday(year, 3), _last_sunday(year, 10)


def _last_sunday(year: int, month: int) -> datetime:
    last = datetime(year, month, 31, 1, tzinfo=UTC)
    return last - timedelta(days=(last.weekday() + 1) % 7)
