"""What each panel asks in Flux, by the panel's title: the cells are Grafana's panels once more.

Where one dashboard has a title twice, the panel's kind stands before it.
"""

from collections.abc import Mapping
from typing import Final

from dashboards.build import bill, figures, flux, look, moments, own_solar, state
from dashboards.build.flux import Ask

_IMPORT: Final = "{energy_import_kwh}"
_EXPORT: Final = "{energy_export_kwh}"
_BOTH: Final = {"import": _IMPORT, "export": _EXPORT}
_MIRRORED: Final = {"import": _IMPORT, "export": f"0 - {_EXPORT}"}
_NET: Final = f"{_IMPORT} - {_EXPORT}"
_PHASES: Final = {
    f"L{n}": f"({{power_import_l{n}_kw}} - {{power_export_l{n}_kw}}) * 1000" for n in (1, 2, 3)
}
_VOLUME: Final = "{volume_m3}"
_KILOWATTS: Final = {
    "demand": "{demand_kw}",
    "peak of this month": "{demand_month_peak_kw}",
}


def _each(field: str) -> dict[str, str]:
    return {f"L{n}": f"{{{field.format(n)}}}" for n in (1, 2, 3)}


_SINCE_LONG: Final = "date.sub(d: 2d, from: end)"


def _register(name: str) -> tuple[str, str]:
    field = name.replace("tariff ", "t").replace(" ", "_")
    return name, f"{{energy_{field}_kwh}}"


_REGISTERS: Final = dict(
    _register(f"{way}{tariff}")
    for tariff in (" tariff 1", " tariff 2", "")
    for way in ("import", "export")
)

NOW: Final[Mapping[str, Ask]] = {
    "Power": moments.last({"net": "({power_import_kw} - {power_export_kw}) * 1000"}),
    "Import today": flux.totals({"import": _IMPORT}),
    "Export today": flux.totals({"export": _EXPORT}),
    "Gas today": flux.totals({"gas": _VOLUME}, "gas"),
    "Water today": flux.totals({"water": _VOLUME}, "water"),
    "Cost today": figures.cost_in_all(),
    "Last reading": moments.last_seen(),
    "Tariff": moments.last({"tariff": "{tariff}"}),
    "Highest and lowest power": moments.extremes(),
    "Import and export": moments.power(),
    "Phases": moments.course(_PHASES),
    "Each hour": flux.energy(_MIRRORED, "1h"),
    "On the meter": moments.last(_REGISTERS, begin=_SINCE_LONG),
    "Energy so far": moments.summed_up(_BOTH),
    "Solar today": own_solar.today(),
    "Solar power": own_solar.power(),
    **bill.NOW,
}

HISTORY: Final[Mapping[str, Ask]] = {
    "Electricity, each day": flux.energy(_MIRRORED, "1d"),
    "Tariffs, each day": flux.energy(
        {
            "tariff 1": "{energy_import_t1_kwh}",
            "tariff 2": "{energy_import_t2_kwh}",
            "export tariff 1": "0 - {energy_export_t1_kwh}",
            "export tariff 2": "0 - {energy_export_t2_kwh}",
        },
        "1d",
    ),
    "Net, each day": flux.energy({"net": _NET}, "1d"),
    "Gas, each day": flux.energy({"gas": _VOLUME}, "1d", "gas"),
    "Water, each day": flux.energy({"water": _VOLUME}, "1d", "water"),
    "Heat, each day": flux.energy({"heat": "{energy_gj}"}, "1d", "heat"),
    "Cooling, each day": flux.energy({"cooling": "{energy_gj}"}, "1d", "cooling"),
    "Import this week": flux.compared(_IMPORT, "1w"),
    "Export this week": flux.compared(_EXPORT, "1w"),
    "Import this month": flux.compared(_IMPORT, "1y"),
    "Export this month": flux.compared(_EXPORT, "1y"),
    "Months, year beside year": figures.year_beside_year(_IMPORT),
    "Gas by month, year beside year": figures.year_beside_year(_VOLUME, "gas"),
    "Weeks": flux.energy(_BOTH, "1w"),
    "Months": flux.energy(_BOTH, "1mo"),
    "Years": flux.energy(_BOTH, "1y"),
    "The months in figures": figures.calendar(
        "1mo",
        ("readings", {**_BOTH, "net": _NET}),
        ("gas", {"gas": _VOLUME}),
        ("water", {"water": _VOLUME}),
    ),
    "Solar, each day": own_solar.each_day(),
    "Solar by month": own_solar.by_month(),
    "Hour and weekday": figures.hours_of_the_week(),
    "Standby": moments.standby(),
    "Standby, the lowest night": moments.standby_of_all("min"),
    "Standby, the middle night": moments.standby_of_all("median"),
}

