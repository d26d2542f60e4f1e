"""Where the service may put what it reads first: the hot directory, or another in its place."""

import errno
import logging
import os
import stat
from pathlib import Path
from typing import Final

from collector.errors import SettingsError
from collector.settings.settings import Settings
from collector.spool.disk import Disk
from collector.spool.fault import advice, words

log: Final = logging.getLogger(__name__)


def with_hot_directory(settings: Settings, disk: Disk) -> Settings:
    """Make the hot directory, or the one that would be used if none were set.

    Raises `SettingsError` if there is no directory at all to put a reading in.
    """
    for chosen in (settings, settings.model_copy(update={"hot_dir": None})):
        try:
            _make_own(chosen.hot, disk)
        except OSError as error:
            what = "cannot use the hot directory `%s`: %s (%s)"
            log.error(what, chosen.hot, words(error), advice(error))
        else:
            return chosen
    raise SettingsError(
        f"cannot use the hot directory `{settings.hot}`, nor any other",
        hint="set `P1_HOT_DIR` to a directory in RAM that this user may write",
    )


def _make_own(directory: Path, disk: Disk) -> None:
    """Make a directory, and see that nobody else put it where everybody may (`/dev/shm`)."""
    disk.make_directory(directory)
    if not os.access(directory, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, "this user may not write there")
    theirs = directory.stat().st_uid != os.getuid()
    if theirs and directory.parent.stat().st_mode & stat.S_ISVTX:
        raise PermissionError(errno.EPERM, "it belongs to another user")
