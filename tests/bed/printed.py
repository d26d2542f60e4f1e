"""What a telegram says, read by a reader that shares nothing with the collector's.

It knows the telegrams that the simulator makes of a DSMR 5 meter and nothing else, so that a
mistake in the collector's table or parser cannot be in here as well.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Final

FIELDS: Final = {
    "1-0:1.8.1": "energy_import_t1_kwh",
    "1-0:1.8.2": "energy_import_t2_kwh",
    "1-0:2.8.1": "energy_export_t1_kwh",
    "1-0:2.8.2": "energy_export_t2_kwh",
    "1-0:1.7.0": "power_import_kw",
    "1-0:2.7.0": "power_export_kw",
    "1-0:21.7.0": "power_import_l1_kw",
    "1-0:41.7.0": "power_import_l2_kw",
    "1-0:61.7.0": "power_import_l3_kw",
    "1-0:22.7.0": "power_export_l1_kw",
    "1-0:42.7.0": "power_export_l2_kw",
    "1-0:62.7.0": "power_export_l3_kw",
    "1-0:32.7.0": "voltage_l1_v",
    "1-0:52.7.0": "voltage_l2_v",
    "1-0:72.7.0": "voltage_l3_v",
    "1-0:31.7.0": "current_l1_a",
    "1-0:51.7.0": "current_l2_a",
    "1-0:71.7.0": "current_l3_a",
    "0-0:96.14.0": "tariff",
    "0-0:96.7.21": "power_failures",
    "0-0:96.7.9": "long_power_failures",
    "1-0:32.32.0": "voltage_sags_l1",
    "1-0:52.32.0": "voltage_sags_l2",
    "1-0:72.32.0": "voltage_sags_l3",
    "1-0:32.36.0": "voltage_swells_l1",
    "1-0:52.36.0": "voltage_swells_l2",
    "1-0:72.36.0": "voltage_swells_l3",
}
COUNTERS: Final = frozenset(name for code, name in FIELDS.items() if code.startswith("0-0:")) | {
    name for name in FIELDS.values() if name.startswith(("voltage_sags", "voltage_swells"))
}
REGISTERS: Final = ("energy_import", "energy_export")

_LINE: Final = re.compile(r"^(\d-\d:\d+\.\d+\.\d+)\((\d+(?:\.\d+)?)(?:\*\w+)?\)\r$", re.MULTILINE)
_CLOCK: Final = re.compile(r"^0-0:1\.0\.0\((\w+)\)\r$", re.MULTILINE)
_METER: Final = re.compile(r"^0-0:96\.1\.1\((\w+)\)\r$", re.MULTILINE)
_GAS: Final = re.compile(r"^0-1:24\.2\.1\((\w+)\)\((\S+)\*m3\)\r$", re.MULTILINE)
_FAILURES: Final = re.compile(r"^1-0:99\.97\.0\(\d+\)\(0-0:96\.7\.19\)(\S*)\r$", re.MULTILINE)
_FAILURE: Final = re.compile(r"\((\d{12}[SW])\)\((\d+)\*s\)")


class Printed:
    """One telegram's text. All times are UTC seconds since 1970."""

    def __init__(self, telegram: bytes) -> None:
        self.telegram = telegram
        self._text = telegram.decode("ascii")

    @property
    def time(self) -> int:
        return _seconds(self._only(_CLOCK)[0])

    @property
    def meter(self) -> str:
        return bytes.fromhex(self._only(_METER)[0]).decode("ascii")

    @property
    def electricity(self) -> Mapping[str, Decimal]:
        """Every number of the table above, and the two sums that the schema adds."""
        lines = _LINE.findall(self._text)
        values = {FIELDS[code]: Decimal(value) for code, value in lines if code in FIELDS}
        assert len(values) == len(FIELDS), self._text
        sums = {
            f"{name}_kwh": values[f"{name}_t1_kwh"] + values[f"{name}_t2_kwh"]
            for name in REGISTERS
        }
        return values | sums

    @property
    def gas(self) -> tuple[int, Decimal]:
        time, volume = self._only(_GAS)
        return _seconds(time), Decimal(volume)

    @property
    def failures(self) -> Mapping[int, int]:
        """How long each power failure lasted, in seconds, by the time of its end."""
        (log,) = _FAILURES.findall(self._text)
        return {_seconds(time): int(length) for time, length in _FAILURE.findall(log)}

    def _only(self, pattern: re.Pattern[str]) -> tuple[str, ...]:
        (found,) = pattern.finditer(self._text)
        return found.groups()


def _seconds(stamp: str) -> int:
    """`S` is UTC+2 and `W` is UTC+1."""
    zone = timezone(timedelta(hours=2 if stamp[-1] == "S" else 1))
    local = datetime.strptime(stamp[:-1], "%y%m%d%H%M%S").replace(tzinfo=zone)
    return int(local.astimezone(UTC).timestamp())
