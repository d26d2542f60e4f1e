"""infra/install.sh on a bare Debian: first, again, as an upgrade, and away."""

import json
import os
import pty
import re
import select
import subprocess
import time
from pathlib import Path
from typing import Final

import pytest

from system.house import INSTALL, OFFLINE, House, delivers, now
from system.machine import Machine
from system.meter import another_meter

pytestmark = [pytest.mark.influxdb, pytest.mark.slow, pytest.mark.timeout(2400)]

GIVE_UP_SECONDS: Final = 300
OURS: Final = (
    "/etc/p1-collector /etc/systemd/system /etc/udev /etc/bash_completion.d /opt/p1-collector"
    " /usr/local/bin"
)


def test_twice_is_the_same_as_once(house: House) -> None:
    files = f"find {OURS} -name __pycache__ -prune -o -printf '%p %T@ %m %u %l\\n' | sort"
    before, pid = house.machine.run(files), house.machine.pid()
    assert "nothing has changed, and the service runs" in house.install()
    assert house.machine.run(files) == before
    assert house.machine.pid() == pid


def test_an_upgrade_keeps_settings_and_backlog_and_costs_a_restart(house: House) -> None:
    machine = house.machine
    machine.run("sed -i 's/^#P1_SITE=home/P1_SITE=cabin/' /etc/p1-collector/p1-collector.env")
    since = now()
    house.influxd.kill()
    machine.wait_until(lambda status: status["counts"]["spool_bytes"] > 0)
    version = house.checkout / "collector" / "__init__.py"
    version.write_text(version.read_text().replace('__version__ = "', '__version__ = "9.'))
    upgrading = house.span(house.install)
    status = machine.wait_until(
        lambda status: status["counts"]["telegrams"] > 0 and status["counts"]["found"] > 0
    )
    assert status["version"].startswith("9.")
    assert status["site"] == "cabin"
    house.influxd.start()
    house.loses_one_at_most(since, upgrading)
    assert len(machine.run("ls -d /opt/p1-collector/venv-*").splitlines()) == 1


def test_an_upgrade_that_fails_leaves_what_was_installed(house: House) -> None:
    project = house.checkout / "pyproject.toml"
    old, pid = project.read_text(), house.machine.pid()
    project.write_text(old + "this is no TOML\n")
    try:
        done = house.machine.try_to(INSTALL, **OFFLINE)
    finally:
        project.write_text(old)
    assert done.returncode == 1
    assert "error: pip could not install p1-collector" in done.stdout
    assert house.machine.pid() == pid
    house.machine.run("systemctl restart p1-collector")
    house.machine.wait_until(delivers)


def test_it_removes_the_program_and_keeps_the_data_and_purges_on_request(house: House) -> None:
    machine = house.machine
    house.influxd.kill()
    machine.wait_until(lambda status: status["counts"]["waiting"] > 2)
    assert "removed" in machine.run(f"{INSTALL} --uninstall")
    assert machine.run("ls /var/lib/p1-collector/spool | grep -c '[.]lp$'").strip() != "0"
    left = machine.run("find /etc /opt /usr/local -name '*p1-*' | sort").splitlines()
    assert left == ["/etc/p1-collector", "/etc/p1-collector/p1-collector.env"]
    machine.run(f"{INSTALL} --uninstall")
    machine.run(f"{INSTALL} --purge")
    give_up = time.monotonic() + GIVE_UP_SECONDS  # systemd removes the service's /tmp by and by
    while left := _ours(machine):
        assert time.monotonic() < give_up, left
    assert machine.try_to("getent passwd p1-collector").returncode == 2
    machine.run(f"{INSTALL} --purge")


def test_a_salt_is_made_for_a_new_installation_and_for_no_other(house: House) -> None:
    """Behind readings without one, the meter would have another name from then on."""
    machine, salt = house.machine, "/etc/p1-collector/meter-salt"
    first = machine.run(f"cat {salt}").strip()
    assert re.fullmatch("[0-9a-f]{32}", first)
    assert machine.run(f"stat -c %a:%U {salt}").strip() == "600:root"
    machine.run(f"rm {salt}")
    house.install()
    assert machine.run(f"cat {salt}").strip() == ""
    assert "another name" in machine.run(f"{INSTALL} --purge")
    house.install()
    assert machine.run(f"cat {salt}").strip() not in ("", first)


