"""Whose time a telegram gets: the meter's or the host's, and when that changes."""

import random
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from bed.telegrams import said, stamp, utc
from collector.p1.telegram import Telegram
from collector.reading import clock as module
from collector.reading.clock import Choice, Clock, HostClock, Stamped

NOON = utc("2026-02-03T12:00:00")
BOOT = 30.0
LONG_AFTER_BOOT = 86_400.0


@dataclass
class Host:
    """A host's clocks, and the meter's: all move on together, and any can be set."""

    wall: float = NOON.timestamp()
    monotonic: float = LONG_AFTER_BOOT
    meter: float = NOON.timestamp()
    synchronised: bool = True

    def passes(self, seconds: float) -> None:
        self.wall += seconds
        self.monotonic += seconds
        self.meter += seconds

    def clock(self, choice: Choice = Choice.AUTO, *, live: bool = True) -> Clock:
        return Clock(
            choice,
            live=live,
            tolerance_seconds=60.0,
            wall=lambda: self.wall,
            monotonic=lambda: self.monotonic,
            synchronised=lambda: self.synchronised,
        )

    def timed(self) -> Telegram:
        """Give a telegram with the meter's time."""
        return said(f"0-0:1.0.0({stamp(datetime.fromtimestamp(self.meter, UTC))})")


TIMELESS = said("1-0:1.7.0(00.1*kW)")


def seconds(stamped: list[Stamped]) -> list[float]:
    return [each.time.timestamp() for each in stamped]


def run(host: Host, clock: Clock, telegrams: int, *, every: float = 10.0) -> None:
    for _ in range(telegrams):
        clock.stamp(host.timed())
        host.passes(every)


# --- which clock


@pytest.mark.parametrize("choice", [Choice.AUTO, Choice.METER])
def test_the_meters_time_is_kept(choice: Choice) -> None:
    host = Host()
    host.wall += 5
    assert seconds(host.clock(choice).stamp(host.timed())) == [host.meter]


def test_the_hosts_time_is_taken_rounded_where_that_is_wanted() -> None:
    host = Host()
    host.wall += 7.6
    assert seconds(host.clock(Choice.HOST).stamp(host.timed())) == [NOON.timestamp() + 8]


def test_a_meter_without_a_time_gets_the_hosts() -> None:
    host = Host()
    for choice in Choice:
        assert seconds(host.clock(choice).stamp(TIMELESS)) == [host.wall]


def test_a_meter_whose_clock_was_never_set_gets_the_hosts_at_once() -> None:
    host = Host()
    unset = said("0-0:1.0.0(000101010000W)")
    assert seconds(host.clock().stamp(unset)) == [host.wall]


@pytest.mark.parametrize("off", [-61.0, 61.0, 86_400.0 * 365])
def test_a_meter_that_is_off_loses_after_ten_minutes_and_that_is_counted(off: float) -> None:
    host = Host()
    host.meter += off
    clock = host.clock()
    run(host, clock, 60)
    assert (clock.chosen, clock.changes) == (Choice.METER, 0)
    stamped = clock.stamp(host.timed())
    assert (clock.chosen, clock.changes) == (Choice.HOST, 1)
    assert seconds(stamped) == [host.wall]


@pytest.mark.parametrize("off", [-60.0, 60.0])
def test_a_meter_within_the_tolerance_wins(off: float) -> None:
    host = Host()
    host.meter += off
    clock = host.clock()
    run(host, clock, 200)
    assert (clock.chosen, clock.changes) == (Choice.METER, 0)


def test_a_meter_that_was_put_right_wins_again_after_ten_minutes() -> None:
    host = Host()
    host.meter += 3600
    clock = host.clock()
    run(host, clock, 100)
    host.meter -= 3600
    run(host, clock, 60)
    assert (clock.chosen, clock.changes) == (Choice.HOST, 1)
    stamped = clock.stamp(host.timed())
    assert (clock.chosen, clock.changes) == (Choice.METER, 2)
    assert seconds(stamped) == [host.meter]


def test_the_ten_minutes_begin_anew_when_the_two_agree_in_between() -> None:
    host = Host()
    clock = host.clock()
    for off in (3600, 0, 3600):
        host.meter += off
        run(host, clock, 59)
        host.meter -= off
        run(host, clock, 1)
    assert (clock.chosen, clock.changes) == (Choice.METER, 0)


