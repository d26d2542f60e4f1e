"""What the service says of itself: the status file, the `collector` measurement, systemd's line.

The status file is replaced as a whole in the hot directory, in RAM, at most once a second; `show`
draws from it, so that it needs no port and no server.
"""

import json
import os
import platform
from collections import deque
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from collector import __version__
from collector.points import line_of

if TYPE_CHECKING:  # other commands only read the file, and need none of these
    from collector.delivery.sender import DeliveryState
    from collector.p1.telegram import Value
    from collector.reading.clock import Stamped
    from collector.reading.reader import Reader
    from collector.spool.account import Account

FILE_NAME: Final = "status.json"
MEMORY_NAME: Final = "memory.json"
_HISTORY: Final = 300


class Status:
    """Gathers the facts of a running service."""

    def __init__(self, *, site: str, source: str, url: str | None, started: float) -> None:
        self._site = site
        self._source = source
        self._url = url
        self._started = int(started)
        self._power: deque[tuple[int, float, float]] = deque(maxlen=_HISTORY)

    def power(self, stamped: "Stamped") -> None:
        """Remember a telegram's power for the sparkline."""
        values = stamped.telegram.electricity
        drawn, returned = values.get("power_import_kw", 0), values.get("power_export_kw", 0)
        second = int(stamped.time.timestamp())
        if not self._power or self._power[-1][0] != second:
            self._power.append((second, float(drawn), float(returned)))

    def as_dict(
        self,
        reader: "Reader",
        account: "Account",
        delivery: "DeliveryState | None",
        *,
        now: float,
        files: dict[str, int],
        trouble: str | None,
        state: str | None = None,
    ) -> dict[str, Any]:
        """Give the whole status as plain data; `files` has the sizes and the lag."""
        line = reader.line
        words = f"{line.trouble.message} ({line.trouble.hint})" if line.trouble else None
        return {
            "version": __version__,
            "pid": os.getpid(),
            "site": self._site,
            "source": self._source,
            "speed": str(line.speed),
            "state": state or line.state,
            "trouble": words or trouble,
            "started": self._started,
            "updated": int(now),
            "telegram": _telegram(reader.last),
            "power": list(self._power),
            "counts": {
                **asdict(reader.counters),
                "reopened": line.reopened,
                "clock_changes": reader.clock_changes,
                **account.totals().as_dict(),
                "requests": delivery.requests if delivery else 0,
                "retries": delivery.retries if delivery else 0,
                "spool_bytes": files["spool_bytes"],
                "hot_bytes": files["hot_bytes"],
            },
            "uncounted_segments": files["uncounted_segments"],
            "lag_s": files["lag_s"],
            "delivery": {
                "state": delivery.state if delivery else "off",
                "url": self._url,
                "message": delivery.message if delivery else None,
            },
        }


def collector_line(status: dict[str, Any]) -> str:
    """Give the program's own state as a point of the measurement `collector`, with line end."""
    fields: dict[str, Value] = {
        **status["counts"],
        "lag_s": status["lag_s"],
        "version": status["version"],
    }
    tags = {"site": status["site"], "host": platform.node()}
    return f"{line_of('collector', tags, fields, status['updated'])[0]}\n"


def summary(status: dict[str, Any]) -> str:
    """Give the state in one line, for `systemctl status`."""
    counts = status["counts"]
    return (
        f"{status['state']}, {status['delivery']['state']}: {counts['read']} read,"
        f" {counts['delivered']} delivered, {counts['waiting']} waiting, lag {status['lag_s']} s"
    )


def write(path: Path, data: dict[str, Any]) -> None:
    """Replace a file as a whole, readable by this user alone; in RAM, so without a sync."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "w") as stream:
        # Each second; `dump`, without the compiled encoder, takes several times as long.
        stream.write(json.dumps(data))
    draft.rename(path)


def read(path: Path) -> dict[str, Any]:
    """Give what `write` wrote; empty if there is none, or it is no such file."""
    try:
        data = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def _telegram(last: "Stamped | None") -> dict[str, Any] | None:
    if last is None:
        return None
    telegram = last.telegram
    return {
        "time": int(last.time.timestamp()),
        "meter_time": int(telegram.time.timestamp()) if telegram.time else None,
        "dialect": telegram.dialect,
        "checksum": telegram.checksum,
        "meter": telegram.meter,
        "header": telegram.header,
        "electricity": {name: _plain(value) for name, value in telegram.electricity.items()},
        "devices": [
            {
                "medium": device.medium,
                "channel": device.channel,
                "meter": device.meter,
                "time": int(device.time.timestamp()) if device.time else None,
                "fields": {name: _plain(value) for name, value in device.fields.items()},
            }
            for device in telegram.devices
        ],
    }


def _plain(value: "Value") -> str | int:
    return value if isinstance(value, int) else str(value)
