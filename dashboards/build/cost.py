"""*Cost*: what the energy comes to, at prices that the person types in above the dashboard."""

from typing import Final

from dashboards.build import influxql, look
from dashboards.build.contract import CONTRACT
from dashboards.build.dashboard import Dashboard, Row, contract_year, textbox
from dashboards.build.influxql import SPAN, Query, past
from dashboards.build.panel import SMALL, Json, columns, in_words, override, stat, table
from dashboards.build.transformation import (
    DAY,
    MONTH,
    YEAR,
    compared,
    joined,
    per_calendar,
    side_by_side,
    sorted_by,
    total,
)

WITH_A_POINT: Final = "With a point for the decimals: 0.25"
PRICES: Final = [
    textbox(name, label, value, WITH_A_POINT)
    for name, label, value in (
        ("price_t1", "€/kWh tariff 1", "0.12"),
        ("price_t2", "€/kWh tariff 2", "0.14"),
        ("price_export", "€/kWh exported", "0.05"),
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
    "export": "0 - {energy_export_kwh} * ($price_export)",
}
_NAMES: Final = (*ELECTRICITY, "gas")


def components() -> dict[str, str]:
    """What a day's electricity costs: the parts, what was exported below nought."""
    return dict(ELECTRICITY)


def gas_cost(name: str = "gas", **more: str) -> Query:
    columns = {name: "{volume_m3} * ($price_gas)"}
    return influxql.energy(columns, measurement="gas", table=True, **more)


def in_all() -> list[Json]:
    """Electricity and gas beside each other by day, and their total."""
    return [joined(), total(_NAMES)]


def _tables(span: str = SPAN) -> tuple[Query, Query]:
    return influxql.energy(ELECTRICITY, table=True, span=span), gas_cost(span=span)


_DESCRIPTION: Final = (
    "The prices are the dashboard's variables, with taxes. Tariff 1 is low (Belgium: day) and 2 "
    "normal (Belgium: night). A meter without tariffs: put its price into the energy tax. Each "
    "day with a reading has its standing charge."
)


_BEFORE: Final = {f"{name} before": text for name, text in ELECTRICITY.items()}
_MONTH_AND_BEFORE: Final = (
    *_tables(past(32)),
    influxql.energy(_BEFORE, table=True, span=past(32, 365)),
    gas_cost("gas before", span=past(32, 365)),
)
_NAMES_BEFORE: Final = (*_BEFORE, "gas before")

_NOTHING: Final[Json] = {"type": "value", "options": {"0": {"text": "-", "index": 0}}}
_THIS_MONTH: Final = stat(
    "This month so far",
    "Since the first of this month, the same days a year ago at the same prices, and by how much "
    f"it is more. {_DESCRIPTION}",
    look.EURO,
    _MONTH_AND_BEFORE[0],
    queries=_MONTH_AND_BEFORE,
    transformations=[
        *per_calendar(MONTH, "Period", (*_NAMES, *_NAMES_BEFORE), newest=1),
        side_by_side(),
        total(_NAMES, "so far"),
        total(_NAMES_BEFORE, "before"),
        *compared("so far", "before", "difference"),
    ],
    overrides=[*in_words("a year ago"), override("before", mappings=[_NOTHING])],
    field="/^(so far|a year ago|difference)$/",
    text="value_and_name",
    options=SMALL,
    since="now/M",
    decimals=2,
    width=12,
)
_THIS_YEAR: Final = stat(
    "This year so far",
    f"Since the first of January. {_DESCRIPTION}",
    look.EURO,
    _tables(past(367))[0],
    queries=_tables(past(367)),
    transformations=[*in_all(), *per_calendar(YEAR, "Period", ["total"], newest=1)],
    field="/^total$/",
    since="now/y",
    decimals=2,
    width=6,
)


def _months(pattern: str, label: str, newest: int) -> list[Json]:
    """The total first, for the narrow screen."""
    return [*in_all(), *per_calendar(pattern, label, ["total", *_NAMES], newest=newest)]


_COST: Final = Row(
    "At the prices typed in above",
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
        _THIS_MONTH,
        _THIS_YEAR,
        columns(
            "Each day",
            f"The parts of each day's cost; what was exported stands below nought. {_DESCRIPTION}",
            look.EURO,
            *_tables(),
            transformations=[joined(), *per_calendar(DAY, "Day", _NAMES)],
            along="Day",
            width=24,
            height=9,
        ),
        columns(
            "Each month",
            f"The parts of each month's cost, fourteen months. {_DESCRIPTION}",
            look.EURO,
            *_tables(past(14 * 31)),
            transformations=[
                joined(),
                *per_calendar(MONTH, "Month", _NAMES, newest=14),
                sorted_by("Month"),
            ],
            along="Month",
            since="now-13M/M",
            width=24,
            height=9,
        ),
        table(
            "The months in figures",
            f"The same, to read and to compare with the bill. {_DESCRIPTION}",
            look.EURO,
            *_tables(past(14 * 31)),
            transformations=_months(MONTH, "Month", 14),
            overrides=[override("Month", unit=look.TEXT)],
            since="now-13M/M",
            decimals=2,
            custom={"minWidth": 95},
            width=24,
            height=17,
        ),
        table(
            "The years in figures",
            f"Calendar years, as far as there are readings. {_DESCRIPTION}",
            look.EURO,
            *_tables(past(11 * 366)),
            transformations=_months(YEAR, "Year", 11),
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
    rows=[CONTRACT, _COST],
    since="now-30d/d",
    variables=[*PRICES, contract_year()],
)
