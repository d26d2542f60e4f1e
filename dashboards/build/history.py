"""*History*: days, weeks, months and years, and how they compare."""

from typing import Final

from dashboards.build import influxql, look
from dashboards.build.dashboard import FAILURES, Dashboard, Row
from dashboards.build.panel import Panel, bars, columns, lines, override, stat, table
from dashboards.build.transformation import (
    MONTH,
    WEEK,
    YEAR,
    crossed,
    joined,
    night_only,
    per_calendar,
    sorted_by,
)

_BOTH: Final = {"import": "{energy_import_kwh}", "return": "{energy_export_kwh}"}
_MIRRORED: Final = {"import": "{energy_import_kwh}", "return": "0 - {energy_export_kwh}"}
_TARIFFS: Final = {
    "tariff 1": "{energy_import_t1_kwh}",
    "tariff 2": "{energy_import_t2_kwh}",
    "return tariff 1": "0 - {energy_export_t1_kwh}",
    "return tariff 2": "0 - {energy_export_t2_kwh}",
}
_GAP: Final = (
    "What was used while nothing was read counts when reading goes on, so the totals are right."
)


def _so_far(title: str, since: str, back: str | None, description: str) -> Panel:
    return stat(
        title,
        description,
        look.KILOWATT_HOUR,
        influxql.energy(_BOTH, every=None),
        since=since,
        back=back,
        decimals=1,
        width=6,
        no_data="no readings then",
    )


def _device(title: str, name: str, field: str, unit: str) -> Panel:
    return bars(
        f"{title}, each day",
        f"{title} of each day. The meter is read every five minutes or every hour. {_GAP}",
        unit,
        influxql.energy({name: f"{{{field}}}"}, measurement=name),
        decimals=2,
        width=12,
        height=7,
        no_data=f"no {name} meter on this port",
    )


_DAYS: Final = Row(
    "Days",
    [
        bars(
            "Electricity, each day",
            f"Taken from the grid above the line, given to it below. {_GAP}",
            look.KILOWATT_HOUR,
            influxql.energy(_MIRRORED),
            decimals=1,
            width=24,
            height=9,
        ),
        bars(
            "Tariffs, each day",
            "The same by tariff. In the Netherlands 1 is low and 2 normal; in Belgium 1 is day "
            f"and 2 night. {_GAP}",
            look.KILOWATT_HOUR,
            influxql.energy(_TARIFFS),
            decimals=1,
        ),
        bars(
            "Net, each day",
            "Taken less given: below nought the day gave more than it took.",
            look.KILOWATT_HOUR,
            influxql.energy({"net": "{energy_import_kwh} - {energy_export_kwh}"}),
            decimals=1,
        ),
        _device("Gas", "gas", "volume_m3", look.CUBIC_METRE),
        _device("Water", "water", "volume_m3", look.CUBIC_METRE),
    ],
)

_DISTRICT: Final = Row(
    "Heat and cooling from the district",
    [
        _device("Heat", "heat", "energy_gj", look.GIGAJOULE),
        _device("Cooling", "cooling", "energy_gj", look.GIGAJOULE),
    ],
    collapsed=True,
)

_COMPARED: Final = Row(
    "This period and the last",
    [
        _so_far("This week so far", "now/w", None, "Since Monday."),
        _so_far("The same days last week", "now/w", "1w", "Since Monday, a week earlier."),
        _so_far("This month so far", "now/M", None, "Since the first of the month."),
        _so_far(
            "The same days a year ago",
            "now/M",
            "1y",
            "From the first of this month to this moment, a year earlier.",
        ),
        columns(
            "Months, year beside year",
            "What was taken in each month, this year beside the ones before.",
            look.KILOWATT_HOUR,
            influxql.energy({"import": "{energy_import_kwh}"}, table=True),
            transformations=crossed(("Month", "MM"), ("Year", YEAR), "import"),
            along="Month",
            stacking="none",
            between=40,
            colour=look.IMPORT,
            since="now-3y/y",
            decimals=0,
            height=9,
        ),
        columns(
            "Gas by month, year beside year",
            "Gas in each month, this year beside the ones before.",
            look.CUBIC_METRE,
            influxql.energy({"gas": "{volume_m3}"}, measurement="gas", table=True),
            transformations=crossed(("Month", "MM"), ("Year", YEAR), "gas"),
            along="Month",
            stacking="none",
            between=40,
            colour=look.SERIES["gas"],
            since="now-3y/y",
            decimals=0,
            height=9,
            no_data="no gas meter on this port",
        ),
    ],
)


