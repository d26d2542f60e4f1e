"""The files for Docker, with an engine, a real cable and a reboot.

The images of others come from docker/prepare.sh: what their makers put into them is not tried.
"""

import io
import json
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from bed.influxd import Influxd
from bed.influxdb import Found, Program
from machine.conftest import Tell
from machine.emulator import Disk
from machine.guest import CHECKOUT, Guest, Service
from machine.home import Home, household, in_a_machine
from machine.image import ROOT, TRIXIE, Debian, checkout, digest, layered
from machine.test_cable import pulled

pytestmark = [
    pytest.mark.influxdb,
    pytest.mark.slow,
    pytest.mark.timeout(10_800),
    pytest.mark.parametrize("debian", [TRIXIE], ids=str, scope="session"),
]

MEMORY_MIB: Final = 1536
HERE: Final = Path(__file__).with_name("docker")
INFRA: Final = f"{CHECKOUT}/infra"
COMPOSE: Final = f"cd {INFRA} && docker compose --file compose.yaml"
UP: Final = f"{COMPOSE} --profile simulated up --detach --no-build"
SECRETS: Final = "for name in influx-token influx-password; do echo its-$name >$name; done"
NAME: Final = "p1-collector-collector-1"
CONTAINER: Final = Service(
    "/dev/shm/p1-collector",  # noqa: S108  the compose file's own
    f"docker inspect --format '{{{{if .State.Running}}}}1{{{{end}}}}' {NAME}",
    f"docker logs --tail 300 {NAME}",
)
CABLE: Final = "serial/by-id/usb-QEMU_QEMU_USB_SERIAL_P1CABLE1-if00-port0"
COUNT: Final = """python3 -c '
import urllib.parse, urllib.request
token = open("secrets/influx-token").read().strip()
query = {"db": "p1", "q": "SELECT count(power_import_kw) FROM electricity"}
url = "http://127.0.0.1:8086/query?" + urllib.parse.urlencode(query)
headers = {"Authorization": "Token " + token, "Accept": "application/csv"}
print(urllib.request.urlopen(urllib.request.Request(url, headers=headers)).read().decode())
' | sed -n '2s/.*,//p'"""


@pytest.fixture(scope="session")
def docker_disk(
    bare_disk: Disk,
    debian: Debian,
    found_influxdb: Found,
    tmp_path_factory: pytest.TempPathFactory,
) -> Disk:
    """Give a disk with Docker and the images that infra/ is made from."""
    assert bare_disk.image.exists()
    if not isinstance(found_influxdb, Program):
        pytest.skip("its image is made from an influxd of this machine, and there is none")
    influxd = Path(found_influxdb.path)

    def prepare(guest: Guest) -> None:
        guest.clone()
        guest.unpack(archive(influxd, HERE), "/opt")
        guest.run(f"/opt/docker/prepare.sh {CHECKOUT} /opt/influxd && rm -r /opt/docker")

    ours = [path for path in checkout() if path.parts[0] != "infra" or "Dockerfile" in path.name]
    files = [*ours, *(path.relative_to(ROOT) for path in HERE.rglob("*") if path.is_file())]
    place = tmp_path_factory.mktemp("docker")
    make = in_a_machine(place, prepare, memory_mib=MEMORY_MIB)
    return layered(debian, f"docker-{digest(files)}", make)


def archive(*paths: Path) -> bytes:
    """Give files and folders as a tar archive."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for path in paths:
            tar.add(path, path.name)
    return packed.getvalue()


@pytest.fixture
def docked(docker_disk: Disk, influxd: Influxd, tmp_path: Path) -> Iterator[Home]:
    """Give a household whose machine has Docker, and the project's images."""
    with household(docker_disk, influxd, tmp_path, CONTAINER, memory_mib=MEMORY_MIB) as home:
        yield home


def test_a_container_reads_its_cable_again_and_keeps_what_it_read_over_a_restart_and_a_reboot(
    docked: Home, tell: Tell
) -> None:
    home, guest = docked, docked.guest
    home.meter.cable.plug()
    home.boot()
    begin_in_a_container(home)
    named = list(pulled(home, [0.5, 5.0, 30.0], f"/dev/{CABLE}"))
    home.influxd.kill()
    home.meter.sends(20)
    waiting = home.reading()["counts"]["waiting"]
    assert waiting >= 20
    restarted = away(home, lambda: guest.run(f"docker restart {NAME}"))
    rebooted = away(home, home.reboot)
    home.influxd.start()
    missing = home.loses_only_what_was_promised()
    home.stores_only_what_was_sent()
    tell(
        f"{len(named)} times pulled, named after {max(named):.1f} s at most; {waiting} waiting"
        f" telegrams kept; {restarted:.0f} s for a restart, {rebooted:.0f} s for a reboot;"
        f" {len(missing)} missed"
    )


def begin_in_a_container(home: Home) -> None:
    """Start the collector as the compose file has it, with the InfluxDB of this household."""
    home.guest.clone()
    settings = home.settings | {"P1_SOURCE": f"/host/dev/{CABLE}"}
    token = settings.pop("P1_INFLUX_TOKEN")
    ours = json.dumps({"services": {"collector": {"environment": settings}}})
    home.guest.run(
        f"cd {INFRA} && mkdir -p secrets && echo {token} >secrets/influx-token"
        f" && echo '{ours}' >/root/ours.yaml"
    )
    home.guest.run(f"{COMPOSE} --file /root/ours.yaml up --detach --no-build collector")
    home.begins()


def away(home: Home, do: Callable[[], object]) -> float:
    """Do something that ends the container; gives for how long it did not read."""
    at = time.time()
    do()
    home.reading()
    home.excuse(at - 1, time.time())
    return time.time() - at


def test_the_household_of_the_compose_file_stores_a_simulated_meter_and_keeps_it(
    docked: Home, tell: Tell
) -> None:
    guest = docked.guest
    docked.boot()
    guest.clone()
    guest.run(f"mkdir -p {INFRA}/secrets && cd {INFRA}/secrets && {SECRETS}")
    # All of infra/stack but Grafana, whose image cannot be made.
    up = f"{UP} --wait influxdb simulator collector-simulated"
    guest.run(up)
    guest.wait_for(f"cd {INFRA} && test $({COUNT}) -ge 10")
    guest.run(f"{COMPOSE} --profile simulated kill influxdb collector-simulated")
    guest.run(up)
    first = int(guest.run(f"cd {INFRA} && {COUNT}"))
    assert first >= 10
    guest.wait_for(f"cd {INFRA} && test $({COUNT}) -ge {first + 10}")
    healthy = guest.run("docker ps --format '{{.Names}} {{.Status}}'")
    assert healthy.count("(healthy)") == 3
    tell(f"{first} telegrams are there after all were killed, and more come")
