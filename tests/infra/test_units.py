"""The systemd units: what they promise, and that they agree with the program and the installer."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from collector.commands.prices.session import PUBLISHED
from collector.service import process
from collector.settings.settings import Settings, load, names
from infra.environment_file import SECRETS
from infra.units import INFRA, PRICES, SECOND, TIMER, UNIT, directives, value, values

FIELDS: Final = Settings.model_fields
WORST: Final = 1.5
"""The exposure that systemd-analyze may find; an ordinary service has 9.6."""

both = pytest.mark.parametrize("unit", [UNIT, SECOND], ids=lambda unit: unit.name)
uses_systemd_analyze = pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="no systemd-analyze: apt install systemd"
)


@pytest.fixture
def exact(tmp_path: Path) -> Path:
    """Give a folder of the units whose program exists, so that nothing else is left to report."""
    (tmp_path / TIMER.name).write_text(TIMER.read_text())
    for unit in (UNIT, SECOND, PRICES):
        text = unit.read_text().replace(value(unit, "ExecStart").split()[0], "/bin/true")
        (tmp_path / unit.name.replace("@.", "@garage.")).write_text(text)
    return tmp_path


@uses_systemd_analyze
def test_systemd_has_nothing_to_say_about_them(exact: Path) -> None:
    units = sorted(map(str, exact.iterdir()))
    done = _analyze("verify", *units)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@uses_systemd_analyze
@pytest.mark.parametrize("unit", [UNIT, SECOND, PRICES], ids=lambda unit: unit.name)
def test_they_expose_as_little_as_few_services_do(unit: Path) -> None:
    done = _analyze("security", "--offline=true", str(unit))
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert found, done.stderr
    assert float(found[1]) <= WORST


@uses_systemd_analyze
def test_the_timer_asks_a_handful_of_times_a_day_after_the_market_has_spoken() -> None:
    calendar = value(TIMER, "OnCalendar")
    hours = calendar.split()[1].partition(":")[0].split(",")
    assert _analyze("calendar", calendar).returncode == 0
    assert len(hours) <= 6
    assert min(map(int, hours)) >= PUBLISHED
    assert value(PRICES, "ExecStart") == value(UNIT, "ExecStart").replace(" run", " prices")


def _analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["systemd-analyze", "--no-pager", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=100)


def test_the_second_meter_has_the_same_service_but_for_its_own_places() -> None:
    first, second = directives(UNIT), directives(SECOND)
    assert [line for line in second if line not in first] == [
        "Description=Smart meter's P1 port to InfluxDB, meter %i",
        "AssertPathExists=/etc/p1-collector/%i.env",
        "EnvironmentFile=/etc/p1-collector/%i.env",
        "LoadCredential=common.env:/etc/p1-collector/p1-collector.env",
        "SetCredential=common.env:\\n",
        "LoadCredential=own.env:/etc/p1-collector/%i.env",
        "SetCredential=own.env:\\n",
        "Environment=SETTINGS_COMMON=%d/common.env SETTINGS_OWN=%d/own.env",
        "StateDirectory=p1-collector-%i",
        "RuntimeDirectory=p1-collector-%i",
    ]
    assert [line for line in first if line not in second] == [
        "Description=Smart meter's P1 port to InfluxDB",
        "StateDirectory=p1-collector",
        "RuntimeDirectory=p1-collector",
    ]


@both
def test_it_never_gives_up_unless_there_is_nothing_to_do(unit: Path) -> None:
    assert value(unit, "Restart") == "always"
    assert value(unit, "StartLimitIntervalSec") == "0"
    assert value(unit, "RestartPreventExitStatus") == str(process.UNUSABLE)


@both
def test_it_waits_for_no_network_and_no_device(unit: Path) -> None:
    waits = ("After", "Wants", "Requires", "BindsTo", "ConditionPathExists")
    assert [line for line in directives(unit) if line.split("=")[0] in waits] == []


@both
def test_hot_files_outlive_the_service(unit: Path) -> None:
    """In `/dev/shm` too, where `RemoveIPC=yes` deletes all that is this user's."""
    assert value(unit, "RemoveIPC") == "no"
    assert value(unit, "RuntimeDirectoryPreserve") == "yes"


def test_the_secret_settings_are_known() -> None:
    secret = {
        names(field)[0] for field, info in FIELDS.items() if "Secret" in str(info.annotation)
    }
    assert secret == SECRETS.keys()


@both
def test_secrets_come_under_the_names_that_the_settings_look_for(unit: Path) -> None:
    loaded, fallbacks = values(unit, "LoadCredential"), values(unit, "SetCredential")
    assert loaded[-len(SECRETS) :] == [f"{name.lower()}:{path}" for name, path in SECRETS.items()]
    assert fallbacks == [f"{line.partition(':')[0]}:\\n" for line in loaded]


@both
def test_the_memory_bound_has_room_for_the_hot_files(unit: Path) -> None:
    bound = int(value(unit, "MemoryMax").removesuffix("M"))
    program, segment = 64, 2 * 4  # MiB: as measured; a segment and its compressed copy
    assert program + segment + load({})[0].hot_mib <= bound


@both
def test_serial_ports_are_named_by_number_too(unit: Path) -> None:
    allowed = values(unit, "DeviceAllow")
    names_and_numbers = {"ttyUSB": 188, "ttyACM": 166, "ttyAMA": 204}
    for name, number in names_and_numbers.items():
        assert f"char-{name} rw" in allowed
        assert f"char-{number} rw" in allowed
    assert "PrivateDevices=yes" not in directives(unit)


def test_it_starts_what_the_installer_installs() -> None:
    script = (INFRA / "install.sh").read_text()
    home = re.search(r"^home=(\S+)", script, re.MULTILINE)
    assert home
    assert "venv=$home/venv " in script
    assert value(UNIT, "ExecStart") == f"{home[1]}/venv/bin/p1-collector run"
