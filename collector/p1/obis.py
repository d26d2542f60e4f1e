"""The field table: the only place that knows an OBIS code.

One row a (code, name), those of phases and tariffs in one; parser, points, simulator and
documentation are derived from it. A dialect is a property of rows (`source`), never a copy of the
table.

`code` is A-B:C.D.E as it stands in a telegram. `n` in `0-n:24.2.1` is an M-Bus channel, 1 to 9,
which says in what order the devices were installed and nothing about what they are. Every
`1-0:` code is also read as `1-1:`, which Swiss meters print, unless that has a row of its own.
Several rows with one code differ in unit: the unit that the telegram prints decides.

Codes with several national meanings, and what in the telegram decides:

    31.4.0, 51.4.0, 71.4.0   the fuse (e-MUCS, E.ON, Luxembourg); in Lithuania the sliding average
                             current, as D=4 in IEC 62056-61 (`collector.p1.telegram`). That all
                             three are there does not tell: Hungary has three fuses.
    0-0:96.1.0, 0-0:96.1.1   device numbers 1 and 2 (COSEM blue book: 1 the maker's, 2 the owner's):
                             whichever is there. In Poland 96.1.1 is the type.
    0-n:96.1.0, 0-n:96.1.1   of devices, in DSMR and in e-MUCS: whichever is there.
    0-0:96.13.0              a message; in Poland a state.
    0-0:96.14.0, 0-0:96.14.1 the tariff in force, and in Israel: whichever is there.
    0-0:17.0.0               the limiter: kW (DSMR 4), A (DSMR 3), kVA (Luxembourg), by the unit;
                             bare digits are none of them, and in Poland it never is.
    0-0:42.0.0               the meter's number in DSMR 2, elsewhere the logical device, which has
                             the number in it: what is read if there is no other.
    0-0:98.1.0               Belgium: peaks, which begin with a count and two codes; Hungary: the
                             month's end, which begins with a time.
    1-0:1.6.0                the highest quarter hour of this month (e-MUCS, Hungary), with a time or
                             without one; in a list, of a month that is over.
    1-0:1.8.1, 1-0:1.8.2     tariff 1 is low in the Netherlands and day in Belgium, 2 the other:
                             the number is kept. In Israel they are 1.8.11 to 1.8.13.
    0-n:24.2.1, 0-n:24.2.3   m3, GJ, kWh, degC, m3/h: by the unit; what is measured, by the type.
                             (24.2.3 is Belgium's gas that is not corrected for temperature.)
    0-0:96.3.10              the breaker; 0-1 to 0-4 are relays (Luxembourg, e-MUCS 2.1).
"""

