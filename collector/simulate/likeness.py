"""A meter like the one that a file of telegrams comes from: its layout, the household's values.

Every line stays where it was and as wide as it was. The times are put in, and what the household
knows: energy, power, voltage and current, demand, tariff, gas, water and what is reckoned from
those. The rest stays as the file has it, clocks that were never set and lines that cannot be read
too. A checksum that fits is computed anew; one that does not still does not.

Of a file with several telegrams each is imitated in turn.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from pathlib import Path
from typing import Final

from collector.errors import SourceError
from collector.p1.checksum import reprinted
from collector.p1.diagnosis import diagnose
from collector.p1.framing import Frame, Framer
from collector.p1.lines import Line, lay_out, put_together
from collector.p1.obis import BY_CODE, MONTH_END, Field, Kind
from collector.p1.sheet import OLD_MEDIA
from collector.p1.telegram import Device, Telegram, parse
from collector.p1.time import BASE_OFFSET_HOURS, instant
from collector.p1.values import NUMBER, UNITS
from collector.simulate.localtime import offset
from collector.simulate.meter import Build, Reading, Value

_SEPARATOR: Final = re.compile(r"(\)[\r\n]*\()")
_NUMBER: Final = re.compile(r"(?P<sign>[+-]?)(?P<whole>[0-9]+)(?P<point>\.?)(?P<rest>[0-9]*)")
_DIGIT: Final = re.compile(r"[0-9]")
_SLOW: Final = 10
_BELGIUM: Final = "502"
_TRIPLE: Final = 3
_GJ_OF_GAS: Final = Decimal("0.0317")
_SHARE_OF_SUBMETER: Final = Decimal("0.3")


@dataclass(frozen=True, slots=True)
class _Sample:
    """One telegram of the file."""

    frame: Frame
    header: str
    lines: Sequence[Line]
    telegram: Telegram


class Likeness:
    """Prints readings as the telegrams of a file are printed. Raises SourceError without any."""

    def __init__(self, data: bytes, *, utc_offset_hours: int = BASE_OFFSET_HOURS) -> None:
        self._winter = utc_offset_hours
        framer = Framer()
        self._samples = [
            _Sample(frame, *lay_out(frame.data), parse(frame, utc_offset_hours=utc_offset_hours))
            for frame in framer.feed(data) + framer.flush()
        ]
        if not self._samples:
            raise SourceError("there is no telegram in the file", hint=diagnose(data))
        telegrams = [sample.telegram for sample in self._samples]
        version = telegrams[0].version or ""
        names = " ".join(name for telegram in telegrams for name in telegram.electricity)
        self.period = 1 if version.startswith("5") else _SLOW
        self.build = Build(
            phases=1 if "_l1_" in names and "_l2_" not in names else 3,
            low_tariff=2 if version.startswith(_BELGIUM) else 1,
            device_minutes=5 if version.startswith("5") else 60,
        )
        self.solar = any(
            "export" in name and value for t in telegrams for name, value in t.electricity.items()
        )
        self._standard_time = any(map(_in_standard_time, self._samples))

    def telegram(self, reading: Reading) -> bytes:
        """Give the telegram as that meter would send it."""
        turn = int(reading.time.timestamp()) // self.period % len(self._samples)
        sample = self._samples[turn]
        known = _known(reading, solar=self.solar)
        pen = _Pen(reading, known, sample.telegram.devices, self._moment)
        data = put_together(sample.header, [pen.line(line) for line in sample.lines])
        checksum = reprinted(sample.frame.data, sample.frame.checksum, data)
        return data + checksum + (b"\r\n" if b"\r" in data else b"\n")

    def _moment(self, text: str, when: datetime) -> str:
        """Print an instant in the form of `text`; a clock that was never set stays so."""
        try:
            instant(text, self._winter)
        except ValueError:
            return text
        letter = text[-1] if text[-1].isalpha() else ""
        summer = offset(when) > timedelta(hours=1) and not (letter and self._standard_time)
        shown = when + timedelta(hours=self._winter + summer)
        digits = iter(shown.strftime("%Y%m%d%H%M%S")[-len(_DIGIT.findall(text)) :])
        text, new = _DIGIT.sub(lambda _: next(digits), text), "S" if summer else "W"
        return text[:-1] + (new if letter.isupper() else new.lower()) if letter else text


@dataclass(frozen=True, slots=True)
class _Pen:
    reading: Reading
    known: Mapping[str, Value]
    devices: Sequence[Device]
    moment: Callable[[str, datetime], str]

    def line(self, line: Line) -> Line:
        rows = BY_CODE.get(line.code)
        if rows is None or not line.current:
            return line
        parts = _SEPARATOR.split(line.body)
        values = parts[::2]
        self._write(line.code, rows, values)
        parts[::2] = values
        return line.saying("".join(parts))

    def _write(self, code: str, rows: Sequence[Field], values: list[str]) -> None:
        now = self.reading.time
        match rows[0].kind:
            case Kind.REGISTER:
                for place, text in enumerate(values):
                    here = [row for row in rows if row.place == place]
                    values[place] = _quantity(here, text, self.known)
            case Kind.CODE if (value := self.known.get(rows[0].name)) is not None:
                values[0] = re.sub(r"[0-9]+$", lambda m: f"{value:0{len(m[0])}d}", values[0])
            case Kind.CLOCK:
                values[0] = self.moment(values[0], now)
            case Kind.CLOCK_DATE:
                values[0] = self.moment(f"{values[0]}000000", now)[: len(values[0])]
            case Kind.CLOCK_TIME:
                values[0] = self.moment(f"200101{values[0]}", now)[6:]
            case Kind.PEAK if rows[0].name in self.known:
                self._write_peak(rows, values)
            case Kind.READING | Kind.BARE_READING | Kind.HOURLY:
                self._write_reading(code, rows, values)
            case Kind.HISTORY:
                self._write_history(rows, values)

    def _write_peak(self, rows: Sequence[Field], values: list[str]) -> None:
        moment = self.reading.month_peak.time
        new = [text if "*" in text else self.moment(text, moment) for text in values]
        if len(values) == 1 or new != values:
            values[:] = [
                _quantity(rows, text, self.known) if "*" in text else text for text in new
            ]

    def _write_reading(self, code: str, rows: Sequence[Field], values: list[str]) -> None:
        medium = OLD_MEDIA.get(code[:3])
        same = [
            device
            for device in self.devices
            if (device.medium == medium if medium else device.channel == int(code[2]))
        ]
        number, star, unit = values[-1].partition("*")
        shown = unit or (values[-2] if rows[0].kind is Kind.HOURLY else "")
        row = next((r for r in rows if shown.lower() in ("", *UNITS[r.unit])), None)
        if not same or row is None or not NUMBER.fullmatch(number) or not Decimal(number):
            return
        places = UNITS[row.unit].get(shown.lower(), 0)
        value = self._counted(same[0], row.name).scaleb(-places)
        values[-1] = as_wide(number, value) + star + unit
        if len(values) > 1:
            values[0] = self.moment(values[0], self.reading.read)

    def _counted(self, device: Device, name: str) -> Decimal:
        """Say what a device has counted; one for heat, cold or power some share of the others."""
        if name == "energy_kwh":
            return _SHARE_OF_SUBMETER * self.known["energy_import_kwh"]
        if name == "energy_gj":
            return _GJ_OF_GAS * self.reading.gas
        return self.reading.gas if device.medium == "gas" else self.reading.water

    def _write_history(self, rows: Sequence[Field], values: list[str]) -> None:
        """Write the peaks of past months over those of the file, in its order; or the month."""
        now, later = self.reading.time, self.reading.time + timedelta(days=1)
        if len(values) % _TRIPLE or not values[0].isdecimal():
            if len(values) == 1 + len(MONTH_END):
                month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
                values[0] = self.moment(values[0], month)
            return
        live = [
            place
            for place in range(_TRIPLE, len(values), _TRIPLE)
            if self.moment(values[place + 1], now) != self.moment(values[place + 1], later)
        ]
        if len(live) > 1 and values[live[0]][:6] > values[live[-1]][:6]:
            live.reverse()
        past = reversed(self.reading.month_peaks.items())
        for place, (month_end, peak) in zip(reversed(live), past, strict=False):
            ended, at, power = values[place : place + _TRIPLE]
            known = {rows[0].name: Decimal(peak.watts).scaleb(-3)}
            values[place : place + _TRIPLE] = (
                self.moment(ended, month_end),
                self.moment(at, peak.time),
                _quantity(rows, power, known),
            )


def _quantity(rows: Sequence[Field], text: str, known: Mapping[str, Value]) -> str:
    """Put what is known of one of the rows in the place of a number with a unit."""
    padded, star, unit = text.partition("*")
    number = padded.strip()
    for row in rows:
        places, value = UNITS[row.unit].get(unit.strip().lower()), known.get(row.name)
        if places is not None and value is not None and NUMBER.fullmatch(number):
            new = as_wide(number, Decimal(value).scaleb(-places))
            return padded.replace(number, new) + star + unit
    return text


def like(kind: str | Path, utc_offset_hours: int = BASE_OFFSET_HOURS) -> Likeness:
    """Give what prints like a kind of meter, or like a file."""
    return Likeness(file_of(kind).read_bytes(), utc_offset_hours=utc_offset_hours)


def file_of(kind: str | Path) -> Path:
    """Give the file with the telegram of a named kind, such as `dsmr5`; another as it is."""
    return Path(__file__).with_name(f"{kind}.txt") if isinstance(kind, str) else kind


_CLOCK: Final = next(code for code, rows in BY_CODE.items() if rows[0].kind is Kind.CLOCK)


def _in_standard_time(sample: _Sample) -> bool:
    """Tell whether the meter stays at winter time all year, as Swedish meters do."""
    clock = next((line.body for line in sample.lines if line.code == _CLOCK), "")
    time = sample.telegram.time
    return clock[-1:] in ("W", "w") and time is not None and offset(time) > timedelta(hours=1)


def _known(reading: Reading, *, solar: bool) -> dict[str, Value]:
    """Give what the household knows, by the names of the field table, and what follows from it."""
    known = {**reading.electricity}
    known |= {f"energy_{way}_t{n}_kwh": 0 for way in ("import", "export") for n in range(3, 9)}
    for kind in ("energy_{}_kwh", "power_{}_kw"):
        taken, given = known[kind.format("import")], known[kind.format("export")]
        known |= {kind.format("absolute"): taken + given, kind.format("net"): taken - given}
    for name in ("power_import_kw", "power_absolute_kw", "power_net_kw"):
        known[name.replace("_kw", "_average_kw")] = known[name]
    phases = [p for p in ("", "_l1", "_l2", "_l3") if f"power_import{p}_kw" in known]
    for way in ("import", "export"):
        known |= {f"apparent_power_{way}{p}_kva": known[f"power_{way}{p}_kw"] for p in phases}
    known |= {f"voltage_average{p}_v": known[f"voltage{p}_v"] for p in phases[1:]}
    known["voltage_v"] = known["voltage_l1_v"]
    return {name: value for name, value in known.items() if solar or "export" not in name}


def as_wide(text: str, value: Decimal) -> str:
    """Print a value with the digits of `text`, cut off as a register does, and rolled over."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        return text
    step = Decimal(1).scaleb(-len(match["rest"]))
    size = abs(value).quantize(step, ROUND_DOWN) % Decimal(10) ** len(match["whole"])
    sign = "-" if value < 0 and size else match["sign"].replace("-", "")
    width = len(match["whole"]) + bool(match["rest"]) + len(match["rest"])
    digits = f"{size:0{width}f}"
    return sign + (digits if match["rest"] else digits + match["point"])
