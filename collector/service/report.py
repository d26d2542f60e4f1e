"""How it goes, told to others: the status file, systemd, a point of `collector` once a minute.

The reader's thread does it, so nothing here looks at the disk.
"""

import os
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from collector import __version__
from collector.delivery.answer import shown
from collector.delivery.sender import DeliveryState  # noqa: TC001  an attribute has this type
from collector.p1.telegram import Value
from collector.reading.clock import Stamped
from collector.reading.reader import Reader
from collector.service import status
from collector.service.notify import Notifier
from collector.service.status import collector_line, summary
from collector.service.watch import Watch
from collector.settings.settings import Settings
from collector.spool.account import Account
from collector.spool.handoff import Handoff
from collector.spool.hot import Hot
from collector.spool.keeper import Keeper
from collector.spool.record import Record, RecordId
from collector.spool.spool import Spool

OWN_STATE_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 0.9
"""How often it is looked whether there is something to say: at each telegram of a quick meter."""
UNREAD_SECONDS: Final = 14.0
"""How often the status is written that nobody reads."""
_HISTORY: Final = 300


class Power:
    """The last telegrams' power, for the sparkline: second, import and export in kW, as JSON."""

    def __init__(self) -> None:
        self.rows: deque[str] = deque(maxlen=_HISTORY)
        self._second: int | None = None

    def add(self, stamped: Stamped) -> None:
        values = stamped.telegram.electricity
        drawn, returned = values.get("power_import_kw", 0), values.get("power_export_kw", 0)
        second = int(stamped.time.timestamp())
        if second != self._second:
            self._second = second
            self.rows.append(f"[{second}, {float(drawn)}, {float(returned)}]")


@dataclass(kw_only=True)
class Report:
    """Gathers the facts of a running service. `delivery` is there once there is a sender."""

    settings: Settings
    reader: Reader
    hot: Hot
    handoff: Handoff
    keeper: Keeper
    spool: Spool
    account: Account
    notifier: Notifier
    watch: Watch
    own: RecordId

    def __post_init__(self) -> None:
        self.delivery: DeliveryState | None = None
        self._digest = self.settings.digest
        self._started = int(time.time())
        self._power = Power()
        self._look_at = self._status_at = self._own_state_at = self._watchdog_at = 0.0
        self._told: Stamped | None = None
        self._words: tuple[object, ...] = ()
        self._read_at: int | None = None
        self._path = self.hot.directory / status.FILE_NAME

    def tell(self) -> None:
        """Say how it goes: to systemd, to the status file, once a minute to InfluxDB.

        Both say it at once where the state is another one, or somebody has read the file.
        """
        now = time.monotonic()
        if self.notifier.watchdog_seconds and now >= self._watchdog_at:
            self._watchdog_at = now + self.notifier.watchdog_seconds / 3
            if self.watch.all_move(now):
                self.notifier.send(WATCHDOG="1")
        if (last := self.reader.last) is not self._told and last is not None:
            self._told = last
            self._power.add(last)
        if now < self._look_at:
            return
        self._look_at = now + LOOK_SECONDS
        self.watch.look(now)
        if now < min(self._status_at, self._own_state_at) and not self._is_wanted():
            return
        self._status_at = now + UNREAD_SECONDS
        facts = self.write()
        self.notifier.send(STATUS=summary(facts))
        if now >= self._own_state_at:
            self._own_state_at = now + OWN_STATE_SECONDS
            self.hot.append(Record(self.own, collector_line(facts).encode()))

    def _is_wanted(self) -> bool:
        """Whether there is news, or somebody who wants some."""
        return (
            self.reader.points.memory.changed
            or self._words != self._state()
            or self._read_at != status.read_at(self._path)
        )

    def _state(self) -> tuple[object, ...]:
        line, delivery = self.reader.line, self.delivery
        said = (delivery.state, delivery.message) if delivery else ()
        return (line.state, line.trouble, self.watch.hanging, self.keeper.trouble, *said)

    def write(self, state: str | None = None) -> dict[str, Any]:
        """Write status and memory to the hot directory; gives the status."""
        self._words = self._state()
        facts = self._facts(state)
        try:
            status.write(self._path, facts, power=self._power.rows)
            self._read_at = status.read_at(self._path)
            status.write(self.hot.directory / status.MEMORY_NAME, self.reader.kept())
            self.reader.points.memory.changed = False
            self.reader.points.seconds.save(self.hot.directory / status.SECONDS_NAME)
        except OSError:
            # The hot directory says so itself; a missing status is the smaller loss.
            with suppress(OSError):
                self.spool.disk.make_directory(self.hot.directory)
        return facts

    def _lag(self) -> int:
        """Give the age of the oldest record that waits, by its own time."""
        if (second := self.spool.oldest_second) is not None:
            return max(0, int(time.time()) - second)
        oldest = self.handoff.oldest()
        return int(time.monotonic() - oldest) if oldest is not None else 0

    def _facts(self, state: str | None) -> dict[str, Any]:
        line = self.reader.line
        unsent = "starting" if self.settings.target else "off"
        words = f"{line.trouble.message} ({line.trouble.hint})" if line.trouble else None
        return {
            "version": __version__,
            "pid": os.getpid(),
            "site": self.settings.site,
            "source": line.name,
            "speed": str(line.speed),
            "state": state or line.state,
            "trouble": words or self.watch.hanging or self.keeper.trouble,
            "settings": self._digest,
            "started": self._started,
            "updated": int(time.time()),
            "telegram": _telegram(self.reader.last),
            "counts": self._counts(),
            "uncounted_segments": len(self.spool.stock.uncounted),
            "lag_s": self._lag(),
            "delivery": {
                "state": self.delivery.state if self.delivery else unsent,
                "url": shown(url) if (url := self.settings.influx_url) else None,
                "message": self.delivery.message if self.delivery else None,
            },
        }

    def _counts(self) -> dict[str, int]:
        return {
            **asdict(self.reader.counters),
            "reopened": self.reader.line.reopened,
            "clock_changes": self.reader.clock_changes,
            "unset_clock": self.reader.unset_clock,
            **self.account.totals().as_dict(),
            "requests": self.delivery.requests if self.delivery else 0,
            "retries": self.delivery.retries if self.delivery else 0,
            "spool_bytes": self.spool.stock.backlog_bytes,
            "hot_bytes": self.hot.size,
        }


def _telegram(last: Stamped | None) -> dict[str, Any] | None:
    if last is None:
        return None
    telegram = last.telegram
    return {
        "time": _second(last.time),
        "meter_time": _second(telegram.time),
        **{name: getattr(telegram, name) for name in ("dialect", "checksum", "meter", "header")},
        "electricity": _plain(telegram.electricity),
        "devices": [
            {**device._asdict(), "time": _second(device.time), "fields": _plain(device.fields)}
            for device in telegram.devices
        ],
    }


def _second(time: datetime | None) -> int | None:
    return int(time.timestamp()) if time else None


def _plain(values: Mapping[str, Value]) -> dict[str, str | int]:
    return {name: v if isinstance(v, int) else str(v) for name, v in values.items()}
