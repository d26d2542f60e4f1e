"""*Now*: what the house does at this moment, and today so far."""

from typing import Final

from dashboards.build import influxql, look
from dashboards.build.cost import PRICES, components, gas_cost, in_all
from dashboards.build.dashboard import FAILURES, Dashboard, Row
from dashboards.build.panel import bars, gauge, lines, override, stat

_IMPORT: Final = {"import": "{power_import_kw} * 1000"}
_RETURN: Final = {"return": "{power_export_kw} * 1000"}
_PHASES: Final = {
    f"L{n}": f"({{power_import_l{n}_kw}} - {{power_export_l{n}_kw}}) * 1000" for n in (1, 2, 3)
}
_TODAY: Final = "now/d"

_AT_THIS_MOMENT: Final = Row(
    "Now",
    [
        gauge(
            "Power consumption",
            "What the house takes from the grid at this moment, all phases together.",
            look.WATT,
            influxql.last(_IMPORT),
            least=0,
            most=8000,
        ),
        gauge(
            "Power surplus",
            "What the house gives to the grid at this moment: sun that nobody uses.",
            look.WATT,
            influxql.last(_RETURN),
            least=0,
            most=2500,
        ),
        stat(
            "Last reading",
            "When the meter last said something that has arrived here. A meter speaks every "
            "second or every ten; more than a minute ago means that the collector, the network or "
            "InfluxDB holds it up: see the dashboard Collector.",
            look.AGE,
            influxql.last_seen(),
            field="/^Time$/",
            overrides=[override("Time", unit=look.CLOCK)],
            width=8,
        ),
        stat(
            "Net power",
            "Consumption less surplus: below nought the house gives more than it takes.",
            look.WATT,
            influxql.last({"net": "({power_import_kw} - {power_export_kw}) * 1000"}),
            width=8,
        ),
        stat(
            "Tariff",
            "The tariff in force. In the Netherlands 1 is low and 2 normal; in Belgium 1 is day "
            "and 2 night.",
            look.NUMBER,
            influxql.last({"tariff": "{tariff}"}),
            width=8,
        ),
    ],
)

_COURSE: Final = Row(
    "The last hours",
    [
        lines(
            "Power consumption and surplus",
            "Taken from the grid above the line, given to it below.",
            look.WATT,
            influxql.course(
                {"import": "{power_import_kw} * 1000", "return": "{power_export_kw} * -1000"}
            ),
            width=24,
            height=9,
            interval="10s",
        ),
        lines(
            "Phases",
            "Net power of each phase: below nought it gives. A meter of one phase has only L1.",
            look.WATT,
            influxql.course(_PHASES),
            soft_min=None,
            interval="10s",
        ),
        lines(
            "Energy so far",
            "The meter's register less what it was at the left edge: how much the hours shown "
            "have taken and given. Each quarter hour is a point.",
            look.KILOWATT_HOUR,
            *(
                influxql.summed_up(name, field)
                for name, field in (
                    ("import", "energy_import_kwh"),
                    ("return", "energy_export_kwh"),
                )
            ),
        ),
    ],
)

_SO_FAR: Final = Row(
    "Today",
    [
        stat(
            "Taken today",
            "Energy from the grid since midnight of the household's clock.",
            look.KILOWATT_HOUR,
            influxql.energy({"import": "{energy_import_kwh}"}, every=None),
            since=_TODAY,
            decimals=2,
        ),
        stat(
            "Given today",
            "Energy given to the grid since midnight of the household's clock.",
            look.KILOWATT_HOUR,
            influxql.energy({"return": "{energy_export_kwh}"}, every=None),
            since=_TODAY,
            decimals=2,
        ),
        stat(
            "Gas today",
            "Gas since midnight of the household's clock. The gas meter is read every five "
            "minutes or every hour.",
            look.CUBIC_METRE,
            influxql.energy({"gas": "{volume_m3}"}, measurement="gas", every=None),
            since=_TODAY,
            decimals=2,
            no_data="no gas meter on this port",
        ),
        stat(
            "Water today",
            "Water since midnight of the household's clock.",
            look.CUBIC_METRE,
            influxql.energy({"water": "{volume_m3}"}, measurement="water", every=None),
            since=_TODAY,
            decimals=3,
            no_data="no water meter on this port",
        ),
        stat(
            "Cost today",
            "Electricity and gas since midnight at the prices above, with the whole day's "
            "standing charge.",
            look.EURO,
            influxql.energy(components(), table=True),
            queries=(influxql.energy(components(), table=True), gas_cost()),
            transformations=in_all(),
            field="/^total$/",
            take="sum",
            since=_TODAY,
            decimals=2,
            width=8,
        ),
        bars(
            "Hours of today",
            "Energy of each hour of today: taken above the line, given below.",
            look.KILOWATT_HOUR,
            influxql.energy(
                {"import": "{energy_import_kwh}", "return": "0 - {energy_export_kwh}"}, every="1h"
            ),
            since=_TODAY,
            width=24,
        ),
    ],
)

NOW: Final = Dashboard(
    name="now",
    title="Now",
    description="The power at this moment, the last hours, and today so far.",
    rows=[_AT_THIS_MOMENT, _COURSE, _SO_FAR],
    since="now-6h",
    refresh="10s",
    variables=PRICES,
    annotations=[FAILURES],
)
