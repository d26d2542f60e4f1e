"""The meter's time stamps: `YYMMDDhhmmssX`, where X is S (summer) or W (winter).

S is UTC+2 and W is UTC+1, as fixed offsets: no time zone data, and no hour that happens twice
(DSMR 5.0.2 P1, 6.4). Sweden prints W all year, which this reads rightly. Further east one setting,
the base offset, moves both.

DSMR 2 and 3 print no letter, Holley in Hungary a T, Logarex neither letter nor seconds. Their
clocks follow the summer time of the European Union, so the rule of directive 2000/84/EC is
applied; in the hour that happens twice the second one is taken, and marked with `fold`: whoever
knows what came before can tell (`told_apart`).

What is no moment at all (`632525252525W`, the thirtieth of February) or lies outside the years in
which a P1 port can have said it (`700101010000W`, `000101000000W`) is an unset clock, which is not
damage: see `Unset`.
"""

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import cache, lru_cache
from typing import Final

BASE_OFFSET_HOURS: Final = 1
# DSMR 2 is of 2008. A two-digit year above the last is the nineteen-hundreds of an unset clock.
FIRST_YEAR: Final = 2005
LAST_YEAR: Final = 2059
_HOUR: Final = timedelta(hours=1)

_STAMP: Final = re.compile(r"[0-9]{12}[SWswT]?")
_SEPARATED: Final = re.compile(r"(?:20)?([0-9]{2})[-/.]?([0-9]{2})[-/.]?([0-9]{2})[ T]?"
                               r"([0-9]{2}):?([0-9]{2})(?::?([0-9]{2}))?([SWswT]?)")  # fmt: skip


class Unset(ValueError):  # noqa: N818  an unset clock is a state, not an error
    """The text has the shape of a time, but the clock behind it was never set; says why."""


@lru_cache(maxsize=256)  # logs and devices repeat theirs in every telegram
def instant(text: str, utc_offset_hours: int = BASE_OFFSET_HOURS) -> datetime:
    """Return the moment that `text` means, in UTC.

    `utc_offset_hours` is that of winter time. Raises Unset for a clock that was never set, and
    ValueError for what has not even the shape of a time.
    """
    if not _STAMP.fullmatch(text):
        text = _plain(text)
    try:
        wall = datetime(
            2000 + int(text[0:2]), int(text[2:4]), int(text[4:6]),
            int(text[6:8]), int(text[8:10]), int(text[10:12]),
            tzinfo=_fixed(utc_offset_hours),
        )  # fmt: skip
    except ValueError as error:
        raise Unset(f"unset clock: no such time: {error}") from None
    if not FIRST_YEAR <= wall.year <= LAST_YEAR:
        raise Unset(f"unset clock: not a year of a P1 port: {text[0:2]}")
    no_letter = text[12:] in ("", "T")
    if _in_summer(wall) if no_letter else text[12] in "Ss":
        return (wall - _HOUR).astimezone(UTC)
    comes_twice = no_letter and _in_summer(wall - _HOUR)
    return wall.astimezone(UTC).replace(fold=comes_twice)


def told_apart(moment: datetime, last: datetime | None) -> datetime:
    """Give the moment that a clock without a letter meant, going by the `last` one before it.

    Only in the hour that happens twice there are two: the earlier, unless that lies behind.
    """
    if not moment.fold:
        return moment
    earlier = moment.replace(fold=0) - _HOUR
    behind = last is not None and earlier < last - _HOUR / 2
    return moment if behind else earlier


def local(second: int, winter: int) -> datetime:
    """Give what the clock on the wall says, with its offset; `winter` is that of winter time."""
    moment = datetime.fromtimestamp(second, UTC)
    return moment.astimezone(_fixed(winter + _in_summer(moment)))


def from_local(wall: datetime, winter: int) -> datetime:
    """Read a clock on the wall; in the hour that happens twice, the first one."""
    summer = wall.replace(tzinfo=_fixed(winter + 1))
    return summer if _in_summer(summer) else wall.replace(tzinfo=_fixed(winter))


def _in_summer(moment: datetime) -> bool:
    """Tell whether it is summer time: the clocks change at 01:00 UTC on two last Sundays."""
    year = moment.astimezone(UTC).year
    return _last_sunday(year, 3) + _HOUR <= moment < _last_sunday(year, 10) + _HOUR


def _plain(text: str) -> str:
    """Turn `2022-01-30 09:41:27` and `20220130 094127`, of some meters, into the usual."""
    match = _SEPARATED.fullmatch(text)
    if match is None:
        raise ValueError("not a time")
    return "".join(match.groups(default="00"))


@cache
def _fixed(hours: int) -> timezone:
    return timezone(timedelta(hours=hours))


@cache
def _last_sunday(year: int, month: int) -> datetime:
    last = datetime(year, month, 31, tzinfo=UTC)
    return last - timedelta(days=last.isoweekday() % 7)
