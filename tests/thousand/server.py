"""An InfluxDB with so much strength and no more: one queue, served in order."""

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Final

from collector.delivery.answer import Answer
from thousand.world import Turn, World

DEADLINE: Final = 30.0
"""`P1_REQUEST_SECONDS`: how long a collector waits for an answer."""

ROUND_TRIP: Final = 0.05
REFUSAL_LINES: Final = 1.0
"""Saying no costs something as well: as much as a line."""


@dataclass(frozen=True, slots=True)
class Strength:
    """How long a line takes, in seconds; what a request costs besides, in lines.

    `most` is how many requests may wait, for ever so many if None; who comes then is told
    `refusal`.
    """

    line_seconds: float
    request_lines: float
    most: int | None = None
    refusal: Answer = field(default=Answer(503, "busy"))


@dataclass(slots=True, eq=False)
class Request:
    """One that waits for its answer."""

    turn: Turn
    lines: int
    answer: Answer | None = None


class Server:
    """Answers when its turn comes, to whoever still listens.

    A request whose sender has given up is worked on all the same: a server learns of that when it
    answers. While it is not `up` it refuses connections, or, if it `hangs`, takes them and does
    nothing: then it finds all that are still open when it is back, at once.
    """

    def __init__(self, world: World, strength: Strength, *, hangs: bool) -> None:
        self.up = True
        self.arrivals: Counter[int] = Counter()
        self.answers: Counter[str] = Counter()
        self.lines = 0
        self.wasted = 0
        self._world = world
        self._strength = strength
        self._hangs = hangs
        self._free_at = 0.0
        self._ends: deque[float] = deque()
        self._hanging: list[Request] = []

    def ask(self, lines: int) -> Answer:
        """Send so many lines; comes back when there is an answer, or the time is over."""
        self.arrivals[int(self._world.now)] += 1
        answer = self._ask(lines)
        self.answers["late" if answer.is_late else str(answer.status)] += 1
        return answer

    def come_back(self) -> None:
        """Serve again, first those who hang on the line."""
        self.up = True
        self._free_at = self._world.now
        for request in self._hanging:
            if request.answer is None:
                self._queue(request)
        self._hanging.clear()

    def _ask(self, lines: int) -> Answer:
        world = self._world
        if not self.up and not self._hangs:
            world.sleep(ROUND_TRIP)
            return Answer(0, "Connection refused")
        if self.up and self._is_full():
            self._work(REFUSAL_LINES)
            world.sleep(ROUND_TRIP)
            return self._strength.refusal
        request = Request(world.turn(), lines)
        world.at(world.now + DEADLINE, lambda: self._give_up(request))
        if self.up:
            self._queue(request)
        else:
            self._hanging.append(request)
        world.wait()
        return request.answer or Answer(0, "the end")

    def _is_full(self) -> bool:
        while self._ends and self._ends[0] <= self._world.now:
            self._ends.popleft()
        return self._strength.most is not None and len(self._ends) >= self._strength.most

    def _queue(self, request: Request) -> None:
        end = self._work(request.lines + self._strength.request_lines)
        self._ends.append(end)
        self._world.at(end + ROUND_TRIP, lambda: self._end(request))

    def _work(self, lines: float) -> float:
        """Put work into the queue; gives when it is done."""
        self._free_at = max(self._world.now, self._free_at) + lines * self._strength.line_seconds
        return self._free_at

    def _end(self, request: Request) -> Turn | None:
        if request.answer is not None:
            self.wasted += request.lines
            return None
        self.lines += request.lines
        request.answer = Answer(204, "")
        return request.turn

    def _give_up(self, request: Request) -> Turn | None:
        if request.answer is not None:
            return None
        request.answer = Answer(0, f"no answer within {DEADLINE:g} s", is_late=True)
        return request.turn