# ruff: noqa: E501  one row is one line, however long

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What stands behind a code, and so how it is read and what becomes of it."""

    # Fields of the electricity meter.
    REGISTER = "register"  # (number*unit) -> Decimal
    COUNTER = "counter"  # (digits) -> int
    CODE = "code"  # (digits), or a word with digits, or ON and OFF -> int
    PEAK = "peak"  # (time)(number*unit) -> Decimal; the time is not kept
    # Fields of an M-Bus device.
    READING = "reading"  # (time)(number*unit) -> Decimal
    BARE_READING = "bare reading"  # the same, and the unit may be missing
    HOURLY = "hourly"  # (time)(status)(minutes)(count)(code)(unit) and (number) a line further
    VALVE = "valve"  # (digits) -> int
    DEVICE_TYPE = "device type"
    DEVICE_METER = "device meter"
    # What the telegram says about itself.
    VERSION = "version"
    CLOCK = "clock"
    CLOCK_DATE = "clock date"
    CLOCK_TIME = "clock time"
    METER = "meter"
    ABOUT = "about"  # known, and no measurement: a connection's number, firmware
    MESSAGE = "message"
    MESSAGE_CODE = "message code"
    # Lists.
    FAILURES = "failures"
    HISTORY = "history"


class Nation(StrEnum):
    """Whose meaning some codes have, where two nations differ in it."""

    LITHUANIA = "Lithuania"
    POLAND = "Poland"


@dataclass(frozen=True, slots=True)
class Field:
    """A row: what one code means.

    `unit` is the one that the value is kept in, whatever the meter prints; "" is a bare number.
    `place` tells values apart of which one line has two. A row with a `nation` is what the code
    means there, in place of the row without.
    """

    code: str
    name: str
    kind: Kind
    unit: str
    doc: str
    source: str
    place: int = 0
    nation: Nation | None = None


# Where a row is defined; the oldest that has it.
_NL2: Final = "DSMR 2.2 P1"
_NL3: Final = "DSMR 3.0 P1, 5.10"
_NL4: Final = "DSMR 4.0 P1, 6.10"
_NL5: Final = "DSMR 5.0.2 P1, 6.12"
_BE: Final = "e-MUCS P1 1.7"
_LU: Final = "Smarty P1 1.1.3 (Luxembourg)"
_SE: Final = "Energiföretagen H1 2.0 (Sweden)"
_LT: Final = "ESO P1 (Lithuania)"
_HU: Final = "E.ON P1 (Hungary)"
_AT: Final = "Sagemcom T210-D-R (Austria)"
_IL: Final = "P1 of Israel"
_WARMTE: Final = "WarmteLink"
_ISK: Final = "Iskra MT382"
_IEC: Final = "IEC 62056-61, as printed by meters"

_OLD: Final = ((7, "gas"), (8, "water"), (5, "heat"), (6, "cold"))  # A of a code, in DSMR 2

# E of an angle, and from where to where.
_ANGLES: Final = (
    *((1, "u1_u2"), (2, "u1_u3"), (4, "u1_i1"), (5, "u1_i2"), (6, "u1_i3")),
    *((15, "u2_i2"), (26, "u3_i3")),
)

_REG: Final = Kind.REGISTER
_READ: Final = Kind.READING
_HOUR: Final = Kind.HOURLY
_COUNT: Final = Kind.COUNTER
_CODE: Final = Kind.CODE

_C: Final = r"(?<=:)[0-9]+"
_E: Final = r"[0-9]+$"
_NTH: Final = re.compile(r"(?<=_[lt])[0-9]|(?<=phase L)[0-9]|(?<=tariff )[0-9]")


def _phases(row: Field) -> list[Field]:
    """Give the rows of L1, which is there, L2 and L3: in C they are 20 apart (IEC 62056-61)."""
    return [_further(row, _C, 20 * n, _nth(n)) for n in range(3)]


def _tariffs(number: int, row: Field) -> list[Field]:
    """Give so many rows, from that of the first tariff on: they follow each other in E."""
    return [_further(row, _E, n, _nth(n)) for n in range(number)]


def _both_ways(*rows: Field) -> list[Field]:
    """Give the rows of import, which are there, and those of export: in C they are one apart."""
    return [*rows, *(_further(r, _C, 1, lambda s: s.replace("import", "export")) for r in rows)]


def _nth(by: int) -> Callable[[str], str]:
    return lambda text: _NTH.sub(lambda digit: str(int(digit[0]) + by), text)


def _further(row: Field, group: str, by: int, reworded: Callable[[str], str]) -> Field:
    code = re.sub(group, lambda digits: str(int(digits[0]) + by), row.code)
    return replace(row, code=code, name=reworded(row.name), doc=reworded(row.doc))


# One row a line, whatever the formatter thinks.
# fmt: off
FIELDS: Final[tuple[Field, ...]] = (
    # The telegram itself.
    Field("1-3:0.2.8", "version", Kind.VERSION, "", "Version of the P1 port", _NL4),
    Field("0-0:96.1.4", "version", Kind.VERSION, "", "Version of the P1 port: 50217 is e-MUCS 1.7", _BE),
    Field("0-0:1.0.0", "time", Kind.CLOCK, "", "Time of the telegram", _NL4),
    Field("0-0:1.1.0", "time", Kind.CLOCK, "", "Time of a gateway for heat meters", _WARMTE),
    Field("1-0:0.9.1", "time_of_day", Kind.CLOCK_TIME, "", "Time of day, where 1.0.0 is missing", _IEC),
    Field("1-0:0.9.2", "date", Kind.CLOCK_DATE, "", "Date, where 1.0.0 is missing", _IEC),
    # The equipment number; of several the first in this order counts.
    Field("0-0:96.1.1", "meter", Kind.METER, "", "Equipment number", _NL4),
    Field("0-0:96.1.0", "meter", Kind.METER, "", "Equipment number", _HU),
    Field("1-0:96.1.0", "meter", Kind.METER, "", "Equipment number", _IEC),
    Field("1-0:0.0.0", "meter", Kind.METER, "", "Equipment number", _IEC),
    Field("0-0:42.0.0", "meter", Kind.METER, "", "Equipment number; else the logical device", _NL2),
    # Known, and no measurement.
    Field("0-0:96.1.2", "ean", Kind.ABOUT, "", "EAN of the connection", _BE),
    Field("0-n:96.1.2", "ean", Kind.ABOUT, "", "EAN of the device's connection", _BE),
    Field("1-0:94.32.1", "grid", Kind.ABOUT, "", "Configuration of the grid: 230 or 400 V", _BE),
    Field("1-0:0.2.0", "firmware", Kind.ABOUT, "", "Firmware", _LT),
    Field("1-1:0.2.0", "firmware_2", Kind.ABOUT, "", "Firmware, application", _LT),
    Field("1-0:0.2.8", "signature", Kind.ABOUT, "", "Signature of the firmware", _LT),
    Field("1-1:0.2.8", "signature_2", Kind.ABOUT, "", "Signature, application", _LT),
    # Energy. The total is sent by some; where it is not, it is the sum of the tariffs.
    *_both_ways(
        Field("1-0:1.8.0", "energy_import_kwh", _REG, "kWh", "Meter reading, import", _SE),
        *_tariffs(2, Field("1-0:1.8.1", "energy_import_t1_kwh", _REG, "kWh", "Meter reading, import, tariff 1", _NL2)),
        *_tariffs(2, Field("1-0:1.8.3", "energy_import_t3_kwh", _REG, "kWh", "Meter reading, import, tariff 3", _LT)),
        *_tariffs(4, Field("1-0:1.8.5", "energy_import_t5_kwh", _REG, "kWh", "Meter reading, import, tariff 5", _ISK)),
    ),
    *_both_ways(*_tariffs(3, Field("1-0:1.8.11", "energy_import_t1_kwh", _REG, "kWh", "Meter reading, import, tariff 1", _IL))),
    Field("1-0:15.8.0", "energy_absolute_kwh", _REG, "kWh", "Meter reading, both added up", _HU),
    Field("1-0:16.8.0", "energy_net_kwh", _REG, "kWh", "Meter reading, net", _LT),
    # Power.
    *_both_ways(Field("1-0:1.7.0", "power_import_kw", _REG, "kW", "Power, import", _NL2)),
    *_both_ways(*_phases(Field("1-0:21.7.0", "power_import_l1_kw", _REG, "kW", "Power, import, phase L1", _NL4))),
    Field("1-0:15.7.0", "power_absolute_kw", _REG, "kW", "Power, both added up", _LT),
    Field("1-0:16.7.0", "power_net_kw", _REG, "kW", "Power, net", _LT),
    Field("1-0:1.24.0", "power_import_average_kw", _REG, "kW", "Power, import, average", _LT),
    Field("1-0:15.24.0", "power_absolute_average_kw", _REG, "kW", "Power, both added up, average", _LT),
    Field("1-0:16.24.0", "power_net_average_kw", _REG, "kW", "Power, net, average", _LT),
    # Demand: what is averaged over the running quarter hour.
    Field("1-0:1.4.0", "demand_kw", _REG, "kW", "Running quarter hour, import", _BE),
    Field("1-0:1.6.0", "demand_month_peak_kw", Kind.PEAK, "kW", "Peak of this month, import", _BE),
    *_tariffs(2, Field("1-0:1.6.1", "demand_month_peak_t1_kw", Kind.PEAK, "kW", "Peak of this month, import, tariff 1", _HU)),
    Field("1-0:2.4.0", "demand_export_kw", _REG, "kW", "Running quarter hour, export", _LT),
    Field("1-0:2.6.0", "demand_export_month_peak_kw", Kind.PEAK, "kW", "Peak of this month, export", _HU),
    *_tariffs(2, Field("1-0:2.6.1", "demand_export_month_peak_t1_kw", Kind.PEAK, "kW", "Peak of this month, export, tariff 1", _HU)),
    *_both_ways(Field("1-0:3.4.0", "demand_reactive_import_kvar", _REG, "kvar", "Demand, reactive import", _LT)),
    *_both_ways(Field("1-0:9.4.0", "demand_apparent_import_kva", _REG, "kVA", "Demand, apparent import", _LT)),
    Field("1-0:1.5.0", "demand_last_kw", _REG, "kW", "Last quarter hour, import", _IEC),
    Field("1-0:2.5.0", "demand_export_last_kw", _REG, "kW", "Last quarter hour, export", _IEC),
    *_both_ways(Field("1-0:3.5.0", "demand_reactive_import_last_kvar", _REG, "kvar", "Last demand, reactive import", _IEC)),
    *_both_ways(Field("1-0:9.5.0", "demand_apparent_import_last_kva", _REG, "kVA", "Last demand, apparent import", _IEC)),
    Field("1-0:0.8.2", "demand_period_s", _REG, "s", "Length of the demand period", _LT),
    # Voltage and current.
    *_phases(Field("1-0:32.7.0", "voltage_l1_v", _REG, "V", "Voltage, phase L1", _NL5)),
    *_phases(Field("1-0:32.24.0", "voltage_average_l1_v", _REG, "V", "Voltage, phase L1, average", _LT)),
    Field("1-0:12.7.0", "voltage_v", _REG, "V", "Voltage, any phase", _LT),
    *_phases(Field("1-0:31.7.0", "current_l1_a", _REG, "A", "Current, phase L1", _NL4)),
    Field("1-0:11.7.0", "current_a", _REG, "A", "Current, any phase", _LT),
    Field("1-0:90.7.0", "current_sum_a", _REG, "A", "Current, all phases added up", _LT),
    Field("1-0:91.7.0", "current_n_a", _REG, "A", "Current, neutral", _LT),
    Field("1-0:14.7.0", "frequency_hz", _REG, "Hz", "Frequency", _LT),
    Field("1-0:13.7.0", "power_factor", _REG, "", "Power factor", _LT),
    *_phases(Field("1-0:33.7.0", "power_factor_l1", _REG, "", "Power factor, phase L1", _LT)),
    Field("1-0:13.3.0", "power_factor_min", _REG, "", "Power factor, lowest of the period", _LT),
    *(Field(f"1-0:81.7.{e}", f"phase_angle_{way}_deg", _REG, "deg", f"Angle from {way.upper().replace('_', ' to ')}", _IEC) for e, way in _ANGLES),
    # Reactive energy and power.
    *_both_ways(
        Field("1-0:3.8.0", "reactive_energy_import_kvarh", _REG, "kvarh", "Reactive energy, import", _SE),
        *_tariffs(2, Field("1-0:3.8.1", "reactive_energy_import_t1_kvarh", _REG, "kvarh", "Reactive energy, import, tariff 1", _AT)),
        *_tariffs(2, Field("1-0:3.8.3", "reactive_energy_import_t3_kvarh", _REG, "kvarh", "Reactive energy, import, tariff 3", _LT)),
        *_tariffs(4, Field("1-0:3.8.5", "reactive_energy_import_t5_kvarh", _REG, "kvarh", "Reactive energy, import, tariff 5", _ISK)),
    ),
    *(Field(f"1-0:{q + 4}.8.0", f"reactive_energy_q{q}_kvarh", _REG, "kvarh", f"Reactive energy, quadrant {q}", _HU) for q in range(1, 5)),
    *_both_ways(Field("1-0:3.7.0", "reactive_power_import_kvar", _REG, "kvar", "Reactive power, import", _SE)),
    *_both_ways(*_phases(Field("1-0:23.7.0", "reactive_power_import_l1_kvar", _REG, "kvar", "Reactive power, import, phase L1", _SE))),
    *(Field(f"1-0:{q + 4}.7.0", f"reactive_power_q{q}_kvar", _REG, "kvar", f"Reactive power, quadrant {q}", _HU) for q in range(1, 5)),
    # Apparent power.
    *_both_ways(Field("1-0:9.7.0", "apparent_power_import_kva", _REG, "kVA", "Apparent power, import", _LU), *_phases(Field("1-0:29.7.0", "apparent_power_import_l1_kva", _REG, "kVA", "Apparent power, import, phase L1", _LU))),
    # States and limits.
    Field("0-0:96.14.0", "tariff", _CODE, "", "Tariff: NL 1 low, 2 normal; BE 1 day, 2 night", _NL2),
    Field("0-0:96.14.1", "tariff", _CODE, "", "Tariff in force: Israel", _IL),
    Field("0-0:96.3.10", "switch", _CODE, "", "Breaker: 1 on, 0 off", _NL4),
    Field("0-0:96.50.68", "switch", _CODE, "", "Breaker: 1 on, 0 off", _HU),
    Field("0-1:96.3.10", "relay_1", _CODE, "", "Relay 1: 1 on, 0 off", _LU),
    Field("0-2:96.3.10", "relay_2", _CODE, "", "Relay 2: 1 on, 0 off", _LU),
    Field("0-3:96.3.10", "relay_3", _CODE, "", "Relay 3: 1 on, 0 off", _BE),
    Field("0-4:96.3.10", "relay_4", _CODE, "", "Relay 4: 1 on, 0 off", _BE),
    Field("0-0:17.0.0", "limiter_kw", _REG, "kW", "Limiter: highest power", _NL4),
    Field("0-0:17.0.0", "limiter_a", _REG, "A", "Limiter, in ampere", _NL3),
    Field("0-0:17.0.0", "limiter_kva", _REG, "kVA", "Limiter, apparent power", _LU),
    Field("1-0:31.4.0", "fuse_l1_a", _REG, "A", "Fuse, phase L1: highest current", _BE),
    Field("1-0:51.4.0", "fuse_l2_a", _REG, "A", "Fuse, phase L2: highest current", _HU),
    Field("1-0:71.4.0", "fuse_l3_a", _REG, "A", "Fuse, phase L3: highest current", _HU),
    Field("1-1:31.4.0", "fuse_l1_a", _REG, "A", "Fuse: highest current, import", _LU),
    Field("1-1:31.4.0", "fuse_export_l1_a", _REG, "A", "Fuse: highest current, export", _LU, 1),
    *_phases(Field("1-0:31.4.0", "current_average_l1_a", _REG, "A", "Current, phase L1, sliding average", _LT, nation=Nation.LITHUANIA)),
    # What went wrong with the supply.
    Field("0-0:96.7.21", "power_failures", _COUNT, "", "Power failures in any phase", _NL4),
    Field("0-0:96.7.9", "long_power_failures", _COUNT, "", "Long power failures in any phase", _NL4),
    *_phases(Field("1-0:32.32.0", "voltage_sags_l1", _COUNT, "", "Voltage sags, phase L1", _NL4)),
    *_phases(Field("1-0:32.36.0", "voltage_swells_l1", _COUNT, "", "Voltage swells, phase L1", _NL4)),
    *_phases(Field("1-0:32.33.0", "voltage_sag_duration_l1_s", _REG, "s", "Last sag, length, phase L1", _LT)),
    *_phases(Field("1-0:32.34.0", "voltage_sag_voltage_l1_v", _REG, "V", "Last sag, depth, phase L1", _LT)),
    *_phases(Field("1-0:32.37.0", "voltage_swell_duration_l1_s", _REG, "s", "Last swell, length, phase L1", _LT)),
    *_phases(Field("1-0:32.38.0", "voltage_swell_voltage_l1_v", _REG, "V", "Last swell, height, phase L1", _LT)),
    Field("1-0:99.97.0", "power_failure", Kind.FAILURES, "s", "Log of the long power failures", _NL4),
    # Peaks, and Hungary's month end, which has the same code and another shape.
    Field("0-0:98.1.0", "history", Kind.HISTORY, "kW", "13 peaks, or readings at the month's end", _BE),
    # Messages to the consumer.
    Field("0-0:96.13.1", "code", Kind.MESSAGE_CODE, "", "Message: numbers", _NL2),
    Field("0-0:96.13.0", "text", Kind.MESSAGE, "", "Message: text", _NL2),
    *(Field(f"0-0:96.13.{n}", "text", Kind.MESSAGE, "", f"Message: text, part {n}", _LU) for n in range(2, 6)),
    # M-Bus devices.
    Field("0-n:24.1.0", "type", Kind.DEVICE_TYPE, "", "Type: gas, water, heat, …", _NL3),
    Field("0-n:96.1.0", "meter", Kind.DEVICE_METER, "", "Equipment number of the device", _NL3),
    Field("0-n:96.1.1", "meter", Kind.DEVICE_METER, "", "Equipment number of the device", _BE),
    Field("0-n:24.2.1", "volume_m3", _READ, "m3", "Volume", _NL4),
    Field("0-n:24.2.1", "energy_gj", _READ, "GJ", "Heat or cold", _NL4),
    Field("0-n:24.2.1", "energy_kwh", _READ, "kWh", "Energy", _NL4),
    Field("0-n:24.2.3", "volume_m3", _READ, "m3", "Volume, not corrected", _BE),
    Field("0-n:24.2.3", "energy_gj", _READ, "GJ", "Heat or cold", _BE),
    Field("0-n:24.2.3", "energy_kwh", _READ, "kWh", "Energy", _BE),
    Field("0-n:24.2.2", "volume_2_m3", _READ, "m3", "Volume, second register", _WARMTE),
    Field("0-n:24.2.2", "energy_2_gj", _READ, "GJ", "Heat or cold, second register", _WARMTE),
    Field("0-n:24.2.2", "energy_2_kwh", _READ, "kWh", "Energy, second register", _WARMTE),
    Field("0-n:24.2.3", "flow_m3h", _READ, "m3h", "Flow", _WARMTE),
    Field("0-n:24.2.3", "temperature_degc", _READ, "degC", "Temperature", _WARMTE),
    Field("0-n:24.2.4", "flow_m3h", _READ, "m3h", "Flow", _WARMTE),
    Field("0-n:24.2.4", "temperature_2_degc", _READ, "degC", "Temperature, second", _WARMTE),
    Field("0-n:24.2.5", "flow_m3h", _READ, "m3h", "Flow", _WARMTE),
    Field("0-n:24.2.5", "temperature_3_degc", _READ, "degC", "Temperature, third", _WARMTE),
    Field("0-n:24.3.0", "volume_m3", _HOUR, "m3", "Volume", _NL3),
    Field("0-n:24.3.0", "energy_gj", _HOUR, "GJ", "Heat or cold", _NL3),
    Field("0-n:24.3.0", "energy_kwh", _HOUR, "kWh", "Energy", _NL3),
    Field("0-n:24.3.1", "energy_gj", _HOUR, "GJ", "Cold", _NL3),
    Field("0-n:24.4.0", "valve", Kind.VALVE, "", "Valve or switch: 1 open, 0 closed", _NL3),
    # M-Bus devices of DSMR 2, where A of the code is the medium.
    *(Field(f"{a}-0:0.0.0", "meter", Kind.DEVICE_METER, "", f"Equipment number, {what}", _NL2) for a, what in _OLD),
    *(Field(f"{a}-0:24.4.0", "valve", Kind.VALVE, "", f"Valve, {what}: 1 open, 0 closed", _NL2) for a, what in _OLD),
    Field("7-0:23.1.0", "volume_m3", Kind.BARE_READING, "m3", "Gas, every 24 hours", _NL2),
    Field("7-0:23.2.0", "volume_m3", Kind.BARE_READING, "m3", "Gas, corrected for temperature", _NL2),
    Field("8-0:1.0.0", "volume_m3", Kind.BARE_READING, "m3", "Meter reading, water", _NL2),
    Field("5-0:1.0.0", "energy_gj", Kind.BARE_READING, "GJ", "Meter reading, heat", _NL2),
    Field("6-0:1.0.0", "energy_gj", Kind.BARE_READING, "GJ", "Meter reading, cold", _NL2),
)
# fmt: on

# What Hungarian meters print under 98.1.0, in this order, behind the moment it was taken.
MONTH_END: Final = (
    *("1-0:1.8.0", "1-0:1.8.1", "1-0:1.8.2", "1-0:2.8.0", "1-0:2.8.1", "1-0:2.8.2"),
    *("1-0:3.8.0", "1-0:4.8.0", "1-0:5.8.0", "1-0:6.8.0", "1-0:7.8.0", "1-0:8.8.0"),
    "1-0:15.8.0",
    *("1-0:1.6.0", "1-0:1.6.1", "1-0:1.6.2", "1-0:2.6.0", "1-0:2.6.1", "1-0:2.6.2"),
)

_CHANNELS: Final = range(1, 10)


def _spellings(code: str) -> list[str]:
    """Every way in which `code` may stand in a telegram."""
    if "n" in code:
        return [code.replace("n", str(channel)) for channel in _CHANNELS]
    # Luxembourg lists the sags and swells under 0-0 and sends them under 1-0.
    if code.endswith((".32.0", ".36.0")):
        return [code, code.replace("1-0:", "0-0:")]
    return [code]


def _by_code() -> dict[str, tuple[Field, ...]]:
    rows: dict[str, tuple[Field, ...]] = {}
    for field in (field for field in FIELDS if field.nation is None):
        for code in _spellings(field.code):
            rows[code] = (*rows.get(code, ()), field)
    for code in [code for code in rows if code.startswith("1-0:")]:
        rows.setdefault(code.replace("1-0:", "1-1:"), rows[code])
    return rows


BY_CODE: Final = _by_code()
