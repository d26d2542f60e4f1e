"""*History*: days, weeks, months and years, and how they compare."""

from typing import Any, Final

from dashboards.build import influxql, look, solar
from dashboards.build.dashboard import FAILURES, Dashboard, Row
from dashboards.build.influxql import Query, past
from dashboards.build.panel import SMALL, Json, Panel, columns, in_words, override, stat, table
from dashboards.build.transformation import (
    DAY,
    MONTH,
    WEEK,
    YEAR,
    compared,
    crossed,
    joined,
    night_only,
    per_calendar,
    side_by_side,
    sorted_by,
)

_BOTH: Final = {"import": "{energy_import_kwh}", "export": "{energy_export_kwh}"}
_MIRRORED: Final = {"import": "{energy_import_kwh}", "export": "0 - {energy_export_kwh}"}
_TARIFFS: Final = {
    "tariff 1": "{energy_import_t1_kwh}",
    "tariff 2": "{energy_import_t2_kwh}",
    "export tariff 1": "0 - {energy_export_t1_kwh}",
    "export tariff 2": "0 - {energy_export_t2_kwh}",
}
_GAP: Final = (
    "What was used while nothing was read counts when reading goes on, so the totals are right."
)


def _so_far(way: str, title: str, since: str, before: str) -> Panel:
    """A period as far as it has come, the same time of the one before, and the difference."""
    pattern, days, ago = {"now/w": (WEEK, 8, 7), "now/M": (MONTH, 32, 365)}[since]
    column = f"{{energy_{way}_kwh}}"
    queries = (
        influxql.energy({"so far": column}, table=True, span=past(days)),
        influxql.energy({"before": column}, table=True, span=past(days, ago)),
    )
    return stat(
        f"{way.capitalize()} {title}",
        f"{way.capitalize()} {title} up to this moment, {before} up to the same moment, and by "
        "how much it is more.",
        look.KILOWATT_HOUR,
        queries[0],
        queries=queries,
        transformations=[
            *per_calendar(pattern, "Period", ("so far", "before"), newest=1),
            side_by_side(),
            *compared("so far", "before", "difference"),
        ],
        overrides=in_words(before),
        options=SMALL,
        since=since,
        decimals=1,
        width=6,
        no_data="no readings then",
    )


def _by_day(title: str, description: str, unit: str, query: Query, **more: Any) -> Panel:
    return columns(
        title,
        description,
        unit,
        query,
        transformations=per_calendar(DAY, "Day", query.names),
        along="Day",
        **{"height": 8, **more},
    )


def _device(title: str, name: str, field: str, unit: str) -> Panel:
    return _by_day(
        f"{title}, each day",
        f"{title} of each day. The meter is read every five minutes or every hour. {_GAP}",
        unit,
        influxql.energy({name: f"{{{field}}}"}, measurement=name, table=True),
        height=7,
        no_data=f"no {name} meter on this port",
    )


_DAYS: Final = Row(
    "",
    [
        _by_day(
            "Electricity, each day",
            f"Import above the line, export below. {_GAP}",
            look.KILOWATT_HOUR,
            influxql.energy(_MIRRORED, table=True),
            width=24,
            height=9,
        ),
        _by_day(
            "Tariffs, each day",
            "The same by tariff. In the Netherlands 1 is low and 2 normal; in Belgium 1 is day "
            f"and 2 night. {_GAP}",
            look.KILOWATT_HOUR,
            influxql.energy(_TARIFFS, table=True),
        ),
        _by_day(
            "Net, each day",
            "Import less export: below nought the day exported more than it imported.",
            look.KILOWATT_HOUR,
            influxql.energy({"net": "{energy_import_kwh} - {energy_export_kwh}"}, table=True),
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


def _years(title: str, name: str, query: Query, unit: str, **more: Any) -> Panel:
    return columns(
        title,
        f"{name.capitalize()} of each month, this year beside the ones before.",
        unit,
        query,
        transformations=crossed(("Month", "MM"), ("Year", YEAR), name, newest=37),
        overrides=[override("Month", mappings=[_MONTHS]), *_by_year()],
        along="Month",
        stacking="none",
        between=-40,
        since="now-3y/y",
        height=9,
        **more,
    )


_NAMES: Final = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)
_MONTHS: Final = {
    "type": "value",
    "options": {f"{n:02}": {"text": name, "index": n} for n, name in enumerate(_NAMES, start=1)},
}


def _by_year() -> list[Json]:
    """Colour the years by their last digit."""
    return [
        {
            "matcher": {"id": "byRegexp", "options": f"/^\\d{{3}}[{n}{n + 5}]$/"},
            "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": colour}}],
        }
        for n, colour in enumerate(look.YEARS)
    ]


