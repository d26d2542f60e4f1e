"""`p1-collector once`: read one telegram, deliver it or keep it, and end; for cron or a timer."""

import argparse
import logging

from collector.commands.arguments import number
from collector.commands.output import complain


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seconds",
        type=number,
        metavar="S",
        default=60.0,
        help="how long to wait for a telegram (default 60)",
    )
    parser.add_argument(
        "--quiet", action="store_true", help="say nothing as long as nothing is wrong"
    )
    parser.epilog = "Exit 0 if the telegram is delivered or on the disk, else 1."


def main(options: argparse.Namespace) -> int:
    """Read, deliver or keep. Raises `CollectorError` if no telegram comes, or the service runs."""
    from collector.commands.once.turn import take  # noqa: PLC0415  `--help` imports no pydantic
    from collector.settings.settings import load  # noqa: PLC0415

    logging.getLogger().setLevel(logging.WARNING)
    settings, problems = load()
    for problem in problems:
        logging.getLogger(__name__).warning("%s (%s)", problem, problem.hint)
    words = take(settings, options.seconds)
    if not options.quiet:
        complain(words)
    return 0
