"""A panel as charts of InfluxDB 2's own UI: the same title, words, unit and colours.

The UI draws lines alone, so hours, days and months are four points each, with what is below them
shaded. A number or a gauge shows one value; a panel with several is as many charts there.
"""

import re
from dataclasses import replace
from typing import Any, Final

from dashboards.build import look
from dashboards.build.flux import Ask, whole
from dashboards.build.panel import Json, Panel

WIDTH: Final = 12
_SUFFIXES: Final = {
    look.WATT: "W",
    look.KILOWATT: "kW",
    look.KILOWATT_HOUR: "kWh",
    look.VOLT: "V",
    look.AMPERE: "A",
    look.HERTZ: "Hz",
    look.KILOVAR: "kvar",
    look.CUBIC_METRE: "m³",
    look.GIGAJOULE: "GJ",
    look.EURO: "€",
    look.EURO_PER_KWH: "€/kWh",
    look.SECONDS: "s",
    look.MINUTES: "min",
    look.BYTES: "B",
    look.PERCENT: "%",
    look.PART: "%",
    look.AGE: "s",
}


def charts(panel: Panel, ask: Ask, least: str) -> list[Json]:
    """A panel, or each of its numbers; their places are the dashboard's business."""
    if panel.kind != "stat" or ask.table or len(ask.names) == 1:
        return [_chart(panel, ask, panel.title, least)]
    return [
        _chart(panel, replace(ask.one(name), names=(name,)), f"{panel.title}: {name}", least)
        for name in ask.names
    ]


def _chart(panel: Panel, ask: Ask, title: str, least: str) -> Json:
    kind = _kind(panel, ask)
    return {
        "kind": kind,
        "name": title,
        "note": f"{panel.description}\n\nEmpty: {panel.no_data}.",
        "noteOnEmpty": True,
        "width": _NARROW if title != panel.title else width(panel),
        "height": height(panel),
        "queries": [{"query": whole(ask, panel.since, panel.back, least)}],
        **_SHAPES[kind](panel, ask),
    }


_NARROW: Final = 2
"""Of one number among several."""


def width(panel: Panel) -> int:
    """Out of twelve; Grafana has twice as many."""
    return panel.width // 2


