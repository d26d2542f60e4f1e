"""*Power quality*: whether the voltage is fine, and what failed."""

from typing import Any, Final

from dashboards.build import influxql, look
from dashboards.build.dashboard import FAILURES, Dashboard, Row, textbox
from dashboards.build.influxql import Query, past
from dashboards.build.panel import Panel, lines, mirrored, override, stat, table, without
from dashboards.build.transformation import once, sorted_by

_PHASES: Final = (1, 2, 3)
_NONE: Final = "this meter does not send it"
_BAND: Final = (
    (None, look.BAD),
    (look.LOWEST_VOLT, look.GOOD),
    (look.HIGHEST_VOLT, look.BAD),
)
_LIMITS: Final = (
    (None, look.GOOD),
    (look.LOWEST_VOLT, look.BAD),
    (look.HIGHEST_VOLT, look.BAD),
)
"""The same as lines: both limits are drawn in the colour of what begins there."""

_LOAD: Final = ((None, look.GOOD), (80, look.CARE), (100, look.BAD))
_COUNT: Final = ((None, look.GOOD), (1, look.CARE))


def _each(field: str) -> dict[str, str]:
    return {f"L{n}": field.format(n) for n in _PHASES}


def _read(field: str) -> dict[str, str]:
    return {name: f"{{{text}}}" for name, text in _each(field).items()}


def _by_phase(title: str, description: str, unit: str, *queries: Query, **more: Any) -> Panel:
    """A number of each phase, asked for apart: of one that a meter has not nothing is said."""
    return stat(
        title,
        description,
        unit,
        queries[0],
        queries=queries,
        no_data=_NONE,
        **{"width": 6, **more},
    )


def _extreme(title: str, how: str) -> Panel:
    return _by_phase(
        title,
        "Of the means over ten minutes, which is what the standard EN 50160 judges: 230 V and ten "
        "per cent either way, 207 to 253 V.",
        look.VOLT,
        *(influxql.extreme(name, field, how) for name, field in _each("voltage_l{}_v").items()),
        steps=_BAND,
        decimals=1,
    )


def _counter(title: str, field: str, description: str) -> Panel:
    return _by_phase(
        title,
        description,
        look.NUMBER,
        *(influxql.counted({name: each}) for name, each in _each(field).items()),
        steps=_COUNT,
        decimals=0,
    )


_VOLTAGE: Final = Row(
    "",
    [
        lines(
            "Voltage",
            "Each phase. The dashed lines are 207 and 253 V, the limits of EN 50160. With much "
            "sun it rises, and at 253 V an inverter switches off.",
            look.VOLT,
            influxql.course(_read("voltage_l{}_v")),
            soft_min=205,
            custom={
                "axisSoftMax": 255,
                "fillOpacity": 0,
                "thresholdsStyle": {"mode": "dashed"},
            },
            steps=_LIMITS,
            overrides=[without("allIsNull")],
            interval="10s",
            no_data=_NONE,
            width=24,
            height=9,
        ),
        _extreme("Lowest voltage", "min"),
        _extreme("Highest voltage", "max"),
        _counter(
            "Voltage sags",
            "voltage_sags_l{}",
            "Short drops of each phase in the time range, from the meter's counters.",
        ),
        _counter(
            "Voltage swells",
            "voltage_swells_l{}",
            "Short rises of each phase in the time range, from the meter's counters.",
        ),
        lines(
            "Current",
            "Each phase. Meters that print whole amperes make steps.",
            look.AMPERE,
            influxql.course(_read("current_l{}_a"), how="max"),
            overrides=[without("allIsNull")],
            interval="10s",
            no_data=_NONE,
            width=12,
        ),
        _by_phase(
            "Highest load of the main fuse",
            "The highest current of each phase in the time range, of what the main fuse bears: "
            "the dashboard's variable, often 25 A. Yellow from 80 % on, red above it.",
            look.PERCENT,
            *(
                influxql.course({name: f"{field} * 100 / ($fuse)"}, how="max")
                for name, field in _read("current_l{}_a").items()
            ),
            take="max",
            steps=_LOAD,
            decimals=0,
            width=12,
            height=8,
        ),
    ],
)

_FAILED: Final = Row(
    "Failures",
    [
        stat(
            "Power failures",
            "In any phase, in the time range, from the meter's counters: all, and the long ones.",
            look.NUMBER,
            influxql.counted({"all": "power_failures", "long": "long_power_failures"}),
            steps=_COUNT,
            options={"text": {"valueSize": 60, "titleSize": 16}},
            decimals=0,
            width=8,
            height=9,
            no_data=_NONE,
        ),
        table(
            "Log of the long failures",
            "From the meter's own log, which goes back to before the collector was there: when "
            "each ended and how long it was. What two meters have logged is there once.",
            look.SECONDS,
            influxql.rows({"length": "duration_s"}, measurement="power_failure", span=past(3660)),
            transformations=[once("Time", "length"), sorted_by("Time", descending=True)],
            overrides=[override("Time", displayName="End")],
            since="now-10y",
            width=8,
            height=9,
            no_data="no long failure in the meter's log",
        ),
        table(
            "Messages",
            "What the network operator has put on the meter's display.",
            look.TEXT,
            influxql.rows({"text": "text", "code": "code"}, measurement="message", span=past(366)),
            transformations=[sorted_by("Time", descending=True)],
            since="now-1y",
            width=8,
            height=9,
            no_data="no message",
        ),
    ],
)

_SELDOM: Final = Row(
    "What few meters send",
    [
        lines(
            "Reactive power",
            "What flows to and fro without being used; Swedish, Luxembourg and Baltic meters send "
            "it.",
            look.KILOVAR,
            influxql.course(
                {
                    "import": "{reactive_power_import_kvar}",
                    "export": "{reactive_power_export_kvar}",
                }
            ),
            overrides=mirrored("export"),
            interval="10s",
            no_data=_NONE,
        ),
        lines(
            "Frequency",
            "Baltic meters send it; the whole of Europe has the same one.",
            look.HERTZ,
            influxql.course({"frequency": "{frequency_hz}"}),
            soft_min=49.8,
            custom={"axisSoftMax": 50.2, "fillOpacity": 0},
            interval="10s",
            no_data=_NONE,
            decimals=2,
        ),
        lines(
            "Power factor",
            "1 is a load without reactive power.",
            look.NUMBER,
            influxql.course({"power factor": "{power_factor}"}),
            interval="10s",
            no_data=_NONE,
            decimals=2,
        ),
    ],
    collapsed=True,
)

QUALITY: Final = Dashboard(
    name="power-quality",
    title="Power quality",
    description="Voltage, current, sags, swells and power failures.",
    rows=[_VOLTAGE, _FAILED, _SELDOM],
    since="now-24h",
    refresh="1m",
    variables=[textbox("fuse", "Main fuse, A", "25")],
    annotations=[FAILURES],
)
