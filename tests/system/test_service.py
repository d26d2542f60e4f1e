"""The installed service in a systemd of its own, through what happens to it in years.

The meter sends a telegram a second, by this machine's clock, and notes which were read: those
that InfluxDB does not have in the end are lost. What nobody was there to read is not.
"""

import time
from typing import Final

import pytest

from bed.service import Status
from system.house import BUCKET, House, delivers, lost_nothing, now

pytestmark = [pytest.mark.influxdb, pytest.mark.slow, pytest.mark.timeout(2400)]

KEEP_SECONDS: Final = 10
BACK_SECONDS: Final = 10
OUTAGE: Final = 14
"""Telegrams, one a second: an outage that is longer than readings stay in RAM."""


def wait(seconds: float) -> None:
    """Let so much time pass: what is waited for is that nothing happens."""
    time.sleep(seconds)


def some_are_in_ram(status: Status) -> bool:
    """Tell whether readings wait to be delivered, as those of some seconds always do."""
    return bool(status["counts"]["waiting"] >= 3)


def test_it_reads_the_meter_and_delivers_every_telegram(house: House) -> None:
    since = house.machine.wait_until(delivers)["telegram"]["time"]
    house.loses_nothing(since)
    assert house.machine.run("systemctl is-system-running").strip() == "running"


def test_killing_it_costs_seconds_and_no_reading(house: House) -> None:
    machine = house.machine
    since, before, restarts = now() - 3, machine.pid(), int(machine.show("NRestarts"))
    machine.wait_until(some_are_in_ram)
    killing = house.span(lambda: machine.run("systemctl kill --signal=SIGKILL p1-collector"))
    machine.wait_until(
        lambda status: status["counts"]["telegrams"] > 0 and status["pid"] != before
    )
    assert machine.show("NRestarts") == str(restarts + 1)
    assert machine.seconds_down() <= BACK_SECONDS
    house.loses_one_at_most(since, killing)


def test_a_reader_that_hangs_is_restarted_by_the_watchdog(house: House) -> None:
    machine = house.machine
    drop_in = "/run/systemd/system/p1-collector.service.d"
    machine.run(f"mkdir -p {drop_in}")
    machine.run(f"printf '[Service]\nWatchdogSec=9\nTimeoutAbortSec=2\n' >{drop_in}/short.conf")
    machine.run("systemctl daemon-reload && systemctl restart p1-collector")
    machine.wait_until(delivers)
    since, before = now() - 2, machine.pid()
    machine.wait_until(some_are_in_ram)
    hanging = house.span(lambda: machine.run(f"kill -STOP {before}"))
    machine.wait_until(
        lambda status: status["counts"]["telegrams"] > 0 and status["pid"] != before
    )
    assert "Watchdog timeout" in machine.journal()
    house.loses_one_at_most(since, hanging)
    machine.run(f"rm -r {drop_in} && systemctl daemon-reload && systemctl restart p1-collector")


def test_a_reboot_during_an_outage_delivers_the_backlog(house: House) -> None:
    since = now()
    house.influxd.kill()
    house.meter.sends(OUTAGE + 1)  # the last may be on its way yet
    rebooting = house.span(house.machine.reboot)
    house.machine.wait_until(
        lambda status: status["counts"]["telegrams"] > 3 and status["counts"]["found"] >= OUTAGE
    )
    house.influxd.start()
    house.loses_one_at_most(since, rebooting)
    assert lost_nothing(house.machine.wait_until(delivers))


def test_a_power_cut_during_an_outage_costs_at_most_ten_seconds(house: House) -> None:
    since = now()
    house.influxd.kill()
    house.meter.sends(OUTAGE + 5)
    cut_at = time.monotonic()
    _, last = house.span(house.machine.cut_power)
    house.machine.boot()
    house.machine.wait_until(lambda status: status["counts"]["telegrams"] > 0)
    house.influxd.start()
    may_be_lost = house.meter.taken_after(cut_at - KEEP_SECONDS) & house.meter.times(0, last)
    assert {second for second in house.meter.times() if second >= since} - may_be_lost
    house.loses_only(since, may_be_lost)


def test_it_starts_without_a_meter_and_reads_when_one_is_plugged_in(house: House) -> None:
    house.meter.switch_off()
    house.machine.plug(None)
    house.machine.reboot()
    status = house.machine.wait_until(lambda status: status["state"] == "port closed")
    assert status["counts"]["telegrams"] == 0
    assert house.machine.show("ActiveState") == "active"
    assert house.machine.show("NRestarts") == "0"
    house.meter.switch_on()
    house.machine.plug(house.meter.terminal)
    house.machine.wait_until(lambda status: status["counts"]["telegrams"] > 0)
    house.loses_nothing(now())


def test_a_cable_pulled_out_and_put_back_under_another_name_is_read_again(house: House) -> None:
    since, before = now(), house.machine.pid()
    reopened = house.machine.wait_until(delivers)["counts"]["reopened"]
    pulling = house.span(house.meter.switch_off)
    house.machine.wait_until(lambda status: status["state"] != "reading")
    house.meter.switch_on()
    house.machine.plug(house.meter.terminal)
    house.machine.wait_until(
        lambda status: status["state"] == "reading" and status["counts"]["reopened"] > reopened
    )
    house.loses_one_at_most(since, pulling)
    assert house.machine.pid() == before


