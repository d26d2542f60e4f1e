"""What two collectors say of themselves in two hours: one is well, one has a bad hour."""

from datetime import datetime, timedelta
from typing import Final

from collector.service.status import collector_line

MINUTES: Final = 120
LATE: Final = 360 - 30
"""What came late: an hour of telegrams, less those of the five minutes in which it came."""

NAMES: Final = (
    *("read", "delivered", "waiting", "repeated", "bad_checksums", "bad_lines"),
    *("rejected", "dropped", "damaged", "retries", "spool_bytes"),
)


def lines(now: datetime) -> str:
    """Give what they write until now."""
    begin = now - timedelta(minutes=MINUTES)
    moments = [begin + timedelta(minutes=n) for n in range(MINUTES + 1)]
    return "".join(_well(n, time) + _troubled(n, time) for n, time in enumerate(moments))


def _well(minute: int, time: datetime) -> str:
    return _own("utrecht", time, read=6 * minute, delivered=6 * minute)


def _troubled(minute: int, time: datetime) -> str:
    """From the 30th minute to the 90th nothing is delivered; that leads to more."""
    out = 30 <= minute < 90
    behind = 6 * (minute - 30) if out else 0
    return _own(
        "gent",
        time,
        lag=60 * (minute - 30) if out else 3,
        read=6 * minute,
        delivered=6 * (30 if out else minute),
        waiting=behind,
        spool_bytes=700 * behind,
        bad_checksums=minute // 40,
        rejected=int(minute > 100),
    )


def _own(site: str, time: datetime, *, lag: int = 3, **counts: int) -> str:
    return collector_line(
        {
            "counts": dict.fromkeys(NAMES, 0) | counts,
            "lag_s": lag,
            "version": "0.1.0",
            "site": site,
            "updated": int(time.timestamp()),
        }
    )
