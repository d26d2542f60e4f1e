"""A thousand collectors after an hour without InfluxDB: the table and the pictures.

    ./tests/run thousand                     some twenty minutes on two cores
    ./tests/run thousand --collectors 100    two

The real sender with its back-off, pace, doubts and narrowing, in virtual time; the server is twice
as strong as the steady load takes. It comes back in three ways, each of which has its picture in
`tests/thousand/`.
"""

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import mean, median
from typing import Final

from collector.delivery.answer import Answer
from thousand.outage import Course, Plan, jain, run
from thousand.picture import write

HERE: Final = Path(__file__).parent
FRESH: Final = 60.0
"""Seconds: a reading of this age is live."""

_ROWS: Final[Sequence[tuple[str, Callable[[Course], str]]]] = (
    ("requests a second, steady", lambda c: f"{mean(c.rate(20, c.plan.before)):.0f}"),
    ("… capacity", lambda c: f"{c.plan.capacity:.0f}"),
    ("… outage, mean", lambda c: f"{mean(c.rate(c.plan.before, c.plan.back)):.0f}"),
    ("… first minute after, highest", lambda c: f"{max(c.rate(c.plan.back, c.plan.back + 60))}"),
    ("… recovery, highest", lambda c: f"{max(c.rate(c.plan.back, c.end))}"),
    ("… recovery, mean", lambda c: f"{mean(c.rate(c.plan.back, c.end)):.0f}"),
    ("backlog gone after, at best, s", lambda c: f"{c.plan.least_seconds:.0f}"),
    ("… half of the collectors, s", lambda c: f"{median(c.recovery):.0f}"),
    ("… the slowest, s", lambda c: f"{max(c.recovery)}"),
    ("fairness when half is gone (Jain)", lambda c: f"{jain(c.halfway):.3f}"),
    ("live again: half of them after, s", lambda c: f"{c.fresh_after(0, FRESH)}"),
    ("… 95 of 100, s", lambda c: f"{c.fresh_after(1, FRESH)}"),
    ("… the last, s", lambda c: f"{c.fresh_after(2, FRESH)}"),
    ("age of live readings then, median, s", lambda c: f"{median(c.ages(0)):.0f}"),
    ("refused (429, 503)", lambda c: f"{c.answers['429'] + c.answers['503']}"),
    ("too late", lambda c: f"{c.answers['late']}"),
    ("work for nothing, share", lambda c: f"{c.wasted:.3f}"),
)


def plans(collectors: int) -> list[Plan]:
    """Give the three ways to come back; a server that refuses has a place for one in twenty."""
    places, busy = max(10, collectors // 20), Answer(503, "busy", retry_after=10.0)
    return [
        Plan("serves one after the other", collectors),
        Plan("finds all that still hang on the line", collectors, hangs=True),
        Plan("refuses whom it has no room for", collectors, most=places, refusal=busy),
    ]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--collectors", type=int, default=1000)
    parser.add_argument("--pictures", type=Path, default=HERE, help="the directory for them")
    options = parser.parse_args(arguments)
    with ProcessPoolExecutor() as pool:
        courses = list(pool.map(_quietly, plans(options.collectors)))
    for name, course in zip(("queue", "hanging", "refusing"), courses, strict=True):
        write(course, options.pictures / f"{name}.svg")
    sys.stdout.write(table(courses))
    return 0


def table(courses: Sequence[Course]) -> str:
    names = ["", *(f"it {course.plan.name}" for course in courses)]
    rows = [[name, *(figure(course) for course in courses)] for name, figure in _ROWS]
    rule = ["---", *("--:" for _ in courses)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in [names, rule, *rows])


def _quietly(plan: Plan) -> Course:
    logging.disable(logging.CRITICAL)  # a thousand collectors say that InfluxDB is away
    return run(plan)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
