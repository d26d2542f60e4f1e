"""A telegram as plain data, for JSON; what the keys mean, `collector.commands.decode` says."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from collector.p1.obis import FIELDS
from collector.p1.telegram import Telegram, Value

_PLACES: Final = {field.name: place for place, field in reversed(list(enumerate(FIELDS)))}


def document(telegram: Telegram) -> dict[str, Any]:
    """Return everything that the telegram says; decimals as text, so that none is rounded."""
    return {
        "header": telegram.header,
        "dialect": telegram.dialect,
        "checksum": telegram.checksum,
        "time": _said(telegram.time),
        "meter": telegram.meter,
        "electricity": _said(telegram.electricity),
        "devices": [
            {"medium": device.medium, **{n: _said(v) for n, v in device._asdict().items()}}
            for device in telegram.devices
        ],
        "demand_peaks": _said(telegram.demand_peaks),
        "running_peak": _said(telegram.running_peak),
        "power_failures": _said(telegram.power_failures),
        "month_end": _said(telegram.month_end),
        "messages": {"text": telegram.text, "code": telegram.code},
        "about": dict(telegram.about),
        "unknown": list(telegram.unknown),
        "errors": _said(telegram.errors),
    }


def plain(value: Value) -> str:
    """Write a value as the meter would, never with an exponent."""
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _said(what: Any) -> Any:
    match what:
        case None | int() | str():
            return what
        case Decimal():
            return plain(what)
        case datetime():
            return f"{what:%Y-%m-%dT%H:%M:%SZ}"
        case tuple():
            return [_said(one) for one in what]
        case Mapping():  # fields, in the order of the table, whatever that of the lines was
            return {name: _said(what[name]) for name in sorted(what, key=_PLACES.__getitem__)}
    return {field.name: _said(getattr(what, field.name)) for field in fields(what)}
