"""The inbox of a command, whether a service takes what is in it, and why the command waits."""

import time
from pathlib import Path

from collector.service import status
from collector.service.lock import holder
from collector.settings.settings import Settings
from collector.spool.disk import Disk
from collector.spool.inbox import BOUND, Inbox
from collector.spool.spool import Directories


def inbox_of(settings: Settings, *, bound: int = BOUND, tray: Path | None = None) -> Inbox:
    """Give the inbox, or a tray before it, in which `bound` bytes may wait."""
    rooms = Directories(settings.spool, tray)
    return Inbox(rooms, Disk(), free=settings.free_mib * 1024 * 1024, bound=bound)


def is_served(settings: Settings) -> bool:
    hot = settings.hot
    return status.runs(status.read(hot / status.FILE_NAME), time.time(), holder(hot))


def why_it_waits(settings: Settings, inbox: Inbox | None) -> str:
    """Say for what there is no room: what is old never pushes out what is live."""
    if inbox and inbox.disk_is_full:
        return "waits for room on the disk of the spool: make some, or lower P1_FREE_MIB"
    if is_served(settings):
        return "waits until the service has delivered some"
    return "waits for the service, which does not seem to run: start it"
