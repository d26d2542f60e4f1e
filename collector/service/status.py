"""The status file, and what is said in its words: the `collector` measurement, systemd's line.

It is replaced as a whole in the hot directory, in RAM, at most once a second; `show` draws from
it, so that it needs no port and no server. What stands in it, `report` gathers.
"""

import json
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from collector.points import COLLECTOR, line_of

FILE_NAME: Final = "status.json"
MEMORY_NAME: Final = "memory.json"
SECONDS_NAME: Final = "seconds"
SILENT_SECONDS: Final = 30
"""The service writes its status every second."""


def collector_line(status: dict[str, Any]) -> str:
    """Give the program's own state as a point of the measurement `collector`, with line end."""
    fields = {
        **status["counts"],
        "lag_s": status["lag_s"],
        "version": status["version"],
    }
    tags = {"site": status["site"], "host": platform.node()}
    return f"{line_of(COLLECTOR, tags, fields, status['updated'])[0]}\n"


def summary(status: dict[str, Any]) -> str:
    """Give the state in one line, for `systemctl status`."""
    counts = status["counts"]
    return (
        f"{status['state']}, {status['delivery']['state']}: {counts['read']} read,"
        f" {counts['delivered']} delivered, {counts['waiting']} waiting, lag {status['lag_s']} s"
    )


def write(path: Path, data: dict[str, Any]) -> None:
    """Replace a file as a whole with what `read` gives back."""
    # Each second; `dump`, without the compiled encoder, takes several times as long.
    replace(path, json.dumps(data).encode())


def replace(path: Path, data: bytes) -> None:
    """Replace a file as a whole, readable by this user alone; in RAM, so without a sync."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "wb") as stream:
        stream.write(data)
    draft.rename(path)


def runs(status: Mapping[str, Any], now: float) -> bool:
    """Whether the service that wrote this status runs now, and works."""
    updated = status.get("updated")
    is_fresh = isinstance(updated, int) and abs(now - updated) <= SILENT_SECONDS
    return is_fresh and status.get("state") != "stopped"


def read(path: Path) -> dict[str, Any]:
    """Give what `write` wrote; empty if there is none, or it is no such file."""
    try:
        data = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}
