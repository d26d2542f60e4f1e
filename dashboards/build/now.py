"""*Now*: what the house does at this moment, and today so far."""

from typing import Final

from dashboards.build import influxql, look, solar
from dashboards.build.contract import PRICES_NOW
from dashboards.build.cost import PRICES, components, gas_cost, in_all
from dashboards.build.dashboard import FAILURES, Dashboard, Row
from dashboards.build.influxql import Query, past
from dashboards.build.panel import (
    Panel,
    bars,
    gauge,
    lines,
    mirrored,
    override,
    stat,
    table,
    without,
)
from dashboards.build.transformation import age, merged, ordered

_NET: Final = {"net": "({power_import_kw} - {power_export_kw}) * 1000"}
_WATTS: Final = {"import": "{power_import_kw} * 1000", "export": "{power_export_kw} * 1000"}
_PHASES: Final = {
    f"L{n}": f"({{power_import_l{n}_kw}} - {{power_export_l{n}_kw}}) * 1000" for n in (1, 2, 3)
}
_TODAY: Final = "now/d"
_SILENT: Final = "no reading in the last two minutes"
_MIDNIGHT: Final = "since midnight of the household's clock"


def _today(title: str, description: str, unit: str, query: Query, **more: object) -> Panel:
    return stat(title, description, unit, query, since=_TODAY, **more)


def _device(name: str, unit: str, decimals: int) -> Panel:
    return _today(
        f"{name.capitalize()} today",
        f"{name.capitalize()} {_MIDNIGHT}. The meter is read every five minutes or every hour.",
        unit,
        influxql.energy({name: "{volume_m3}"}, measurement=name, span=past(2), fill="0"),
        decimals=decimals,
        width=3,
        no_data=f"no {name} meter on this port",
    )


def _energy(name: str, what: str) -> Panel:
    return _today(
        f"{name.capitalize()} today",
        f"Energy {what} {_MIDNIGHT}.",
        look.KILOWATT_HOUR,
        influxql.energy({name: f"{{energy_{name}_kwh}}"}, span=past(2), fill="0"),
        decimals=2,
    )


_COST: Final = (
    influxql.energy(components(), table=True, span=past(2), fill="0"),
    gas_cost(span=past(2), fill="0"),
)

_AT_THIS_MOMENT: Final = Row(
    "",
    [
        gauge(
            "Power",
            "Import less export at this moment, all phases together. Orange: the house imports; "
            "green and below nought: it exports what nobody uses.",
            look.WATT,
            influxql.last(_NET),
            least=-4000,
            most=8000,
            decimals=0,
            steps=((None, look.EXPORT), (0, look.IMPORT)),
            width=6,
            height=9,
            no_data=_SILENT,
        ),
        _energy("import", look.WORDS["import"][0]),
        _energy("export", look.WORDS["export"][0]),
        _device("gas", look.CUBIC_METRE, 2),
        _device("water", look.CUBIC_METRE, 3),
        _today(
            "Cost today",
            "Electricity and gas since midnight at the prices of the dashboard's variables, with "
            "the whole day's standing charge.",
            look.EURO,
            _COST[0],
            queries=_COST,
            transformations=in_all(),
            field="/^total$/",
            decimals=2,
        ),
        stat(
            "Last reading",
            "How long ago the meter last said something that has arrived here. A meter speaks "
            "every second or every ten; over a minute means that the collector, the network or "
            "InfluxDB holds it up: see the dashboard Collector.",
            look.SECONDS,
            influxql.tens_of_seconds(),
            transformations=age("readings", 10),
            field="/^ago$/",
            steps=look.AGE_STEPS,
            decimals=0,
            height=5,
            no_data="over an hour ago",
        ),
        stat(
            "Tariff",
            "The tariff in force. In the Netherlands 1 is low and 2 normal; in Belgium 1 is day "
            "and 2 night.",
            look.NUMBER,
            influxql.last({"tariff": "{tariff}"}),
            decimals=0,
            height=5,
            no_data=_SILENT,
        ),
        table(
            "Highest and lowest power",
            "The highest and the lowest net power, and when that was; below nought the house "
            "exported.",
            look.WATT,
            influxql.extreme_net("power", "max"),
            influxql.extreme_net("power", "min"),
            transformations=[merged(), ordered(("power", "Time"), {"Time": "at"})],
            overrides=[override("Time", unit=look.CLOCK), override("at", unit=look.CLOCK)],
            since=_TODAY,
            decimals=0,
            width=10,
            height=5,
        ),
    ],
)

