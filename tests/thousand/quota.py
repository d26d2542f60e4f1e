"""A backlog and a meter under a free plan: how old live readings are, and what the backlog gets.

    PYTHONPATH=tests python tests/thousand/quota.py 480     with a backlog of so many MB

The plan takes 5 MB of line protocol in each fixed window of five minutes, and then says 429 with
`Retry-After`. The sender, its files and the spool are real, the clock and the server are not.
"""

import logging
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Final

from bed.post import STORED, Post
from collector.delivery.answer import Answer

QUOTA: Final = 5_000_000
WINDOW: Final = 300.0
LIVE_SECONDS: Final = 5
LIVE_LINES: Final = 10
"""A telegram a second of some 350 bytes, in two lines: 0.2 MB in each window."""

PER_REQUEST: Final = 0.5
MEGABYTE: Final = 1_000_000
BACKLOG_LINES: Final = 4_000


def line(number: int, site: str) -> bytes:
    return b"electricity,site=%s,meter=%s v=%d %d\n" % (
        site.encode(),
        b"m" * (160 if site == "live" else 300),
        number,
        1_700_000_000 + number,
    )


@dataclass
class Course:
    """What happened: the age at which each live line was stored, and bytes by window."""

    ages: list[tuple[float, float]] = field(default_factory=list)
    live: dict[int, int] = field(default_factory=dict)
    backlog: dict[int, int] = field(default_factory=dict)
    refusals: list[float] = field(default_factory=list)

    def lag(self, since: float = 0.0) -> tuple[float, float]:
        """Give the median of the ages, and what 95 of 100 stay below."""
        ages = [age for at, age in self.ages if at >= since]
        return median(ages), quantiles(ages, n=20)[-1]

    def share(self, windows: range) -> float:
        """Give how much of what live readings left the backlog used, in whole windows."""
        left = sum(QUOTA - self.live.get(window, 0) for window in windows)
        return sum(self.backlog.get(window, 0) for window in windows) / left


class Plan:
    """The server: a fixed window of so many bytes."""

    def __init__(self, post: Post, course: Course) -> None:
        self.post = post
        self.course = course
        self.used: dict[int, int] = {}
        self.read_at: dict[bytes, float] = {}

    def answer(self, sent: list[bytes]) -> Answer:
        self.post.clock.now += PER_REQUEST
        now = self.post.clock.now
        window, size = int(now // WINDOW), sum(map(len, sent))
        if self.used.get(window, 0) + size > QUOTA:
            self.course.refusals.append(now)
            rest = float(int((window + 1) * WINDOW - now) + 1)
            return Answer(429, "too many requests", retry_after=rest)
        self.used[window] = self.used.get(window, 0) + size
        live = [text for text in sent if text in self.read_at]
        self.course.ages += [(now, now - self.read_at.pop(text)) for text in live]
        of_live = sum(map(len, live))
        self.course.live[window] = self.course.live.get(window, 0) + of_live
        self.course.backlog[window] = self.course.backlog.get(window, 0) + size - of_live
        return STORED


def run(home: Path, megabytes: int) -> Course:
    """Drain a backlog while the meter goes on."""
    post, course = Post(home), Course()
    number = 0
    while number * len(line(number, "home")) < megabytes * MEGABYTE:
        post.spool_up(b"".join(line(n, "home") for n in range(number, number + BACKLOG_LINES)))
        number += BACKLOG_LINES
    post.lines.clear()
    plan = Plan(post, course)
    post.link.rule = plan.answer
    live = 0

    def goes_on() -> None:
        nonlocal live
        while live * LIVE_SECONDS / LIVE_LINES < post.clock.now - began:
            lines = [line(live + n, "live") for n in range(LIVE_LINES)]
            plan.read_at |= dict.fromkeys(lines, began + live * LIVE_SECONDS / LIVE_LINES)
            live += LIVE_LINES
            post.read(b"".join(lines))
        post.hot.tick()
        post.keeper.tick()

    began = post.clock.now
    post.meanwhile = goes_on
    while post.spool.stock.first(post.spool.directories.spool):
        goes_on()
        post.sender.step()
        post.link.requests.clear()
        post.link.stored.clear()
        post.lines.clear()
    return course


def main() -> int:
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="p1-quota-") as name:
        course = run(Path(name), int(sys.argv[1]))
    windows = sorted(course.backlog)
    middle, most = course.lag()
    sys.stdout.write(
        f"live readings: {middle:.0f} s old (median), 95 of 100 below {most:.0f} s\n"
        f"the backlog used {course.share(range(windows[3], windows[-1])):.2f} of what they left,"
        f" in {len(windows)} windows with {len(course.refusals)} refusals\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
