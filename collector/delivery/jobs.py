"""What the sender sends: a segment as it was read, or one made ready during a request.

InfluxDB takes a while for a request. To read, check and compress the next segment of a backlog
meanwhile makes draining one as fast as InfluxDB is.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from collector.delivery.answer import Packed, pack
from collector.spool.account import Account
from collector.spool.handoff import HotSegment
from collector.spool.record import Record, RecordId
from collector.spool.spool import Spool


@dataclass(frozen=True, slots=True)
class Job:
    """A segment to send: hot if `hot` is set, else from the spool or the inbox."""

    path: Path
    records: tuple[Record, ...]
    hot: HotSegment | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """A segment of the backlog, to be sent as it stands.

    It keeps no lines but the compressed ones: whoever needs them reads the segment again.
    """

    path: Path
    ids: tuple[RecordId, ...]
    body: Packed


class Ahead:
    """Keeps one segment ready: the one that `following` says comes next."""

    def __init__(
        self, spool: Spool, account: Account, following: Callable[[], Path | None]
    ) -> None:
        self._spool = spool
        self._account = account
        self._following = following
        self._ready: Ready | None = None

    def look(self) -> None:
        """Make the next segment ready. One that cannot be read is left to who sends it."""
        with suppress(OSError):
            path = self._following()
            if path is None or self._ready is None or self._ready.path != path:
                self._ready = None if path is None else self._made(path)

    def take(self, path: Path) -> Ready | None:
        """Give a segment if it is ready, and none of its records was delivered or refused."""
        if self._ready is None or self._ready.path != path:
            return None
        ready, self._ready = self._ready, None
        return None if self._account.any_settled(ready.ids) else ready

    def _made(self, path: Path) -> Ready | None:
        if path.parent != self._spool.directories.spool:
            return None  # in the inbox another file may get the name
        contents = self._spool.load(path)
        if contents is None or not contents.places:
            return None
        return Ready(path, tuple(contents.ids), pack(contents.parts()))
