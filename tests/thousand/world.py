"""Time that costs none: threads that run one at a time, each when its moment has come.

The sender is written as people read it: it sends, it sleeps, it sends again. So each collector has
a thread of its own here, but only one of all runs: who has to wait hands over to whoever is next
on the clock. The same seed gives the same world, event for event. A mistake in one of the threads
is raised in the one that made the world.
"""

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from threading import Lock, Thread, local


class Turn:
    """What a thread waits for while it is the turn of others."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = Lock()
        self._lock.acquire()

    def give(self) -> None:
        self._lock.release()

    def take(self) -> None:
        self._lock.acquire()


Event = Callable[[], Turn | None]
"""What happens at a moment; gives whose turn it is after that, if it is somebody's."""


class World:
    """A clock, and what will happen when. `now` is in seconds."""

    def __init__(self) -> None:
        self.now = 0.0
        self._events: list[tuple[float, int, Event]] = []
        self._order = count()
        self._mine = local()
        self._main = self._mine.turn = Turn()
        self._mistake: Exception | None = None

    def clock(self) -> float:
        return self.now

    def at(self, moment: float, event: Event) -> None:
        heappush(self._events, (moment, next(self._order), event))

    def start(self, work: Callable[[], object]) -> None:
        """Begin a thread; it runs when it is its turn."""
        turn = Turn()
        Thread(target=self._live, args=(turn, work), daemon=True).start()
        self.at(self.now, lambda: turn)

    def turn(self) -> Turn:
        """Give what the thread that asks waits for."""
        turn: Turn = self._mine.turn
        return turn

    def sleep(self, seconds: float) -> None:
        """Come back so much later."""
        turn = self.turn()
        self.at(self.now + seconds, lambda: turn)
        self.wait()

    def wait(self) -> None:
        """Let others live until some event gives this thread its turn."""
        mine = self.turn()
        turn = self._next_turn()
        if turn is not mine:
            turn.give()
            mine.take()
        if self._mistake is not None and mine is self._main:
            raise self._mistake

    def _next_turn(self) -> Turn:
        while True:
            self.now, _, event = heappop(self._events)
            turn = event()
            if turn is not None:
                return turn

    def _live(self, turn: Turn, work: Callable[[], object]) -> None:
        self._mine.turn = turn
        turn.take()
        try:
            work()
        except Exception as error:  # noqa: BLE001  it is raised where the world was made
            self._mistake = error
            self._main.give()
        else:
            self._next_turn().give()
