"""Spools of before: once `P1_SPOOL_DIR` is another, what waits in the old one has nobody.

The directories that were used stand in a file beside the default one, each once.
"""

import logging
from contextlib import suppress
from pathlib import Path
from typing import Final

from collector.service.lock import holder
from collector.settings.settings import Settings
from collector.spool.disk import Disk
from collector.spool.segment import segments
from collector.spool.spool import Directories

log: Final = logging.getLogger(__name__)

NAME: Final = "spools"
_MOST: Final = 20


def look_back(settings: Settings, disk: Disk) -> None:
    """Tell what waits in spools of before, and note the one that is used now."""
    for spool in left(settings, disk):
        what = "%d files with readings wait in `%s`, where nobody delivers them (%s)"
        hint = "`p1-collector spool take-over` brings them into the spool of now"
        log.warning(what, len(backlog(spool, disk)), spool, hint)
    with suppress(OSError):  # the next start notes it
        _note(settings, disk)


def left(settings: Settings, disk: Disk) -> list[Path]:
    """Give the spools of before in which readings wait, and that nobody uses."""
    known = (settings.default_spool, *_noted(settings))
    others = [each for each in dict.fromkeys(known) if each.resolve() != settings.spool.resolve()]
    return [each for each in others if backlog(each, disk) and not holder(each)]


def backlog(spool: Path, disk: Disk) -> list[Path]:
    """Give the files in which readings wait, those of the service first, oldest first."""
    rooms = Directories(spool)
    with suppress(OSError):
        opened = segments(disk, spool, ".open")
        return [*segments(disk, spool), *opened, *segments(disk, rooms.inbox)]
    return []


def _noted(settings: Settings) -> list[Path]:
    try:
        text = (settings.default_spool.parent / NAME).read_text()
    except (OSError, UnicodeDecodeError):
        return []
    return [Path(line) for line in text.splitlines() if line.startswith("/")]


def _note(settings: Settings, disk: Disk) -> None:
    now, noted = settings.spool.absolute(), _noted(settings)
    if now in (settings.default_spool, *noted) or "\n" in str(now):
        return
    there = [spool for spool in noted if spool.is_dir()]
    directory = settings.default_spool.parent
    disk.make_directory(directory)
    lines = "".join(f"{spool}\n" for spool in [*there[1 - _MOST :], now])
    disk.write_whole(directory / NAME, lines.encode())
