"""The template for InfluxDB 2's own UI: one list of resources, each with a name of its own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dashboards.build import flux, look

Json = dict[str, Any]

VERSION: Final = "influxdata.com/v2alpha1"
LABEL: Final = "p1-collector"
_LABELLED: Final = [{"kind": "Label", "name": LABEL}]
COLUMNS: Final = 12


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a dashboard; `kind` is the template's name of it."""

    kind: str
    title: str
    query: str
    unit: str
    note: str
    colour: str
    width: int = 6
    height: int = 4
    most: float | None = None
    geometry: str = "line"

    def json(self, x: int, y: int) -> Json:
        made = {
            "kind": self.kind,
            "name": self.title,
            "note": self.note,
            "noteOnEmpty": True,
            "xPos": x,
            "yPos": y,
            "width": self.width,
            "height": self.height,
            "queries": [{"query": self.query}],
        }
        return {**made, **_SHAPES[self.kind](self)}


def _number(cell: Cell) -> Json:
    colours = [{"id": "base", "name": "ours", "type": "text", "hex": cell.colour, "value": 0}]
    return {
        "colors": colours,
        "suffix": f" {cell.unit}",
        "decimalPlaces": 0 if cell.unit == "W" else 2,
    }


def _gauge(cell: Cell) -> Json:
    colours = [
        {"id": "0", "name": "ours", "type": "min", "hex": cell.colour, "value": 0},
        {"id": "1", "name": "ours", "type": "max", "hex": cell.colour, "value": cell.most},
    ]
    return {"colors": colours, "suffix": f" {cell.unit}", "decimalPlaces": 0}


def _graph(cell: Cell) -> Json:
    colours = [{"id": "0", "name": "ours", "type": "scale", "hex": cell.colour, "value": 0}]
    return {
        "colors": colours,
        "geom": cell.geometry,
        "position": "stacked" if cell.geometry == "bar" else "overlaid",
        "xCol": "_time",
        "yCol": "_value",
        "axes": [
            {"name": "x", "base": "10", "scale": "linear"},
            {"name": "y", "base": "10", "scale": "linear", "suffix": f" {cell.unit}"},
        ],
    }


def _table(cell: Cell) -> Json:
    colours = [{"id": "base", "name": "ours", "type": "text", "hex": cell.colour, "value": 0}]
    return {
        "colors": colours,
        "decimalPlaces": 2,
        "tableOptions": {"verticalTimeAxis": True, "sortBy": "_time"},
        "fieldOptions": [
            {"fieldName": "_time", "displayName": "Time", "visible": True},
            {"fieldName": "_value", "displayName": cell.unit, "visible": True},
        ],
        "timeFormat": "YYYY-MM-DD HH:mm",
    }


_SHAPES: Final = {
    "Single_Stat": _number,
    "Gauge": _gauge,
    "Xy": _graph,
    "Table": _table,
}


def _stat(title: str, query: str, unit: str, colour: str, note: str) -> Cell:
    return Cell("Single_Stat", title, query, unit, note, colour, width=3, height=3)


def _line(title: str, query: str, unit: str, colour: str, note: str) -> Cell:
    return Cell("Xy", title, query, unit, note, colour)


def _bar(title: str, query: str, unit: str, colour: str, note: str) -> Cell:
    return Cell("Xy", title, query, unit, note, colour, geometry="bar")


_WATTS: Final = "r._value * 1000.0"
_BELOW: Final = "r._value * -1000.0"
_BOTH: Final = ("energy_import_kwh", "energy_export_kwh")
_GAS: Final = look.SERIES["gas"]
_COST: Final = look.SERIES["total"]

NOW: Final = (
    Cell(
        "Gauge",
        "Power consumption",
        flux.last("power_import_kw", _WATTS),
        "W",
        "What the house takes from the grid at this moment.",
        look.IMPORT,
        most=8000,
    ),
    Cell(
        "Gauge",
        "Power surplus",
        flux.last("power_export_kw", _WATTS),
        "W",
        "What the house gives to the grid at this moment.",
        look.RETURN,
        most=2500,
    ),
    Cell(
        "Xy",
        "Power consumption and surplus",
        flux.course({"power_import_kw": _WATTS, "power_export_kw": _BELOW}),
        "W",
        "Taken above the line, given below it.",
        look.IMPORT,
        width=12,
    ),
    _stat(
        "Taken today",
        flux.today("energy_import_kwh"),
        "kWh",
        look.IMPORT,
        "Since midnight of the household's clock.",
    ),
    _stat(
        "Given today",
        flux.today("energy_export_kwh"),
        "kWh",
        look.RETURN,
        "Since midnight of the household's clock.",
    ),
    _stat(
        "Gas today",
        flux.today("volume_m3", "gas"),
        "m³",
        _GAS,
        "Since midnight of the household's clock.",
    ),
    _stat(
        "Seconds since the last reading",
        flux.last_seen(),
        "s",
        look.PLAIN,
        "More than a minute: see the dashboard Collector.",
    ),
)

