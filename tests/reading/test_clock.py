"""Whose time a telegram gets: the meter's or the host's, and when that changes."""

import logging
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bed.telegrams import said, stamp, utc
from collector.p1.telegram import Telegram
from collector.reading import clock as module
from collector.reading.clock import Choice, Clock, HostClock, Stamped

NOON = utc("2026-02-03T12:00:00")
HOUR = timedelta(hours=1)
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

    def clock(
        self, choice: Choice = Choice.AUTO, *, live: bool = True, kept: str | None = None
    ) -> Clock:
        return Clock(
            choice,
            live=live,
            tolerance_seconds=60.0,
            wall=lambda: self.wall,
            monotonic=lambda: self.monotonic,
            synchronised=lambda: self.synchronised,
            kept=kept,
        )

    def timed(self) -> Telegram:
        """Give a telegram with the meter's time."""
        return said(f"0-0:1.0.0({stamp(datetime.fromtimestamp(self.meter, UTC))})")


TIMELESS = said("1-0:1.7.0(00.1*kW)")


def seconds(stamped: Stamped | None) -> list[float]:
    return [] if stamped is None else [stamped.time.timestamp()]


def run(host: Host, clock: Clock, telegrams: int, *, every: float = 10.0) -> None:
    for _ in range(telegrams):
        clock.stamp(host.timed())
        host.passes(every)


# --- which clock


def test_what_gets_the_time_of_a_clock_that_nobody_has_set_is_counted_and_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    host = Host(synchronised=False, monotonic=BOOT)
    clock = host.clock()
    held = 0
    for _ in range(90):
        held += clock.stamp(TIMELESS) is None
        host.passes(10)
    assert (held, clock.unset) == (57, 33)  # ten minutes less the time of the boot
    clock.rounded(host.wall)  # one of those that waited
    assert clock.unset == 34
    host.synchronised = True
    clock.stamp(TIMELESS)
    assert clock.unset == 34
    (only,) = [record.getMessage() for record in caplog.records]
    assert "which no time server has set" in only


def test_what_waited_for_a_clock_that_was_set_in_time_is_not_counted() -> None:
    host = Host(synchronised=False, monotonic=BOOT)
    clock = host.clock()
    assert clock.stamp(TIMELESS) is None
    host.passes(240)
    host.synchronised = True
    clock.rounded(host.wall - 240)
    assert clock.stamp(TIMELESS) is not None
    assert clock.unset == 0


def test_a_meter_with_a_time_of_its_own_needs_no_clock_that_is_set() -> None:
    host = Host(synchronised=False)
    clock = host.clock()
    clock.stamp(host.timed())
    assert clock.unset == 0


def test_a_recording_is_stored_under_no_clock_of_today() -> None:
    host = Host(synchronised=False)
    clock = host.clock(live=False)
    clock.stamp(TIMELESS)
    assert clock.unset == 0


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


def test_the_choice_goes_on_over_a_restart() -> None:
    host = Host()
    host.meter += 300
    clock = host.clock()
    run(host, clock, 61)
    restarted = host.clock(kept=str(clock.chosen))
    assert (restarted.chosen, restarted.changes) == (Choice.HOST, 0)
    assert seconds(restarted.stamp(host.timed())) == [host.wall]


@pytest.mark.parametrize(("choice", "live"), [(Choice.METER, True), (Choice.AUTO, False)])
def test_a_choice_that_was_kept_binds_auto_on_a_live_line_alone(
    choice: Choice, *, live: bool
) -> None:
    assert Host().clock(choice, live=live, kept="host").chosen is Choice.METER


@pytest.mark.parametrize("kept", [None, "", "nonsense", 3])
def test_a_choice_that_is_none_is_forgotten(kept: str | None) -> None:
    assert Host().clock(kept=kept).chosen is Choice.METER


def test_a_change_is_said_with_how_far_off_the_meter_is_four_times_a_day_at_most(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, module.__name__)
    host = Host()
    clock = host.clock()
    for _ in range(36):  # a day of a clock that comes and goes
        for off in (300, -300):
            host.meter += off
            run(host, clock, 120)
    said = [record.getMessage().partition(",")[0] for record in caplog.records]
    assert clock.changes == 72
    assert said[0] == "the meter's clock is 300 s ahead of this machine's"
    assert len(said) <= 8


# --- the hour that comes twice, on a clock without S and W

AUTUMN = utc("2026-10-25T00:00:00")


def wall_clock(moment: datetime) -> Telegram:
    """Give a telegram of a clock that shows what clocks on the wall in the Netherlands show."""
    hours = 2 if moment < AUTUMN + HOUR else 1
    return said(f"0-0:1.0.0({moment + hours * HOUR:%y%m%d%H%M%S})")


