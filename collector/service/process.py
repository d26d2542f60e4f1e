"""The service as a process: its settings, what a crash leaves, signals, the exit status."""

import faulthandler
import logging
import resource
from typing import Final

from collector.errors import CollectorError, IgnoredSetting, SettingsError, UnknownSetting
from collector.service import former
from collector.service.ending import ended_by_signals
from collector.service.service import Service
from collector.settings.settings import load
from collector.spool.disk import Disk

log: Final = logging.getLogger(__name__)

UNUSABLE: Final = 78  # sysexits.h EX_CONFIG: systemd does not restart on it


def run() -> int:
    """Run the service until SIGTERM or SIGINT; gives the exit status."""
    faulthandler.enable()
    # A crash leaves a stack in the log; a core dump would leave the token on the card.
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    settings, problems = load()
    for problem in problems:
        harmless = isinstance(problem, UnknownSetting | IgnoredSetting)
        log.log(logging.WARNING if harmless else logging.ERROR, "%s (%s)", problem, problem.hint)
    try:
        service = Service(settings)
    except CollectorError as error:
        log.error("%s (%s)", error, error.hint)
        return UNUSABLE if isinstance(error, SettingsError) else 1
    former.look_back(settings, Disk())
    if not settings.influx_url and settings.influx_token is None:  # else it is told already
        kept = settings.spool if service.has_spool else settings.hot
        words = "no InfluxDB is set: readings are kept in `%s` (set `P1_INFLUX_URL`)"
        log.warning(words, kept)
    with ended_by_signals(service.stopping):
        return service.run()
