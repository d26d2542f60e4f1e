"""What energy costs by the contracts, whose prices the collector wrote: rows of *Cost*, *Now*."""

from collections.abc import Sequence
from typing import Final

from dashboards.build import influxql, look, priced
from dashboards.build.dashboard import Row
from dashboards.build.influxql import SPAN, Query, past
from dashboards.build.panel import SMALL, Json, columns, override, stat, table, without
from dashboards.build.transformation import (
    DAY,
    MONTH,
    computed,
    joined,
    known,
    merged,
    ordered,
    per_calendar,
    side_by_side,
    some_known,
    sorted_by,
    summed_months,
    total,
    trailing_mean,
    until_begin,
    written,
)

BY_DAY: Final = (
    {
        "tariff 1": "{energy_import_t1_kwh} * {import_t1_price}",
        "tariff 2": "{energy_import_t2_kwh} * {import_t2_price}",
        "energy tax": "{energy_import_kwh} * {energy_tax}",
    },
    {
        "export tariff 1": "0 - {energy_export_t1_kwh} * {export_t1_price}",
        "export tariff 2": "0 - {energy_export_t2_kwh} * {export_t2_price}",
        "export fee": "{energy_export_kwh} * {export_fee}",
    },
    {"standing charge": "{standing}"},
)
BY_QUARTER: Final = (
    {"import": "{energy_import_kwh} * {import_price}"},
    {"export": "0 - {energy_export_kwh} * {export_price}"},
)
DEVICES: Final = {
    "gas": {"gas": "{volume_m3} * {price}", "gas, standing": "{standing}"},
    "water": {"water": "{volume_m3} * {price}", "water, standing": "{standing}"},
    "heat": {"heat": "{energy_gj} * {price}", "heat, standing": "{standing}"},
}
ELECTRICITY: Final = tuple(name for part in (*BY_DAY, *BY_QUARTER) for name in part)
PARTS: Final = (*ELECTRICITY, *(name for part in DEVICES.values() for name in part))
TARIFFS: Final = {"": "netting, one price", "_t1": "netting tariff 1", "_t2": "netting tariff 2"}
NO_CONTRACT: Final = "no contract: see dashboards/README.md"
NO_PRICE: Final = "no contract with one price, or with the market's"
_DESCRIPTION: Final = (
    "By the contracts in the collector's file, each from its day on; export is below nought, its "
    "fee is a part of its own. What was used while nothing was read has the price of the quarter "
    "hour in which reading went on."
)


def _electricity(span: str, every: str | None = "1d") -> tuple[Query, ...]:
    return (
        *(priced.priced(part, span=span, every=every) for part in BY_DAY),
        *(priced.priced(part, span=span, every=every, by="15m") for part in BY_QUARTER),
    )


def _parts(span: str = SPAN) -> tuple[Query, ...]:
    devices = (priced.priced(part, span=span, measurement=name) for name, part in DEVICES.items())
    return (*_electricity(span), *devices)


def _netting(names: Sequence[str]) -> list[Json]:
    """From the parts of a year beside each other: with netting, and without."""
    return [
        side_by_side(),
        total(ELECTRICITY, "not netted"),
        total(names, "netting"),
        total(("not netted", *names), "netted"),
    ]


_NETTING: Final = tuple(priced.netting(tariff, name) for tariff, name in TARIFFS.items())
_YEAR: Final = (*_electricity(priced.YEAR, None), *_NETTING)