@pytest.mark.parametrize("synchronised", [True, False])
@pytest.mark.parametrize("live", [True, False])
def test_a_clock_without_letters_is_right_through_the_hour_that_comes_twice(
    *, live: bool, synchronised: bool
) -> None:
    host = Host(wall=AUTUMN.timestamp() - 600, synchronised=synchronised)
    clock = host.clock(live=live)
    for _ in range(9000):
        moment = datetime.fromtimestamp(host.wall, UTC)
        assert seconds(clock.stamp(wall_clock(moment))) == [host.wall]
        host.passes(1)
    assert clock.changes == 0


def test_a_start_in_the_second_of_these_hours_goes_by_the_hosts_clock() -> None:
    host = Host(wall=(AUTUMN + 1.5 * HOUR).timestamp())
    moment = datetime.fromtimestamp(host.wall, UTC)
    assert seconds(host.clock().stamp(wall_clock(moment))) == [host.wall]


def test_a_clock_with_letters_is_taken_at_its_word_in_that_hour() -> None:
    host = Host(wall=AUTUMN.timestamp(), meter=(AUTUMN + HOUR).timestamp())
    assert seconds(host.clock().stamp(host.timed())) == [host.meter]


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


def test_telegrams_wait_for_the_hosts_clock() -> None:
    host = Host(wall=0.0, monotonic=BOOT, synchronised=False)
    clock = host.clock()
    assert clock.stamp(TIMELESS) is None
    host.passes(60)
    assert clock.offset() is None
    host.wall = NOON.timestamp()
    host.synchronised = True
    assert clock.offset() == NOON.timestamp() - BOOT - 60
    assert seconds(clock.stamp(TIMELESS)) == [NOON.timestamp()]


def test_they_wait_until_ten_minutes_after_the_boot_and_no_longer() -> None:
    host = Host(monotonic=BOOT, synchronised=False)
    clock = host.clock()
    host.passes(599.0 - BOOT)
    assert clock.stamp(TIMELESS) is None
    host.passes(1.0)
    assert seconds(clock.stamp(TIMELESS)) == [host.wall]


def test_once_the_hosts_clock_was_set_nothing_waits_any_more() -> None:
    host = Host(monotonic=BOOT)
    clock = host.clock()
    assert clock.stamp(TIMELESS) is not None
    host.synchronised = False
    assert clock.stamp(TIMELESS) is not None


def test_long_after_the_boot_nothing_waits() -> None:
    host = Host(synchronised=False)
    assert host.clock().stamp(TIMELESS) is not None


def test_a_meter_with_a_clock_does_not_wait_for_the_hosts() -> None:
    host = Host(monotonic=BOOT, synchronised=False)
    assert host.clock().stamp(host.timed()) is not None


def test_whoever_sets_the_host_is_only_asked_for_a_telegram_without_a_time() -> None:
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
    with pytest.raises(AskedError):
        clock.stamp(TIMELESS)


# --- a host whose clock is set


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
    monkeypatch.setattr(module, "_TIMESYNCD", tmp_path / "timesync" / "synchronized")
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
    (no_time_server / "timesync").mkdir()
    (no_time_server / "timesync" / "synchronized").touch()
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


@pytest.mark.usefixtures("no_time_server")
def test_where_nobody_can_be_asked_the_host_is_believed_an_hour_after_its_boot() -> None:
    host = Host(monotonic=3599.0)
    clock = HostClock(lambda: host.monotonic)
    assert (clock.is_set(), clock.synchronised()) == (None, False)
    host.passes(1)
    assert (clock.is_set(), clock.synchronised()) == (None, True)


@pytest.mark.parametrize("who", ["timesyncd", "chrony"])
def test_a_host_that_says_it_is_not_set_is_never_believed(
    no_time_server: Path, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    if who == "timesyncd":
        (no_time_server / "timesync").mkdir()
    else:
        monkeypatch.setattr(module, "_CHRONY_SECONDS", 60.0)  # a busy machine's
        _chrony(no_time_server, f"echo '{TRACKING}Not synchronised'")
    clock = HostClock(lambda: 1e6)
    assert (clock.is_set(), clock.synchronised()) == (False, False)


@pytest.mark.usefixtures("no_time_server")
def test_in_a_container_a_meter_that_is_off_loses_as_anywhere() -> None:
    host = Host()
    host.meter += 3600
    clock = Clock(
        Choice.AUTO,
        live=True,
        tolerance_seconds=60.0,
        wall=lambda: host.wall,
        monotonic=lambda: host.monotonic,
        synchronised=HostClock(lambda: host.monotonic).synchronised,
    )
    run(host, clock, 61)
    assert (clock.chosen, clock.changes) == (Choice.HOST, 1)


def test_they_are_asked_twice_a_minute_and_believed_in_between(no_time_server: Path) -> None:
    host = Host(monotonic=0.0)
    clock = HostClock(lambda: host.monotonic)
    assert clock.synchronised() is False
    (no_time_server / "timesync").mkdir()
    (no_time_server / "timesync" / "synchronized").touch()
    host.passes(29)
    assert clock.synchronised() is False
    host.passes(1)
    assert clock.synchronised() is True
