"""A panel of Grafana: what it asks, what it does with the answer, and how that looks."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from dashboards.build import look
from dashboards.build.influxql import Query

Json = dict[str, Any]

SOURCE: Final[Json] = {"type": "influxdb", "uid": "${datasource}"}
NO_DATA: Final = "no readings in this time range"
FAR: Final = " (InfluxDB 3 Core sees three days)"
"""It answers a longer question with nothing at all, unless it was told to open more files."""

NEAR: Final = re.compile(r"now(-\d{1,2}h|-[0-2]d)?(/d)?")
LONGEST_JOINED_MS: Final = 1_000_000
"""A line runs on over a gap of a quarter of an hour; a longer one is seen."""

WIDEST_BAR: Final = 60
"""Pixels. Without it a bar that is alone in its panel is as wide as the panel."""

SMALL: Final[Json] = {"text": {"valueSize": 24, "titleSize": 14}, "wideLayout": False}
"""Several numbers of equal size, each below its name."""

BETWEEN_LABELS: Final = -75
"""Pixels: some are left out rather than written over each other, never the newest."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel. `width` is out of 24, `height` in rows of 30 pixels.

    `since` is a begin of its own, `now/d` is today, and with `back` `1y` it is today a year ago.
    Where Grafana's queries do not say so themselves, the panel's title may not either: Grafana
    shows `since` beside it, and leaves it away where a person chose two dates. `colour` is
    `series` (each by its name), `thresholds`, `heat`, `value` (from green to red), or a colour
    whose shades the series get.
    """

    kind: str
    title: str
    description: str
    unit: str
    queries: Sequence[Query]
    width: int = 12
    height: int = 8
    decimals: int | None = None
    least: float | None = None
    most: float | None = None
    steps: Sequence[tuple[float | None, str]] = ((None, look.PLAIN),)
    since: str | None = None
    back: str | None = None
    no_data: str = NO_DATA
    transformations: Sequence[Json] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    custom: Mapping[str, Any] = field(default_factory=dict)
    overrides: Sequence[Json] = ()
    interval: str | None = None
    colour: str = "series"

    def within(self, since: str) -> "Panel":
        """The panel on a dashboard that begins there: if that is far, its empty words say so."""
        if NEAR.fullmatch(self.since or since) or not self.no_data.startswith("no readings"):
            return self
        return replace(self, no_data=self.no_data + FAR)

    def json(self, number: int, x: int, y: int) -> Json:
        return {
            "id": number,
            "type": self.kind,
            "title": self.title,
            "description": self.description,
            "datasource": SOURCE,
            "gridPos": {"x": x, "y": y, "w": self.width, "h": self.height},
            "targets": [_target(query, "ABCDEFGH"[n]) for n, query in enumerate(self.queries)],
            "fieldConfig": {"defaults": self._defaults(), "overrides": self._overrides()},
            "options": dict(self.options),
            **({"transformations": list(self.transformations)} if self.transformations else {}),
            **({"timeFrom": self.since} if self.since and not self._asks_its_time() else {}),
            **({"interval": self.interval} if self.interval else {}),
        }

    def _asks_its_time(self) -> bool:
        """Tell whether the queries have a range of their own, whatever the dashboard shows."""
        return all("now()" in query.text for query in self.queries)

    def _defaults(self) -> Json:
        given = {"decimals": self.decimals, "min": self.least, "max": self.most}
        steps = [{"value": value, "color": colour} for value, colour in self.steps]
        return {
            "unit": self.unit,
            "noValue": self.no_data,
            "color": self._mode(),
            "thresholds": {"mode": "absolute", "steps": steps},
            "custom": dict(self.custom),
            **({"mappings": [self._nothing()]} if self.kind in {"stat", "gauge"} else {}),
            **{name: value for name, value in given.items() if value is not None},
        }

    def _nothing(self) -> Json:
        """Nothing to show is neither good nor bad, so it is plain text."""
        result = {"text": self.no_data, "color": "text", "index": 0}
        return {"type": "special", "options": {"match": "null", "result": result}}

    def _mode(self) -> Json:
        """Colour what no name colours; a number without a name is plain text."""
        if self.colour in _MODES:
            return {"mode": _MODES[self.colour]}
        if self.colour != "series":
            return {"mode": "shades", "fixedColor": self.colour}
        if self.kind in {"stat", "gauge"}:
            return {"mode": "fixed", "fixedColor": "text"}
        return {"mode": "palette-classic"}

    def _overrides(self) -> list[Json]:
        """The colours of the series by their names, then what the panel has of its own."""
        if self.colour != "series":
            return list(self.overrides)
        names = {name: query.alias for query in self.queries for name in query.names}
        shown = (name for name in names if name in look.SERIES and "$col" in names[name])
        coloured = [_coloured(name, names[name]) for name in shown]
        return [*coloured, *self.overrides]


_MODES: Final = {
    "thresholds": "thresholds",
    "heat": "thresholds",
    "value": "continuous-GrYlRd",
}


def _target(query: Query, letter: str) -> Json:
    return {
        "refId": letter,
        "datasource": SOURCE,
        "query": query.text,
        "rawQuery": True,
        "resultFormat": "table" if query.table else "time_series",
        **({} if query.table else {"alias": query.alias}),
    }


def mirrored(*names: str) -> list[Json]:
    """Draw some series below nought, and say them above it: nobody exports minus a kilowatt."""
    return [override(name, custom__transform="negative-Y") for name in names]


def without(reducer: str) -> Json:
    """Leave a series or a column out of which that is true: `allIsZero`, `allIsNull`."""
    hidden = {"legend": True, "tooltip": True, "viz": True}
    return {
        "matcher": {
            "id": "byValue",
            "options": {"reducer": reducer, "op": "gte", "value": 1},
        },
        "properties": [
            {"id": "custom.hideFrom", "value": hidden},
            {"id": "custom.hidden", "value": True},  # what a table of Grafana 11 knows
        ],
    }


def _coloured(name: str, alias: str) -> Json:
    """Colour a series by its name; where the site's stands before it, each site has a shade."""
    mode = "shades" if "tag_site" in alias else "fixed"
    value = {"mode": mode, "fixedColor": look.SERIES[name]}
    return {
        "matcher": {"id": "byRegexp", "options": f"/^(.*: )?{name}$/"},
        "properties": [{"id": "color", "value": value}],
    }


