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
from collector.commands.check.finding import Finding, fail, holding, ok, warn
from collector.delivery.answer import Answer, Meaning, Target, has_ui_path, meaning, words
from collector.points import QUARTER_SECONDS, line_of
from collector.remedies import Remedy

_UNAUTHORISED: Final = 401
_FORBIDDEN: Final = 403
COMMENT: Final = b"# p1-collector check\n"
LINKS: Final = ("token", "bucket", "write", "retention")

Write = Callable[[bytes], Answer]
"""Sends lines, and gives the answer: `collector.delivery.influx.Influx.write`."""


def findings(
    write: Write, target: Target, site: str, now: float, oldest: bytes | None
) -> Iterator[Finding]:
    """Judge what InfluxDB says; `oldest` is a line that waits, with its line end."""
    asked = access(write(COMMENT), target)
    if (yield from holding(asked, LINKS[len(asked) :], f"first comes the {asked[-1].link}")):
        yield storing(write(point(site, now)))
        nothing = ok("retention", "nothing waits that could be too old")
        yield retention(write(oldest), oldest) if oldest else nothing


def access(answer: Answer, target: Target) -> list[Finding]:
    known = ok("token", "known to InfluxDB")
    # Serverless says 401 with an empty body.
    if answer.status == _UNAUTHORISED or (answer.status == _FORBIDDEN and not answer.is_page):
        remedy = Remedy.TOKEN if answer.status == _UNAUTHORISED else Remedy.TOKEN_FORBIDDEN
        return [fail("token", words(answer), remedy)]
    found = meaning(answer)
    if found is Meaning.NOT_NOW:
        return [fail("token", words(answer), Remedy.BUSY)]
    if found is Meaning.UNKNOWN or answer.is_page:
        stranger = Remedy.UI_PATH if has_ui_path(target.url) else Remedy.NOT_INFLUX
        return [fail("token", words(answer), stranger)]
    if found is not Meaning.MISCONFIGURED:
        return [known, ok("bucket", f"`{target.bucket}` is there, the token may write to it")]
    missing = Remedy.DATABASE if "database not found" in answer.message else Remedy.BUCKET
    if "organi" in answer.message or "orgID" in answer.message:
        missing = Remedy.ORGANISATION
    return [known, fail("bucket", words(answer), missing)]


def point(site: str, now: float) -> bytes:
    """Make the point that is written: one a quarter hour, with a field of the schema."""
    tags = {"site": site, "host": platform.node()}
    second = int(now) // QUARTER_SECONDS * QUARTER_SECONDS
    return f"{line_of('collector', tags, {'version': __version__}, second)[0]}\n".encode()


def storing(answer: Answer) -> Finding:
    found = meaning(answer)
    if found is Meaning.STORED:
        return ok("write", "a point of `collector` is stored: this version, at this quarter hour")
    remedy = Remedy.HOST_CLOCK if found is Meaning.OLD else Remedy.WRITE
    return fail("write", words(answer), remedy)


def retention(answer: Answer, oldest: bytes) -> Finding:
    found = meaning(answer)
    if found is not Meaning.STORED:
        remedy = Remedy.RETENTION if found is Meaning.OLD else Remedy.WRITE
        return warn("retention", words(answer), remedy)
    # A line that has no time that can be one is told as it stands.
    second = oldest.rpartition(b" ")[2].strip().decode(errors="replace")
    time = f"second {second}"
    with suppress(ValueError, OverflowError, OSError):
        time = f"{datetime.fromtimestamp(int(second), UTC):%Y-%m-%d %H:%M:%S} UTC"
    return ok("retention", f"the bucket takes the oldest line that waits ({time})")
