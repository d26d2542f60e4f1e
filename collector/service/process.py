"""The service as a process: its settings, what a crash leaves, signals, the exit status."""

import faulthandler
import logging
import resource
from typing import Final

from collector.errors import CollectorError, SettingsError, UnknownSetting
from collector.service.ending import ended_by_signals
from collector.service.service import Service
from collector.settings.settings import Settings, load

log: Final = logging.getLogger(__name__)

UNUSABLE: Final = 78
"""sysexits.h EX_CONFIG: systemd does not restart on it."""


def run() -> int:
    """Run the service until SIGTERM or SIGINT; gives the exit status."""
    faulthandler.enable()
    # A crash leaves a stack in the log; a core dump would leave the token on the card.
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    settings, problems = load()
    for problem in problems:
        level = logging.WARNING if isinstance(problem, UnknownSetting) else logging.ERROR
        log.log(level, "%s (%s)", problem, problem.hint)
    try:
        service = Service(settings)
    except CollectorError as error:
        log.error("%s (%s)", error, error.hint)
        return UNUSABLE if isinstance(error, SettingsError) else 1
    _say_no_influxdb(settings, service)
    with ended_by_signals(service.stopping):
        return service.run()


def _say_no_influxdb(settings: Settings, service: Service) -> None:
    if not settings.influx_url and settings.influx_token is None:  # else it is told already
        kept = settings.spool if service.has_spool else settings.hot
        words = "no InfluxDB is set: readings are kept in `%s` (set `P1_INFLUX_URL`)"
        log.warning(words, kept)
