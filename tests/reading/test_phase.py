"""Each telegram of a gateway is had, with little more than one ask for each."""

import random
from bisect import bisect_right
from itertools import pairwise

import pytest

from collector.reading.gateway import SHORTEST_SECONDS, Phase

TELEGRAMS = 3_600


def asked(period: float, jitter: float, drift: float, *, seed: int) -> tuple[int, list[float]]:
    """Follow a gateway whose telegrams come so; gives how many were had, and when it was asked."""
    draw = random.Random(seed)  # noqa: S311  no secret
    start = draw.uniform(0, period)
    times = sorted(
        start + n * period * (1 + drift) + draw.uniform(-jitter, jitter) for n in range(TELEGRAMS)
    )
    phase, had, last, now = Phase(), 0, -1, 0.0
    asks = []
    while now < times[-1] + period:
        asks.append(now)
        newest = bisect_right(times, now + draw.uniform(0, 0.05)) - 1
        had += newest != last
        news, last = newest != last, newest
        now = phase.next(now, news=news) + draw.uniform(0, 0.01)
    return had, asks


@pytest.mark.parametrize("drift", [-1e-4, 0, 1e-4])
@pytest.mark.parametrize("jitter", [0.0, 0.05, 0.2])
def test_of_3600_telegrams_hardly_one_is_missed(jitter: float, drift: float) -> None:
    for seed in range(3):
        had, asks = asked(1, jitter, drift, seed=seed)
        assert had >= TELEGRAMS - 10
        assert len(asks) < 1.2 * TELEGRAMS
        gaps = [later - earlier for earlier, later in pairwise(asks)]
        assert min(gaps) > SHORTEST_SECONDS - 1e-6


@pytest.mark.parametrize("period", [2, 5, 10])
def test_a_meter_that_sends_seldom_is_asked_as_seldom(period: int) -> None:
    had, asks = asked(period, 0.1, 1e-4, seed=1)
    assert had >= TELEGRAMS - 10
    assert len(asks) < 2 * TELEGRAMS


def test_a_meter_that_begins_to_send_more_often_is_found_out() -> None:
    phase, now, last, had = Phase(), 0.0, -1, 0
    for period in (10.0, 1.0):
        began = now
        while now < began + 900:
            newest = int(now / period)
            had = had + (newest != last) if period == 1 and now > began + 600 else 0
            news, last = newest != last, newest
            now = phase.next(now, news=news)
    assert had > 290
