"""An hour without InfluxDB, and what follows: so many collectors in virtual time, and figures."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from statistics import median
from typing import Final

from collector.delivery.answer import Answer
from thousand.pi import LINES, SEAL_SECONDS, Pi
from thousand.server import Server, Strength
from thousand.world import World

SAMPLE_SECONDS: Final = 10
QUIET_SECONDS: Final = 120
"""How long it goes on when all have recovered."""

HEADROOM: Final = 2.0
"""The server's strength, in steady loads."""

REQUEST_LINES: Final = 9.0
"""What a request costs besides its lines: as much again as those of a steady stream."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What happens: how many collectors; seconds before, of outage, and at most after it.

    `most`, `refusal` and `hangs` are the server's (`thousand.server`).
    """

    name: str
    collectors: int = 1000
    before: int = 120
    outage: int = 3600
    longest: int = 14_400
    hangs: bool = False
    most: int | None = None
    refusal: Answer = field(default=Answer(503, "busy"))
    seed: int = 1

    @property
    def back(self) -> int:
        """When InfluxDB is back."""
        return self.before + self.outage

    @property
    def steady(self) -> float:
        """Requests a second where nothing is wrong."""
        return self.collectors / SEAL_SECONDS

    @property
    def capacity(self) -> float:
        """Requests a second of the steady kind that the server can serve."""
        return self.steady * HEADROOM

    @property
    def strength(self) -> Strength:
        line = 1 / (self.capacity * (LINES + REQUEST_LINES))
        return Strength(line, REQUEST_LINES, self.most, self.refusal)

    @property
    def least_seconds(self) -> float:
        """How long the backlog takes at best: all that the steady load leaves, for lines alone."""
        lines = self.collectors * self.outage / SEAL_SECONDS * LINES
        steady = self.steady * LINES * self.strength.line_seconds
        return lines * self.strength.line_seconds / (1 - steady)


@dataclass(frozen=True, slots=True)
class Sample:
    """How it stood at a moment: records that wait, ages in seconds of the newest delivered."""

    second: int
    waiting: int
    ages: tuple[float, float, float]  # the median, that of the worst twentieth, the worst


@dataclass(slots=True)
class Course:
    """What came of a plan; seconds are those since the start of the world."""

    plan: Plan
    samples: list[Sample] = field(default_factory=list)
    arrivals: Counter[int] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    recovered: list[int] = field(default_factory=list)
    halfway: list[int] = field(default_factory=list)
    wasted: float = 0.0
    left: int = 0

    def rate(self, start: int, stop: int) -> list[int]:
        """Give the requests of each second from `start` up to `stop`."""
        return [self.arrivals[second] for second in range(start, stop)]

    @property
    def recovery(self) -> list[int]:
        """Give how many seconds each collector took to have no backlog."""
        return [second - self.plan.back for second in self.recovered]

    @property
    def end(self) -> int:
        """When the last one had recovered."""
        return max(self.recovered)

    @property
    def recovering(self) -> list[Sample]:
        return [sample for sample in self.samples if self.plan.back < sample.second <= self.end]

    def ages(self, which: int) -> list[float]:
        """Give the ages in the recovery, but for its first minute: then nobody has knocked."""
        first = self.plan.back + 60
        return [sample.ages[which] for sample in self.recovering if sample.second > first]

    def fresh_after(self, which: int, age: float) -> int:
        """Give how many seconds after InfluxDB was back an age was below this for good."""
        late = [s.second for s in self.recovering if s.ages[which] > age]
        return max(late, default=self.plan.back) - self.plan.back


def jain(shares: Sequence[float]) -> float:
    """Give Jain's index of fairness: 1 if all have the same, 1/n if one has all."""
    return sum(shares) ** 2 / (len(shares) * sum(share**2 for share in shares))


def run(plan: Plan) -> Course:
    """Live through the plan. Raises `TimeoutError` if it does not end well in time."""
    world, random = World(), Random(plan.seed)  # noqa: S311  so that it is the same again
    server = Server(world, plan.strength, hangs=plan.hangs)
    seeds = [random.random() for _ in range(plan.collectors)]
    pis = [Pi(world, server, Random(seed)) for seed in seeds]  # noqa: S311  the same
    course = Course(plan, arrivals=server.arrivals, answers=server.answers)
    _watch(course, world, pis, plan.before)
    server.up = False
    _watch(course, world, pis, plan.back)
    server.come_back()
    _recover(course, world, pis)
    course.wasted = server.wasted / server.lines
    _end(world, pis)
    course.left = sum(pi.waiting for pi in pis)
    return course


def _recover(course: Course, world: World, pis: Sequence[Pi]) -> None:
    plan = course.plan
    before = [pi.delivered for pi in pis]
    half = sum(pi.waiting for pi in pis) / 2
    behind = list(pis)
    while behind:
        if world.now > plan.back + plan.longest:
            raise TimeoutError(f"{plan.name}: {len(behind)} did not recover in time")
        _watch(course, world, pis, int(world.now) + SAMPLE_SECONDS)
        done = [pi for pi in behind if not pi.has_backlog]
        course.recovered += [int(world.now)] * len(done)
        behind = [pi for pi in behind if pi.has_backlog]
        if not course.halfway and course.samples[-1].waiting < half:
            course.halfway = [pi.delivered - b for pi, b in zip(pis, before, strict=True)]
    _watch(course, world, pis, int(world.now) + QUIET_SECONDS)


def _watch(course: Course, world: World, pis: Sequence[Pi], until: int) -> None:
    while world.now < until:
        world.sleep(SAMPLE_SECONDS)
        ages = sorted(world.now - pi.newest for pi in pis)
        facts = median(ages), ages[len(ages) * 19 // 20], ages[-1]
        course.samples.append(Sample(int(world.now), sum(pi.waiting for pi in pis), facts))


def _end(world: World, pis: Sequence[Pi]) -> None:
    """Have every thread end: each has a moment at which it notices."""
    for pi in pis:
        pi.end()
    while not all(pi.has_ended for pi in pis):
        world.sleep(SAMPLE_SECONDS)
