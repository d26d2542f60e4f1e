"""`p1-collector import FILE …`: old recordings, with the same guarantees (see the package)."""

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
