"""The port itself: is it there, may this user read it, does somebody else read it."""

import errno
import grp
import os
import pwd
import socket
import stat
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from collector.commands.check.finding import Finding, fail, holding, ok, warn
from collector.errors import SourceError
from collector.reading.port import holders, listed
from collector.reading.share import End
from collector.reading.sources import CONNECT_SECONDS, PSEUDO_TERMINALS, misnamed
from collector.remedies import Remedy


def findings(device: str) -> Iterator[Finding]:
    """Judge a serial device, step by step."""
    behind = ("permission", "other readers", "bytes")
    try:
        if (yield from holding([presence(device)], behind, "there is no port")):
            found = (look(device) for look in (permission, sharing))
            yield from holding(found, ["bytes"], "the port may not be used")
    except OSError as error:
        # It lies behind a directory that this user may not look into, or has just been pulled out.
        yield fail("port", f"`{device}`: {error.strerror}", Remedy.PORT_ABSENT)


def presence(device: str) -> Finding:
    path = Path(device)
    if path.is_symlink() and not path.exists():
        what = f"`{device}` points to `{path.readlink()}`, which is not there"
        return fail("port", what, Remedy.PORT_ABSENT)
    if not path.exists():
        return fail("port", f"`{device}` is not there", misnamed(device) or Remedy.PORT_ABSENT)
    if not stat.S_ISCHR(path.stat().st_mode):
        return fail("port", f"`{device}` is no serial device", Remedy.PORT_NO_SERIAL)
    real = path.resolve()
    return ok("port", device if str(real) == device else f"{device} is {real}")


def permission(device: str) -> Finding:
    state = Path(device).stat()
    me = _user(os.geteuid())
    rights = f"{stat.filemode(state.st_mode)[1:]} {_user(state.st_uid)}:{_group(state.st_gid)}"
    if os.access(device, os.R_OK | os.W_OK):
        return ok("permission", f"{me} may use it ({rights})")
    mine = ", ".join(sorted(map(_group, {os.getegid(), *os.getgroups()})))
    what = f"{me}, of {mine}, may not use it ({rights})"
    return fail("permission", what, Remedy.PORT_FORBIDDEN)


def sharing(device: str) -> Finding:
    others = holders(device)
    if not others:
        return ok("other readers", "none" if os.geteuid() == 0 else "none of this user's")
    # The simulator has both ends of its line.
    if os.major(Path(device).stat().st_rdev) in PSEUDO_TERMINALS:
        return ok("other readers", f"a pseudo-terminal, open in {listed(others)}")
    return warn("other readers", f"open in {listed(others)}", Remedy.PORT_SHARED)


def share(end: End, *, running: bool) -> Finding:
    """Who may read the line besides: each program of this machine, or each that reaches it."""
    name = f"{end.host}:{end.port}"
    if running:
        try:
            socket.create_connection((end.host, end.port), CONNECT_SECONDS).close()
        except OSError as error:
            return fail("share", f"`{name}`: {error.strerror or error}", Remedy.SHARE_TAKEN)
    if end.is_open:
        return warn("share", f"`{name}`, open to the network", Remedy.SHARE_OPEN)
    return ok("share", f"`{name}`: programs of this machine read the line there")


def refusal(device: str, error: SourceError) -> Finding:
    """Say why the port does not open, although it is there and permitted."""
    if getattr(error.__cause__, "errno", None) in (errno.EBUSY, errno.EAGAIN):
        who = listed(holders(device)) or "another program, of another user"
        return fail("bytes", f"{error}: {who}", Remedy.PORT_TAKEN)
    return fail("bytes", str(error), Remedy.PORT_NO_SERIAL)


def _name(look: Callable[[int], Sequence[Any]], number: int) -> str:
    try:
        return str(look(number)[0])
    except KeyError:
        return str(number)


_user, _group = partial(_name, pwd.getpwuid), partial(_name, grp.getgrgid)
