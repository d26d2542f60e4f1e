"""The template for InfluxDB 2's own UI: one list of resources, each with a name of its own."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from dashboards.build import look, task
from dashboards.build.cells import CELLS
from dashboards.build.chart import WIDTH, charts
from dashboards.build.dashboard import Dashboard
from dashboards.build.flux import Ask
from dashboards.build.panel import Json, Panel

VERSION: Final = "influxdata.com/v2alpha1"
LABEL: Final = "p1-collector"
_LABELLED: Final = [{"kind": "Label", "name": LABEL}]


_PRICES: Final = {
    "price_t1": ["0.12", "0.20", "0.25", "0.30", "0.35"],
    "price_t2": ["0.14", "0.20", "0.25", "0.30", "0.35"],
    "price_export": ["0.05", "0.01", "0.10"],
    "energy_tax": ["0.13", "0.00"],
    "price_gas": ["1.30", "1.10", "1.50"],
    "standing": ["0.60", "1.00", "1.50"],
    "fuse": ["25", "35", "40", "50", "63", "80"],
    "price_kw": ["52.00", "40.00", "60.00"],
}


def template(dashboards: Sequence[Dashboard]) -> list[Json]:
    """All resources but buckets: a template that owns a bucket deletes the readings with it."""
    return [
        _resource(
            "Label", LABEL, name=LABEL, color=look.IMPORT, description="Made by p1-collector"
        ),
        *_variables(),
        *map(_dashboard, dashboards),
        _resource(
            "Task",
            "p1-keep-for-long",
            name="P1: keep for long",
            every="1h",
            offset="7m",
            query=task.DOWNSAMPLE,
            description="Copies what dashboards of years need into p1-long",
            associations=_LABELLED,
        ),
        _resource(
            "CheckDeadman",
            "p1-silence",
            name="P1: the meter is silent",
            every="1m",
            timeSince="5m",
            staleTime="1h",
            level="CRIT",
            query=task.SILENCE,
            statusMessageTemplate="No reading of ${ r.site } for five minutes",
            associations=_LABELLED,
        ),
        _resource(
            "CheckThreshold",
            "p1-backlog",
            name="P1: the spool grows",
            every="5m",
            query=task.BACKLOG,
            statusMessageTemplate="${ string(v: r.spool_bytes) } bytes wait at ${ r.site }",
            thresholds=[
                {"type": "greater", "level": "WARN", "value": 1_000_000},
                {"type": "greater", "level": "CRIT", "value": 100_000_000},
            ],
            associations=_LABELLED,
        ),
    ]


def _resource(kind: str, name: str, /, **spec: Any) -> Json:
    """`name` identifies the resource in the template; the one in `spec` is what people see."""
    return {"apiVersion": VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}


def _variables() -> Iterable[Json]:
    yield _resource(
        "Variable",
        "p1-bucket",
        name="bucket",
        type="query",
        language="flux",
        query='buckets() |> filter(fn: (r) => r.name !~ /^_/) |> rename(columns: {name: "_value"})'
        ' |> keep(columns: ["_value"])',
        selected=["p1"],
        associations=_LABELLED,
    )
    yield _resource(
        "Variable",
        "p1-site",
        name="site",
        type="query",
        language="flux",
        query='import "influxdata/influxdb/schema"\n\n'
        'schema.measurementTagValues(bucket: v.bucket, measurement: "electricity", tag: "site")',
        selected=["home"],
        associations=_LABELLED,
    )
    zones = ["Europe/Amsterdam", "Europe/Brussels", "Europe/Vilnius", "Europe/Helsinki"]
    for name, values in {"zone": zones, **_PRICES}.items():
        yield _resource(
            "Variable",
            f"p1-{name.replace('_', '-')}",
            name=name,
            type="constant",
            values=values,
            selected=values[:1],
            associations=_LABELLED,
        )


def _dashboard(made: Dashboard) -> Json:
    """The panels of one of Grafana's, each under its title: a heading would take much room."""
    least = made.since if "d" in made.since else ""
    return _resource(
        "Dashboard",
        f"p1-{made.name}",
        name=f"P1 · {made.title}",
        description=made.description,
        charts=list(
            _placed(
                charts(panel, _asked(made, panel), least)
                for row in made.rows
                for panel in row.panels
            )
        ),
        associations=_LABELLED,
    )


def _placed(panels: Iterable[Sequence[Json]]) -> Iterable[Json]:
    """One after the other, in rows as high as their highest; the charts of a panel together."""
    x, y, tallest = 0, 0, 0
    for panel in panels:
        if x + sum(chart["width"] for chart in panel) > WIDTH:
            x, y, tallest = 0, y + tallest, 0
        for chart in panel:
            yield {**chart, "xPos": x, "yPos": y}
            x, tallest = x + chart["width"], max(tallest, chart["height"])


def _asked(made: Dashboard, panel: Panel) -> Ask:
    asks = CELLS[made.name]
    return asks.get(f"{panel.kind} {panel.title}") or asks[panel.title]
