"""The installer on a whole machine: first, as an upgrade, again, away, back, without a trace."""

import time
from typing import Final

import pytest

from machine.cable import Cable, Meter
from machine.conftest import Tell
from machine.guest import CHECKOUT, Guest, committed, unit
from machine.home import INSTALL, Home, delivers
from machine.image import BOOKWORM, TRIXIE, Debian

pytestmark = [pytest.mark.influxdb, pytest.mark.slow, pytest.mark.timeout(10_800)]

OLD: Final = "0051d4e"
"""The commit that is upgraded from."""
EVERYTHING: Final = (
    "find / -xdev -path /home/pi/p1-collector -prune -o -path /tmp -prune -o -path /var/tmp -prune"
    " -o -path /var/log -prune -o -path /var/lib/systemd -prune -o -path /var/lib/private -prune"
    " -o -name __pycache__ -prune -o -path /root/.cache -prune"
    r" -o -printf '%p %y %m %u %g %l\n' | sort; ls -A /run /dev | grep p1; getent passwd;"
    " getent group; true"
)


@pytest.mark.parametrize("debian", [BOOKWORM, TRIXIE], ids=str, scope="session")
def test_it_is_installed_upgraded_removed_and_purged(
    bare_home: Home, debian: Debian, tell: Tell
) -> None:
    home, guest = bare_home, bare_home.guest
    home.meter.cable.plug()
    home.boot()
    before = guest.run(EVERYTHING)
    guest.unpack(committed(OLD), CHECKOUT)
    first = timed(home)
    home.begins()
    guest.run(f"rm -rf {CHECKOUT}")
    guest.clone()
    at = time.time()
    upgrade = timed(home)
    home.reading()
    home.excuse(at, home.began() + 2)
    assert "nothing has changed, and the service runs" in guest.run(INSTALL)
    home.loses_only_what_was_promised()
    checked(guest)
    assert "removed" in guest.run(f"{INSTALL} --uninstall")
    assert guest.try_to("test -e /dev/p1").returncode == 1
    timed(home)
    guest.wait_until(delivers)
    guest.run(f"{INSTALL} --purge")
    assert guest.run(EVERYTHING).splitlines() == before.splitlines()
    tell(f"{debian}: installed in {first:.0f} s, upgraded in {upgrade:.0f} s")


def test_a_second_meter_is_read_from_a_second_cable(home: Home, tell: Tell) -> None:
    guest = home.guest
    cable = Cable(guest.emulator.socket("stick"))
    garage = Meter(cable, lambda: guest.emulator.kept, "belgium", seed=7)
    with garage.sending():
        home.meter.cable.plug()
        home.boot()
        cable.plug()
        named = {port: f"ls /dev/serial/by-id/*{port}*" for port in ("P1CABLE1", "STICK001")}
        ports = {port: guest.wait_for(command).strip() for port, command in named.items()}
        place = "/etc/p1-collector"
        guest.run(f"echo P1_SOURCE={ports['P1CABLE1']} >>{place}/p1-collector.env")
        guest.run(
            f"printf 'P1_SOURCE={ports['STICK001']}\\nP1_SITE=garage\\n' >{place}/garage.env"
        )
        home.connect()
        guest.run("systemctl enable --now p1-collector@garage")
        home.begins()
        guest.wait_until(delivers, unit("p1-collector@garage", "/run/p1-collector-garage"))
        checked(guest, "@garage check")
        sites = {row["site"] for row in home.influxd.influxql(home.bucket, ALL)}
    assert len(sites) == 2
    tell("both are read and delivered")


ALL: Final = "SELECT power_import_kw, site FROM electricity"


def timed(home: Home) -> float:
    """Install with everything that the installer would ask for; gives how long it took."""
    began = time.monotonic()
    home.guest.run(INSTALL, **home.settings)
    return time.monotonic() - began


def checked(guest: Guest, command: str = "check") -> None:
    """See that a command of the service works from a home that its user may not enter."""
    for directory in ("/root", "/home/pi"):
        done = guest.try_to(f"chmod 700 {directory}; cd {directory} && p1-collector {command}")
        assert "Permission denied" not in done.stdout, done.stdout
        assert "FAIL" not in done.stdout, done.stdout
        guest.run(f"cd {directory} && p1-collector spool status")
        guest.run(f"cp {CHECKOUT}/README.md {directory}/notes && chmod 600 {directory}/notes")
        decoded = guest.try_to(f"cd {directory} && p1-collector decode notes").stdout
        assert "ermission" not in decoded, decoded
        guest.run(f"rm {directory}/notes")
