"""The time on a Dutch or Belgian clock; everything else in the simulator is in UTC."""

from datetime import UTC, date, datetime, time, timedelta

from collector.p1 import time as clock
from collector.p1.time import BASE_OFFSET_HOURS, from_local


def offset(when: datetime) -> timedelta:
    """What the clock is ahead of UTC at this instant."""
    return clock.local(int(when.timestamp()), BASE_OFFSET_HOURS).utcoffset() or timedelta()


def local(when: datetime) -> datetime:
    """What the clock on the wall says: a naive datetime."""
    return (when + offset(when)).replace(tzinfo=None)


def midnight(day: date) -> datetime:
    """The instant, in UTC, at which this local day begins."""
    return from_local(datetime.combine(day, time()), BASE_OFFSET_HOURS).astimezone(UTC)


def hours(day: date) -> int:
    """How long this local day is: 24, or 23 and 25 at the changes."""
    length = midnight(day + timedelta(days=1)) - midnight(day)
    return length // timedelta(hours=1)
