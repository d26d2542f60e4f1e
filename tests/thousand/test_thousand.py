"""After an outage, all come back: no stampede, nobody is left behind, and live readings go first.

Fifty collectors here, and ten minutes; `./tests/run thousand` has a thousand, and an hour. All
times are virtual.
"""

from functools import cache
from statistics import mean, median
from xml.etree import ElementTree as ET

import pytest

from thousand.outage import Course, Plan, jain, run
from thousand.picture import draw
from thousand.simulate import FRESH, plans, table

COLLECTORS = 50
OUTAGE = 600
WAYS = range(3)

pytestmark = pytest.mark.slow


@cache
def course(way: int) -> Course:
    plan = plans(COLLECTORS)[way]
    return run(Plan(plan.name, COLLECTORS, 60, OUTAGE, 3600, plan.hangs, plan.most, plan.refusal))


@pytest.mark.parametrize("way", WAYS)
def test_a_steady_stream_is_half_of_what_the_server_can_do(way: int) -> None:
    """Else nothing below would say anything."""
    steady = course(way).rate(20, 60)
    assert mean(steady) == pytest.approx(course(way).plan.capacity / 2, rel=0.1)


@pytest.mark.parametrize("way", WAYS)
def test_during_the_outage_each_knocks_about_twice_a_minute(way: int) -> None:
    plan = course(way).plan
    assert mean(course(way).rate(plan.before + 60, plan.back)) < COLLECTORS / 20


@pytest.mark.parametrize("way", WAYS)
def test_there_is_no_stampede(way: int) -> None:
    plan = course(way).plan
    assert max(course(way).rate(plan.before, course(way).end)) <= 2 * plan.capacity


@pytest.mark.parametrize("way", WAYS)
def test_everything_arrives(way: int) -> None:
    assert len(course(way).recovered) == COLLECTORS
    assert course(way).left <= 2 * COLLECTORS  # what was read in the last seconds


@pytest.mark.parametrize("way", WAYS)
def test_nobody_is_left_behind(way: int) -> None:
    assert jain(course(way).halfway) > 0.85
    assert max(course(way).recovery) <= 2.5 * median(course(way).recovery)


@pytest.mark.parametrize("way", WAYS)
def test_live_readings_do_not_wait_for_the_backlog(way: int) -> None:
    assert course(way).fresh_after(0, FRESH) <= 60
    assert course(way).fresh_after(1, FRESH) <= 240
    assert median(course(way).ages(0)) <= 30


@pytest.mark.parametrize("way", WAYS)
def test_hardly_any_work_is_for_nothing(way: int) -> None:
    assert course(way).wasted < 0.05


def test_the_same_seed_is_the_same_course() -> None:
    plan = Plan("again", 5, 20, 40, 600)
    assert run(plan) == run(plan)


def test_a_picture_and_a_table_show_it() -> None:
    drawn = ET.fromstring(draw(course(0)))  # noqa: S314  our own text
    assert len(drawn.findall("{*}polyline")) == 6
    assert {line.count("|") for line in table([course(way) for way in WAYS]).splitlines()} == {5}
