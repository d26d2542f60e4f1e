"""A long run: all that can go wrong, drawn at random, and the reckoning at its end.

The service, the meter's port, InfluxDB, the card and the network between are real. A short run is
in every test run; `./tests/run soak 30` draws for thirty minutes. `P1_TEST_SEED` repeats the
draws, though not the moments at which they meet the collector.
"""

import os
import random
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Final

import pytest

from bed.card import blank
from bed.influxd import Influxd
from bed.seed import seeds
from bed.toxiproxy import Toxiproxy
from bed.trial import START
from bed.world import World
from collector.simulate.stream import stream_like

MINUTES: Final = float(os.environ.get("P1_TEST_SOAK_MINUTES", "0.7"))
SEED: Final = seeds()[0]
TELEGRAMS_A_SECOND: Final = 25
LONGEST_CALM: Final = 60  # telegrams
LONGEST_SILENCE: Final = 120  # seconds

pytestmark = [
    pytest.mark.influxdb,
    pytest.mark.slow,
    pytest.mark.timeout(2 * 60 * MINUTES + 300),
]


class Fate:
    """Draws what happens: something that lasts begins, or ends, or something passes."""

    def __init__(self, world: World, draw: random.Random, minutes: float) -> None:
        self.over = Event()
        self.stuck = False
        self.seen: Counter[str] = Counter()
        self._world = world
        self._draw = draw
        self._end = time.monotonic() + 60 * minutes
        self._calm = LONGEST_CALM
        self._last = 0
        self._lasting: dict[str, ExitStack] = {}

    def next(self) -> None:
        """Let something happen, if it is time; called behind each telegram."""
        if self._last:
            self._last -= 1
            if not self._last:
                self.over.set()
        elif time.monotonic() > self._end:
            self._mend()
            self._last = LONGEST_CALM
        elif self._calm:
            self._calm -= 1
        else:
            self._calm = self._draw.randrange(LONGEST_CALM)
            self._happen(self._draw.choice([*self._world.lasting, *self._world.passing]))

    def _mend(self) -> None:
        """End what still lasts. What a segment failed of it is told anew: it is not set aside."""
        for stack in self._lasting.values():
            stack.close()
        self._world.restart()

    def _happen(self, part: str) -> None:
        if part in self._lasting:
            self._lasting.pop(part).close()
            return
        if passing := self._world.passing.get(part):
            passing[self._drawn(part, passing)]()
        else:
            lasting = self._world.lasting[part]
            self._lasting[part] = ExitStack()
            self._lasting[part].enter_context(lasting[self._drawn(part, lasting)]())

    def _drawn(self, part: str, kinds: Iterable[str]) -> str:
        kind = self._draw.choice(list(kinds))
        self.seen[f"{part}: {kind}"] += 1
        say(f"{len(self._world.line.taken):7} telegrams: {part}: {kind}")
        return kind


@pytest.mark.parametrize("seed", [pytest.param(SEED, id=f"P1_TEST_SEED={SEED}")])
def test_whatever_happens_nothing_is_lost(
    own_influxd: Influxd, toxiproxy: Toxiproxy, tmp_path: Path, seed: int
) -> None:
    draw = random.Random(seed)  # noqa: S311  no secret
    proxy = toxiproxy.proxy(f"soak-{seed}", own_influxd.url.removeprefix("http://"))
    with World(own_influxd, proxy, tmp_path, blank(tmp_path), draw) as world:
        fate = Fate(world, draw, MINUTES)
        world.line.happen = fate.next
        world.service.start()
        stream = stream_like("dsmr5", start=START, period=1, speed=TELEGRAMS_A_SECOND)
        with watched(world, fate):
            stream.run(world.line, fate.over)
        status = world.trial.drain()
        lost = world.reckoning(status)
        say(f"{len(world.line.taken)} telegrams, {len(lost)} of them lost with the power")
        for what, times in fate.seen.most_common():
            say(f"{times:5} times {what}")


@contextmanager
def watched(world: World, fate: Fate) -> Iterator[None]:
    """End it, and fail, if the collector takes no telegram for so long, whatever has happened."""
    done = Event()
    stuck = Thread(target=_give_up_if_stuck, args=(world, fate, done))
    stuck.start()
    try:
        yield
    finally:
        done.set()
        stuck.join()
    assert not fate.stuck, f"no telegram was taken any more:\n{world.service.tail()}"


def _give_up_if_stuck(world: World, fate: Fate, done: Event) -> None:
    taken = -1
    while not done.wait(LONGEST_SILENCE) and not fate.stuck:
        taken, before = len(world.line.taken), taken
        if taken == before:
            fate.stuck = True
            fate.over.set()


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201  whoever soaks wants to see it
