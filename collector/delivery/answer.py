"""What an answer of InfluxDB means for what was sent: the delivery table, in one place.

======================  ==============  =======================================================
answer                  meaning         what the sender does
======================  ==============  =======================================================
204                     stored          remove the segment; no other status counts, not even 200
no answer, 408, 429,    not now         again, with exponential backoff and full jitter;
5xx                                     `Retry-After` honoured and bounded
401, 403, 404, and 400  misconfigured   keep everything, again slowly, say which setting to mend
for want of an `org`
413                     too large       halve
400, 422                bad             halve until each bad line stands alone
anything else           unknown         as "not now", loudly
======================  ==============  =======================================================

InfluxDB says in JSON what is bad about a line. A 400 with another body is not about the lines: a
proxy says so to plain HTTP at its HTTPS port, for instance. So it counts as unknown.
"""

import hashlib
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Final

LONGEST_RETRY_AFTER: Final = 600.0
"""Seconds: a longer `Retry-After` is a mistake, or an attack."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to deliver; token and address, which may have a password, do not show in `repr`."""

    url: str = field(repr=False)
    org: str
    bucket: str
    token: str = field(repr=False)
    ca_file: str | None = None

    @property
    def key(self) -> str:
        """A name for where that is, out of which nothing can be read."""
        return hashlib.sha256(f"{self.url}\n{self.org}\n{self.bucket}".encode()).hexdigest()[:16]

    @property
    def place(self) -> str:
        """Where that is, in words; a password in the address is left out."""
        return f"`{shown(self.url)}`, bucket `{self.bucket}`"


def shown(url: str) -> str:
    """Give an address without what may be a password in it: the user, and what is asked for."""
    parts = _PLACE.match(url)
    return "".join(part or "" for part in parts.groups()) if parts else ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; status 0 if nothing did. `retry_after` in seconds.

    `is_page` if the body is none of InfluxDB's: somebody between us and it has answered. `is_late`
    if nothing came because the deadline had passed.
    """

    status: int
    message: str
    retry_after: float | None = None
    is_page: bool = False
    is_late: bool = False


class Packed(bytes):
    """Lines of line protocol, compressed: what a request carries."""

    __slots__ = ()


def pack(parts: Iterable[bytes]) -> Packed:
    """Compress lines that come in parts, without a copy of the whole."""
    compressor = zlib.compressobj(6, wbits=_GZIP)
    return Packed(b"".join([*map(compressor.compress, parts), compressor.flush()]))


class Meaning(StrEnum):
    """What an answer means."""

    STORED = "stored"
    NOT_NOW = "not now"
    MISCONFIGURED = "misconfigured"
    TOO_LARGE = "too large"
    BAD = "bad"
    UNKNOWN = "unknown"


_BY_STATUS: Final = {
    0: Meaning.NOT_NOW,
    204: Meaning.STORED,
    400: Meaning.BAD,
    401: Meaning.MISCONFIGURED,
    403: Meaning.MISCONFIGURED,
    404: Meaning.MISCONFIGURED,
    408: Meaning.NOT_NOW,
    413: Meaning.TOO_LARGE,
    422: Meaning.BAD,
    429: Meaning.NOT_NOW,
}
_PLACE: Final = re.compile(r"([a-z][a-z0-9+.-]*://)?(?:.*@)?([^?#]*)", re.IGNORECASE | re.DOTALL)
_GZIP: Final = 16 + zlib.MAX_WBITS
_SERVER_ERRORS: Final = range(500, 600)
_OUT_OF_TIME: Final = (408, 504)
_BUSY: Final = (429, 503)
_NO_ORGANISATION: Final = "Please provide either orgID or org"
"""InfluxDB 2's words for a setting that is missing; the status is the one of bad lines."""

_REMEDIES: Final = {
    401: "the token is not valid: check `P1_INFLUX_TOKEN`",
    403: "the token may not write to this bucket: check `P1_INFLUX_TOKEN` and `P1_INFLUX_BUCKET`",
    404: "bucket or organisation not found: check `P1_INFLUX_BUCKET`, `P1_INFLUX_ORG`",
}
_TOO_SLOW: Final = (
    "the line to InfluxDB is slow or broken, or InfluxDB is busy: look at its log; `p1-collector"
    " check` tries each link"
)


def meaning(answer: Answer) -> Meaning:
    """Look the answer up in the table."""
    if answer.status in _SERVER_ERRORS:
        return Meaning.NOT_NOW
    if _names_no_organisation(answer):
        return Meaning.MISCONFIGURED
    if answer.is_page and _BY_STATUS.get(answer.status) is Meaning.BAD:
        return Meaning.UNKNOWN
    return _BY_STATUS.get(answer.status, Meaning.UNKNOWN)


def was_too_slow(answer: Answer) -> bool:
    """Whether it ran out of time, here or there: perhaps it was too much for the line."""
    return answer.is_late or answer.status in _OUT_OF_TIME


def is_busy(answer: Answer) -> bool:
    """Whether there seems to be too much to do: others want something as well."""
    return says_busy(answer) or was_too_slow(answer)


def says_busy(answer: Answer) -> bool:
    """Whether InfluxDB, or what is before it, says that it has too much to do."""
    return answer.status in _BUSY


def describe(answer: Answer) -> str:
    """Say what came back and, where a setting is wrong, which."""
    if answer.is_late:
        return f"{answer.message} ({_TOO_SLOW})"
    status = f"answer {answer.status}" if answer.status else "no answer"
    remedy = _REMEDIES.get(answer.status)
    if _names_no_organisation(answer):
        remedy = "InfluxDB 2 wants to know the organisation: set `P1_INFLUX_ORG`"
    if meaning(answer) is Meaning.UNKNOWN:
        remedy = (
            "this is not what InfluxDB answers: check `P1_INFLUX_URL`, or a login page between"
        )
    words = f"{status}: {answer.message}" if answer.message else status
    return f"{words} ({remedy})" if remedy else words


def _names_no_organisation(answer: Answer) -> bool:
    return answer.status == 400 and _NO_ORGANISATION in answer.message  # noqa: PLR2004  a status


def retry_after(value: str | None, *, now: datetime | None = None) -> float | None:
    """Read `Retry-After`, seconds or a date (RFC 9110, 10.2.3), bounded; None if it is unfit."""
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = _until(value, now or datetime.now(UTC))
    return min(seconds, LONGEST_RETRY_AFTER) if seconds >= 0 else None


def _until(date: str, now: datetime) -> float:
    try:
        moment = parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return -1.0
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds())