COST: Final[Mapping[str, Ask]] = {
    "In the days shown": figures.cost_in_all(),
    "This month so far": figures.cost_compared("1y"),
    "This year so far": figures.cost_in_all(),
    "Each day": figures.cost("1d"),
    "Each month": figures.cost("1mo"),
    "The months in figures": figures.cost_figures("1mo"),
    "The years in figures": figures.cost_figures("1y"),
    **bill.COST,
}

PEAK: Final[Mapping[str, Ask]] = {
    "Running quarter hour": moments.last({"demand": "{demand_kw}"}),
    "Until the quarter hour ends": moments.quarter_to_come(),
    "Highest quarter hour": moments.highest_quarter(),
    "Peak of this month": moments.last({"peak of this month": "{demand_month_peak_kw}"}),
    "Mean of twelve months": moments.mean_peak("peak", look.PEAK_FLOOR_KW),
    "That costs in a year": moments.mean_peak("peak", look.PEAK_FLOOR_KW, "($price_kw)"),
    "The running quarter and the peak": moments.course(_KILOWATTS, "max"),
    "The month peaks": moments.month_peaks(),
    "The highest quarter hour of each day": moments.highest_quarters(),
    "Every quarter hour": moments.quarter_hours(),
}

QUALITY: Final[Mapping[str, Ask]] = {
    "Voltage": moments.course(_each("voltage_l{}_v")),
    "Lowest voltage": moments.extreme(_each("voltage_l{}_v"), "min"),
    "Highest voltage": moments.extreme(_each("voltage_l{}_v"), "max"),
    "Voltage sags": moments.counted(_each("voltage_sags_l{}")),
    "Voltage swells": moments.counted(_each("voltage_swells_l{}")),
    "Current": moments.course(_each("current_l{}_a"), "max"),
    "Highest load of the main fuse": moments.extreme(
        {name: f"{field} * 100 / ($fuse)" for name, field in _each("current_l{}_a").items()},
        "max",
        every="10s",
    ),
    "Reactive power": moments.course(
        {"import": "{reactive_power_import_kvar}", "export": "0 - {reactive_power_export_kvar}"}
    ),
    "Power failures": moments.counted(
        {"all": "{power_failures}", "long": "{long_power_failures}"}
    ),
    "Log of the long failures": moments.events("power_failure", {"length": "duration_s"}, "end"),
    "Messages": moments.events("message", {"text": "text", "code": "code"}, "time"),
    "Frequency": moments.course({"frequency": "{frequency_hz}"}),
    "Power factor": moments.course({"power factor": "{power_factor}"}),
}

OWN: Final[Mapping[str, Ask]] = {
    "Last reading of each meter": state.sites_seen(),
    "Collectors": state.own_last(
        {
            "version": "version",
            "lag": "lag_s",
            "waiting": "waiting",
            "spool": "spool_bytes",
            "rejected": "rejected",
            "dropped": "dropped",
            "damaged": "damaged",
        }
    ),
    "stat Age of the backlog": state.own_now("{lag_s}"),
    "Rejected, dropped, damaged": state.own_total("{rejected} + {dropped} + {damaged}"),
    "Bad checksums": state.own_total("{bad_checksums}"),
    "stat Delivered late": state.own_late_total(),
    "timeseries Age of the backlog": state.own({"lag": "{lag_s} / 60"}),
    "Spool": state.own({"spool": "{spool_bytes}"}),
    "Read and delivered": state.own_steps({"read": "{read}", "delivered": "{delivered}"}),
    "timeseries Delivered late": state.own_late(),
    "Trouble with the meter": state.own_steps(
        {
            "bad checksums": "{bad_checksums}",
            "bad lines": "{bad_lines}",
            "repeated": "{repeated}",
        }
    ),
    "Trouble with InfluxDB": state.own_steps(
        {
            "retries": "{retries}",
            "rejected": "{rejected}",
            "dropped": "{dropped}",
            "damaged": "{damaged}",
        }
    ),
}

CELLS: Final = {
    "now": NOW,
    "history": HISTORY,
    "cost": COST,
    "peak-demand": PEAK,
    "power-quality": QUALITY,
    "collector": OWN,
}
"""By the dashboard's name."""
