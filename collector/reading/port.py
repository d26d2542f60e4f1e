"""Which serial port is the meter's where none is set, and which program has it already.

It is never that of a radio, never another one.

`/dev/p1` is what the udev rule names the usual cables. Where it has been once, in this run, it is
waited for: what else is there then has another purpose.
"""

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from collector.errors import AbsentError

USUAL: Final = Path("/dev/p1")
BY_ID: Final = Path("/dev/serial/by-id")
BARE: Final = Path("/dev/ttyUSB0")
"""The only name there is where no udev runs, as in some containers."""

SYSTEM: Final = Path("/sys/class/tty")
RADIOS: Final = (
    *("Zigbee", "ZigBee", "ZIGBEE", "zigbee", "ConBee", "RaspBee", "SkyConnect", "ZBDongle"),
    *("SLZB", "CC2531", "CC2538", "CC2652", "CC1352", "ZBT-1", "ZBT-2"),
    *("Z-Wave", "ZWave", "Z-Stick", "ZWA-2", "HubZ"),
)
"""What stands in the name of a Zigbee or Z-Wave stick; infra/99-p1.rules is made from it."""

_RADIO_CHIPS: Final = ("0658:0200", "1cf1:0030", "0451:16a8", "0451:bef3", "10c4:8a2a")
"""Vendor and product of sticks that may have no name."""

_FACTS: Final = ("manufacturer", "product")
_PROC: Final = Path("/proc")


class Finder:
    """Looks for the port, each time it is to be opened: a cable may come later, and elsewhere."""

    def __init__(self) -> None:
        self.usual = str(USUAL)
        self._usual_was_there = False

    def find(self) -> str | None:
        """Give the port to open; None if there is none that may be the meter's."""
        if USUAL.exists() and not is_radio(USUAL):
            self._usual_was_there = True
            return str(USUAL)
        if self._usual_was_there:
            return None
        return next((str(port) for port in _others() if not is_radio(port)), None)

    def missing(self) -> AbsentError:
        """Say that there is none."""
        if self._usual_was_there:
            hint = f"plug it in; for another port restart this, or set `P1_SOURCE`: `{BY_ID}/`"
            return AbsentError(f"`{USUAL}` is gone", hint=hint)
        return AbsentError(
            f"no P1 cable found: neither `{USUAL}` nor any in `{BY_ID}/`",
            hint="plug it in, or set `P1_SOURCE`; Zigbee and Z-Wave sticks are left alone",
        )


def is_radio(port: Path) -> bool:
    """Whether a port is that of a Zigbee or Z-Wave stick, by what it says of itself."""
    real = port.resolve()
    said = _of_usb(real) or " ".join(
        link.name.replace("_", ":", 2) for link in _links() if link.resolve() == real
    )
    return any(word.lower() in said.lower() for word in (*RADIOS, *_RADIO_CHIPS))


def _others() -> list[Path]:
    return _links() or [BARE] * BARE.exists()


def _links() -> list[Path]:
    with suppress(OSError):
        return sorted(BY_ID.iterdir())
    return []


def _of_usb(real: Path) -> str:
    """Give what the kernel knows of the device that a port belongs to; nothing if it is no USB."""
    device = (SYSTEM / real.name / "device").resolve()
    for folder in (device, *device.parents):
        if (folder / "idVendor").is_file():
            chip = f"{_text(folder / 'idVendor')}:{_text(folder / 'idProduct')}"
            return " ".join([chip, *(_text(folder / name) for name in _FACTS)])
    return ""


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def holders(device: str) -> list[str]:
    """Give the other processes that have the device open; none where there is no such device."""
    try:
        wanted = Path(device).stat().st_rdev
    except OSError:
        return []
    return [
        f"process {process.name} ({_command(process)})"
        for process in sorted(_PROC.iterdir())
        if process.name.isdigit() and int(process.name) != os.getpid() and wanted in _open(process)
    ]


def _open(process: Path) -> set[int]:
    """Give the devices that a process has open."""
    found = set()
    with suppress(OSError), os.scandir(process / "fd") as entries:
        for entry in entries:
            with suppress(OSError):
                state = entry.stat()
                if stat.S_ISCHR(state.st_mode):
                    found.add(state.st_rdev)
    return found


def _command(process: Path) -> str:
    with suppress(OSError):
        words = (process / "cmdline").read_text(errors="replace").replace("\0", " ").strip()
        if words:
            return words
    return "?"


def listed(others: Iterable[str]) -> str:
    """Name them in one line."""
    return ", ".join(others)
