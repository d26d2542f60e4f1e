"""The status file of a running collector: what `show` draws.

`run` replaces it as a whole, at most once a second, so a reader always finds a complete one.
"""

import json
from pathlib import Path
from typing import Any, Final, Literal, TypedDict, cast

FILE_NAME: Final = "status.json"


class Device(TypedDict):
    """An M-Bus device's last reading; `time` is in unix seconds."""

    medium: str
    channel: int
    meter: str | None
    time: int | None
    fields: dict[str, Any]


class Telegram(TypedDict):
    """The last telegram; decimals are text, as the meter printed them."""

    time: int
    meter: str | None
    header: str
    electricity: dict[str, Any]
    devices: list[Device]


class Delivery(TypedDict):
    """How the sending goes; `message` is the last error in words."""

    state: Literal["off", "delivering", "retrying", "misconfigured"]
    url: str | None
    message: str | None


class Status(TypedDict):
    """The whole file; every time is in unix seconds, UTC."""

    version: str
    pid: int
    site: str
    source: str
    state: str
    trouble: str | None
    started: int
    updated: int
    telegram: Telegram | None
    power: list[tuple[int, float, float]]
    counts: dict[str, int]
    lag_s: int
    delivery: Delivery


def read_status(hot_dir: Path) -> Status | None:
    """What the collector last said of itself; None where there is no file that says anything."""
    try:
        content = json.loads((hot_dir / FILE_NAME).read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return cast("Status", content) if isinstance(content, dict) else None