_COURSE: Final = Row(
    "How it went",
    [
        lines(
            "Import and export",
            "Power: import above the line, export below. With what the own panels make, where "
            "that is put here, and in Belgium the highest quarter hour of this month.",
            look.WATT,
            influxql.course(_WATTS),
            influxql.course({"solar": "{power_kw} * 1000"}, measurement="solar"),
            influxql.course({"peak of this month": "{demand_month_peak_kw} * 1000"}),
            overrides=[
                *mirrored("export"),
                override("peak of this month", custom__fillOpacity=0),
            ],
            width=24,
            interval="10s",
        ),
        lines(
            "Phases",
            "Net power of each phase, with its mean and highest: below nought it exports. A meter "
            "of one phase has only L1.",
            look.WATT,
            influxql.course(_PHASES),
            calculations=["mean", "max"],
            decimals=0,
            overrides=[without("allIsNull")],
            soft_min=None,
            interval="10s",
            height=7,
        ),
        bars(
            "Each hour",
            "Energy of each hour: import above the line, export below.",
            look.KILOWATT_HOUR,
            influxql.energy(
                {"import": "{energy_import_kwh}", "export": "{energy_export_kwh}"}, every="1h"
            ),
            overrides=mirrored("export"),
            since=_TODAY,
            height=7,
        ),
    ],
)


def _registers(*names: str) -> Query:
    columns = {
        name: f"{{energy_{name.replace('tariff ', 't').replace(' ', '_')}_kwh}}" for name in names
    }
    return influxql.last(columns, span=past(2))


def _volume(name: str) -> Query:
    return influxql.last({name: "{volume_m3}"}, measurement=name, span=past(2))


_REGISTERS: Final = (
    _registers("import tariff 1", "import tariff 2"),
    _registers("export tariff 1", "export tariff 2"),
    _registers("import", "export"),
    _volume("gas"),
    _volume("water"),
)

_SOLAR: Final = Row("Solar", [solar.TODAY, solar.POWER], collapsed=True)

_METER: Final = Row(
    "",
    [
        stat(
            "On the meter",
            "What stands on the meters now: what a supplier asks for at a move, and what the bill "
            "must agree with.",
            look.KILOWATT_HOUR,
            _REGISTERS[0],
            queries=_REGISTERS,
            overrides=[
                override("gas", unit=look.CUBIC_METRE),
                override("water", unit=look.CUBIC_METRE),
            ],
            text="value_and_name",
            options={"orientation": "horizontal", "text": {"valueSize": 18, "titleSize": 14}},
            decimals=3,
            width=12,
            height=7,
        ),
        lines(
            "Energy so far",
            "The meter's registers less what they were at the left edge. Each quarter hour is a "
            "point.",
            look.KILOWATT_HOUR,
            *(influxql.summed_up(name, f"energy_{name}_kwh") for name in ("import", "export")),
            height=7,
        ),
    ],
)

NOW: Final = Dashboard(
    name="now",
    title="Now",
    description="The power at this moment, today so far, the last hours, the meter's registers.",
    rows=[_AT_THIS_MOMENT, PRICES_NOW, _COURSE, _METER, _SOLAR],
    since="now-6h",
    refresh="10s",
    variables=PRICES,
    annotations=[FAILURES],
)
