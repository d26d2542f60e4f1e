"""A frame to values: everything that one telegram says.

    parse(frame) -> Telegram, whatever is in the frame

A bad line costs that line and becomes a LineError; a line that the field table does not know is
kept as it is; an empty value is no value. Nothing in a telegram can make `parse` raise. A telegram
whose checksum is wrong is parsed too, to be shown; `acceptable` tells whether it may be used.

Four things are decided here rather than line by line:

- An M-Bus device is what its type (24.1.0) says. Without a type the unit decides: m3 is gas, the
  only device there was when meters sent no type; GJ is heat; kWh a submeter.
- A channel whose time was never set and whose value is zero, or that prints a zero without a
  unit, has no device behind it and gives no reading.
- A total that is not sent is the exact sum of the tariffs that are.
- Where two nations mean different things by a code (the table in `collector.p1.obis`), what else
  is in the telegram tells. Lithuania: units in kilo (kV, kA, kHz), the fields that only its lists
  have, or the header `/ESO` (ESO, P1 lists: standard, extended and maximal). Poland: both
  0-0:96.1.0 and 0-0:96.1.1 (Stoen, P1 object model 2.0). What one checked telegram of a source has
  told holds for the next ones: a line that is lost must not change a name or a tag.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import starmap
from types import MappingProxyType
from typing import Final, NamedTuple

from collector.p1.checksum import Checksum, judge
from collector.p1.framing import Frame
from collector.p1.lines import LineError, split
from collector.p1.obis import BY_CODE, FIELDS, Nation
from collector.p1.readers import ROUTES
from collector.p1.sheet import UNREADABLE_CODE, Sheet, Slot
from collector.p1.time import BASE_OFFSET_HOURS

Value = Decimal | int | str


class Policy(StrEnum):
    """How much a checksum matters."""

    REQUIRE = "require"  # wherever the telegram's version has one
    ACCEPT_MISSING = "accept-missing"  # gateways that cut it off
    IGNORE = "ignore"  # meters that compute it wrongly


class Medium(StrEnum):
    """What an M-Bus device measures."""

    GAS = "gas"
    WATER = "water"
    HEAT = "heat"
    COOLING = "cooling"
    SUBMETER = "submeter"


class Device(NamedTuple):
    """An M-Bus device and its reading.

    `time` is when the device was read, in UTC. None: never set, absent, nonsense, or over an hour
    ahead of the telegram's; then the telegram's own time is the best there is. `channel` is 0 for
    DSMR 2, which had no channels.
    """

    channel: int
    medium: Medium
    meter: str | None
    time: datetime | None
    fields: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class DemandPeak:
    """A month's highest quarter hour: when it was (UTC) and the average power in it."""

    time: datetime
    power_kw: Decimal


@dataclass(frozen=True, slots=True)
class PowerFailure:
    """A long power failure: when it ended (UTC) and how long it was."""

    time: datetime
    duration_s: int


@dataclass(frozen=True, slots=True)
class MonthEnd:
    """The readings at the end of a month, which Hungarian meters repeat all month."""

    time: datetime
    electricity: Mapping[str, Value]


class Telegram(NamedTuple):
    """What one telegram says. Names and units of `electricity` are those of the field table."""

    header: str
    version: str | None
    checksum: Checksum
    time: datetime | None
    meter: str | None
    electricity: Mapping[str, Value]
    devices: tuple[Device, ...]
    demand_peaks: tuple[DemandPeak, ...]
    running_peak: DemandPeak | None
    power_failures: tuple[PowerFailure, ...]
    month_end: MonthEnd | None
    text: str | None
    code: str | None
    about: Mapping[str, str]
    unknown: tuple[str, ...]
    errors: tuple[LineError, ...]
    nation: Nation | None

    @property
    def dialect(self) -> str:
        """The version in words, for people: `DSMR 5.0`, `e-MUCS 1.7`. Nothing depends on it."""
        version = self.version or ""
        if re.fullmatch(r"[0-9]{2}", version):
            return f"DSMR {version[0]}.{version[1]}"
        if re.fullmatch(r"502[0-9]{2}", version):
            return f"e-MUCS {version[3]}.{version[4]}"
        return f"version {version}" if version else "no version"