def override(name: str, **properties: Any) -> Json:
    """What is different about one field: `override("Time", unit="string")`."""
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [
            {"id": key.replace("__", "."), "value": v} for key, v in properties.items()
        ],
    }


def in_words(before: str) -> list[Json]:
    """Words for the fields of `transformation.compared`: a part of nought is none."""
    nothing = {"text": "-", "index": 0}
    return [
        override("before", displayName=before),
        override(
            "difference",
            unit=look.PART,
            decimals=0,
            mappings=[
                {"type": "special", "options": {"match": "null+nan", "result": nothing}},
                {"type": "range", "options": {"from": 100, "to": None, "result": nothing}},
            ],
        ),
    ]


def _reduced(calculation: str, fields: str = "") -> Json:
    return {"values": False, "calcs": [calculation], "fields": fields}


def stat(title: str, description: str, unit: str, query: Query, **more: Any) -> Panel:
    """A number. With `steps` its colour says how good it is, else its series' name does."""
    calculation, shown = more.pop("take", "lastNotNull"), more.pop("field", "")
    return Panel(
        kind="stat",
        title=title,
        description=description,
        unit=unit,
        queries=more.pop("queries", (query,)),
        options={
            "reduceOptions": _reduced(calculation, shown),
            "orientation": "auto",
            "textMode": more.pop("text", "auto"),
            "colorMode": "value",
            "graphMode": "none",
            "justifyMode": "auto",
            "wideLayout": True,
            **more.pop("options", {}),
        },
        colour="thresholds" if "steps" in more else "series",
        **{"width": 4, "height": 4, **more},
    )


def gauge(title: str, description: str, unit: str, query: Query, **more: Any) -> Panel:
    """An arc from `least` to `most`."""
    return Panel(
        kind="gauge",
        title=title,
        description=description,
        unit=unit,
        queries=(query,),
        options={
            "reduceOptions": _reduced("lastNotNull"),
            "orientation": "auto",
            "showThresholdLabels": False,
            "showThresholdMarkers": True,
            "sizing": "auto",
            "minVizWidth": 75,
            "minVizHeight": 75,
        },
        colour="thresholds" if "steps" in more else "series",
        **more,
    )


_LEGEND: Final[Json] = {"showLegend": True, "displayMode": "list", "placement": "bottom"}


def lines(title: str, description: str, unit: str, *queries: Query, **more: Any) -> Panel:
    """How something went."""
    custom = {
        "drawStyle": "line",
        "lineWidth": 1,
        "fillOpacity": 15,
        "showPoints": "auto",
        "spanNulls": LONGEST_JOINED_MS,
        "axisSoftMin": more.pop("soft_min", 0),
        **more.pop("custom", {}),
    }
    return Panel(
        kind="timeseries",
        title=title,
        description=description,
        unit=unit,
        queries=queries,
        custom={name: value for name, value in custom.items() if value is not None},
        options={
            "legend": {**_LEGEND, "calcs": more.pop("calculations", [])},
            "tooltip": {"mode": "multi", "sort": "none"},
        },
        **more,
    )


def bars(title: str, description: str, unit: str, *queries: Query, **more: Any) -> Panel:
    """A bar for each hour or day of the time axis, stacked."""
    custom = {
        "drawStyle": "bars",
        "barAlignment": 1,
        "barWidthFactor": 0.8,
        "barMaxWidth": WIDEST_BAR,
        "fillOpacity": 80,
        "lineWidth": 0,
        "stacking": {"mode": "normal", "group": "A"},
        **more.pop("custom", {}),
    }
    more.setdefault("calculations", ["sum"])
    return lines(title, description, unit, *queries, custom=custom, **more)


def columns(title: str, description: str, unit: str, *queries: Query, **more: Any) -> Panel:
    """A bar for each row of a table: months, years. Figures in stacked bars would be a jumble."""
    stacking, along = more.pop("stacking", "normal"), more.pop("along")
    return Panel(
        kind="barchart",
        title=title,
        description=description,
        unit=unit,
        queries=queries,
        custom={"fillOpacity": 80, "lineWidth": 0, **more.pop("custom", {})},
        overrides=[override(along, unit=look.TEXT), *more.pop("overrides", ())],
        options={
            "orientation": "auto",
            "xField": along,
            "xTickLabelRotation": 0,
            "xTickLabelSpacing": more.pop("between", BETWEEN_LABELS),
            "showValue": "auto" if stacking == "none" else "never",
            "stacking": stacking,
            "groupWidth": 0.7,
            "barWidth": 0.9,
            "legend": {**_LEGEND, "calcs": [], "showLegend": more.pop("legend", True)},
            "tooltip": {"mode": "multi", "sort": "none"},
            **more.pop("options", {}),
        },
        **more,
    )


def table(title: str, description: str, unit: str, *queries: Query, **more: Any) -> Panel:
    return Panel(
        kind="table",
        title=title,
        description=description,
        unit=unit,
        queries=queries,
        custom={"align": "auto", **more.pop("custom", {})},
        options={"showHeader": True, "cellHeight": "sm", **more.pop("options", {})},
        **more,
    )
