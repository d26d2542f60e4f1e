"""`p1-collector prices`: the prices of dynamic contracts, or all of the past, into the inbox."""

import argparse
from datetime import date, datetime


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `prices`."""
    parser.add_argument(
        "--from",
        dest="start",
        metavar="DATE",
        type=date.fromisoformat,
        help="write the price of each quarter hour since then, after a change in the contracts",
    )
    parser.epilog = (
        "Without an option it asks the market for what dynamic contracts lack of the last 30 days,"
        " of today and, from 13:00 on, of tomorrow; where nothing is lacking it asks for nothing."
    )


def main(options: argparse.Namespace) -> int:
    """Hand prices to the service; 1 if the market has no answer."""
    from collector.commands.prices.session import Session  # noqa: PLC0415  `--help` imports no pydantic
    from collector.settings.settings import load_strictly  # noqa: PLC0415

    session = Session(load_strictly(), datetime.now().astimezone())
    return session.since(options.start) if options.start else session.latest()