def test_a_host_that_is_not_synchronised_judges_nobody() -> None:
    host = Host(synchronised=False)
    host.meter += 3600
    clock = host.clock()
    run(host, clock, 200)
    assert (clock.chosen, clock.changes) == (Choice.METER, 0)


def test_ten_minutes_count_only_while_the_host_is_synchronised() -> None:
    host = Host()
    host.meter += 3600
    clock = host.clock()
    run(host, clock, 50)
    host.synchronised = False
    run(host, clock, 1)
    host.synchronised = True
    run(host, clock, 60)
    assert clock.changes == 0
    clock.stamp(host.timed())
    assert clock.changes == 1


@pytest.mark.parametrize("choice", [Choice.METER, Choice.HOST])
def test_a_clock_that_was_set_by_hand_never_changes(choice: Choice) -> None:
    host = Host()
    host.meter += 3600 * (choice is Choice.METER)
    clock = host.clock(choice)
    run(host, clock, 200)
    assert (clock.chosen, clock.changes) == (choice, 0)


def test_a_replay_keeps_the_telegrams_time_however_old() -> None:
    host = Host()
    host.meter -= 86_400 * 365
    clock = host.clock(live=False)
    for _ in range(200):
        assert seconds(clock.stamp(host.timed())) == [host.meter]
        host.passes(10)


def test_a_replay_of_telegrams_without_a_time_loses_none() -> None:
    host = Host(synchronised=False, monotonic=BOOT)
    clock = host.clock(live=False)
    given = [second for _ in range(500) for second in seconds(clock.stamp(TIMELESS))]
    assert given == [host.wall + n for n in range(500)]


# --- a host that has just been switched on


def test_telegrams_wait_for_the_hosts_clock_and_get_the_time_at_which_they_came() -> None:
    host = Host(wall=0.0, monotonic=BOOT, synchronised=False)
    clock = host.clock()
    for _ in range(6):
        assert clock.stamp(TIMELESS) == []
        host.passes(10)
        assert clock.release() == []
    host.wall = NOON.timestamp()
    host.synchronised = True
    assert seconds(clock.release()) == [NOON.timestamp() - s for s in (60, 50, 40, 30, 20, 10)]
    assert seconds(clock.stamp(TIMELESS)) == [NOON.timestamp()]


def test_they_wait_until_ten_minutes_after_the_boot_and_no_longer() -> None:
    host = Host(monotonic=BOOT, synchronised=False)
    clock = host.clock()
    clock.stamp(TIMELESS)
    host.passes(599.0 - BOOT)
    assert clock.release() == []
    host.passes(1.0)
    assert seconds(clock.release()) == [NOON.timestamp()]
    assert len(clock.stamp(TIMELESS)) == 1


def test_long_after_the_boot_nothing_waits() -> None:
    host = Host(synchronised=False)
    assert len(host.clock().stamp(TIMELESS)) == 1


def test_at_the_end_of_the_program_nothing_waits_any_longer() -> None:
    host = Host(monotonic=BOOT, synchronised=False)
    clock = host.clock()
    clock.stamp(TIMELESS)
    host.passes(5)
    assert seconds(clock.release(at_once=True)) == [NOON.timestamp()]
    assert clock.release(at_once=True) == []


def test_a_meter_with_a_clock_does_not_wait_for_the_hosts() -> None:
    host = Host(monotonic=BOOT, synchronised=False)
    assert len(host.clock().stamp(host.timed())) == 1


def test_whoever_sets_the_host_is_only_asked_while_something_waits() -> None:
    class AskedError(AssertionError):
        pass

    def synchronised() -> bool:
        raise AskedError

    clock = Clock(
        Choice.AUTO,
        live=True,
        tolerance_seconds=60.0,
        wall=lambda: 0.0,
        monotonic=lambda: BOOT,
        synchronised=synchronised,
    )
    assert clock.release() == []
    with pytest.raises(AskedError):
        clock.stamp(TIMELESS)


# --- a host whose clock is set


@given(st.integers(), st.sampled_from([1.0, 10.0]))
def test_no_second_is_given_twice_while_there_is_another_however_the_host_is_set(
    seed: int, period: float
) -> None:
    chance = random.Random(seed)  # noqa: S311  weather, not secrets
    host = Host()
    clock = host.clock(Choice.HOST)
    given_ = []
    for _ in range(200):
        given_ += seconds(clock.stamp(TIMELESS))
        host.passes(period + chance.uniform(-0.4, 0.4))
        if chance.random() < 0.1:
            host.wall += chance.choice([-1, 1]) * chance.choice([0.5, 1, 10, 300]) * period
    crowded = max(given_.count(second) for second in given_)
    assert crowded == 1 or _every_second_is_taken(given_)