HISTORY: Final = (
    _bar("Each day", flux.energy(_BOTH, "1d"), "kWh", look.IMPORT, "Taken and given each day."),
    _bar(
        "Gas each day",
        flux.energy(["volume_m3"], "1d", measurement="gas"),
        "m³",
        _GAS,
        "Gas each day.",
    ),
    _bar("Each week", flux.energy(_BOTH, "1w"), "kWh", look.IMPORT, "Weeks begin on Monday."),
    _bar(
        "Each month",
        flux.energy(_BOTH, "1mo", since=flux.back("14mo")),
        "kWh",
        look.IMPORT,
        "The last months, whatever the time range.",
    ),
    _bar(
        "Each year",
        flux.energy(_BOTH, "1y", since=flux.back("10y")),
        "kWh",
        look.IMPORT,
        "The last years, whatever the time range.",
    ),
    _line(
        "Standby",
        flux.standby(),
        "W",
        look.SERIES["standby"],
        "The lowest quarter hour between midnight and six.",
    ),
)

COST: Final = (
    _bar("Each day", flux.cost("1d"), "€", _COST, "At the prices in the variables."),
    _bar("Each month", flux.cost("1mo"), "€", _COST, "At the prices in the variables."),
)

PEAK: Final = (
    _stat(
        "Running quarter hour",
        flux.last("demand_kw"),
        "kW",
        look.SERIES["running quarter hour"],
        "The mean power since the quarter began.",
    ),
    _stat(
        "Peak of this month",
        flux.last("demand_month_peak_kw"),
        "kW",
        look.SERIES["peak of this month"],
        "The highest quarter hour since the first.",
    ),
    _stat(
        "Mean of twelve months",
        flux.mean_peak(),
        "kW",
        look.SERIES["peak"],
        "Of the finished months, none counted below 2.5 kW.",
    ),
    _bar(
        "Month peaks",
        flux.peaks(),
        "kW",
        look.SERIES["peak"],
        "From the meter's log, thirteen months.",
    ),
)

QUALITY: Final = (
    _line(
        "Voltage",
        flux.course(dict.fromkeys((f"voltage_l{n}_v" for n in (1, 2, 3)), "r._value")),
        "V",
        look.SERIES["L1"],
        "207 to 253 V is what EN 50160 allows.",
    ),
    _line(
        "Current",
        flux.course(dict.fromkeys((f"current_l{n}_a" for n in (1, 2, 3)), "r._value"), "max"),
        "A",
        look.SERIES["L2"],
        "Each phase.",
    ),
    Cell(
        "Table",
        "Long power failures",
        flux.failures(),
        "s",
        "From the meter's own log: when each ended, and its seconds.",
        look.BAD,
        width=12,
    ),
)

OWN: Final = (
    _line(
        "Age of the backlog",
        flux.own(["lag_s"]),
        "s",
        look.CARE,
        "A ramp is an outage, its fall the catching up.",
    ),
    _line(
        "Spool", flux.own(["spool_bytes"]), "B", look.SERIES["spool"], "What waits on the disk."
    ),
    _line(
        "Read and delivered",
        flux.own(["read", "delivered"]),
        "",
        look.GOOD,
        "Since the collector was started.",
    ),
    _line(
        "Trouble",
        flux.own(["bad_checksums", "rejected", "dropped", "damaged", "retries"]),
        "",
        look.BAD,
        "Since the collector was started.",
    ),
)

DASHBOARDS: Final = {
    "now": ("P1 · Now", NOW),
    "history": ("P1 · History", HISTORY),
    "cost": ("P1 · Cost", COST),
    "peak-demand": ("P1 · Peak demand", PEAK),
    "power-quality": ("P1 · Power quality", QUALITY),
    "collector": ("P1 · Collector", OWN),
}

_PRICES: Final = {
    "price_t1": ["0.12", "0.20", "0.25", "0.30", "0.35"],
    "price_t2": ["0.14", "0.20", "0.25", "0.30", "0.35"],
    "price_return": ["0.05", "0.01", "0.10"],
    "energy_tax": ["0.13", "0.00"],
    "price_gas": ["1.30", "1.10", "1.50"],
    "standing": ["0.60", "1.00", "1.50"],
}


def template() -> list[Json]:
    """All resources but buckets: a template that owns a bucket deletes the readings with it."""
    return [
        _resource(
            "Label", LABEL, name=LABEL, color=look.IMPORT, description="Made by p1-collector"
        ),
        *_variables(),
        *(_dashboard(name, title, cells) for name, (title, cells) in DASHBOARDS.items()),
        _resource(
            "Task",
            "p1-keep-for-long",
            name="P1: keep for long",
            every="1h",
            offset="7m",
            query=flux.DOWNSAMPLE,
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
            query=flux.SILENCE,
            statusMessageTemplate="No reading of ${ r.site } for five minutes",
            associations=_LABELLED,
        ),
        _resource(
            "CheckThreshold",
            "p1-backlog",
            name="P1: the spool grows",
            every="5m",
            query=flux.BACKLOG,
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


def _dashboard(name: str, title: str, cells: Sequence[Cell]) -> Json:
    charts, x, y, tallest = [], 0, 0, 0
    for cell in cells:
        if x + cell.width > COLUMNS:
            x, y, tallest = 0, y + tallest, 0
        charts.append(cell.json(x, y))
        x, tallest = x + cell.width, max(tallest, cell.height)
    return _resource("Dashboard", f"p1-{name}", name=title, charts=charts, associations=_LABELLED)
