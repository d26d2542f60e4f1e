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
from collector.delivery.answer import Answer, Meaning, Target, has_ui_path, meaning, words
from collector.points import QUARTER_SECONDS, line_of
from collector.remedies import Remedy

COMMENT: Final = b"# p1-collector check\n"
LINKS: Final = ("token", "bucket", "write", "retention")
READ: Final = ("product", "reading", "keeps")
"""What is asked for beside, where the token may: `collector.commands.check.reading`."""

Write = Callable[[bytes], Answer]
"""Sends lines, and gives the answer: `collector.delivery.influx.Influx.write`."""


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
    known = ok("token", "known to InfluxDB")
    # Serverless says 401 with an empty body.
    if (not answer.is_page or answer.status == _UNAUTHORISED) and (
        remedy := _BY_TOKEN.get(answer.status)
    ):
        return [fail("token", words(answer), remedy)]
    found = meaning(answer)
    if found is Meaning.NOT_NOW:
        return [fail("token", words(answer), Remedy.BUSY)]
    if found is Meaning.UNKNOWN or answer.is_page:
        stranger = Remedy.UI_PATH if has_ui_path(target.url) else Remedy.NOT_INFLUX
        return [fail("token", words(answer), stranger)]
    if found is Meaning.MISCONFIGURED:
        return [known, fail("bucket", words(answer), _missing(answer.message))]
    return [known, ok("bucket", f"`{target.bucket}` is there, the token may write to it")]


_UNAUTHORISED: Final = 401
_BY_TOKEN: Final = {_UNAUTHORISED: Remedy.TOKEN, 403: Remedy.TOKEN_FORBIDDEN}


def _missing(said: str) -> Remedy:
    if "database not found" in said:
        return Remedy.DATABASE
    return Remedy.ORGANISATION if "organi" in said or "orgID" in said else Remedy.BUCKET


def point(site: str, now: float) -> bytes:
    """Make the point that is written: one a quarter hour, with a field of the schema."""
    tags = {"site": site, "host": platform.node()}
    second = int(now) // QUARTER_SECONDS * QUARTER_SECONDS
    return f"{line_of('collector', tags, {'version': __version__}, second)[0]}\n".encode()


def storing(answer: Answer) -> Finding:
    if meaning(answer) is Meaning.STORED:
        what = "a point of `collector` is stored: this version, at this quarter hour"
        return ok("write", what)
    if meaning(answer) is Meaning.OLD:
        return fail("write", words(answer), Remedy.HOST_CLOCK)
    return fail("write", words(answer), Remedy.WRITE)


def retention(answer: Answer | None, oldest: bytes | None) -> Finding:
    if answer is None or oldest is None:
        return ok("retention", "nothing waits that could be too old")
    if meaning(answer) is Meaning.STORED:
        return ok("retention", f"the bucket takes the oldest line that waits ({_time(oldest)})")
    if meaning(answer) is Meaning.OLD:
        return warn("retention", words(answer), Remedy.RETENTION)
    return warn("retention", words(answer), Remedy.WRITE)


def _time(line: bytes) -> str:
    """Give the time of a line, which is UTC; a line that has none as it stands."""
    second = line.rpartition(b" ")[2].strip().decode(errors="replace")
    with suppress(ValueError, OverflowError, OSError):
        return f"{datetime.fromtimestamp(int(second), UTC):%Y-%m-%d %H:%M:%S} UTC"
    return f"second {second}"
