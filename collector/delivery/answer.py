"""What an answer of InfluxDB means for what was sent: the delivery table, in one place.

======================  ==============  =======================================================
answer                  meaning         what the sender does
======================  ==============  =======================================================
204                     stored          remove the segment; no other status counts, not even 200
no answer, 408, 429,    not now         again, with exponential backoff and full jitter;
5xx                                     `Retry-After` honoured and bounded
401, 403, 404           misconfigured   keep everything, again slowly, say which setting to mend
413                     too large       halve
400, 422                by its words    see below
anything else           unknown         as "not now", loudly
======================  ==============  =======================================================

With 400 and 422 InfluxDB speaks of the lines, and of everything else too. Whose fault it is,
`_WORDS` knows of each product: the lines' (too old, of another type, bad), the server's (not now)
or the settings' (misconfigured). What it does not know is unclear: the lines are at fault only if
they are refused while others pass.

InfluxDB says it in JSON. A 400 with another body is not about the lines: a proxy says so to plain
HTTP at its HTTPS port, for instance. So it counts as unknown.
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
    if nothing came because the deadline had passed. `told` are the lines it speaks of: their
    numbers, from 1, or their texts.
    """

    status: int
    message: str
    retry_after: float | None = None
    is_page: bool = False
    is_late: bool = False
    told: tuple[int | str, ...] = ()


class Packed(bytes):
    """Lines of line protocol, compressed."""

    __slots__ = ()


def pack(parts: Iterable[bytes]) -> Packed:
    """Compress lines that come in parts, without a copy of the whole."""
    compressor = zlib.compressobj(6, wbits=_GZIP)
    return Packed(b"".join([*map(compressor.compress, parts), compressor.flush()]))


class Meaning(StrEnum):
    STORED = "stored"
    NOT_NOW = "not now"
    MISCONFIGURED = "misconfigured"
    TOO_LARGE = "too large"
    OLD = "too old"
    CONFLICT = "of another type"
    BAD = "bad"
    UNCLEAR = "unclear"
    UNKNOWN = "unknown"


REFUSED: Final = (Meaning.TOO_LARGE, Meaning.OLD, Meaning.CONFLICT, Meaning.BAD, Meaning.UNCLEAR)
"""What may be about some of the lines only."""

_BY_STATUS: Final = {
    204: Meaning.STORED,
    **dict.fromkeys((0, 408, 429, *range(500, 600)), Meaning.NOT_NOW),
    **dict.fromkeys((401, 403, 404), Meaning.MISCONFIGURED),
    413: Meaning.TOO_LARGE,
    **dict.fromkeys((400, 422), Meaning.UNCLEAR),
}
_PLACE: Final = re.compile(r"([a-z][a-z0-9+.-]*://)?(?:.*@)?([^?#]*)", re.IGNORECASE | re.DOTALL)
_GZIP: Final = 16 + zlib.MAX_WBITS
_OUT_OF_TIME: Final = (408, 504)
_BUSY: Final = (429, 503)

