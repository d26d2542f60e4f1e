"""What each panel asks in Flux, by the panel's title: the cells are Grafana's panels once more.

Where one dashboard has a title twice, the panel's kind stands before it.
"""

from collections.abc import Mapping
from typing import Final

from dashboards.build import figures, flux, look, state
from dashboards.build.flux import Ask

_IMPORT: Final = "{energy_import_kwh}"
_RETURN: Final = "{energy_export_kwh}"
_BOTH: Final = {"import": _IMPORT, "return": _RETURN}
_MIRRORED: Final = {"import": _IMPORT, "return": f"0 - {_RETURN}"}
_NET: Final = f"{_IMPORT} - {_RETURN}"
_WATTS: Final = {"import": "{power_import_kw} * 1000", "return": "{power_export_kw} * -1000"}
_PHASES: Final = {
    f"L{n}": f"({{power_import_l{n}_kw}} - {{power_export_l{n}_kw}}) * 1000" for n in (1, 2, 3)
}
_VOLUME: Final = "{volume_m3}"
_KILOWATTS: Final = {
    "running quarter hour": "{demand_kw}",
    "peak of this month": "{demand_month_peak_kw}",
}


def _each(field: str) -> dict[str, str]:
    return {f"L{n}": f"{{{field.format(n)}}}" for n in (1, 2, 3)}


NOW: Final[Mapping[str, Ask]] = {
    "Power consumption": flux.last({"import": "{power_import_kw} * 1000"}),
    "Power surplus": flux.last({"return": "{power_export_kw} * 1000"}),
    "Last reading": flux.last_seen(),
    "Net power": flux.last({"net": "({power_import_kw} - {power_export_kw}) * 1000"}),
    "Tariff": flux.last({"tariff": "{tariff}"}),
    "Power consumption and surplus": flux.course(_WATTS),
    "Phases": flux.course(_PHASES),
    "Energy so far": flux.summed_up(_BOTH),
    "Taken today": flux.totals({"import": _IMPORT}),
    "Given today": flux.totals({"return": _RETURN}),
    "Gas today": flux.totals({"gas": _VOLUME}, "gas"),
    "Water today": flux.totals({"water": _VOLUME}, "water"),
    "Cost today": figures.cost_in_all(),
    "Hours of today": flux.energy(_MIRRORED, "1h"),
}

HISTORY: Final[Mapping[str, Ask]] = {
    "Electricity, each day": flux.energy(_MIRRORED, "1d"),
    "Tariffs, each day": flux.energy(
        {
            "tariff 1": "{energy_import_t1_kwh}",
            "tariff 2": "{energy_import_t2_kwh}",
            "return tariff 1": "0 - {energy_export_t1_kwh}",
            "return tariff 2": "0 - {energy_export_t2_kwh}",
        },
        "1d",
    ),
    "Net, each day": flux.energy({"net": _NET}, "1d"),
    "Gas, each day": flux.energy({"gas": _VOLUME}, "1d", "gas"),
    "Water, each day": flux.energy({"water": _VOLUME}, "1d", "water"),
    "Heat, each day": flux.energy({"heat": "{energy_gj}"}, "1d", "heat"),
    "Cooling, each day": flux.energy({"cooling": "{energy_gj}"}, "1d", "cooling"),
    "This week so far": flux.totals(_BOTH),
    "The same days last week": flux.totals(_BOTH),
    "This month so far": flux.totals(_BOTH),
    "The same days a year ago": flux.totals(_BOTH),
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
    "Hour and weekday": figures.hours_of_the_week(),
    "Standby": flux.standby(),
    "Standby, the lowest night": flux.standby_of_all("min"),
    "Standby, the middle night": flux.standby_of_all("median"),
}

COST: Final[Mapping[str, Ask]] = {
    "In the days shown": figures.cost_in_all(),
    "This month so far": figures.cost_in_all(),
    "The same days a year ago": figures.cost_in_all(),
    "This year so far": figures.cost_in_all(),
    "Each day": figures.cost("1d"),
    "Each month": figures.cost("1mo"),
    "The months in figures": figures.cost_figures("1mo"),
    "The years in figures": figures.cost_figures("1y"),
}

PEAK: Final[Mapping[str, Ask]] = {
    "Running quarter hour": flux.last({"running quarter hour": "{demand_kw}"}),
    "Peak of this month": flux.last({"peak of this month": "{demand_month_peak_kw}"}),
    "Mean of twelve months": flux.mean_peak("peak", look.PEAK_FLOOR_KW),
    "That costs in a year": flux.mean_peak("peak", look.PEAK_FLOOR_KW, "($price_kw)"),
    "The running quarter and the peak": flux.course(_KILOWATTS, "max"),
    "The month peaks": flux.month_peaks(),
    "The highest quarter hour of each day": flux.quarters("peak", "1d", "max", "4"),
    "Every quarter hour": flux.quarters("quarter hour", "15m", "sum", "4"),
}

QUALITY: Final[Mapping[str, Ask]] = {
    "Voltage": flux.course(_each("voltage_l{}_v")),
    "Lowest voltage": flux.extreme(_each("voltage_l{}_v"), "min"),
    "Highest voltage": flux.extreme(_each("voltage_l{}_v"), "max"),
    "Voltage sags": flux.counted(_each("voltage_sags_l{}")),
    "Voltage swells": flux.counted(_each("voltage_swells_l{}")),
    "Current": flux.course(_each("current_l{}_a"), "max"),
    "Reactive power": flux.course(
        {"import": "{reactive_power_import_kvar}", "return": "0 - {reactive_power_export_kvar}"}
    ),
    "Power failures": flux.counted({"all": "{power_failures}", "long": "{long_power_failures}"}),
    "Log of the long failures": flux.events("power_failure", {"length": "duration_s"}, "end"),
    "Messages": flux.events("message", {"text": "text", "code": "code"}, "time"),
    "Frequency": flux.course({"frequency": "{frequency_hz}"}),
    "Power factor": flux.course({"power factor": "{power_factor}"}),
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
    "timeseries Age of the backlog": state.own({"lag": "{lag_s}"}),
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
