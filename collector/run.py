"""The `run` command: the service in the foreground, set up by its environment alone."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """There are none: a service is set up by its settings."""
    parser.epilog = "Ends on SIGTERM with every reading on the disk. Exit 78: unusable settings."


def main(options: argparse.Namespace) -> int:
    """Run until SIGTERM or SIGINT."""
    from collector.service import run  # noqa: PLC0415  `--help` is quick

    del options
    return run()
