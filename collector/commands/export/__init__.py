"""`p1-collector export`: what InfluxDB has of a period, to standard output.

CSV has one measurement, `electricity` unless another is named, with the columns `time` (UTC),
`local_time`, the tags and the fields, or those that `--columns` names. Line protocol has every
measurement, or those that are named, and can be written to any InfluxDB with precision `s`.

`query` asks in InfluxQL, which InfluxDB 2, Cloud and 3 understand, and in pieces, so that a year
of seconds takes no more memory than a minute; `session` writes the rows as they come.
"""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--from",
        dest="start",
        metavar="TIME",
        help="a date or time, local unless it says otherwise, or a span such as 7d"
        " (default: a day before the end)",
    )
    parser.add_argument("--to", dest="end", metavar="TIME", help="likewise (default: now)")
    parser.add_argument(
        "--measurement",
        metavar="NAME",
        action="append",
        help="which (default: electricity; all as line protocol, where several may be named)",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "--columns", metavar="A,B,…", help="columns of the CSV, such as time,power_import_kw"
    )
    form.add_argument(
        "--line-protocol", action="store_true", help="the points as they were stored, not CSV"
    )
    parser.epilog = "It needs a token that may read the bucket; the service's need not."


def main(options: argparse.Namespace) -> int:
    from collector.commands.export.session import run  # noqa: PLC0415  `--help` imports no pydantic

    return run(options)