def _every_second_is_taken(given_: list[float]) -> bool:
    """Whether a second that was given twice had none free in the ten that follow it."""
    twice = {second for second in given_ if given_.count(second) > 1}
    return all({second + n for n in range(10)} <= set(given_) for second in twice)


def test_telegrams_of_one_second_get_one_each() -> None:
    host = Host()
    clock = host.clock(Choice.HOST)
    assert seconds([s for _ in range(3) for s in clock.stamp(TIMELESS)]) == [
        host.wall,
        host.wall + 1,
        host.wall + 2,
    ]


def test_a_host_set_back_an_hour_gives_the_free_seconds_between_to_a_slow_meter() -> None:
    host = Host()
    clock = host.clock(Choice.HOST)
    given_ = []
    for n in range(720):
        given_ += seconds(clock.stamp(TIMELESS))
        host.passes(10)
        if n == 359:
            host.wall -= 3600
    assert len(set(given_)) == 720
    assert given_[360] - given_[0] == 1


def test_a_host_set_back_is_not_ahead_for_ever_with_a_meter_that_sends_every_second() -> None:
    host = Host()
    clock = host.clock(Choice.HOST)
    for _ in range(3600):
        clock.stamp(TIMELESS)
        host.passes(1)
    host.wall -= 3600
    for _ in range(3600):
        clock.stamp(TIMELESS)
        host.passes(1)
    (stamped,) = clock.stamp(TIMELESS)
    assert abs(stamped.time.timestamp() - host.wall) < 10


def test_a_host_set_forward_is_followed_at_once() -> None:
    host = Host()
    clock = host.clock(Choice.HOST)
    clock.stamp(TIMELESS)
    host.wall += 7200
    assert seconds(clock.stamp(TIMELESS)) == [host.wall]


# --- who knows whether the host's clock is set


@pytest.fixture
def no_time_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Give the directory of a machine on which nothing sets the clock yet."""
    monkeypatch.setattr(module, "_TIMESYNCD", tmp_path / "synchronized")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def _chrony(directory: Path, script: str) -> None:
    program = directory / "chronyc"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


TRACKING = "C0A80101,ntp.invalid,3,1770120000.1,0.0001,-0.0001,0.0002,1.2,0.0,0.01,0.02,0.03,64.2,"


@pytest.mark.usefixtures("no_time_server")
def test_unknown_counts_as_not_synchronised() -> None:
    assert HostClock(lambda: 0.0).synchronised() is False


def test_systemd_timesyncd_says_so_with_a_file(no_time_server: Path) -> None:
    (no_time_server / "synchronized").touch()
    assert HostClock(lambda: 0.0).synchronised() is True


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (f"echo '{TRACKING}Normal'", True),
        (f"echo '{TRACKING}Insert second'", True),
        ("echo '7F7F0101,,10,0.0,0.0,0.0,0.0,0.0,0.0,0.0,1.0,1.0,0.0,Not synchronised'", False),
        ("echo '506 Cannot talk to daemon'; exit 1", False),
        ("exit 0", False),
    ],
)
def test_chrony_says_so_in_its_tracking(
    no_time_server: Path, monkeypatch: pytest.MonkeyPatch, script: str, *, expected: bool
) -> None:
    monkeypatch.setattr(module, "_CHRONY_SECONDS", 60.0)  # a busy machine's
    _chrony(no_time_server, f'[ "$*" = "-c tracking" ] || exit 9\n{script}')
    assert HostClock(lambda: 0.0).synchronised() is expected


def test_a_chrony_that_does_not_answer_is_not_waited_for(no_time_server: Path) -> None:
    """Who would wait is the reader."""
    late = f"import time; time.sleep(30); print('{TRACKING}Normal')"
    _chrony(no_time_server, f'exec {sys.executable} -c "{late}"')
    assert HostClock(lambda: 0.0).synchronised() is False


def test_they_are_asked_twice_a_minute_and_believed_in_between(no_time_server: Path) -> None:
    host = Host(monotonic=0.0)
    clock = HostClock(lambda: host.monotonic)
    assert clock.synchronised() is False
    (no_time_server / "synchronized").touch()
    host.passes(29)
    assert clock.synchronised() is False
    host.passes(1)
    assert clock.synchronised() is True
