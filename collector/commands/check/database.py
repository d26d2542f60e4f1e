"""What InfluxDB says to the token, the bucket and a write.

A token that may only write cannot ask for anything, so it is tried by writing. Three requests are
sent, none of which changes what a graph shows:

1. A line of comment. InfluxDB looks at token, organisation and bucket first, and stores nothing.
   (InfluxDB 3 answers 400 to a request without a point, after it has looked.)
2. One point of the measurement `collector`: this host's `version`, at the start of the running
   quarter hour, which is the same point however often `check` runs.
3. If readings wait, the oldest line of them, which the service will send anyway: so it is known
   whether the bucket's retention takes what is that old.
"""

import platform
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from collector import __version__
from collector.commands.check.finding import Finding, fail, ok, skip, warn
from collector.delivery.answer import Answer, Meaning, Target, meaning
from collector.points import QUARTER_SECONDS, line_of
from collector.remedies import Remedy

COMMENT: Final = b"# p1-collector check\n"
LINKS: Final = ("token", "bucket", "write", "retention")

Write = Callable[[bytes], Answer]
"""Sends lines, and gives the answer: `collector.delivery.influx.Influx.write`."""

_BAD: Final = (400, 422)


def findings(
    write: Write, target: Target, site: str, now: float, oldest: bytes | None
) -> Iterator[Finding]:
    """Judge what InfluxDB says; `oldest` is a line that waits, with its line end."""
    asked = access(write(COMMENT), target)
    yield from asked
    if len(asked) < len(LINKS[:2]) or any(finding.remedy for finding in asked):
        yield from (skip(link, "InfluxDB takes no request") for link in LINKS[len(asked) :])
        return
    yield storing(write(point(site, now)))
    yield retention(write(oldest) if oldest else None, oldest)


def access(answer: Answer, target: Target) -> list[Finding]:
    """Judge token and bucket by the answer to a comment."""
    known = ok("token", "known to InfluxDB")
    if not answer.is_page and (remedy := _BY_TOKEN.get(answer.status)):
        return [fail("token", _words(answer), remedy)]
    found = meaning(answer)
    if found in _NO_REQUEST or answer.is_page:
        return [fail("token", _words(answer), _NO_REQUEST.get(found, Remedy.NOT_INFLUX))]
    if found is Meaning.MISCONFIGURED:
        missing = "bucket" in answer.message
        return [known, fail("bucket", _words(answer), _MISSING[missing])]
    return [known, ok("bucket", f"`{target.bucket}` is there, the token may write to it")]


_BY_TOKEN: Final = {401: Remedy.TOKEN, 403: Remedy.TOKEN_FORBIDDEN}
_NO_REQUEST: Final = {Meaning.NOT_NOW: Remedy.BUSY, Meaning.UNKNOWN: Remedy.NOT_INFLUX}
_MISSING: Final = {True: Remedy.BUCKET, False: Remedy.ORGANISATION}


def point(site: str, now: float) -> bytes:
    """Make the point that is written: one a quarter hour, with a field of the schema."""
    tags = {"site": site, "host": platform.node()}
    second = int(now) // QUARTER_SECONDS * QUARTER_SECONDS
    return f"{line_of('collector', tags, {'version': __version__}, second)[0]}\n".encode()


def storing(answer: Answer) -> Finding:
    """Whether the point was stored."""
    if meaning(answer) is Meaning.STORED:
        what = "a point of `collector` is stored: this version, at this quarter hour"
        return ok("write", what)
    if _is_retention(answer):
        return fail("write", _words(answer), Remedy.HOST_CLOCK)
    return fail("write", _words(answer), Remedy.WRITE)


def retention(answer: Answer | None, oldest: bytes | None) -> Finding:
    """Whether the bucket takes what has waited longest."""
    if answer is None or oldest is None:
        return ok("retention", "nothing waits that could be too old")
    if meaning(answer) is Meaning.STORED:
        return ok("retention", f"the bucket takes the oldest line that waits ({_time(oldest)})")
    if _is_retention(answer):
        return warn("retention", _words(answer), Remedy.RETENTION)
    return warn("retention", _words(answer), Remedy.WRITE)


def _time(line: bytes) -> str:
    """Give the time of a line, which is UTC; a line that has none as it stands."""
    second = line.rpartition(b" ")[2].strip().decode(errors="replace")
    with suppress(ValueError, OverflowError, OSError):
        return f"{datetime.fromtimestamp(int(second), UTC):%Y-%m-%d %H:%M:%S} UTC"
    return f"second {second}"


def _is_retention(answer: Answer) -> bool:
    return answer.status in _BAD and "retention" in answer.message.lower()


def _words(answer: Answer) -> str:
    status = f"answer {answer.status}" if answer.status else "no answer"
    return f"{status}: {answer.message}" if answer.message else status
