"""A machine whose clock is years behind, as a Pi's is that has no time server."""

import time
from collections.abc import Collection
from typing import Final

import pytest

from machine.conftest import Tell
from machine.guest import NEAR
from machine.home import NEAR_SECONDS, Home
from machine.time_server import TimeServer

pytestmark = [pytest.mark.influxdb, pytest.mark.slow, pytest.mark.timeout(3600)]

YEARS_AGO: Final = ("-rtc", "base=2020-01-01")
FORGET: Final = (
    "systemctl mask --now systemd-timesyncd.service && rm -rf /var/lib/systemd/timesync"
    f" && printf '[Time]\\nNTP={NEAR}\\nFallbackNTP=\\n' >/etc/systemd/timesyncd.conf && sync"
)
COUNTED_AFTER: Final = 4
"""So many telegrams come in the half minute in which it is not asked again whether it is set."""
ASK: Final = "systemctl unmask systemd-timesyncd.service && systemctl start systemd-timesyncd"


def boot_years_ago(home: Home) -> None:
    """Boot with InfluxDB's address known, no time server, and a clock of 2020."""
    home.boot()
    home.connect()
    home.guest.run(FORGET)
    home.guest.switch_off()
    home.meter.cable.plug()
    home.boot(*YEARS_AGO)


def set_right(home: Home) -> None:
    home.guest.run(ASK)
    home.guest.wait_for("test -e /run/systemd/timesync/synchronized")
    assert abs(home.guest.ahead()) < 5


def test_a_meter_with_a_clock_is_stored_under_its_own_time_whatever_the_hosts(
    home: Home, tell: Tell
) -> None:
    on = time.time()
    boot_years_ago(home)
    behind = -home.guest.ahead()
    home.excuse(on, home.began() + 2)
    home.meter.sends(60)
    with TimeServer():
        set_right(home)
    missing = home.loses_only_what_was_promised()
    home.stores_only_what_was_sent()
    counts = home.reading()["counts"]
    assert (counts["unset_clock"], counts["clock_changes"]) == (0, 0)
    tell(f"{behind / 86_400:.0f} days behind, then right; {len(missing)} telegrams missed")


@pytest.mark.parametrize("minutes", [4, 15])
def test_a_meter_without_a_clock_waits_for_the_hosts_and_what_does_not_is_counted(
    home: Home, tell: Tell, minutes: int
) -> None:
    home.meter.speaks("dsmr3")
    boot_years_ago(home)
    up = float(home.guest.run("cut -d ' ' -f 1 /proc/uptime"))
    time.sleep(max(0.0, 60 * minutes - up))
    with TimeServer():
        set_right(home)
    home.meter.sends(6)
    last = max(home.meter.sent())
    home.catches_up(last)
    status, sent = home.reading(), home.meter.sent()
    wrong = [second for second in home.stored() if not _near(second, sent)]
    counted = status["counts"]["unset_clock"]
    assert len(wrong) <= counted <= len(wrong) + COUNTED_AFTER
    assert bool(wrong) == bool(counted) == (minutes > 10)
    stored, began = home.stored(), home.began()
    lost = [s for s in home.meter.offered() if began + 2 < s <= last and not _near(s, stored)]
    assert len(lost) <= len(wrong)
    told = [line for line in home.guest.said() if "which no time server has set" in line]
    assert len(told) == bool(wrong)
    tell(f"right after {minutes} min; {len(wrong)} telegrams under a wrong time, all counted")


def _near(second: int, seconds: Collection[int]) -> bool:
    return any(abs(second - other) <= NEAR_SECONDS for other in seconds)
