"""A dashboard drawn in a headless Chromium, from the answers of a real InfluxDB."""

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Self

from dashboards.asked import Ask, Series, frame
from dashboards.node import install
from dashboards.shipped import Json, Range, dashboards, defaults, panels, range_of, sent

HERE: Final = Path(__file__).parent
WIDE: Final = 1600
PHONE: Final = 412
WAIT_SECONDS: Final = 60
INTERVALS: Final = ((7, "10s"), (30, "1m"), (8 * 24, "10m"), (40 * 24, "1h"))
"""Up to so many hours Grafana has such an `$__interval` for a panel as wide as the page."""


class NoBrowserError(Exception):
    """Chromium is missing, and this is how to have it."""


class Page:
    """Node with a browser, which draws; a context manager."""

    def __init__(self) -> None:
        browser = shutil.which("chromium")
        if not browser:
            raise NoBrowserError("there is no chromium: apt install chromium")
        self._node = subprocess.Popen(
            ["node", str(HERE / "draw.mjs"), str(install(HERE)), browser],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._node.communicate(timeout=WAIT_SECONDS)

    def drawn(self, job: Json) -> Json:
        """Draw a job of `job`; give what the page says."""
        assert self._node.stdin is not None
        assert self._node.stdout is not None
        self._node.stdin.write(json.dumps(job) + "\n")
        self._node.stdin.flush()
        answer: Json = json.loads(self._node.stdout.readline())
        assert "failed" not in answer, answer["failed"]
        return answer


def job(
    ask: Ask, name: str, site: str, now: datetime, width: int, picture: Path, most: int | None
) -> Json:
    """Give all that is drawn: a dashboard, and the answers to what its panels ask."""
    dashboard = dashboards()[name]
    known = defaults(dashboard) if name == "collector" else {**defaults(dashboard), "site": site}
    known |= _hidden(ask, dashboard, now, known)
    return {
        "dashboard": dashboard,
        "panels": {
            panel["id"]: _answered(ask, panel, range_of(panel, dashboard, now), known)
            for panel in panels(dashboard)
        },
        "width": width,
        "now": now.timestamp() * 1000,
        "picture": str(picture),
        "most": most,
    }


def _hidden(ask: Ask, dashboard: Json, now: datetime, values: Mapping[str, str]) -> dict[str, str]:
    """What Grafana asks before the panels: the variables that nobody sees."""
    asked = {
        variable["name"]: ask(sent(variable["query"], Range(now, now), values))
        for variable in dashboard["templating"]["list"]
        if variable["type"] == "query" and variable["hide"] == 2
    }
    return {name: str(found[0]["values"][0][1]) for name, found in asked.items() if found}


def _answered(ask: Ask, panel: Json, span: Range, values: Mapping[str, str]) -> Json:
    interval = _interval(panel, span)
    frames = [
        made
        for target in panel["targets"]
        for made in _frames(ask(sent(target["query"], span, values, interval)), target)
    ]
    return {"frames": frames, "range": list(span.milliseconds)}


def _interval(panel: Json, span: Range) -> str:
    hours = (span.end - span.begin) / timedelta(hours=1)
    found = next((text for most, text in INTERVALS if hours <= most), "1d")
    return panel.get("interval", found) if found == "10s" else found


def _frames(series: Series, target: Json) -> Iterator[Json]:
    """One table, or a frame each column of each series, as Grafana's data source makes them."""
    if series and target["resultFormat"] == "table":
        yield _named(frame(series, target["refId"]))
        return
    for one in series:
        for number in range(1, len(one["columns"])):
            alias = target["alias"].replace("$tag_site", one.get("tags", {}).get("site", ""))
            name = alias.replace("$col", one["columns"][number])
            values = [[row[0], row[number]] for row in one["values"]]
            column = {"columns": ["time", name], "values": values}
            yield _named({**frame([column], target["refId"]), "name": name})


def _named(made: Json) -> Json:
    """A column's own name is what is displayed."""
    fields = [
        {**field, "config": {"displayNameFromDS": field["name"]}}
        if field["name"] != "Time"
        else field
        for field in made["fields"]
    ]
    return {**made, "fields": fields}