def height(panel: Panel) -> int:
    """In rows of twice Grafana's."""
    return -(-panel.height // 2)


def _kind(panel: Panel, ask: Ask) -> str:
    if ask.table:
        return "Table"
    return {"gauge": "Gauge", "stat": "Single_Stat"}.get(panel.kind, "Xy")


def _suffix(unit: str) -> str:
    return f" {_SUFFIXES[unit]}" if unit in _SUFFIXES else ""


def _decimals(panel: Panel) -> Json:
    if panel.decimals is not None:
        return {"decimalPlaces": panel.decimals}
    if panel.unit == look.EURO_PER_KWH:
        return {"decimalPlaces": 4}
    whole_numbers = {look.WATT, look.SECONDS, look.AGE, look.NUMBER, look.BYTES}
    return {"decimalPlaces": 0 if panel.unit in whole_numbers else 2}


def _colour(name: str) -> str:
    return look.SERIES.get(name, look.PLAIN)


def _steps(panel: Panel, ask: Ask) -> list[tuple[float, str]]:
    """Colours by value: how good it is, or only what it is."""
    if panel.colour == "thresholds":
        return [(value or 0, colour) for value, colour in panel.steps]
    return [(0, _colour(ask.names[0]))]


def _number(panel: Panel, ask: Ask) -> Json:
    colours = [
        _shade(str(n) if n else "base", "text", value, colour)
        for n, (value, colour) in enumerate(_steps(panel, ask))
    ]
    unit, shown = _of(panel, ask.names[0]), _decimals(panel)
    if unit == look.PART:
        return {"colors": colours, "suffix": " %", "decimalPlaces": 0}
    return {"colors": colours, "suffix": _suffix(unit), **shown}


def _of(panel: Panel, name: str) -> str:
    """The unit of one of a panel's names: its own, or the panel's."""
    unit = panel.unit
    for override in panel.overrides:
        if override["matcher"]["options"] == name:
            unit = next((p["value"] for p in override["properties"] if p["id"] == "unit"), unit)
    return unit


def _shade(identifier: str, kind: str, value: float, colour: str) -> Json:
    return {"id": identifier, "name": colour, "type": kind, "hex": colour, "value": value}


def _gauge(panel: Panel, ask: Ask) -> Json:
    least, most = panel.least or 0, panel.most or 0
    (_, first), *others = _steps(panel, ask)
    last = others[-1][1] if others else first
    colours = [
        _shade("0", "min", least, first),
        *(_shade(str(n), "threshold", *each) for n, each in enumerate(others, start=2)),
        _shade("1", "max", most, last),
    ]
    return {"colors": colours, "suffix": _suffix(panel.unit), **_decimals(panel)}


_SITES: Final = 4
"""Sites beside each other whose series have colours; the UI would draw a sixth series black."""


def _graph(panel: Panel, ask: Ask) -> Json:
    stacked = ask.steps and panel.options.get("stacking") == "normal"
    one_sign = not any("export" in name or name == "total" for name in ask.names)
    series = (
        sorted(ask.names) * _SITES
    )  # as InfluxDB gives them; the UI colours them in that order
    colours = [_shade(str(n), "scale", 0, _colour(name)) for n, name in enumerate(series)]
    return {
        "colors": colours,
        "geom": "line",
        "shade": True,
        "position": "stacked" if stacked and one_sign else "overlaid",
        "hoverDimension": "auto",
        "legendColorizeRows": True,
        "legendOpacity": 1.0,
        "staticLegend": {"show": True, "colorizeRows": True, "heightRatio": 0.2, "opacity": 1.0},
        "xCol": "_time",
        "yCol": "_value",
        "axes": [
            {"name": "x", "base": "10", "scale": "linear"},
            {
                "name": "y",
                "base": "",
                "scale": "linear",
                "suffix": _suffix(panel.unit),
                "bounds": _bounds(panel, ask),
            },
        ],
    }


def _bounds(panel: Panel, ask: Ask) -> list[str]:
    """What the axis has at least; apply.py sets it, for the server drops it from a template.

    Import alone begins at nought, as on Grafana's axes.
    """
    if panel.unit == look.VOLT:
        return ["205", "255"]
    below = panel.unit == look.WATT and "L1" in ask.names
    below = below or any(re.match("export|net|total", name) for name in ask.names)
    return ["", ""] if below or panel.unit == look.HERTZ else ["0", ""]


def _table(panel: Panel, ask: Ask) -> Json:
    heat = panel.colour == "heat"
    colours = [
        _shade(str(n) if n else "base", "background" if heat else "text", value or 0, colour)
        for n, (value, colour) in enumerate(look.HEAT if heat else ((0, look.PLAIN),))
    ]
    fields = [(label, label) for label in ask.labels]
    fields += [(name, name + _in_unit(panel, name)) for name in ask.names]
    hidden = ask.order and ask.order not in ask.labels
    return {
        "colors": colours,
        **_decimals(panel),
        "tableOptions": {
            "verticalTimeAxis": True,
            "fixFirstColumn": False,
            "wrapping": "wrap",
            **({"sortBy": ask.order} if ask.order else {}),
        },
        "fieldOptions": [
            *(
                {"fieldName": name, "displayName": shown, "visible": True}
                for name, shown in fields
            ),
            *([{"fieldName": ask.order, "visible": False}] if hidden else []),
        ],
        "timeFormat": "YYYY-MM-DD HH:mm",
    }


def _in_unit(panel: Panel, name: str) -> str:
    """What stands behind a column's name: its own unit, or the panel's."""
    unit = _of(panel, name)
    if panel.colour == "heat":  # seven columns of one unit
        return ""
    return f",{_suffix(unit)}" if _suffix(unit) else ""


_SHAPES: Final[dict[str, Any]] = {
    "Single_Stat": _number,
    "Gauge": _gauge,
    "Xy": _graph,
    "Table": _table,
}
