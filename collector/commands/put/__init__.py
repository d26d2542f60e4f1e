"""`p1-collector put`: lines of anything, through the same spool, with the same guarantees.

`lines` takes them from a file or a pipe some at a time, reads each strictly and gives it its time
in seconds; `session` hands them to the service.
"""

import argparse
import errno
import os
import stat
import sys
import time
from threading import Event
from typing import Final

from collector.commands.output import complain
from collector.errors import SourceError

_FORMS: Final = ("s", "ms", "us", "ns")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", nargs="*", default=["-"], help="lines of line protocol; `-`, or none: what comes"
    )
    parser.add_argument(
        "--precision",
        choices=_FORMS,
        default="",
        help="what the times are counted in (default: recognised by their size)",
    )
    parser.add_argument(
        "--round",
        action="store_true",
        help="store a time within a second under the second, which is as fine as it gets",
    )
    parser.add_argument(
        "--skip-bad", action="store_true", help="leave out bad lines, and store the others"
    )
    parser.add_argument(
        "--own", action="store_true", help="let lines go to the collector's own measurements"
    )
    parser.epilog = (
        "A line without a time gets now. Of files nothing is stored if a line is bad; of a pipe,"
        " nothing of what comes within the same second. Exit 0 if all lines are stored, else 1."
    )


def main(options: argparse.Namespace) -> int:
    """Store the lines; 1 if some were left out. Raises `CollectorError`."""
    from collector.commands.put.lines import Rules, Stream  # noqa: PLC0415  `--help` is quick
    from collector.commands.put.session import Session  # noqa: PLC0415
    from collector.service.ending import ended_by_signals  # noqa: PLC0415
    from collector.settings.settings import load_strictly  # noqa: PLC0415

    stopping = Event()
    streams = [
        Stream("standard input", sys.stdin.fileno(), time.monotonic)
        if name == "-"
        else Stream(name, _opened(name), time.monotonic)
        for name in options.file
    ]
    rules = Rules(options.precision, rounds=options.round, own=options.own)
    session = Session(load_strictly(), rules, stopping, skip_bad=options.skip_bad)
    with ended_by_signals(stopping):
        session.run(streams)
    complain(session.outcome())
    return 1 if session.bad else 0


def _opened(name: str) -> int:
    try:
        file = os.open(name, os.O_RDONLY)
        if stat.S_ISDIR(os.fstat(file).st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    except OSError as error:
        raise SourceError(f"cannot read `{name}`: {error.strerror}") from error
    return file
