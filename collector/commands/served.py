"""Whether a service takes what a command puts into its inbox, and why the command has to wait."""

import time

from collector.service import status
from collector.service.lock import holder
from collector.settings.settings import Settings
from collector.spool.inbox import Inbox


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