def acceptable(telegram: Telegram, policy: Policy = Policy.REQUIRE) -> bool:
    """Tell whether the telegram may be used.

    DSMR 4 brought both the version line and the checksum, so a telegram that names its version
    must have one, and one that does not may go without.
    """
    if telegram.checksum is Checksum.OK or policy is Policy.IGNORE:
        return True
    missing = telegram.checksum is Checksum.ABSENT
    return missing and (policy is Policy.ACCEPT_MISSING or telegram.version is None)


def parse(
    frame: Frame,
    *,
    utc_offset_hours: int = BASE_OFFSET_HOURS,
    told: Mapping[str, Nation] = MappingProxyType({}),
) -> Telegram:
    """Read everything that `frame` says. Never raises, whatever it says.

    `utc_offset_hours` is that of winter time where the meter stands; `told` whose meanings earlier
    telegrams had, by their header.
    """
    header, lines = split(frame.data)
    sheet = Sheet(utc_offset_hours, ROUTES)
    sheet.read(lines)
    if sheet.listed:
        _, lines = split(frame.data, listed=True)
        sheet = Sheet(utc_offset_hours, ROUTES)
        sheet.read(lines)
    nation = _nation_of(sheet, header, frame.data) or told.get(header)
    if nation:
        _mean(sheet, nation, lines)
    _add_totals(sheet)
    time = sheet.time or sheet.separate_clock()
    return Telegram(
        header=header,
        version=sheet.heads.get("version"),
        checksum=judge(frame.data, frame.checksum),
        time=time,
        meter=sheet.meters[min(sheet.meters)] if sheet.meters else None,
        electricity=sheet.electricity,
        devices=tuple(_devices(sheet, time)) if sheet.slots else (),
        demand_peaks=tuple(starmap(DemandPeak, sheet.peaks)) if sheet.peaks else (),
        running_peak=_running_peak(sheet) if sheet.peak_times else None,
        power_failures=tuple(starmap(PowerFailure, sheet.failures)) if sheet.failures else (),
        month_end=MonthEnd(*sheet.month_end) if sheet.month_end else None,
        text=" ".join(sheet.texts.values()) if sheet.texts else None,
        code=sheet.heads.get("code"),
        about=sheet.about,
        unknown=tuple(sheet.unknown),
        errors=tuple(sheet.errors),
        nation=nation,
    )


_OWNERS_NUMBER: Final = FIELDS.index(BY_CODE["0-0:96.1.1"][0])
_MAKERS_NUMBER: Final = FIELDS.index(BY_CODE["0-0:96.1.0"][0])
_NOT_IN_POLAND: Final = ("0-0:17.0.0(", "0-0:96.13.0(")
_KILO: Final = re.compile(rb"\*[ \t]*k(?:V|A|Hz)[ \t]*\)")
_ONLY_IN_LITHUANIA: Final = (
    *("1-0:1.24.", "1-0:15.24.", "1-0:16.24.", "1-0:32.24.", "1-0:0.8.2"),
    *("1-0:3.4.", "1-0:4.4.", "1-0:9.4.", "1-0:10.4."),
)
_LITHUANIAN: Final = frozenset(f.name for f in FIELDS if f.code.startswith(_ONLY_IN_LITHUANIA))
# What a field is called where its code means something else: in Lithuania.
_RENAMED: Final = {BY_CODE[f.code][0].name: f.name for f in FIELDS if f.nation}
_L1, _L2, _L3 = _RENAMED


def _nation_of(sheet: Sheet, header: str, data: bytes) -> Nation | None:
    """Tell whose meanings the codes have, where that makes a difference."""
    if _OWNERS_NUMBER in sheet.meters and _MAKERS_NUMBER in sheet.meters:
        return Nation.POLAND
    fields = sheet.electricity
    if not (_L1 in fields or _L2 in fields or _L3 in fields):
        return None
    has_its_fields = header.startswith("ESO") or not _LITHUANIAN.isdisjoint(fields)
    return Nation.LITHUANIA if has_its_fields or _KILO.search(data) else None


