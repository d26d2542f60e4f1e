"""A dashboard of Grafana: its variables, its panels in rows, the links between them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from dashboards.build.influxql import SINCE, SITE, WHO
from dashboards.build.panel import SOURCE, Json, Panel
from dashboards.build.transformation import ZONE

WIDTH: Final = 24
SCHEMA: Final = 39
"""Grafana 11's; later ones bring it up to date themselves."""

TAG: Final = "p1-collector"
IN_MENU: Final = 3
"""A variable that is set once: in the menu of controls; above the dashboard in an old Grafana."""


@dataclass(frozen=True, slots=True)
class Row:
    """A heading over some panels; a collapsed one is opened by who wants it, and asks nothing.

    Without a title there is no heading.
    """

    title: str
    panels: Sequence[Panel]
    collapsed: bool = False


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A dashboard; `name` is its file's, and with a prefix its uid, for ever."""

    name: str
    title: str
    description: str
    rows: Sequence[Row]
    since: str
    until: str = "now"
    refresh: str = ""
    variables: Sequence[Json] = ()
    annotations: Sequence[Json] = ()
    several_sites: bool = False

    def json(self) -> Json:
        return {
            "id": None,
            "uid": f"p1-{self.name}",
            "title": f"P1 · {self.title}",
            "description": self.description,
            "tags": [TAG],
            "timezone": ZONE,
            "weekStart": "monday",
            "editable": True,
            "graphTooltip": 1,
            "schemaVersion": SCHEMA,
            "version": 1,
            "refresh": self.refresh,
            "time": {"from": self.since, "to": self.until},
            "timepicker": {},
            "links": [_LINKS],
            "annotations": {"list": [_BUILT_IN, *self.annotations]},
            "templating": {"list": [*_who(several_sites=self.several_sites), *self.variables]},
            "panels": list(_placed(self._rows())),
        }

    def _rows(self) -> Iterable[Row]:
        for row in self.rows:
            yield replace(row, panels=[panel.within(self.since) for panel in row.panels])


def _placed(rows: Iterable[Row]) -> Iterable[Json]:
    """Lay the panels out below each other; ids count from one."""
    number, y = 1, 0
    for row in rows:
        if not row.title:
            panels = list(_below(row.panels, number, y))
            yield from panels
            number, y = number + len(panels), _bottom(panels)
            continue
        heading = _heading(row, number, y)
        panels = list(_below(row.panels, number + 1, y + 1))
        number += 1 + len(panels)
        if row.collapsed:
            yield {**heading, "panels": panels}
            y += 1
        else:
            yield from (heading, *panels)
            y = _bottom(panels)


def _bottom(panels: Sequence[Json]) -> int:
    places = [panel["gridPos"] for panel in panels]
    return max(int(place["y"] + place["h"]) for place in places)


def _below(panels: Iterable[Panel], number: int, y: int) -> Iterable[Json]:
    """Put each panel as high as it will go, and there as far left."""
    bottoms = [y] * WIDTH
    for n, panel in enumerate(panels, start=number):
        places = range(WIDTH - panel.width + 1)
        top, x = min((max(bottoms[x : x + panel.width]), x) for x in places)
        yield panel.json(n, x, top)
        bottoms[x : x + panel.width] = [top + panel.height] * panel.width


def _heading(row: Row, number: int, y: int) -> Json:
    return {
        "id": number,
        "type": "row",
        "title": row.title,
        "collapsed": row.collapsed,
        "gridPos": {"x": 0, "y": y, "w": WIDTH, "h": 1},
        "panels": [],
    }


_LINKS: Final[Json] = {
    "type": "dashboards",
    "title": "P1",
    "tags": [TAG],
    "asDropdown": False,
    "includeVars": True,
    "keepTime": False,
    "targetBlank": False,
    "icon": "external link",
    "tooltip": "",
    "url": "",
}

_BUILT_IN: Final[Json] = {
    "builtIn": 1,
    "datasource": {"type": "grafana", "uid": "-- Grafana --"},
    "enable": True,
    "hide": True,
    "iconColor": "rgba(0, 211, 255, 1)",
    "name": "Annotations & Alerts",
    "type": "dashboard",
}


def annotation(name: str, colour: str, query: str, text: str) -> Json:
    """Marks of events: the meter's own, on every panel with a time axis."""
    return {
        "name": name,
        "datasource": SOURCE,
        "enable": True,
        "iconColor": colour,
        "target": {
            "refId": "Anno",
            "query": query,
            "rawQuery": True,
            "textColumn": text,
            "fromAnnotations": True,
        },
    }


FAILURES: Final = annotation(
    "power failures",
    "red",
    f'SELECT "duration_s" FROM "power_failure" WHERE {WHO} AND $timeFilter',  # noqa: S608  ours
    "duration_s",
)


def _who(*, several_sites: bool) -> list[Json]:
    """Data source, household and meter: those of the range shown, or of the day before it.

    A household's meters are taken together by default.
    """
    sites = f'SHOW TAG VALUES FROM "electricity" WITH KEY = "site" WHERE {SINCE}'
    meters = f'SHOW TAG VALUES FROM "electricity" WITH KEY = "meter" WHERE {SITE} AND {SINCE}'
    source = {
        "type": "datasource",
        "name": "datasource",
        "label": "Data source",
        "description": "An InfluxDB with the query language InfluxQL",
        "query": "influxdb",
        "refresh": 1,
        "regex": "",
        "includeAll": False,
        "multi": False,
        "hide": IN_MENU,
        "options": [],
    }
    return [
        source,
        _asked("site", "Household", sites, everything=several_sites),
        *([] if several_sites else [_asked("meter", "Meter", meters, everything=True)]),
        *([] if several_sites else [textbox("zone", "Time zone of the days", ZONE)]),
    ]


def _asked(name: str, label: str, query: str, *, everything: bool) -> Json:
    """A variable whose values the database knows."""
    everyone: Json = {"text": ["All"], "value": ["$__all"]}
    return {
        "type": "query",
        "name": name,
        "label": label,
        "datasource": SOURCE,
        "query": query,
        "refresh": 2,
        "regex": "",
        "sort": 1,
        "includeAll": everything,
        "multi": everything,
        **({"allValue": ".*", "current": everyone} if everything else {}),
        "hide": 0 if name == "site" else IN_MENU,
        "options": [],
    }


def contract_year() -> Json:
    """A variable that nobody sees: the second at which the contract's year began."""
    query = (
        f'SELECT last("contract_year") FROM "readings" WHERE {SITE}'  # noqa: S608  ours
        " AND \"meter\" = 'contract' AND time > now() - 32d AND time <= now()"
    )
    return {**_asked("contract_year", "Contract's year", query, everything=False), "hide": 2}


def textbox(name: str, label: str, value: str, description: str = "") -> Json:
    """A variable that the person types in: a price."""
    chosen: dict[str, Any] = {"text": value, "value": value, "selected": True}
    return {
        "type": "textbox",
        "name": name,
        "label": label,
        "description": description,
        "query": value,
        "current": chosen,
        "options": [chosen],
        "hide": IN_MENU,
    }
