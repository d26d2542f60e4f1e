"""A telegram as plain data, for JSON; what the keys mean, `collector.commands.decode` says."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from collector.p1.obis import FIELDS
from collector.p1.telegram import Telegram, Value

_PLACES: Final = {field.name: place for place, field in reversed(list(enumerate(FIELDS)))}


def document(telegram: Telegram) -> dict[str, Any]:
    """Return everything that the telegram says; decimals as text, so that none is rounded."""
    month_end = telegram.month_end
    return {
        "header": telegram.header,
        "dialect": telegram.dialect,
        "checksum": telegram.checksum.value,
        "time": _time(telegram.time),
        "meter": telegram.meter,
        "electricity": _fields(telegram.electricity),
        "devices": [
            {
                "medium": device.medium.value,
                "channel": device.channel,
                "meter": device.meter,
                "time": _time(device.time),
                "fields": _fields(device.fields),
            }
            for device in telegram.devices
        ],
        "demand_peaks": [
            {"time": _time(peak.time), "power_kw": plain(peak.power_kw)}
            for peak in telegram.demand_peaks
        ],
        "running_peak": telegram.running_peak
        and {
            "time": _time(telegram.running_peak.time),
            "power_kw": plain(telegram.running_peak.power_kw),
        },
        "power_failures": [
            {"time": _time(failure.time), "duration_s": failure.duration_s}
            for failure in telegram.power_failures
        ],
        "month_end": month_end
        and {"time": _time(month_end.time), "electricity": _fields(month_end.electricity)},
        "messages": {"text": telegram.text, "code": telegram.code},
        "about": dict(telegram.about),
        "unknown": list(telegram.unknown),
        "errors": [
            {"message": error.message, "line": error.line, "column": error.column}
            for error in telegram.errors
        ],
    }


def plain(value: Value) -> str:
    """Write a value as the meter would, never with an exponent."""
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _fields(fields: Mapping[str, Value]) -> dict[str, str | int]:
    """Give the fields in the order of the table, whatever the order of the lines was."""
    return {
        name: plain(value) if isinstance(value, Decimal) else value
        for name, value in sorted(fields.items(), key=lambda field: _PLACES[field[0]])
    }


def _time(time: datetime | None) -> str | None:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}" if time else None
