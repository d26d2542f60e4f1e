"""A whole machine loses its power, or is rebooted: what its kernel had not written is gone."""

import random
import time
from typing import Final

import pytest

from machine.conftest import Tell
from machine.home import Home

pytestmark = [pytest.mark.influxdb, pytest.mark.slow, pytest.mark.timeout(7200)]

SEED: Final = 16
PROMISED_SECONDS: Final = 2.0
"""After the service is ready, nothing that comes later than this is missed."""


@pytest.mark.brief
def test_a_power_cut_costs_ten_seconds_at_most_with_influxdb_there_or_away(
    home: Home, tell: Tell, request: pytest.FixtureRequest
) -> None:
    cuts = 2 if request.config.getoption("-m") == "brief" else 10
    home.meter.cable.plug()
    home.boot()
    home.connect()
    home.begins()
    draw = random.Random(SEED)  # noqa: S311  no secret
    moments: list[float] = []
    for number in range(cuts):
        with home.surviving():
            moments.append(cut(home, 12 + 20 * draw.random(), away=bool(number % 2)))
    missing = home.loses_only_what_was_promised()
    home.stores_only_what_was_sent()
    status = home.guest.wait_until(lambda status: status["counts"]["waiting"] < 20)
    assert status["counts"]["damaged"] == 0
    before = [
        sum(at - home.promised_seconds - 2 <= second <= at for second in missing) for at in moments
    ]
    tell(
        f"{cuts} cuts, {min(before)} to {max(before)} telegrams lost before each;"
        f" the last boot took {home.guest.boot_seconds:.0f} s"
    )


def test_a_reboot_loses_what_is_sent_meanwhile_with_influxdb_there_or_away(
    home: Home, tell: Tell
) -> None:
    home.meter.cable.plug()
    home.boot()
    home.connect()
    home.begins()
    away = [reboot(home, away=away) for away in (False, True)]
    missing = home.loses_only_what_was_promised()
    home.stores_only_what_was_sent()
    tell(f"down for {away[0]:.0f} and {away[1]:.0f} s, {len(missing)} telegrams missed")


def cut(home: Home, seconds: float, *, away: bool) -> float:
    """Pull the plug after so long, put it in again, and wait until it reads; gives the moment."""
    if away:
        home.influxd.kill()
    try:
        before = home.guest.emulator.kept
        time.sleep(seconds)
        late = home.guest.emulator.kept - before
        at = home.guest.cut_power()
        home.boot()
        home.reading()
        home.excuse(at - home.promised_seconds - late, home.began() + PROMISED_SECONDS)
    finally:
        if away:
            home.influxd.start()
    return at


def reboot(home: Home, *, away: bool) -> float:
    """Shut it down as a person does and switch it on again; gives how long it did not read."""
    if away:
        home.influxd.kill()
        home.meter.sends(14)  # longer than readings stay in RAM
    at = time.time()
    home.reboot()
    home.reading()
    again = home.began()
    home.excuse(at, again + PROMISED_SECONDS)
    if away:
        home.influxd.start()
    return again - at
