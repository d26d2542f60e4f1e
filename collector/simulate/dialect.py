"""How a kind of meter prints what it knows: a reading as the bytes of a telegram.

A dialect is a header and an ordered list of lines. The OBIS codes and units are the field table's;
the order of the lines and the number of digits are the dialect's own, from the specification named
at each.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from functools import cache
from typing import Final

from collector.p1.crc import crc16
from collector.p1.obis import FIELDS, Field, Kind
from collector.simulate.localtime import stamp, stamp_without_letter
from collector.simulate.reading import Build, Medium, Reading

Part = Callable[[Reading], str]
"""One line of a telegram, without its line end (or two lines, as the gas of DSMR 3)."""

_FAILURE_LENGTH: Final = "0-0:96.7.19"  # names the column, inside the log only
_DEVICE_TYPES: Final[dict[Medium, int]] = {"gas": 3, "water": 7}


@dataclass(frozen=True, slots=True)
class Dialect:
    """A kind of meter."""

    title: str
    header: str
    parts: Sequence[Part]
    checksum: bool = True
    period: int = 1  # seconds between telegrams
    build: Build = field(default_factory=Build)
    solar: bool = True

    def telegram(self, reading: Reading) -> bytes:
        """The telegram as the meter sends it: CRLF, and the checksum where there is one."""
        lines = [f"/{self.header}", "", *(part(reading) for part in self.parts), "!"]
        data = "\r\n".join(lines).encode("ascii")
        checksum = f"{crc16(data):04X}" if self.checksum else ""
        return data + checksum.encode("ascii") + b"\r\n"


def fixed(value: Decimal, integers: int, decimals: int) -> str:
    """A value in so many digits, cut off as a register does.

    `fixed(Decimal("1.2345"), 3, 2)` is `001.23`.
    """
    cut = value.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_DOWN)
    return f"{cut:0{integers + decimals + (decimals > 0)}f}"


@cache
def _row(name: str, kind: Kind | None = None, source: str = "") -> Field:
    """The first row of this name and kind that comes from this specification."""
    return next(
        row
        for row in FIELDS
        if row.name == name and kind in (None, row.kind) and row.source.startswith(source)
    )


def _number(name: str, integers: int, decimals: int) -> Part:
    row = _row(name)

    def line(reading: Reading) -> str:
        value = Decimal(reading.electricity[name])
        return f"{row.code}({fixed(value, integers, decimals)}*{row.unit})"

    return line


def _count(name: str, digits: int) -> Part:
    code = _row(name).code
    return lambda reading: f"{code}({int(reading.electricity[name]):0{digits}d})"


def _always(name: str, value: str, source: str = "") -> Part:
    """A line that never changes."""
    row = _row(name, source=source)
    unit = f"*{row.unit}" if row.unit else ""
    return lambda _: f"{row.code}({value}{unit})"


def _clock(reading: Reading) -> str:
    return f"{_row('time').code}({stamp(reading.time)})"


def _serial(reading: Reading) -> str:
    return f"{_row('meter', Kind.METER).code}({_hex(reading.serial)})"


def _failure_log(reading: Reading) -> str:
    entries = "".join(f"({stamp(f.end)})({f.seconds:010d}*s)" for f in reading.failures[-10:])
    count = min(10, len(reading.failures))
    return f"{_row('power_failure').code}({count})({_FAILURE_LENGTH}){entries}"


def _month_peak(reading: Reading) -> str:
    peak = reading.month_peak
    code = _row("demand_month_peak_kw").code
    return f"{code}({stamp(peak.time)})({_kilowatts(peak.watts)}*kW)"


def _month_peaks(reading: Reading) -> str:
    """Month's end, moment, value; the oldest first.

    Meters do it so; the specification's example has them the other way round.
    """
    inner, peaks = _row("demand_month_peak_kw").code, reading.month_peaks
    entries = "".join(
        f"({stamp(m.month_end)})({stamp(m.peak.time)})({_kilowatts(m.peak.watts)}*kW)"
        for m in peaks
    )
    return f"{_row('history').code}({len(peaks)})({inner})({inner}){entries}"


def _device(medium: Medium, channel: int, meter_source: str = "DSMR") -> list[Part]:
    """The lines that say what an M-Bus meter is: its type and its number."""
    type_code = _on(channel, _row("type", Kind.DEVICE_TYPE))
    meter_code = _on(channel, _row("meter", Kind.DEVICE_METER, meter_source))
    return [
        lambda _: f"{type_code}({_DEVICE_TYPES[medium]:03d})",
        lambda reading: f"{meter_code}({_hex(reading.devices[medium].serial)})",
    ]


def _volume(medium: Medium, channel: int, source: str = "DSMR") -> Part:
    code = _on(channel, _row("volume_m3", Kind.READING, source))

    def line(reading: Reading) -> str:
        device = reading.devices[medium]
        return f"{code}({stamp(device.time)})({fixed(device.volume, 5, 3)}*m3)"

    return line


def _old_volume(reading: Reading) -> str:
    """The value stands on a line of its own, the time has no letter (DSMR 3.0 P1, 5.12)."""
    device = reading.devices["gas"]
    code = _on(1, _row("volume_m3", Kind.HOURLY))
    inner = _on(1, _row("volume_m3", Kind.READING))
    time = stamp_without_letter(device.time)
    return f"{code}({time})(00)(60)(1)({inner})(m3)\r\n({fixed(device.volume, 5, 3)})"


def _valve(channel: int) -> Part:
    code = _on(channel, _row("valve", Kind.VALVE))
    return lambda _: f"{code}(1)"


def _on(channel: int, row: Field) -> str:
    return row.code.replace("n", str(channel))


def _hex(serial: str) -> str:
    return serial.encode("ascii").hex().upper()


def _kilowatts(watts: int) -> str:
    return fixed(Decimal(watts).scaleb(-3), 2, 3)


def _energies(integers: int, order: str = "i1 i2 e1 e2") -> list[Part]:
    names = {"i": "energy_import", "e": "energy_export"}
    return [_number(f"{names[what[0]]}_t{what[1]}_kwh", integers, 3) for what in order.split()]


def _each_phase(phases: int, name: str, integers: int, decimals: int) -> list[Part]:
    return [_number(name.format(phase), integers, decimals) for phase in range(1, phases + 1)]


def _powers(integers: int = 2, decimals: int = 3) -> list[Part]:
    return [_number(f"power_{way}_kw", integers, decimals) for way in ("import", "export")]


def _faults(phases: int) -> list[Part]:
    numbers = range(1, phases + 1)
    return [
        _count("power_failures", 5),
        _count("long_power_failures", 5),
        _failure_log,
        *(_count(f"voltage_sags_l{n}", 5) for n in numbers),
        *(_count(f"voltage_swells_l{n}", 5) for n in numbers),
    ]


DSMR5: Final = Dialect(
    title="DSMR 5.0.2, three phases, solar panels, gas every 5 minutes",
    header="XMX5SIMULATED-5",
    parts=(
        _always("version", "50"),
        _clock,
        _serial,
        *_energies(6),
        _count("tariff", 4),
        *_powers(),
        *_faults(3),
        _always("text", ""),
        *_each_phase(3, "voltage_l{}_v", 3, 1),
        *_each_phase(3, "current_l{}_a", 3, 0),
        *_each_phase(3, "power_import_l{}_kw", 2, 3),
        *_each_phase(3, "power_export_l{}_kw", 2, 3),
        *_device("gas", 1),
        _volume("gas", 1),
    ),
)

DSMR4: Final = Dialect(
    title="DSMR 4.2, one phase, gas every hour",
    header="XMX5SIMULATED-4",
    parts=(
        _always("version", "42"),
        _clock,
        _serial,
        *_energies(6),
        _count("tariff", 4),
        *_powers(),
        *_faults(1),
        _always("code", ""),
        _always("text", ""),
        *_each_phase(1, "current_l{}_a", 3, 0),
        *_each_phase(1, "power_import_l{}_kw", 2, 3),
        *_each_phase(1, "power_export_l{}_kw", 2, 3),
        *_device("gas", 1),
        _volume("gas", 1),
    ),
    period=10,
    build=Build(phases=1, device_minutes=60),
)

DSMR3: Final = Dialect(
    title="DSMR 3.0 (also called 2.2): no clock, no checksum, the gas value on the next line",
    header="XMX5SIMULATED-3",
    parts=(
        _serial,
        *_energies(5),
        _count("tariff", 4),
        *_powers(4, 2),
        _always("limiter_a", "999"),
        _always("switch", "1"),
        _always("code", ""),
        _always("text", ""),
        *_device("gas", 1),
        _old_volume,
        _valve(1),
    ),
    checksum=False,
    period=10,
    build=Build(device_minutes=60),
)

BELGIUM: Final = Dialect(
    title="e-MUCS 1.7.1 (Belgium): quarter-hour demand, its monthly peaks, gas and water",
    header="FLU5\\SIMULATED_A",
    parts=(
        _always("version", "50217", "e-MUCS"),
        _serial,
        _clock,
        *_energies(6),
        _count("tariff", 4),
        _number("demand_kw", 2, 3),
        _month_peak,
        _month_peaks,
        *_powers(),
        *_each_phase(3, "power_import_l{}_kw", 2, 3),
        *_each_phase(3, "power_export_l{}_kw", 2, 3),
        *_each_phase(3, "voltage_l{}_v", 3, 1),
        *_each_phase(3, "current_l{}_a", 3, 2),
        _always("switch", "1"),
        _always("limiter_kw", "999.9"),
        _always("fuse_l1_a", "999"),
        _always("text", ""),
        *_device("gas", 1, "e-MUCS"),
        _valve(1),
        _volume("gas", 1, "e-MUCS"),
        *_device("water", 2, "e-MUCS"),
        _volume("water", 2),
    ),
    build=Build(low_tariff=2),
)

DIALECTS: Final = {"dsmr5": DSMR5, "dsmr4": DSMR4, "dsmr3": DSMR3, "belgium": BELGIUM}
