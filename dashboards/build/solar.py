"""Own solar production, where somebody puts it here: panels of *Now* and of *History*.

The meter does not know it. It is a measurement of its own, and InfluxQL joins none with another:
Grafana does.
"""

from typing import Final

from dashboards.build import influxql, look
from dashboards.build.influxql import Query, past
from dashboards.build.panel import SMALL, Json, columns, lines, override, stat, table
from dashboards.build.transformation import (
    DAY,
    MONTH,
    above,
    computed,
    joined,
    known,
    ordered,
    per_calendar,
)

_NONE: Final = "no solar production is put here"
_ENERGY: Final = ("solar", "export")
_HOME: Final = computed("used at home", "solar", "-", "export")
_SHARE: Final = override("share", unit=look.PART, decimals=0)
_MEANT: Final = (
    "What the own panels make, as somebody puts it into the measurement solar. Used at home is "
    "that less the export of the same time, and the share is its part of it."
)


def _energy(span: str, fill: str = "none") -> tuple[Query, Query]:
    return (
        influxql.energy(
            {"solar": "{energy_kwh}"}, measurement="solar", table=True, span=span, fill=fill
        ),
        influxql.energy({"export": "{energy_export_kwh}"}, table=True, span=span, fill=fill),
    )


def _shared(label: str) -> list[Json]:
    """What was used at home and its part, of rows with both sums."""
    return [
        _HOME,
        computed("share", "used at home", "/", "solar"),
        ordered([label, "solar", "used at home", "share"], {}, hidden=["export"]),
    ]


_TODAY: Final = _energy(past(2), fill="0")
TODAY: Final = stat(
    "Solar today",
    f"{_MEANT} Since midnight of the household's clock; a share only after the first of it.",
    look.KILOWATT_HOUR,
    _TODAY[0],
    queries=_TODAY,
    transformations=[
        joined(),
        *per_calendar(DAY, "Day", _ENERGY, newest=1),
        above("solar", 0),
        *_shared("Day"),
    ],
    overrides=[_SHARE],
    field="/^(solar|used at home|share)$/",
    text="value_and_name",
    options=SMALL,
    since="now/d",
    decimals=2,
    width=24,
    no_data="no solar production today",
)

POWER: Final = lines(
    "Solar power",
    f"{_MEANT} In times for which both are there.",
    look.WATT,
    influxql.course({"solar": "{power_kw} * 1000"}, measurement="solar", table=True),
    influxql.course({"export": "{power_export_kw} * 1000"}, table=True),
    transformations=[
        joined(),
        known(*_ENERGY),
        _HOME,
        ordered(["Time", "solar", "used at home"], {}, hidden=["export"]),
    ],
    interval="1m",
    width=24,
    height=7,
    no_data=_NONE,
)

EACH_DAY: Final = columns(
    "Solar, each day",
    f"{_MEANT} Days with solar production alone.",
    look.KILOWATT_HOUR,
    *_energy(influxql.SPAN),
    transformations=[
        joined(),
        above("solar", 0),
        *per_calendar(DAY, "Day", _ENERGY),
        _HOME,
        ordered(["Day", "solar", "used at home"], {}, hidden=["export"]),
    ],
    along="Day",
    stacking="none",
    height=9,
    no_data=_NONE,
)

BY_MONTH: Final = table(
    "Solar by month",
    f"{_MEANT} Of the days with solar production.",
    look.KILOWATT_HOUR,
    *_energy(past(15 * 31)),
    transformations=[
        joined(),
        above("solar", 0),
        *per_calendar(MONTH, "Month", _ENERGY, newest=14),
        *_shared("Month"),
    ],
    overrides=[override("Month", unit=look.TEXT), _SHARE],
    since="now-13M/M",
    decimals=1,
    height=9,
    no_data=_NONE,
)
