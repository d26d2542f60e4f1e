"""*Peak demand*: Belgium's capacity tariff goes by the highest quarter hour of each month."""

from typing import Final

from dashboards.build import influxql, look
from dashboards.build.dashboard import FAILURES, Dashboard, Row, textbox
from dashboards.build.influxql import past
from dashboards.build.panel import SMALL, columns, gauge, lines, override, stat, table
from dashboards.build.transformation import (
    DAY,
    MONTH,
    merged,
    ordered,
    per_calendar,
    quarter_to_come,
    sorted_by,
    trailing_mean,
)

_NONE: Final = "this meter does not send it (Belgian ones do)"
_EMPTY: Final = "-"
"""The first panel says it once."""

_STEPS: Final = ((None, look.GOOD), (look.PEAK_FLOOR_KW, look.CARE))
_TO_COME: Final = influxql.newest(
    {"demand": "demand_kw", "power": "power_import_kw", "peak": "demand_month_peak_kw"}
)
_PLENTY: Final = {
    "type": "range",
    "options": {"from": 50, "to": None, "result": {"text": ">\u00a050\u00a0kW", "index": 0}},
}
"""More than a house can import: in the last seconds there is room for megawatts."""
_TWELVE: Final = "now-11M/M"
"""The month that runs, and the eleven before."""

_TWELVE_MONTHS: Final = [merged(), *per_calendar(MONTH, "Month", ("peak",), "max", newest=12)]

_MEAN: Final = (
    "The mean of the last twelve monthly peaks, this month's so far among them, none counted "
    "below 2.5 kW. The network operator multiplies it by its price."
)

_QUARTERS: Final = Row(
    "",
    [
        gauge(
            "Running quarter hour",
            "The mean power since the quarter of the clock began, as the meter counts it. It is "
            "what this quarter will be if nothing more is used; a kettle late in it is little.",
            look.KILOWATT,
            influxql.last({"demand": "{demand_kw}"}),
            least=0,
            most=10,
            steps=_STEPS,
            no_data=_NONE,
            decimals=2,
            width=6,
        ),
        stat(
            "Until the quarter hour ends",
            "How long it still is, what it ends at if the power stays as it is, and what power "
            "may be imported until then without a new peak of this month. Below nought there is "
            "one already.",
            look.KILOWATT,
            _TO_COME,
            transformations=[
                *quarter_to_come("demand", "power", "peak"),
                ordered(("time left", "ends at", "room"), {}),
            ],
            overrides=[
                override("time left", unit="suffix:s", decimals=0),
                override("room", mappings=[_PLENTY]),
            ],
            field="/^(time left|ends at|room)$/",
            text="value_and_name",
            options=SMALL,
            no_data=_EMPTY,
            decimals=2,
            width=6,
            height=8,
        ),
        stat(
            "Peak of this month",
            "The highest quarter hour since the first of the month: what this month will be "
            "charged for, unless a higher one comes.",
            look.KILOWATT,
            influxql.last({"peak of this month": "{demand_month_peak_kw}"}),
            steps=_STEPS,
            no_data=_EMPTY,
            decimals=2,
            width=4,
            height=4,
        ),
        table(
            "Highest quarter hour",
            "From the readings of the register, so for every meter, and when it ended.",
            look.KILOWATT,
            influxql.highest_quarter("power"),
            transformations=[ordered(("power", "Time"), {"Time": "until"})],
            overrides=[override("until", unit=look.CLOCK), override("Time", unit=look.CLOCK)],
            since="now/M",
            decimals=2,
            width=8,
            height=4,
        ),
        stat(
            "Mean of twelve months",
            _MEAN,
            look.KILOWATT,
            influxql.floored_peaks("peak", look.PEAK_FLOOR_KW)[0],
            queries=influxql.floored_peaks("peak", look.PEAK_FLOOR_KW),
            transformations=_TWELVE_MONTHS,
            field="/^peak$/",
            take="mean",
            since=_TWELVE,
            steps=_STEPS,
            no_data=_EMPTY,
            decimals=2,
            width=6,
        ),
        stat(
            "That costs in a year",
            f"{_MEAN} The price per kW and year is the dashboard's variable.",
            look.EURO,
            influxql.floored_peaks("peak", look.PEAK_FLOOR_KW, "* ($price_kw)")[0],
            queries=influxql.floored_peaks("peak", look.PEAK_FLOOR_KW, "* ($price_kw)"),
            transformations=_TWELVE_MONTHS,
            field="/^peak$/",
            take="mean",
            since=_TWELVE,
            no_data=_EMPTY,
            decimals=2,
            width=6,
        ),
        lines(
            "The running quarter and the peak",
            "How each quarter hour grew, under the month's peak so far.",
            look.KILOWATT,
            influxql.course(
                {
                    "demand": "{demand_kw}",
                    "peak of this month": "{demand_month_peak_kw}",
                },
                how="max",
            ),
            custom={"fillOpacity": 0},
            interval="10s",
            no_data=_EMPTY,
            decimals=2,
            width=24,
            height=9,
        ),
    ],
)

_FLOORED: Final = influxql.floored_peaks("counted", look.PEAK_FLOOR_KW)

_MONTHS: Final = Row(
    "Months and days",
    [
        columns(
            "The month peaks",
            "The highest quarter hour of each month, from the meter's own log, which goes "
            "thirteen months back, and this month's so far. Beside it the mean of the twelve "
            "months up to then, none counted below 2.5 kW, which is the line.",
            look.KILOWATT,
            *influxql.month_peaks("peak"),
            *_FLOORED,
            transformations=[
                merged(),
                sorted_by("Time"),
                *per_calendar(MONTH, "Month", ("peak", "counted"), "max"),
                trailing_mean("mean of twelve months", "counted", 12),
                ordered(("Month", "peak", "mean of twelve months"), {}, hidden=["counted"]),
            ],
            along="Month",
            stacking="none",
            since="now-13M/M",
            steps=((None, "transparent"), (look.PEAK_FLOOR_KW, look.CARE)),
            custom={"thresholdsStyle": {"mode": "dashed"}},
            no_data=_EMPTY,
            decimals=1,
            least=0,
            width=12,
            height=9,
        ),
        columns(
            "The highest quarter hour of each day",
            "From the readings of the register, so for every meter, Belgian or not.",
            look.KILOWATT,
            influxql.highest_quarters("peak", past(31)),
            transformations=per_calendar(DAY, "Day", ("peak",), "max"),
            along="Day",
            since="now-30d/d",
            width=12,
            height=9,
        ),
        lines(
            "Every quarter hour",
            "The mean power of each quarter hour, from the readings of the register. After a gap "
            "the first one holds all of it.",
            look.KILOWATT,
            influxql.quarter_hours("quarter hour"),
            interval="15m",
            decimals=2,
            width=24,
            height=9,
        ),
    ],
)

PEAK: Final = Dashboard(
    name="peak-demand",
    title="Peak demand",
    description="The quarter hours that the Belgian capacity tariff goes by.",
    rows=[_QUARTERS, _MONTHS],
    since="now-24h",
    refresh="10s",
    variables=[textbox("price_kw", "€/kW a year", "52.00")],
    annotations=[FAILURES],
)