CONTRACT: Final = Row(
    "By the contracts",
    [
        stat(
            "This contract's year",
            "Electricity since the contract's year began: as if nothing were netted, which is how "
            "it is from 2027 on; what netting has made of it so far; and what remains. "
            "Without the capacity tariff, which has a panel of its own.",
            look.EURO,
            _YEAR[0],
            queries=_YEAR,
            transformations=_netting(tuple(TARIFFS.values())),
            field="/^(not netted|netting|netted)$/",
            text="value_and_name",
            options=SMALL,
            decimals=2,
            width=12,
            height=5,
            no_data=NO_CONTRACT,
        ),
        stat(
            "Price of a kWh",
            "What a kWh of import cost in the days shown, with the energy tax, beside the mean of "
            "all quarter hours: the difference is what shifting the use was worth. For contracts "
            "with one price, or with the market's.",
            look.EURO_PER_KWH,
            priced.price_paid("paid"),
            queries=(priced.price_paid("paid"), priced.price_meant("mean of all hours")),
            transformations=[side_by_side()],
            field="/^(paid|mean of all hours)$/",
            text="value_and_name",
            options=SMALL,
            decimals=4,
            width=12,
            height=5,
            no_data=NO_PRICE,
        ),
        columns(
            "Each day by the contracts",
            f"The parts of each day's cost. {_DESCRIPTION}",
            look.EURO,
            *_parts(),
            transformations=[joined(), some_known(*PARTS), *per_calendar(DAY, "Day", PARTS)],
            overrides=[without("allIsZero")],
            along="Day",
            width=24,
            height=9,
            no_data=NO_CONTRACT,
        ),
        table(
            "The months by the contracts",
            f"The parts of each month's cost, fourteen months. {_DESCRIPTION}",
            look.EURO,
            *_parts(past(14 * 31)),
            transformations=[
                joined(),
                some_known(*PARTS),
                total(PARTS),
                *per_calendar(MONTH, "Month", ["total", *PARTS], newest=14),
            ],
            overrides=[
                override("Month", unit=look.TEXT),
                override("standing charge", custom__width=130),
                without("allIsZero"),
            ],
            since="now-13M/M",
            decimals=2,
            custom={"minWidth": 95},
            width=24,
            height=17,
            no_data=NO_CONTRACT,
        ),
        columns(
            "Netting as it builds up",
            "What netting takes off from the begin of the contract's year to the end of each "
            "month, by tariff: a kWh that is exported is worth what an imported one costs, up to "
            "what was imported.",
            look.EURO,
            *(priced.netting_course(tariff, name) for tariff, name in TARIFFS.items()),
            transformations=[
                joined(),
                *per_calendar(MONTH, "Month", tuple(TARIFFS.values()), "last"),
            ],
            along="Month",
            stacking="none",
            between=-60,
            decimals=0,
            no_data="no contract with netting",
        ),
        table(
            "Capacity tariff",
            "Flanders: the mean of twelve months' peaks, none below 2.5 kW, and what it costs.",
            look.EURO,
            *influxql.floored_peaks("peak", look.PEAK_FLOOR_KW),
            priced.priced({"capacity": "{capacity}"}, span=past(400)),
            transformations=[
                merged(),
                sorted_by("Time"),
                written("Time", MONTH),
                summed_months(peak="max", capacity="sum"),
                trailing_mean("mean of twelve months", "peak (max)", 12),
                computed("cost", "mean of twelve months", "*", "capacity (sum)"),
                ordered(
                    ("Time", "cost", "mean of twelve months", "peak (max)"),
                    {"Time": "Month", "peak (max)": "peak"},
                    hidden=["capacity (sum)"],
                ),
                sorted_by("Month", descending=True),
            ],
            overrides=[
                override("Month", unit=look.TEXT),
                override("mean of twelve months", unit=look.KILOWATT),
                override("peak", unit=look.KILOWATT),
            ],
            since="now-13M/M",
            decimals=2,
            no_data="no contract with a capacity tariff",
        ),
    ],
)

TAXED: Final = {
    "import": "{import_price} + {energy_tax}",
    "tariff 1": "{import_t1_price} + {energy_tax}",
    "tariff 2": "{import_t2_price} + {energy_tax}",
    "export": "{export_price} - {export_fee}",
    "export tariff 1": "{export_t1_price} - {export_fee}",
    "export tariff 2": "{export_t2_price} - {export_fee}",
}


