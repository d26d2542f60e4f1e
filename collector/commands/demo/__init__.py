"""`p1-collector demo`: the whole path, through an outage, and accounted for.

`stage` plays it: a meter on a pseudo-terminal, `p1-collector run` as a `process` on it, and what
takes the readings: the `receiver`, which is there, goes away and comes back, before an `influxdb`
or in its stead. At the end it says where every telegram is.
"""

import argparse

from collector.commands.arguments import number


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "Without P1_INFLUX_URL it starts an `influxd` from the PATH, or a stand-in of its own."
        " In a clone, `./infra/demo --stack` shows collector, InfluxDB and Grafana with Docker."
    )
    parser.add_argument(
        "--seconds", metavar="N", type=number, default=30.0, help="how long (default 30)"
    )
    parser.add_argument(
        "--speed",
        metavar="N",
        type=number,
        default=10.0,
        help="simulated seconds per second, each with a telegram (default 10)",
    )


def main(args: argparse.Namespace) -> int:
    """Runs the demo; 1 if a telegram was lost, or the collector died."""
    from collector.commands.demo.stage import play  # noqa: PLC0415 - `--help` is quick

    return play(args.seconds, args.speed)
