"""A panel as a chart of InfluxDB 2's own UI: the same title, words, unit and colours.

The UI draws what a template calls bars as a line from point to point, so hours, days and months
are steps: level around each point, which stands in its middle. A number or a gauge shows one
value; a panel with several is a table there.
"""

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
    look.SECONDS: "s",
    look.BYTES: "B",
    look.PERCENT: "%",
    look.AGE: "s",
}
_HEAT: Final = (
    (0, "#FFF7BC"),
    (0.2, "#FEE391"),
    (0.4, "#FEC44F"),
    (0.7, "#FE9929"),
    (1.0, "#EC7014"),
    (1.5, "#CC4C02"),
    (2.5, "#8C2D04"),
)
"""kWh in an hour; the UI has steps of colour and no scale."""


def chart(panel: Panel, ask: Ask, x: int, y: int) -> Json:
    kind = _kind(panel, ask)
    return {
        "kind": kind,
        "name": panel.title,
        "note": f"{panel.description}\n\nEmpty: {panel.no_data}.",
        "noteOnEmpty": True,
        "xPos": x,
        "yPos": y,
        "width": width(panel),
        "height": height(panel),
        "queries": [{"query": whole(ask, panel.since, panel.back)}],
        **_SHAPES[kind](panel, ask),
    }


def width(panel: Panel) -> int:
    """Out of twelve; Grafana has twice as many."""
    return panel.width // 2


def height(panel: Panel) -> int:
    """In rows of twice Grafana's."""
    return -(-panel.height // 2)


def heading(title: str, y: int) -> Json:
    return {
        "kind": "Markdown",
        "name": title,
        "note": f"## {title}",
        "xPos": 0,
        "yPos": y,
        "width": WIDTH,
        "height": 1,
    }


def _kind(panel: Panel, ask: Ask) -> str:
    if ask.table:
        return "Table"
    return {"gauge": "Gauge", "stat": "Single_Stat"}.get(panel.kind, "Xy")


def _suffix(unit: str) -> str:
    return f" {_SUFFIXES[unit]}" if unit in _SUFFIXES else ""


def _decimals(panel: Panel) -> Json:
    if panel.decimals is not None:
        return {"decimalPlaces": panel.decimals}
    return {"decimalPlaces": 0 if panel.unit in {look.WATT, look.SECONDS, look.AGE} else 2}


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
    return {"colors": colours, "suffix": _suffix(panel.unit), **_decimals(panel)}


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


def _graph(panel: Panel, ask: Ask) -> Json:
    stacked = ask.steps and panel.custom.get("stacking", {}).get("mode") == "normal"
    one_sign = not any("return" in name for name in ask.names)
    series = sorted(ask.names)  # as InfluxDB gives them; the UI colours them in that order
    colours = [_shade(str(n), "scale", 0, _colour(name)) for n, name in enumerate(series)]
    suffix = _suffix(panel.unit)
    return {
        "colors": colours,
        "geom": "step" if ask.steps else "line",
        "shade": ask.steps,
        "position": "stacked" if stacked and one_sign else "overlaid",
        "hoverDimension": "auto",
        "legendColorizeRows": True,
        "legendOpacity": 1.0,
        "staticLegend": {"show": True, "colorizeRows": True, "heightRatio": 0.2, "opacity": 1.0},
        "xCol": "_time",
        "yCol": "_value",
        "axes": [
            {"name": "x", "base": "10", "scale": "linear"},
            {"name": "y", "base": "10", "scale": "linear", "suffix": suffix},
        ],
    }


def _table(panel: Panel, ask: Ask) -> Json:
    heat = panel.colour == "continuous"
    colours = [
        _shade(str(n) if n else "base", "background" if heat else "text", value, colour)
        for n, (value, colour) in enumerate(_HEAT if heat else ((0, look.PLAIN),))
    ]
    fields = [(label, label) for label in ask.labels]
    fields += [(name, name + _in_unit(panel, name)) for name in ask.names]
    return {
        "colors": colours,
        **_decimals(panel),
        "tableOptions": {"verticalTimeAxis": True, "fixFirstColumn": False, "wrapping": "wrap"},
        "fieldOptions": [
            {"fieldName": name, "displayName": shown, "visible": True} for name, shown in fields
        ],
        "timeFormat": "YYYY-MM-DD HH:mm",
    }


def _in_unit(panel: Panel, name: str) -> str:
    """What stands behind a column's name: its own unit, or the panel's."""
    unit = panel.unit
    for override in panel.overrides:
        if override["matcher"]["options"] == name:
            unit = next((p["value"] for p in override["properties"] if p["id"] == "unit"), unit)
    if panel.colour == "continuous":  # seven columns of one unit
        return ""
    return f",{_suffix(unit)}" if _suffix(unit) else ""


_SHAPES: Final[dict[str, Any]] = {
    "Single_Stat": _number,
    "Gauge": _gauge,
    "Xy": _graph,
    "Table": _table,
}