_COMPARED: Final = Row(
    "This period and the one before",
    [
        *(
            _so_far(way, title, since, before)
            for title, since, before in (
                ("this week", "now/w", "last week"),
                ("this month", "now/M", "a year ago"),
            )
            for way in ("import", "export")
        ),
        _years(
            "Months, year beside year",
            "import",
            influxql.energy({"import": "{energy_import_kwh}"}, table=True, span=past(38 * 31)),
            look.KILOWATT_HOUR,
        ),
        _years(
            "Gas by month, year beside year",
            "gas",
            influxql.energy(
                {"gas": "{volume_m3}"}, measurement="gas", table=True, span=past(38 * 31)
            ),
            look.CUBIC_METRE,
            no_data="no gas meter on this port",
        ),
    ],
)


def _calendar(
    title: str, pattern: str, label: str, since: str, newest: int, days: int, width: int
) -> Panel:
    return columns(
        title,
        f"Import and export in each {label.lower()} of the household's calendar. {_GAP}",
        look.KILOWATT_HOUR,
        influxql.energy(_BOTH, table=True, span=past(days)),
        transformations=[
            *per_calendar(pattern, label, tuple(_BOTH), newest=newest),
            sorted_by(label),
        ],
        along=label,
        stacking="none",
        since=since,
        width=width,
        height=9,
    )


_FIGURES: Final = past(15 * 31)

_LONGER: Final = Row(
    "Weeks, months, years",
    [
        _calendar("Weeks", WEEK, "Week", "now-12w/w", 13, 92, 12),
        _calendar("Months", MONTH, "Month", "now-13M/M", 14, 15 * 31, 12),
        _calendar("Years", YEAR, "Year", "now-10y/y", 11, 12 * 366, 8),
        table(
            "The months in figures",
            "Electricity, gas and water of each month, to read.",
            look.KILOWATT_HOUR,
            influxql.energy(
                {**_BOTH, "net": "{energy_import_kwh} - {energy_export_kwh}"},
                table=True,
                span=_FIGURES,
            ),
            *(
                influxql.energy({name: "{volume_m3}"}, measurement=name, table=True, span=_FIGURES)
                for name in ("gas", "water")
            ),
            transformations=[
                joined(),
                *per_calendar(
                    MONTH, "Month", ("import", "export", "net", "gas", "water"), newest=14
                ),
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

_SOLAR: Final = Row("Solar", [solar.EACH_DAY, solar.BY_MONTH], collapsed=True)

_NO_NIGHT: Final = "no readings of a night in this time range"
_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

_HABITS: Final = Row(
    "Habits",
    [
        columns(
            "Standby",
            "The lowest quarter hour between midnight and six of each night: what is always on. "
            "One watt all year is nine kilowatt-hours.",
            look.WATT,
            influxql.standby(table=True),
            transformations=[
                *night_only("standby"),
                *per_calendar(DAY, "Night", ("standby",)),
            ],
            along="Night",
            width=12,
            height=9,
            no_data=_NO_NIGHT,
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
            no_data=_NO_NIGHT,
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
            no_data=_NO_NIGHT,
        ),
        table(
            "Hour and weekday",
            "The mean import of each hour of the week, in kWh, over the time range. The darker, "
            "the more: the seven colours go from 0 to 2.5 kWh, whatever the highest is.",
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
                    "Hour", unit=look.TEXT, custom__cellOptions={"type": "auto"}, custom__width=50
                )
            ],
            steps=look.HEAT,
            decimals=2,
            colour="heat",
            width=24,
            height=26,
        ),
    ],
)

HISTORY: Final = Dashboard(
    name="history",
    title="History",
    description="Days, weeks, months and years: import, export, gas and water, and when.",
    rows=[_DAYS, _COMPARED, _LONGER, _HABITS, _SOLAR, _DISTRICT],
    since="now-30d/d",
    annotations=[FAILURES],
)