def test_a_revoked_token_loses_nothing_and_works_again_when_given_back(house: House) -> None:
    since = now()
    house.influxd.activate(house.token, active=False)
    status = house.machine.wait_until(lambda s: s["delivery"]["state"] == "misconfigured")
    assert "P1_INFLUX_TOKEN" in status["delivery"]["message"]
    house.meter.sends(OUTAGE)
    house.influxd.activate(house.token, active=True)
    house.loses_nothing(since)
    assert house.token.text not in house.machine.journal()


def test_a_new_token_is_put_in_by_running_the_installer_again(house: House) -> None:
    since = now()
    old, house.token = house.token, house.influxd.write_token(BUCKET)
    house.influxd.revoke(old)
    house.machine.wait_until(lambda status: status["delivery"]["state"] == "misconfigured")
    house.loses_one_at_most(since, house.span(house.install))


def test_a_full_disk_during_an_outage_loses_nothing(house: House) -> None:
    machine = house.machine
    place = "/var/lib/p1-collector"
    machine.run("systemctl stop p1-collector")
    machine.run(f"mount -t tmpfs -o size=2m tmpfs {place} && systemctl start p1-collector")
    machine.wait_until(delivers)
    since = now()
    machine.try_to(f"cat /dev/zero >{place}/filler")  # it ends when the disk is full
    house.influxd.kill()
    house.meter.sends(OUTAGE)
    machine.wait_until(
        lambda status: (
            "cannot write to the spool" in str(status["trouble"]) and status["state"] == "reading"
        )
    )
    machine.run(f"rm {place}/filler")
    machine.wait_until(lambda status: status["counts"]["spool_bytes"] > 0)
    house.influxd.start()
    house.loses_nothing(since)
    assert lost_nothing(machine.wait_until(delivers))
    machine.run(f"systemctl stop p1-collector && umount {place}")


def test_settings_that_leave_nothing_to_do_end_it_for_good(house: House) -> None:
    machine = house.machine
    machine.run("touch /run/p1-collector/kept")
    drop_in = "/run/systemd/system/p1-collector.service.d"
    machine.run(f"mkdir -p {drop_in}")
    lines = "[Service]\\nEnvironment=P1_SOURCE=nonsense:// P1_SPOOL_DIR=/proc/nowhere\\n"
    machine.run(f"printf '{lines}' >{drop_in}/wrong.conf && systemctl daemon-reload")
    machine.try_to("systemctl restart p1-collector")
    wait(4)  # twice as long as systemd waits before a restart
    assert machine.show("ExecMainStatus") == "78"
    assert (machine.show("ActiveState"), machine.show("NRestarts")) == ("failed", "0")
    assert machine.run("ls /run/p1-collector/kept").strip() == "/run/p1-collector/kept"
    machine.run(f"rm -r {drop_in} /run/p1-collector/kept && systemctl daemon-reload")


def test_serial_ports_can_be_opened_and_no_other_device(house: House) -> None:
    machine = house.machine
    unit = machine.run("cat /etc/systemd/system/p1-collector.service").splitlines()
    rules = [line for line in unit if line.startswith(("DevicePolicy=", "DeviceAllow="))]
    options = " ".join(f"--property='{rule}'" for rule in rules)
    answers = {}
    for name, numbers in {"ttyUSB0": "188 0", "ttyACM0": "166 0", "mem": "1 1"}.items():
        machine.run(f"test -e /root/{name} || mknod /root/{name} c {numbers}")
        opened = machine.try_to(
            f"systemd-run --quiet --pipe --wait {options} head -c 1 /root/{name}"
        )
        answers[name] = opened.stdout.strip().rpartition(": ")[2]
    # Without the driver there is no device behind the node; a refusal comes before that.
    allowed = "No such device or address"
    assert answers == {"ttyUSB0": allowed, "ttyACM0": allowed, "mem": "Operation not permitted"}


def test_it_starts_without_the_files_of_settings_and_secrets(house: House) -> None:
    house.machine.run("rm /etc/p1-collector/* && systemctl restart p1-collector")
    status = house.machine.wait_until(lambda status: status["counts"]["telegrams"] > 0)
    assert status["delivery"]["state"] == "off"


def test_nobody_else_may_read_what_it_keeps(house: House) -> None:
    modes = house.machine.run(
        "stat -c '%a %U %n' /run/p1-collector /var/lib/p1-collector /run/p1-collector/status.json"
        " /etc/p1-collector/influx-token"
    )
    assert modes.splitlines() == [
        "700 p1-collector /run/p1-collector",
        "700 p1-collector /var/lib/p1-collector",
        "600 p1-collector /run/p1-collector/status.json",
        "600 root /etc/p1-collector/influx-token",
    ]
    environment = house.machine.run(f"tr '\\0' '\\n' </proc/{house.machine.pid()}/environ")
    # Some process may have ended since the shell wrote the list.
    commands = house.machine.try_to("cat /proc/[0-9]*/cmdline").stdout
    assert "p1-collector" in commands
    assert house.token.text not in environment + commands
