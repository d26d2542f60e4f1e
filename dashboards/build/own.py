"""*Collector*: whether the program itself is well, at all sites together."""

from typing import Final

from dashboards.build import influxql, look
from dashboards.build.dashboard import Dashboard, Row
from dashboards.build.panel import bars, lines, override, stat, table, without
from dashboards.build.transformation import ordered

_NONE: Final = "the collector has said nothing in this time range"
_LAG: Final = ((None, look.GOOD), (60, look.CARE), (3600, look.BAD))
_ANY: Final = ((None, look.GOOD), (1, look.BAD))
_SOME: Final = ((None, look.GOOD), (1, look.CARE))
_NARROW: Final = {"minWidth": 75}
_STATE_OF: Final = {
    "version": "{version}",
    "lag": "{lag_s}",
    "waiting": "{waiting}",
    "spool": "{spool_bytes}",
    "rejected": "{rejected}",
    "dropped": "{dropped}",
    "damaged": "{damaged}",
}
_COLUMNS: Final = ("site", "host", *_STATE_OF)
"""Grafana gives the columns of tags in another order at each refresh."""

_STATE: Final = Row(
    "",
    [
        table(
            "Last reading of each meter",
            "When each meter last spoke, and its register. A replaced meter stays in the list "
            "with its last reading.",
            look.KILOWATT_HOUR,
            influxql.sites_seen(),
            transformations=[
                ordered(("site", "Time", "reading", "meter"), {"Time": "last reading"})
            ],
            overrides=[
                override("Time", unit=look.AGE),
                override("site", unit=look.TEXT, custom__minWidth=75),
                override("meter", unit=look.TEXT, custom__minWidth=170),
            ],
            custom={"minWidth": 140},
            decimals=3,
            width=10,
            height=7,
            no_data=_NONE,
        ),
        table(
            "Collectors",
            "Each collector's version, backlog and counts since it was started.",
            look.NUMBER,
            influxql.own_last(_STATE_OF),
            transformations=[ordered(_COLUMNS, {}, hidden=["Time"])],
            overrides=[
                override("lag", unit=look.SECONDS),
                override("spool", unit=look.BYTES),
                override("version", unit=look.TEXT),
            ],
            custom=_NARROW,
            width=14,
            height=7,
            no_data=_NONE,
        ),
        stat(
            "Age of the backlog",
            "How old the oldest reading is that has not arrived yet: under a minute is normal.",
            look.SECONDS,
            influxql.own({"lag": "{lag_s}"}),
            steps=_LAG,
            width=6,
            no_data=_NONE,
        ),
        stat(
            "Rejected, dropped, damaged",
            "Readings that InfluxDB would not have, that a full disk cost, or that a file lost, "
            "in the time range. Each is kept or counted; see `p1-collector spool status`.",
            look.NUMBER,
            influxql.own_total("lost", "{rejected} + {dropped} + {damaged}"),
            steps=_ANY,
            decimals=0,
            width=6,
            no_data=_NONE,
        ),
        stat(
            "Bad checksums",
            "Telegrams with transmission errors, in the time range. Some a day are a long cable; "
            "many are a bad one.",
            look.NUMBER,
            influxql.own_total("bad checksums", "{bad_checksums}"),
            steps=_SOME,
            decimals=0,
            width=6,
            no_data=_NONE,
        ),
        stat(
            "Delivered late",
            "Readings that had to wait, and arrived, in the time range: more delivered than read "
            "within an interval.",
            look.NUMBER,
            influxql.own_late_total(),
            steps=_SOME,
            decimals=0,
            width=6,
            no_data=_NONE,
        ),
    ],
)

_COURSE: Final = Row(
    "How it went",
    [
        lines(
            "Age of the backlog",
            "How old the oldest reading was that had not arrived yet. A ramp is an outage, its "
            "fall the catching up.",
            look.MINUTES,
            influxql.own({"lag": "{lag_s} / 60"}),
            interval="1m",
            no_data=_NONE,
        ),
        lines(
            "Spool",
            "What waits on the disk.",
            look.BYTES,
            influxql.own({"spool": "{spool_bytes}"}),
            interval="1m",
            no_data=_NONE,
        ),
        bars(
            "Read and delivered",
            "Telegrams read and delivered in each interval. Where more is delivered than read, a "
            "backlog drains.",
            look.NUMBER,
            influxql.own_steps({"read": "{read}", "delivered": "{delivered}"}),
            custom={"stacking": {"mode": "none", "group": "A"}},
            interval="1m",
            decimals=0,
            no_data=_NONE,
        ),
        bars(
            "Delivered late",
            "What each interval delivered beyond what it read: readings that had waited.",
            look.NUMBER,
            influxql.own_late(),
            custom={"barMaxWidth": 10},
            interval="1m",
            decimals=0,
            no_data=_NONE,
        ),
        bars(
            "Trouble with the meter",
            "Bad checksums and lines, and telegrams of a second that was there already.",
            look.NUMBER,
            influxql.own_steps(
                {
                    "bad checksums": "{bad_checksums}",
                    "bad lines": "{bad_lines}",
                    "repeated": "{repeated}",
                }
            ),
            overrides=[without("allIsZero")],
            interval="1m",
            decimals=0,
            no_data=_NONE,
        ),
        bars(
            "Trouble with InfluxDB",
            "Requests that were tried again, and records that were rejected, dropped or damaged.",
            look.NUMBER,
            influxql.own_steps(
                {
                    "retries": "{retries}",
                    "rejected": "{rejected}",
                    "dropped": "{dropped}",
                    "damaged": "{damaged}",
                }
            ),
            overrides=[without("allIsZero")],
            interval="1m",
            decimals=0,
            no_data=_NONE,
        ),
    ],
)

OWN: Final = Dashboard(
    name="collector",
    title="Collector",
    description="Whether the collector is well: backlog, errors, late deliveries, versions.",
    rows=[_STATE, _COURSE],
    since="now-24h",
    refresh="1m",
    several_sites=True,
)
