"""Statuses as `run` writes them, for drawing."""

from typing import Any

from collector.commands.show.screen import Status

NOW = 1_781_190_005  # 2026-06-11 15:00:05 UTC

ELECTRICITY: dict[str, Any] = {
    "energy_import_kwh": "41852.003",
    "energy_import_t1_kwh": "22241.734",
    "energy_import_t2_kwh": "19610.269",
    "energy_export_kwh": "23449.744",
    "energy_export_t1_kwh": "9090.008",
    "energy_export_t2_kwh": "14359.736",
    "power_import_kw": "0.000",
    "power_export_kw": "1.671",
    "tariff": 2,
    "voltage_l1_v": "228.2",
    "voltage_l2_v": "232.5",
    "voltage_l3_v": "235.0",
    "current_l1_a": "0",
    "current_l2_a": "0",
    "current_l3_a": "7",
    "power_import_l1_kw": "0.097",
    "power_import_l2_kw": "0.060",
    "power_import_l3_kw": "0.000",
    "power_export_l1_kw": "0.000",
    "power_export_l2_kw": "0.000",
    "power_export_l3_kw": "1.828",
}
COUNTS = {
    "telegrams": 3000,
    "repeated": 0,
    "bad_checksums": 0,
    "bad_lines": 0,
    "unknown_lines": 0,
    "found": 0,
    "read": 3000,
    "delivered": 2990,
    "waiting": 10,
    "rejected": 0,
    "dropped": 0,
    "damaged": 0,
    "requests": 40,
    "retries": 0,
    "spool_bytes": 0,
    "hot_bytes": 7000,
}


def status(**changes: Any) -> Status:
    """A three-phase house in the sun, delivering; with changes."""
    whole: dict[str, Any] = {
        "version": "0.1.0",
        "pid": 4711,
        "site": "home",
        "source": "/dev/ttyUSB0",
        "state": "reading",
        "trouble": None,
        "started": NOW - 4000,
        "updated": NOW,
        "telegram": telegram(ELECTRICITY),
        "power": [[NOW - 299 + n, 0.0, 1.0 + n / 300] for n in range(300)],
        "counts": COUNTS,
        "lag_s": 5,
        "delivery": {"state": "delivering", "url": "http://influx:8086", "message": None},
    }
    return whole | changes


def telegram(electricity: dict[str, Any], *, water: bool = False) -> dict[str, Any]:
    devices = [("gas", "2930.570"), ("water", "313.186")][: 1 + water]
    return {
        "time": NOW,
        "meter": "E0001",
        "header": "XMX5",
        "electricity": electricity,
        "devices": [
            {
                "medium": medium,
                "channel": channel,
                "meter": "D0001",
                "time": NOW - NOW % 300,
                "fields": {"volume_m3": value},
            }
            for channel, (medium, value) in enumerate(devices, start=1)
        ],
    }
