"""The `run` command: the service in the foreground, set up by its environment alone."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """There are none: a service is set up by its settings."""
    parser.epilog = "Ends on SIGTERM with every reading on the disk. Exit 78: unusable settings."


def main(options: argparse.Namespace) -> int:
    from collector.service.malloc import give_back_large_blocks  # noqa: PLC0415  `--help` is quick
    from collector.service.process import run  # noqa: PLC0415  as above

    del options
    give_back_large_blocks()
    return run()
