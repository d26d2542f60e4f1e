"""What a meter prints at one instant, and what a house used between two: plain facts.

Counters are integers of watt-seconds and millilitres; what is printed and used is in Wh and dm³.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal, Self

Value = Decimal | int | str
Medium = Literal["gas", "water"]


@dataclass(frozen=True, slots=True)
class Counters:
    """Everything the meter adds up: Ws for energy, ml for gas and water."""

    import_low: int = 0
    import_normal: int = 0
    export_low: int = 0
    export_normal: int = 0
    gas: int = 0
    water: int = 0

    def __add__(self, other: "Counters") -> "Counters":
        return Counters(
            self.import_low + other.import_low,
            self.import_normal + other.import_normal,
            self.export_low + other.export_low,
            self.export_normal + other.export_normal,
            self.gas + other.gas,
            self.water + other.water,
        )


@dataclass(frozen=True, slots=True)
class Use:
    """What was used in some time: Wh by tariff and direction, dm³ of gas and water."""

    import_low_wh: int
    import_normal_wh: int
    export_low_wh: int
    export_normal_wh: int
    gas_dm3: int
    water_dm3: int

    @property
    def import_wh(self) -> int:
        return self.import_low_wh + self.import_normal_wh

    @property
    def export_wh(self) -> int:
        return self.export_low_wh + self.export_normal_wh

    @classmethod
    def between(cls, before: Counters, after: Counters) -> Self:
        """As one who reads both counters would say: whole Wh and dm³."""
        return cls(
            after.import_low // 3600 - before.import_low // 3600,
            after.import_normal // 3600 - before.import_normal // 3600,
            after.export_low // 3600 - before.export_low // 3600,
            after.export_normal // 3600 - before.export_normal // 3600,
            after.gas // 1000 - before.gas // 1000,
            after.water // 1000 - before.water // 1000,
        )


@dataclass(frozen=True, slots=True)
class Peak:
    """A quarter of an hour of high import: when it ended and its mean power."""

    time: datetime
    watts: int


@dataclass(frozen=True, slots=True)
class MonthPeak:
    """The highest quarter of an hour of the month that ended at `month_end`."""

    month_end: datetime
    peak: Peak


@dataclass(frozen=True, slots=True)
class Failure:
    """A long power failure, as the meter's log has it."""

    end: datetime
    seconds: int


@dataclass(frozen=True, slots=True)
class DeviceReading:
    """The last reading of a gas or water meter, in m³."""

    medium: Medium
    serial: str
    time: datetime
    volume: Decimal


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything the meter knows at one instant.

    `electricity` has the names and units of the field table, with all the decimals the meter has;
    a dialect prints what it prints.
    """

    time: datetime
    serial: str
    electricity: Mapping[str, Value]
    devices: Mapping[Medium, DeviceReading]
    month_peak: Peak
    month_peaks: Sequence[MonthPeak]
    failures: Sequence[Failure]


@dataclass(frozen=True, slots=True)
class Build:
    """What a meter is made for.

    Attributes:
        phases: 3, or 1: then everything in the house is on it.
        low_tariff: Which of the two tariffs is nights and weekends: 1 in the Netherlands, 2 in
            Belgium.
        device_minutes: How often the gas meter is read: 5 (DSMR 5), or 60 (DSMR 4).
        serial: The equipment number of the electricity meter.
    """

    phases: Literal[1, 3] = 3
    low_tariff: Literal[1, 2] = 1
    device_minutes: int = 5
    serial: str = "E0000000000000001"