def _calendar(title: str, pattern: str, label: str, since: str, width: int) -> Panel:
    return columns(
        title,
        f"Taken and given in each {label.lower()} of the household's calendar. {_GAP}",
        look.KILOWATT_HOUR,
        influxql.energy(_BOTH, table=True),
        transformations=per_calendar(pattern, label, tuple(_BOTH)),
        along=label,
        stacking="none",
        since=since,
        decimals=0,
        width=width,
        height=9,
    )


_LONGER: Final = Row(
    "Weeks, months, years",
    [
        _calendar("Weeks", WEEK, "Week", "now-12w/w", 12),
        _calendar("Months", MONTH, "Month", "now-13M/M", 12),
        _calendar("Years", YEAR, "Year", "now-10y/y", 8),
        table(
            "The months in figures",
            "Electricity, gas and water of each month, to read.",
            look.KILOWATT_HOUR,
            influxql.energy(
                {**_BOTH, "net": "{energy_import_kwh} - {energy_export_kwh}"}, table=True
            ),
            influxql.energy({"gas": "{volume_m3}"}, measurement="gas", table=True),
            influxql.energy({"water": "{volume_m3}"}, measurement="water", table=True),
            transformations=[
                joined(),
                *per_calendar(MONTH, "Month", ("import", "return", "net", "gas", "water")),
                sorted_by("Month", descending=True),
            ],
            overrides=[
                override("Month", unit=look.TEXT),
                override("gas", unit=look.CUBIC_METRE),
                override("water", unit=look.CUBIC_METRE),
            ],
            custom={"minWidth": 85},
            since="now-13M/M",
            decimals=1,
            width=16,
            height=9,
        ),
    ],
)

_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

_HABITS: Final = Row(
    "Habits",
    [
        lines(
            "Standby",
            "The lowest quarter hour between midnight and six of each night: what is always on. "
            "One watt all year is nine kilowatt-hours.",
            look.WATT,
            influxql.standby(table=True),
            transformations=night_only("standby"),
            decimals=0,
            width=12,
            height=9,
            custom={"spanNulls": True, "showPoints": "always"},
        ),
        stat(
            "Standby, the lowest night",
            "The lowest of these.",
            look.WATT,
            influxql.standby(table=True),
            transformations=night_only("standby"),
            field="/^standby$/",
            take="min",
            decimals=0,
            width=6,
            height=9,
        ),
        stat(
            "Standby, the middle night",
            "Half of the nights are lower: no guest or cold night decides.",
            look.WATT,
            influxql.standby(table=True),
            transformations=night_only("standby"),
            field="/^standby$/",
            take="median",
            decimals=0,
            width=6,
            height=9,
        ),
        table(
            "Hour and weekday",
            "The mean of what each hour of the week takes, in kWh, over the time range. Red is "
            "much.",
            look.NUMBER,
            influxql.energy({"import": "{energy_import_kwh}"}, every="1h", table=True),
            transformations=crossed(
                ("Hour", "HH"), ("Weekday", "ddd"), "import", "mean", _WEEKDAYS
            ),
            custom={
                "cellOptions": {"type": "color-background", "mode": "basic"},
                "minWidth": 40,
            },
            overrides=[
                override(
                    "Hour", unit=look.TEXT, custom__cellOptions={"type": "auto"}, custom__width=45
                )
            ],
            least=0,
            decimals=2,
            colour="continuous",
            width=24,
            height=26,
        ),
    ],
)

HISTORY: Final = Dashboard(
    name="history",
    title="History",
    description="Days, weeks, months and years: what was taken, given and burnt, and when.",
    rows=[_DAYS, _COMPARED, _LONGER, _HABITS, _DISTRICT],
    since="now-30d/d",
    annotations=[FAILURES],
)
