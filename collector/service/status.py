"""The status file, and what is said in its words: the `collector` measurement, systemd's line.

It is replaced as a whole in the hot directory, in RAM; `show` draws from it, so that it needs no
port and no server. What stands in it, `report` gathers. Who reads it may rely on this: it is at
most 20 seconds old as long as the service runs (14, and 5 in which a port is connected to);
once it has been read, the next one follows within a second, so who looks each second sees each
second; and so it does when the state changes.
"""

import json
import os
import platform
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from collector.points import COLLECTOR, line_of

FILE_NAME: Final = "status.json"
MEMORY_NAME: Final = "memory.json"
SECONDS_NAME: Final = "seconds"
SILENT_SECONDS: Final = 30
"""The service writes its status more often than that."""
_ANEW_SECONDS: Final = 2.0


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


def write(path: Path, data: dict[str, Any], **lists: Iterable[str]) -> None:
    """Replace a file as a whole with what `read` gives back; of `lists` each item is JSON."""
    # `dump`, without the compiled encoder, takes several times as long.
    more = "".join(f', "{name}": [{",".join(items)}]' for name, items in lists.items())
    replace(path, f"{json.dumps(data)[:-1]}{more}}}".encode())


def replace(path: Path, data: bytes) -> None:
    """Replace a file as a whole, readable by this user alone; in RAM, so without a sync."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "wb") as stream:
        stream.write(data)
    draft.rename(path)


def runs(status: Mapping[str, Any], now: float, holder: str | None) -> bool:
    """Whether the service that wrote this status runs now, and works.

    `holder` is the process that has the hot directory's lock: one that was killed has it no more.
    """
    updated = status.get("updated")
    is_fresh = isinstance(updated, int) and abs(now - updated) <= SILENT_SECONDS
    return bool(holder) and is_fresh and status.get("state") != "stopped"


def read_at(path: Path) -> int | None:
    """Give when a file was first read since it was written, or made if never; None if it is gone.

    File systems note the first time at least (mount(8), `relatime`).
    """
    try:
        return path.stat().st_atime_ns
    except OSError:
        return None


def newest(path: Path) -> dict[str, Any]:
    """Give what a running service says now: having been read, it writes anew within a second."""
    found = read(path)
    give_up = time.monotonic() + _ANEW_SECONDS
    while _is_old(found) and time.monotonic() < give_up:
        time.sleep(_ANEW_SECONDS / 20)
        found = read(path)
    return found


def _is_old(found: Mapping[str, Any]) -> bool:
    """Whether something newer may come: this was said by a service that may run, not just now."""
    updated = found.get("updated")
    if found.get("state") == "stopped" or not isinstance(updated, int):
        return False
    return 1 < time.time() - updated <= SILENT_SECONDS


def read(path: Path) -> dict[str, Any]:
    """Give what `write` wrote; empty if there is none, or it is no such file."""
    try:
        data = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}
