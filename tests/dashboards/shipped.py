"""The dashboards as they are shipped, and their queries as Grafana would send them."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from collector.simulate.localtime import local, midnight

ROOT: Final = Path(__file__).resolve().parents[2]
GRAFANA: Final = ROOT / "dashboards" / "grafana"
INFLUXDB: Final = ROOT / "dashboards" / "influxdb"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Range:
    """A time range in UTC; the end belongs to it, as in Grafana."""

    begin: datetime
    end: datetime

    @property
    def milliseconds(self) -> tuple[int, int]:
        return int(self.begin.timestamp() * 1000), int(self.end.timestamp() * 1000)


def dashboards() -> dict[str, Json]:
    return {path.stem: json.loads(path.read_text()) for path in sorted(GRAFANA.glob("*.json"))}


def panels(dashboard: Json) -> Iterator[Json]:
    """The panels that show something; a row is a heading, and has its panels if collapsed."""
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            yield from panel["panels"]
        else:
            yield panel


def panel(dashboard: str, title: str) -> Json:
    (found,) = (each for each in panels(dashboards()[dashboard]) if each["title"] == title)
    return found


def range_of(panel: Json, dashboard: Json, now: datetime) -> Range:
    """The panel's time range at this instant: its own where it has one, else the dashboard's."""
    time = dashboard["time"]
    own = panel.get("timeFrom")
    given = Range(instant(own or time["from"], now), now if own else instant(time["to"], now))
    back = panel.get("timeShift")
    return Range(_earlier(given.begin, back), _earlier(given.end, back)) if back else given


def instant(text: str, now: datetime) -> datetime:
    """Date arithmetic in Grafana's words, by the household's clock: `now-13M/M`."""
    match = re.fullmatch(r"now(?:-(\d+[dwMyh]))?(?:/([dwMy]))?", text)
    assert match, text
    back, whole = match.groups()
    moment = _earlier(now, back) if back else now
    return _begin(moment, whole) if whole else moment


def _earlier(moment: datetime, back: str) -> datetime:
    count, unit = int(back[:-1]), back[-1]
    if unit == "h":
        return moment - timedelta(hours=count)
    clock = local(moment)
    if unit in "dw":
        clock -= timedelta(days=count * (7 if unit == "w" else 1))
    else:
        months = clock.year * 12 + clock.month - 1 - count * (12 if unit == "y" else 1)
        clock = clock.replace(year=months // 12, month=months % 12 + 1)
    return midnight(clock.date()) + (clock - datetime(clock.year, clock.month, clock.day))  # noqa: DTZ001  a clock on the wall


def _begin(moment: datetime, unit: str) -> datetime:
    day = local(moment).date()
    if unit == "w":
        day -= timedelta(days=day.weekday())
    if unit in "My":
        day = day.replace(day=1)
    if unit == "y":
        day = day.replace(month=1)
    return midnight(day)


def defaults(dashboard: Json) -> dict[str, str]:
    """The values of the variables as shipped; for what the database knows, all of it."""
    values = {}
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "textbox":
            values[variable["name"]] = variable["query"]
        elif variable["type"] == "query":
            values[variable["name"]] = variable.get("allValue", "")
    return values


def sent(
    query: str,
    span: Range,
    values: Mapping[str, str],
    interval: str = "10m",
    now: datetime | None = None,
) -> str:
    """Fill the variables in, as Grafana's InfluxDB data source does.

    `now()` is the range's end, unless it is given: the server's clock is not the tests' one.
    """
    now = now or span.end
    begin, end = span.milliseconds
    known = {
        "$timeFilter": f"time >= {begin}ms and time <= {end}ms",
        "${__from}": str(begin),
        "${__to}": str(end),
        "now()": f"'{now.isoformat().replace('+00:00', 'Z')}'",
        "$__interval": interval,
        **{f"${{{name}:regex}}": value for name, value in values.items()},
        **{f"${{{name}}}": value for name, value in values.items()},
        **{f"(${name})": f"({value})" for name, value in values.items()},
    }
    for name, value in known.items():
        query = query.replace(name, value)
    assert "$" not in query.replace("$/", ""), query
    return query


def utc(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
