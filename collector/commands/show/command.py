"""`p1-collector show`: what the running collector sees, on a terminal."""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `show`."""
    parser.add_argument(
        "--hot-dir",
        metavar="DIR",
        type=Path,
        help="where the collector keeps its status (default: as `run` has it, see P1_HOT_DIR)",
    )
    parser.add_argument("--once", action="store_true", help="print the screen once, and end")


def main(args: argparse.Namespace) -> int:
    """Draws until `q` or Ctrl-C; 1 if no collector is running."""
    from collector.commands.show.live import show  # noqa: PLC0415 - `--help` is quick

    return show(args.hot_dir or _default_hot_dir(), once=args.once)


def _default_hot_dir() -> Path:
    from collector.settings.settings import load_strictly  # noqa: PLC0415 - `--help` imports no pydantic

    settings = load_strictly()
    return settings.hot