def _mean(sheet: Sheet, nation: Nation, lines: Iterable[str]) -> None:
    """Take what was read for what it means in this nation."""
    if nation is Nation.LITHUANIA:
        for usual, name in _RENAMED.items():
            if usual in sheet.electricity:
                sheet.electricity[name] = sheet.electricity.pop(usual)
        return
    if kind := sheet.meters.pop(_OWNERS_NUMBER, None):
        sheet.about["type"] = kind
    for limiter in BY_CODE["0-0:17.0.0"]:
        sheet.electricity.pop(limiter.name, None)
    sheet.texts.pop("0-0:96.13.0", None)
    strange = [line for line in lines if line.startswith(_NOT_IN_POLAND)]
    sheet.unknown += [line for line in strange if line not in sheet.unknown]
    sheet.errors[:] = [error for error in sheet.errors if error.line not in strange]


_TOTALS: Final = tuple(
    (f"energy_{way}_kwh", tuple(f"energy_{way}_t{tariff}_kwh" for tariff in range(1, 9)))
    for way in ("import", "export")
)


def _add_totals(sheet: Sheet) -> None:
    """Add the totals that were not sent, unless a tariff may be missing from the sum."""
    electricity, lost = sheet.electricity, sheet.lost
    for total, tariffs in _TOTALS if electricity and UNREADABLE_CODE not in lost else ():
        if total in electricity:
            continue
        added: Decimal | int | None = None
        for name in tariffs:
            if name in electricity:
                sent = electricity[name]
                added = sent if added is None else added + sent
            elif name in lost:
                break
        else:
            if added is not None:
                electricity[total] = added


_RUNNING_PEAK: Final = "demand_month_peak_kw"


def _running_peak(sheet: Sheet) -> DemandPeak | None:
    time, power = sheet.peak_times.get(_RUNNING_PEAK), sheet.electricity.get(_RUNNING_PEAK)
    return DemandPeak(time, power) if time and isinstance(power, Decimal) else None


# EN 13757-3, printed as `3`, `03` or `003`; two-digit types in hexadecimal, or in decimal.
_MEDIA: Final = {
    "2": Medium.SUBMETER,
    "3": Medium.GAS,
    **dict.fromkeys(("4", "5", "C", "D", "12", "13"), Medium.HEAT),
    **dict.fromkeys(("6", "7", "15", "16", "21", "22"), Medium.WATER),
    **dict.fromkeys(("A", "B", "10", "11"), Medium.COOLING),
}
_MEDIUM_BY_FIELD: Final = {"volume_m3": Medium.GAS, "energy_kwh": Medium.SUBMETER}
# The specifications of DSMR 3 and 4 call 6 cold; everybody else calls it warm water.
_COLD: Final = "6"
# Over this, the clock of a device is not ahead but wrong.
_AHEAD: Final = timedelta(hours=1)


def _devices(sheet: Sheet, now: datetime | None) -> Iterator[Device]:
    for slot in sheet.slots.values():
        if not slot.readings:
            continue
        fields: dict[str, Value] = dict(slot.readings)
        if len(fields) > 1:
            fields = {name: fields[name] for name in sorted(fields, key=slot.ranks.__getitem__)}
        medium = _medium(slot, next(iter(fields)))
        if slot.valve is not None:
            fields["valve"] = slot.valve
        wrong = slot.time and now and slot.time > now + _AHEAD
        time = None if wrong else slot.time
        yield Device(slot.channel, medium, slot.meter, time, fields)


def _medium(slot: Slot, name: str) -> Medium:
    """Decide what a device measures: by its type, and without one that is known by its unit.

    `name` is the field that is its first one in the table.
    """
    if slot.medium and not slot.type:
        return Medium(slot.medium)
    device_type = slot.type.strip().lstrip("0").upper()
    if device_type == _COLD and name == "energy_gj":
        return Medium.COOLING
    return _MEDIA.get(device_type) or _MEDIUM_BY_FIELD.get(name, Medium.HEAT)
