"""Which port is opened where none is set."""

from pathlib import Path
from typing import Final

import pytest

from collector.errors import SourceError
from collector.reading import port
from collector.reading.port import RADIOS, Finder
from collector.reading.sources import FAST, address

STICKS: Final = (
    "usb-ITead_Sonoff_Zigbee_3.0_USB_Dongle_Plus_0001-if00-port0",
    "usb-dresden_elektronik_ingenieurtechnik_GmbH_ConBee_II_DE0001-if00",
    "usb-Nabu_Casa_SkyConnect_v1.0_0001-if00-port0",
    "usb-Nabu_Casa_ZBT-2_0001-if00",
    "usb-Silicon_Labs_HubZ_Smart_Home_Controller_0001-if00-port0",
    "usb-Texas_Instruments_TI_CC2531_USB_CDC___0X0001-if00",
    "usb-Zooz_800_Z-Wave_Stick_0001-if00",
    "usb-0658_0200-if00",
)
CABLE: Final = "usb-FTDI_P1_cable_A1-if00-port0"


class Machine:
    """The directories of one machine in which ports are looked for."""

    def __init__(self, home: Path) -> None:
        self.usual, self.bare = home / "p1", home / "ttyUSB0"
        self._by_id, self._system = home / "by-id", home / "tty"
        self._home = home

    def plug(self, name: str, tty: str = "ttyUSB7") -> str:
        """Plug in what udev gives a name."""
        (self._home / tty).touch()
        self._by_id.mkdir(exist_ok=True)
        (self._by_id / name).symlink_to(self._home / tty)
        return str(self._by_id / name)

    def says(self, tty: str, **facts: str) -> None:
        """Have the kernel know the USB device of a port."""
        device = self._home / "usb" / tty
        (device / "interface" / tty).mkdir(parents=True)
        for name, text in facts.items():
            (device / name).write_text(f"{text}\n")
        (self._system / tty).mkdir(parents=True)
        (self._system / tty / "device").symlink_to(device / "interface" / tty)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    for name, place in (("USUAL", "p1"), ("BARE", "ttyUSB0"), ("BY_ID", "by-id")):
        monkeypatch.setattr(port, name, tmp_path / place)
    monkeypatch.setattr(port, "SYSTEM", tmp_path / "tty")
    return Machine(tmp_path)


def refused(finder: Finder) -> str:
    assert finder.find() is None
    return f"{finder.missing()}\n{finder.missing().hint}"


def test_the_usual_device_is_tried_then_the_first_by_its_id_then_the_only_name(
    machine: Machine,
) -> None:
    assert Finder().find() is None
    machine.bare.touch()
    assert Finder().find() == str(machine.bare)
    cable = machine.plug("usb-FTDI_P1-if00")
    machine.plug("usb-Other-if00")
    assert Finder().find() == cable
    machine.usual.touch()
    assert Finder().find() == str(machine.usual)


@pytest.mark.parametrize("stick", STICKS)
def test_no_radio_stick_is_opened(machine: Machine, stick: str) -> None:
    machine.plug(stick)
    assert "Zigbee and Z-Wave sticks are left alone" in refused(Finder())
    cable = machine.plug("usb-zz_P1_cable-if00-port0", "ttyUSB8")
    assert Finder().find() == cable


@pytest.mark.parametrize("word", RADIOS)
def test_a_stick_is_known_by_what_the_kernel_says_of_it(machine: Machine, word: str) -> None:
    """Where no udev runs there is no other name, and where it runs, the name may not say it."""
    machine.says("ttyUSB0", idVendor="10c4", idProduct="ea60", product=f"The {word} of all")
    machine.bare.touch()
    assert Finder().find() is None
    machine.plug("usb-Silicon_Labs_CP2102-if00", "ttyUSB0")
    assert Finder().find() is None
    machine.usual.symlink_to(machine.bare)  # by an older rule
    assert Finder().find() is None


def test_a_stick_without_a_name_is_known_by_its_numbers(machine: Machine) -> None:
    machine.says("ttyACM0", idVendor="0658", idProduct="0200")
    machine.plug("usb-Odd-if00", "ttyACM0")
    assert Finder().find() is None


def test_a_cable_is_none_of_them_whatever_its_serial_number(machine: Machine) -> None:
    machine.says("ttyUSB7", idVendor="0403", idProduct="6001", product="FT232R USB UART")
    cable = machine.plug("usb-FTDI_FT232R_USB_UART_HUBZWA2-if00-port0")
    assert Finder().find() == cable


def test_where_the_usual_device_was_nothing_else_is_taken_for_it(machine: Machine) -> None:
    finder = Finder()
    machine.usual.touch()
    assert finder.find() == str(machine.usual)
    machine.usual.unlink()
    other = machine.plug(CABLE)
    assert refused(finder).startswith(f"`{machine.usual}` is gone\n")
    assert Finder().find() == other  # after a restart
    machine.usual.touch()
    assert finder.find() == str(machine.usual)


def test_the_source_of_a_run_remembers_that_too(machine: Machine) -> None:
    machine.usual.touch()
    place = address("", "auto")
    machine.usual.unlink()
    machine.plug(CABLE)
    with pytest.raises(SourceError, match="is gone"):
        place.open(FAST)


def test_where_there_is_none_no_name_is_made_up(machine: Machine) -> None:
    place = address("", "auto")
    assert (place.text, place.found) == (str(machine.usual), False)
    with pytest.raises(SourceError, match="no P1 cable found: neither"):
        place.open(FAST)
