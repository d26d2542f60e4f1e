"""*Cost*: what the energy comes to, at prices that the person types in above the dashboard."""

from typing import Final

from dashboards.build import influxql, look
from dashboards.build.dashboard import Dashboard, Row, textbox
from dashboards.build.influxql import Query
from dashboards.build.panel import Json, bars, columns, override, stat, table
from dashboards.build.transformation import MONTH, YEAR, joined, per_calendar, sorted_by, total

WITH_A_POINT: Final = "With a point for the decimals: 0.25"
PRICES: Final = [
    textbox(name, label, value, WITH_A_POINT)
    for name, label, value in (
        ("price_t1", "€/kWh tariff 1", "0.12"),
        ("price_t2", "€/kWh tariff 2", "0.14"),
        ("price_return", "€/kWh returned", "0.05"),
        ("energy_tax", "Energy tax €/kWh", "0.13"),
        ("price_gas", "Gas €/m³", "1.30"),
        ("standing", "Standing charge €/day", "0.60"),
    )
]

ELECTRICITY: Final = {
    "tariff 1": "{energy_import_t1_kwh} * ($price_t1)",
    "tariff 2": "{energy_import_t2_kwh} * ($price_t2)",
    "energy tax": "{energy_import_kwh} * ($energy_tax)",
    "standing charge": "{energy_import_kwh} * 0 + ($standing)",
    "return": "0 - {energy_export_kwh} * ($price_return)",
}
_NAMES: Final = (*ELECTRICITY, "gas")


def components() -> dict[str, str]:
    """What a day's electricity costs: the parts, the returned energy below nought."""
    return dict(ELECTRICITY)


def gas_cost(*, table: bool = True) -> Query:
    return influxql.energy({"gas": "{volume_m3} * ($price_gas)"}, measurement="gas", table=table)


def in_all() -> list[Json]:
    """Electricity and gas beside each other by day, and their total."""
    return [joined(), total(_NAMES)]


def _tables() -> tuple[Query, Query]:
    return influxql.energy(ELECTRICITY, table=True), gas_cost()


_DESCRIPTION: Final = (
    "The prices stand above the dashboard, with taxes. Tariff 1 is low (Belgium: day) and 2 "
    "normal (Belgium: night). A meter without tariffs: put its price into the energy tax. Each "
    "day with a reading has its standing charge."
)


def _months(pattern: str, label: str) -> list[Json]:
    """The total first, for the narrow screen."""
    return [*in_all(), *per_calendar(pattern, label, ["total", *_NAMES])]


_COST: Final = Row(
    "What it costs",
    [
        stat(
            "In the days shown",
            f"The sum of all parts in the time range. {_DESCRIPTION}",
            look.EURO,
            _tables()[0],
            queries=_tables(),
            transformations=in_all(),
            field="/^total$/",
            take="sum",
            decimals=2,
            width=6,
        ),
        stat(
            "This month so far",
            f"Since the first of this month. {_DESCRIPTION}",
            look.EURO,
            _tables()[0],
            queries=_tables(),
            transformations=in_all(),
            field="/^total$/",
            take="sum",
            since="now/M",
            decimals=2,
            width=6,
        ),
        stat(
            "The same days a year ago",
            "From the first of this month to this moment, a year earlier, at today's prices.",
            look.EURO,
            _tables()[0],
            queries=_tables(),
            transformations=in_all(),
            field="/^total$/",
            take="sum",
            since="now/M",
            back="1y",
            decimals=2,
            width=6,
            no_data="no readings a year ago",
        ),
        stat(
            "This year so far",
            f"Since the first of January. {_DESCRIPTION}",
            look.EURO,
            _tables()[0],
            queries=_tables(),
            transformations=in_all(),
            field="/^total$/",
            take="sum",
            since="now/y",
            decimals=2,
            width=6,
        ),
        bars(
            "Each day",
            f"The parts of each day's cost; what is returned stands below nought. {_DESCRIPTION}",
            look.EURO,
            influxql.energy(ELECTRICITY),
            gas_cost(table=False),
            decimals=2,
            width=24,
            height=10,
        ),
        columns(
            "Each month",
            f"The parts of each month's cost, thirteen months. {_DESCRIPTION}",
            look.EURO,
            *_tables(),
            transformations=[
                joined(),
                *per_calendar(MONTH, "Month", _NAMES),
            ],
            along="Month",
            since="now-13M/M",
            decimals=0,
            width=24,
            height=10,
        ),
        table(
            "The months in figures",
            f"The same, to read and to compare with the bill. {_DESCRIPTION}",
            look.EURO,
            *_tables(),
            transformations=[*_months(MONTH, "Month"), sorted_by("Month", descending=True)],
            overrides=[override("Month", unit=look.TEXT)],
            since="now-13M/M",
            decimals=2,
            custom={"minWidth": 95},
            width=24,
            height=16,
        ),
        table(
            "The years in figures",
            f"Calendar years, as far as there are readings. {_DESCRIPTION}",
            look.EURO,
            *_tables(),
            transformations=[*_months(YEAR, "Year"), sorted_by("Year", descending=True)],
            overrides=[override("Year", unit=look.TEXT)],
            since="now-10y/y",
            decimals=2,
            custom={"minWidth": 95},
            width=24,
            height=6,
        ),
    ],
)

COST: Final = Dashboard(
    name="cost",
    title="Cost",
    description="What electricity and gas cost: each day, month and year.",
    rows=[_COST],
    since="now-30d/d",
    variables=PRICES,
)
