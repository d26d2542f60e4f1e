"""What was found at one link of the chain."""

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from enum import StrEnum

from collector.remedies import Remedy


class Outcome(StrEnum):
    """How a link is; only `FAIL` makes the command fail."""

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"
    SKIP = "-"  # could not be tried, for a reason that another finding gives


@dataclass(frozen=True, slots=True)
class Finding:
    """One link: its name, how it is, what was found there, and what to do about it."""

    link: str
    outcome: Outcome
    what: str
    remedy: str | None = None


def ok(link: str, what: str) -> Finding:
    return Finding(link, Outcome.OK, what)


def warn(link: str, what: str, remedy: Remedy | str) -> Finding:
    return Finding(link, Outcome.WARN, what, _text(remedy))


def fail(link: str, what: str, remedy: Remedy | str) -> Finding:
    return Finding(link, Outcome.FAIL, what, _text(remedy))


def skip(link: str, why: str) -> Finding:
    return Finding(link, Outcome.SKIP, f"not tried: {why}")


def holding(
    findings: Iterable[Finding], behind: Iterable[str] = (), why: str = ""
) -> Generator[Finding, None, bool]:
    """Give findings; if one fails, the links `behind` were not tried. Returns whether all hold."""
    holds = True
    for finding in findings:
        holds = holds and finding.outcome is not Outcome.FAIL
        yield finding
    if not holds:
        yield from (skip(link, why) for link in behind)
    return holds


def _text(remedy: Remedy | str) -> str:
    return remedy.advice if isinstance(remedy, Remedy) else remedy