def rates(tariff: str) -> dict[str, str]:
    """The price of tariff 1 and 2; of a contract with one price, it twice."""
    low, high = (tariff.format(n) for n in (1, 2))
    return {
        "p1": f"{{import{low}_price}} + {{energy_tax}}",
        "p2": f"{{import{high}_price}} + {{energy_tax}}",
        "e1": f"{{export{low}_price}} - {{export_fee}}",
        "e2": f"{{export{high}_price}} - {{export_fee}}",
    }


_POWER: Final = influxql.last(
    {"imported": "{power_import_kw}", "exported": "{power_export_kw}", "tariff": "{tariff}"},
    table=True,
)
_COSTS_NOW: Final = (
    _POWER,
    *(priced.price_now(rates(tariff)) for tariff in ("", "_t{}")),
)
_HOUR: Final = [
    side_by_side(),
    computed("is 2", "tariff", "-", 1),
    computed("is 1", 2, "-", "tariff"),
    *(computed(f"{p} now", p, "*", f"is {p[1]}") for p in ("p1", "p2", "e1", "e2")),
    computed("price", "p1 now", "+", "p2 now"),
    computed("paid", "e1 now", "+", "e2 now"),
    computed("costs", "imported", "*", "price"),
    computed("earns", "exported", "*", "paid"),
    computed("€ an hour", "costs", "-", "earns"),
]
_NEXT: Final = "{import_price} + {energy_tax}"
_PRICES: Final = tuple(
    priced.price_now({name: text for name, text in TAXED.items() if name in together})
    for together in (
        ("import",),
        ("export",),
        ("tariff 1", "tariff 2"),
        ("export tariff 1", "export tariff 2"),
    )
)
"""Those that a contract has together: what it has not is an answer of nothing, and not shown."""

PRICES_NOW: Final = Row(
    "By the contracts",
    [
        stat(
            "Price of this quarter hour",
            "€/kWh by the contract in force: import with the energy tax, export less its fee.",
            look.EURO_PER_KWH,
            _PRICES[0],
            queries=_PRICES,
            transformations=[side_by_side()],
            field=f"/^({'|'.join(TAXED)})$/",
            text="value_and_name",
            decimals=4,
            width=5,
            height=6,
            no_data=NO_CONTRACT,
        ),
        stat(
            "An hour like this",
            "What an hour costs with the power and the price of this moment; below nought it "
            "earns.",
            look.EURO,
            _POWER,
            queries=_COSTS_NOW,
            transformations=_HOUR,
            field="/^€ an hour$/",
            decimals=2,
            width=4,
            height=6,
            no_data=NO_CONTRACT,
        ),
        table(
            "Cheapest and dearest to come",
            "The lowest and the highest price of the next 24 hours, as far as they are known, and "
            "when those quarter hours begin.",
            look.EURO_PER_KWH,
            *(priced.price_next("price", _NEXT, how) for how in ("min", "max")),
            transformations=[
                merged(),
                known("price"),
                *until_begin("Begin"),
                written("Begin", "ddd HH:mm"),
                ordered(("price", "Begin"), {"Begin": "from"}, hidden=["Time"]),
            ],
            decimals=4,
            width=5,
            height=6,
            no_data=NO_PRICE,
        ),
        columns(
            "The next 24 hours",
            "The price of each quarter hour that is known, with the energy tax: from green, the "
            "cheapest, to red.",
            look.EURO_PER_KWH,
            priced.price_next("price", _NEXT),
            transformations=[
                known("price"),
                *until_begin("Begin"),
                written("Begin", "HH:mm"),
                ordered(("Begin", "price"), {}, hidden=["Time"]),
            ],
            colour="value",
            options={"colorByField": "price"},
            legend=False,
            along="Begin",
            width=10,
            height=6,
            no_data=NO_PRICE,
        ),
    ],
)
