"""*Peak demand*: Belgium's capacity tariff goes by the highest quarter hour of each month."""

from typing import Final

from dashboards.build import influxql, look
from dashboards.build.dashboard import FAILURES, Dashboard, Row, textbox
from dashboards.build.panel import WIDEST_BAR, columns, gauge, lines, stat
from dashboards.build.transformation import merged, per_calendar

_NONE: Final = "this meter does not send it (Belgian ones do)"
_STEPS: Final = ((None, look.GOOD), (look.PEAK_FLOOR_KW, look.CARE), (5, look.BAD))
_TWELVE: Final = "now-11M/M"
"""The month that runs, and the eleven before."""

_MEAN: Final = (
    "The mean of the last twelve monthly peaks, this month's so far among them, none counted "
    "below 2.5 kW. The network operator multiplies it by its price."
)

_QUARTERS: Final = Row(
    "The quarter hour that runs",
    [
        gauge(
            "Running quarter hour",
            "The mean power since the quarter of the clock began, as the meter counts it. It is "
            "what this quarter will be if nothing more is used; a kettle late in it is little.",
            look.KILOWATT,
            influxql.last({"running quarter hour": "{demand_kw}"}),
            least=0,
            most=10,
            steps=_STEPS,
            no_data=_NONE,
            decimals=2,
            width=6,
        ),
        stat(
            "Peak of this month",
            "The highest quarter hour since the first of the month: what this month will be "
            "charged for, unless a higher one comes.",
            look.KILOWATT,
            influxql.last({"peak of this month": "{demand_month_peak_kw}"}),
            steps=_STEPS,
            no_data=_NONE,
            decimals=2,
            width=6,
            height=8,
        ),
        stat(
            "Mean of twelve months",
            _MEAN,
            look.KILOWATT,
            influxql.floored_peaks(look.PEAK_FLOOR_KW)[0],
            queries=influxql.floored_peaks(look.PEAK_FLOOR_KW),
            transformations=[merged()],
            field="/^peak$/",
            take="mean",
            since=_TWELVE,
            steps=_STEPS,
            no_data=_NONE,
            decimals=2,
            width=6,
            height=8,
        ),
        stat(
            "That costs in a year",
            f"{_MEAN} The price per kW and year stands above.",
            look.EURO,
            influxql.floored_peaks(look.PEAK_FLOOR_KW, "* ($price_kw)")[0],
            queries=influxql.floored_peaks(look.PEAK_FLOOR_KW, "* ($price_kw)"),
            transformations=[merged()],
            field="/^peak$/",
            take="mean",
            since=_TWELVE,
            no_data=_NONE,
            decimals=2,
            width=6,
            height=8,
        ),
        lines(
            "The running quarter and the peak",
            "How each quarter hour grew, under the month's peak so far.",
            look.KILOWATT,
            influxql.course(
                {
                    "running quarter hour": "{demand_kw}",
                    "peak of this month": "{demand_month_peak_kw}",
                },
                how="max",
            ),
            custom={"fillOpacity": 0},
            interval="10s",
            no_data=_NONE,
            decimals=2,
            width=24,
            height=9,
        ),
    ],
)

_MONTHS: Final = Row(
    "Months and days",
    [
        columns(
            "The month peaks",
            "The highest quarter hour of each finished month, from the meter's own log, which "
            "goes thirteen months back.",
            look.KILOWATT,
            influxql.rows({"peak": "power_kw"}, measurement="demand_peak"),
            transformations=per_calendar("YYYY-MM", "Month", ("peak",), "max"),
            along="Month",
            stacking="none",
            since="now-13M/M",
            steps=_STEPS,
            custom={"thresholdsStyle": {"mode": "dashed"}},
            no_data=_NONE,
            decimals=1,
            least=0,
            width=12,
            height=9,
        ),
        lines(
            "The highest quarter hour of each day",
            "From the readings of the register, so for every meter, Belgian or not.",
            look.KILOWATT,
            influxql.highest_quarter("peak"),
            since="now-30d/d",
            custom={
                "drawStyle": "bars",
                "fillOpacity": 80,
                "barAlignment": 1,
                "barMaxWidth": WIDEST_BAR,
            },
            decimals=2,
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
