"""`p1-collector import`: old recordings into the spool's inbox, so with the same guarantees.

`recording` is what can be imported: files of telegrams as a meter sent them, and in `database` the
SQLite file of slimmemeter-rpi. `job` makes a record of each telegram, and of records segments in
the inbox; `session` goes through the files, and says how far it is.

An import may be broken off and repeated at will. The points carry the telegrams' own times, so
sending one twice changes nothing. So as not to begin anew all the same, a note in the spool says
behind each segment that was handed over where the next begins, and what must not be written again
because it only repeats. The note is written after the segment: what a crash between the two costs
is one segment that is sent twice. It goes when the file is done.

Old data never cost live ones: the service takes the inbox last, and the command waits while what
is in there reaches its bound.
"""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file",
        nargs="+",
        type=Path,
        help="telegrams as the meter sent them, or the SQLite file of slimmemeter-rpi",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would be written, and write nothing"
    )
    parser.add_argument(
        "--again",
        action="store_true",
        help="begin at the beginning, where an import was broken off before",
    )
    parser.epilog = "What cannot be used is named and left out; then the exit code is 1."


def main(options: argparse.Namespace) -> int:
    """Import the files, in order; 1 if something was left out."""
    from collector.commands.imports.session import Session  # noqa: PLC0415  `--help` imports no pydantic
    from collector.settings.settings import load_strictly  # noqa: PLC0415

    session = Session(load_strictly(), dry=options.dry_run, again=options.again)
    return 1 if sum([session.run(path).unusable for path in options.file]) else 0
