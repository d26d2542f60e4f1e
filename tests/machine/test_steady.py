"""The service at its daily work; an emulated processor is slower than a real one."""

import io
import tarfile
import time
from pathlib import Path
from typing import Final

import pytest

from bench.backlog import Backlog, backlog
from machine.conftest import Tell
from machine.guest import Guest
from machine.home import Home
from machine.image import ARM64, BOOKWORM

pytestmark = [
    pytest.mark.influxdb,
    pytest.mark.slow,
    pytest.mark.timeout(10_800),
    pytest.mark.parametrize("debian", [BOOKWORM, ARM64], ids=str, scope="session"),
]

MINUTES: Final = 10
MIB: Final = 1024 * 1024
SECTOR: Final = 512
WAITING: Final = 20
"""So few are on their way always."""
SPOOL: Final = "/var/lib/p1-collector"


def test_ten_minutes_stay_within_the_bounds_of_the_unit_and_off_the_card(
    home: Home, tell: Tell
) -> None:
    guest = home.guest
    home.meter.cable.plug()
    home.boot()
    assert guest.try_to("command -v cc gcc").returncode, "what was installed may be compiled"
    began, starting = home.began(), between(guest, "InactiveExit", "ActiveEnter")
    home.connect()
    home.begins()
    first = home.first_telegram() - began
    before, processor = home.reading()["counts"]["telegrams"], int(guest.show("CPUUsageNSec"))
    machine, ours = written(guest), on_the_card(guest)
    time.sleep(60 * MINUTES)
    telegrams = home.reading()["counts"]["telegrams"] - before
    processor = int(guest.show("CPUUsageNSec")) - processor
    machine = (written(guest) - machine) // (60 * MINUTES)
    used, bound = in_ram(guest), int(guest.show("MemoryMax"))
    ours = on_the_card(guest) - ours
    checked = guest.try_to("p1-collector check").stdout.splitlines()
    resident = int(of_the_process(guest, "status", "VmRSS"))
    missing = home.loses_only_what_was_promised()
    assert used < bound
    assert guest.show("NRestarts") == "0"
    assert ours == 0
    assert [line for line in checked if line.startswith("FAIL")] == []
    guest.run("systemctl stop p1-collector")
    stopping = between(guest, "ActiveExit", "InactiveEnter")
    assert guest.show("Result") == "success"
    tell(
        f"ready {starting:.1f} s after the start, the first telegram {first:.1f} s later;"
        f" {telegrams} telegrams,"
        f" {processor / telegrams / 1e6:.1f} ms of an emulated processor each;"
        f" {resident / 1024:.0f} MiB resident, {used / MIB:.0f} of {bound / MIB:.0f} MiB with its"
        f" files in RAM; {len(missing)} missed; it wrote {ours} bytes, the machine {machine} a"
        f" second; it stopped in {stopping:.1f} s"
    )


def test_a_backlog_of_a_day_is_drained_while_the_meter_is_read(
    home: Home, tmp_path: Path, tell: Tell
) -> None:
    guest = home.guest
    home.meter.cable.plug()
    home.boot()
    guest.run("systemctl stop p1-collector")
    made = backlog(tmp_path / "spool", days=1)
    guest.unpack(archive(made.spool), SPOOL)
    guest.run(f"chown -R p1-collector: {SPOOL}")
    began = time.time()
    home.connect()
    home.begins()
    guest.wait_until(lambda status: status["counts"]["waiting"] < WAITING)
    seconds = time.time() - began
    assert home.stored().issuperset(seconds_of(made))
    missing = home.loses_only_what_was_promised()
    peak = int(of_the_process(guest, "status", "VmHWM"))
    tell(
        f"{made.telegrams} telegrams drained in {seconds:.0f} s with the start,"
        f" {made.telegrams / seconds:.0f} a second; {peak / 1024:.0f} MiB resident at most;"
        f" {len(missing)} missed meanwhile"
    )


def seconds_of(made: Backlog) -> range:
    return range(int(made.start.timestamp()), int(made.end.timestamp()))


def between(guest: Guest, begin: str, end: str) -> float:
    """Give how many seconds were between two moments that systemd has of the service."""
    began, ended = (int(guest.show(f"{name}TimestampMonotonic")) for name in (begin, end))
    return (ended - began) / 1e6


def written(guest: Guest) -> int:
    """Give how many bytes the machine has written to its disk since the boot."""
    return int(guest.run("sync; cat /sys/block/vda/stat").split()[6]) * SECTOR


def on_the_card(guest: Guest) -> int:
    """Give how many bytes the service has written to the disk since it was started."""
    return int(of_the_process(guest, "io", "write_bytes"))


def in_ram(guest: Guest) -> int:
    """Give the memory of the service with what it keeps in files in RAM."""
    group = "/sys/fs/cgroup/system.slice/p1-collector.service"
    return int(guest.run(f"cat {group}/memory.current"))


def of_the_process(guest: Guest, file: str, name: str) -> str:
    """Give a figure that the kernel has of the service's process."""
    found = f"awk '/^{name}:/ {{print $2}}' /proc/{guest.show('MainPID')}/{file}"
    return guest.run(found).strip()


def archive(directory: Path) -> bytes:
    """Give a directory as a tar archive."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.add(directory, directory.name)
    return packed.getvalue()