# The first row that fits counts. A line may be quoted, with anything in it: after `unable to
# parse`. A bound above, on what lies in the future, is not monotone in the same direction. Other
# refusals of InfluxDB 2 end with the words `for retention policy: autogen`.
_WORDS: Final = (
    ((400,), r"^(?:partial write: )?unable to parse", Meaning.BAD),  # 1 and 2
    ((400, 422), r"field type conflict", Meaning.CONFLICT),  # 1 and 2
    ((400, 422), r"invalid column type for column", Meaning.CONFLICT),  # 3
    ((400, 422), r"(?:outside|beyond) retention policy(?!.*Upper Bound)", Meaning.OLD),
    ((400, 403, 422), r"outside of the retention period", Meaning.OLD),  # Serverless
    ((400,), r"line protocol parse failed", Meaning.BAD),  # 3, from 3.10 on
    ((400,), r"failed to parse line protocol", Meaning.BAD),  # Serverless
    # Core says so of its own trouble, with the status of bad lines.
    ((400,), r"error from wal|catalog update error|object store error", Meaning.NOT_NOW),
    ((400,), r"soft-deleted", Meaning.NOT_NOW),
    ((400,), r"exceed limit of \d+ databases", Meaning.MISCONFIGURED),
    ((400,), r"namespace name .*invalid character", Meaning.MISCONFIGURED),
    ((400,), r"db name did not start|length must be between", Meaning.MISCONFIGURED),
    ((400,), r"missing (?:org/)?bucket", Meaning.MISCONFIGURED),
    ((400,), r"provide either orgID or org|invalid precision", Meaning.MISCONFIGURED),
)
_REMEDIES: Final = {
    401: "the token is not valid: check `P1_INFLUX_TOKEN`",
    403: "the token may not write to this bucket: check `P1_INFLUX_TOKEN` and `P1_INFLUX_BUCKET`",
    404: "bucket or organisation not found: check `P1_INFLUX_BUCKET`, `P1_INFLUX_ORG`",
}
_NO_ORGANISATION: Final = "InfluxDB 2 wants to know the organisation: set `P1_INFLUX_ORG`"
_BY_MEANING: Final = {
    Meaning.MISCONFIGURED: "check `P1_INFLUX_BUCKET` and `P1_INFLUX_ORG`",
    Meaning.UNCLEAR: "it takes nothing at all: check `P1_INFLUX_BUCKET`, and look at its log",
    Meaning.UNKNOWN: "this is not what InfluxDB answers: check `P1_INFLUX_URL`, or a login page"
    " between",
}
_TOLD: Final = re.compile(
    r"""(?m)(?:error parsing line |"line_number": ?)(\d{1,9})|^unable to parse '(.*)': """
)
_TOO_SLOW: Final = (
    "the line to InfluxDB is slow or broken, or InfluxDB is busy: look at its log; `p1-collector"
    " check` tries each link"
)


def meaning(answer: Answer) -> Meaning:
    """Look the answer up in the table."""
    by_status = _BY_STATUS.get(answer.status, Meaning.UNKNOWN)
    if answer.is_page:
        return Meaning.UNKNOWN if by_status is Meaning.UNCLEAR else by_status
    for statuses, words, found in _WORDS:
        if answer.status in statuses and re.search(words, answer.message):
            return found
    return by_status


def has_ui_path(url: str) -> bool:
    """Whether an address was copied from a browser that shows InfluxDB's pages."""
    return "/orgs/" in url


def told(message: str) -> tuple[int | str, ...]:
    """Read which lines a refusal speaks of, number or text; every product has its own words."""
    return tuple(int(number) if number else text for number, text in _TOLD.findall(message))


def was_too_slow(answer: Answer) -> bool:
    """Whether it ran out of time, here or there: perhaps it was too much for the line."""
    return answer.is_late or answer.status in _OUT_OF_TIME


def says_busy(answer: Answer) -> bool:
    """Whether InfluxDB, or what is before it, says that it has too much to do."""
    return answer.status in _BUSY


def describe(answer: Answer) -> str:
    """Say what came back and, where a setting is wrong, which."""
    if answer.is_late:
        return f"{answer.message} ({_TOO_SLOW})"
    remedy = _REMEDIES.get(answer.status) or _BY_MEANING.get(meaning(answer))
    if "orgID or org" in answer.message:
        remedy = _NO_ORGANISATION
    return f"{words(answer)} ({remedy})" if remedy else words(answer)


def words(answer: Answer) -> str:
    status = f"answer {answer.status}" if answer.status else "no answer"
    return f"{status}: {answer.message}" if answer.message else status


def retry_after(value: str | None, *, now: datetime | None = None) -> float | None:
    """Read `Retry-After`, seconds or a date (RFC 9110, 10.2.3), bounded; None if it is unfit."""
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except (ValueError, OverflowError):
            return None
        moment = moment.replace(tzinfo=moment.tzinfo or UTC)
        seconds = max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())
    return min(seconds, LONGEST_RETRY_AFTER) if seconds >= 0 else None