def test_it_asks_plainly_for_what_is_not_set(house: House) -> None:
    house.machine.run("rm /etc/p1-collector/*")
    answers = [house.influxd.url, house.influxd.org, "", house.token.text]
    shown = _at_a_terminal([*house.machine.entrance(), "env", *_offline(), INSTALL], answers)
    assert "token that may write to the bucket" in shown
    assert house.token.text not in shown
    house.machine.wait_until(delivers)


def test_without_a_terminal_it_asks_nothing_and_reads_all_the_same(house: House) -> None:
    house.machine.run("rm /etc/p1-collector/*")
    assert "no InfluxDB is set" in house.machine.run(INSTALL, **OFFLINE)
    status = house.machine.wait_until(lambda status: status["counts"]["telegrams"] > 0)
    assert status["delivery"]["state"] == "off"


def test_the_command_has_the_settings_and_the_user_of_the_service(house: House) -> None:
    machine = house.machine
    assert "reading" in machine.run("p1-collector show --once")
    shown = machine.run("p1-collector check --json || true")
    assert house.influxd.url in shown
    assert house.token.text not in shown
    origins = {setting["name"]: setting["origin"] for setting in json.loads(shown)["settings"]}
    places = [origins[name] for name in ("P1_INFLUX_URL", "P1_INFLUX_TOKEN")]
    assert places == [f"/etc/p1-collector/{file}" for file in ("p1-collector.env", "influx-token")]
    machine.run("cp /checkout/README.md /root/no-telegrams && chmod 600 /root/no-telegrams")
    assert "ermission" not in machine.try_to("p1-collector decode /root/no-telegrams").stdout
    assert machine.try_to("p1-collector @garden show --once").returncode == 2


def test_a_second_meter_has_a_service_of_its_own(house: House, tmp_path: Path) -> None:
    machine = house.machine
    with another_meter(tmp_path) as address:
        machine.run(f"echo P1_SOURCE=socket://{address} >/etc/p1-collector/garage.env")
        machine.run("systemctl enable --now p1-collector@garage")
        garage, directory = "p1-collector@garage", "/run/p1-collector-garage"
        machine.wait_until(delivers, unit=garage, directory=directory)
        assert "reading" in machine.run("p1-collector @garage show --once")
        pid = machine.show("MainPID", garage)
        house.install(P1_SITE="two")  # an upgrade restarts it as well
        assert machine.show("MainPID", garage) not in {pid, "0"}
        assert machine.try_to("systemctl start p1-collector@attic").returncode == 1
        machine.run(f"systemctl disable --now {garage} && rm /etc/p1-collector/garage.env")


def test_its_udev_rules_can_be_read(house: House) -> None:
    # No udevd runs in a container, so what the rules do to a cable is not tried.
    shown = house.machine.try_to("udevadm test /sys/class/tty/ttyS0 2>&1").stdout
    assert "/etc/udev/rules.d/99-p1.rules" in shown
    complaints = [line for line in shown.splitlines() if "99-p1.rules:" in line]
    assert complaints == []


def _offline() -> list[str]:
    return [f"{name}={value}" for name, value in OFFLINE.items()]


def _ours(machine: Machine) -> list[str]:
    """What is named for the program, and what find says of files that vanish meanwhile."""
    find = "find / -xdev -path /proc -prune -o -name '*p1-collector*' -print"
    outside = ("/checkout/", "/wheels/", "/meter/")
    found = machine.try_to(find).stdout.splitlines()
    return [path for path in found if not path.startswith(outside)]


def _at_a_terminal(command: list[str], answers: list[str]) -> str:
    """Run a command at a terminal, answer its questions in turn; give what it showed."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    shown, give_up = b"", time.monotonic() + GIVE_UP_SECONDS
    try:
        while time.monotonic() < give_up:
            if not select.select([ours], [], [], 0.2)[0]:
                continue
            try:
                shown += os.read(ours, 4096)
            except OSError:
                break
            if answers and shown.endswith(b": "):
                os.write(ours, f"{answers.pop(0)}\n".encode())
                shown += b"\n"
        assert process.wait(GIVE_UP_SECONDS) == 0, shown.decode()
    finally:
        process.kill()
        os.close(ours)
    return shown.decode()
