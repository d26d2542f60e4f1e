"""What a failing disk says, in words for its owner: what happened, and what to do about it."""

import errno
import os
from typing import Final

_FULL: Final = "make room there"
_BROKEN: Final = "the disk fails: see `dmesg`; copy what is on it, then replace it"
_FORBIDDEN: Final = "it must belong to the user of the service"
HANGS: Final = f"if it stays so, {_BROKEN}"
_ADVICE: Final = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EROFS: "`dmesg` says why it may only be read: a failing card is to be replaced, else"
    " `sudo mount -o remount,rw` its disk",
    errno.EIO: _BROKEN,
    errno.ETIMEDOUT: HANGS,
    errno.EUCLEAN: _BROKEN,
    errno.ENODEV: _BROKEN,
    errno.ENXIO: _BROKEN,
    errno.EACCES: _FORBIDDEN,
    errno.EPERM: f"{_FORBIDDEN}, and not be immutable (`lsattr -d`)",
    errno.EFBIG: "a limit on the size of files is set: raise `LimitFSIZE=` or `ulimit -f`",
    errno.EMFILE: "raise `LimitNOFILE=` or `ulimit -n`",
    errno.ENOENT: "what is in it is the collector's alone to remove",
}
_AILING: Final = (errno.EROFS, errno.EIO, errno.EUCLEAN, errno.ENODEV, errno.ENXIO, errno.EFBIG)
NO_ROOM: Final = "there is no room"
"""Where the disk has some, but none above the bounds of the settings."""
_ELSE: Final = "`p1-collector check` tries every link"


def words(error: OSError) -> str:
    """Give what went wrong without the path, which whoever says this has said already."""
    return error.strerror or str(error)


def advice(error: OSError) -> str:
    """Give what to do; the subject is the directory."""
    return _ADVICE.get(error.errno or 0, _ELSE)


def advice_on(said: str) -> str | None:
    """Give what to do about the disk itself, where only the words are left of what it said."""
    return next((_ADVICE[number] for number in _AILING if os.strerror(number) in said), None)


def full() -> OSError:
    """Give the error of a write that fell short without one."""
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
