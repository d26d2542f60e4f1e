"""`p1-collector show`: what the running collector sees, from its status file, on a terminal.

`screen` makes lines of it (pure), `ink` is what those are made of, `terminal` puts them on a
terminal.
"""

import argparse
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from collector.commands.output import complain_of, put
from collector.commands.show.screen import STALE, STOPPED, Status, render, summary
from collector.commands.show.terminal import Terminal, is_live, wants_colour
from collector.errors import CollectorError, IncompleteSetting
from collector.service.status import FILE_NAME, newest, read

_REDRAW: Final = 0.5  # seconds; the status changes once a second
_LINES: Final = 10.0  # seconds between the lines where there is no terminal
_LEAVE: Final = "q leaves"


def show(hot_dir: Path, *, once: bool) -> int:
    """Until somebody leaves. Raises `CollectorError` if no collector is running there."""
    status = read_status(hot_dir)
    if problem := problem_with(status, hot_dir, time.time()):
        raise problem
    live, colour = is_live(sys.stdout, os.environ), wants_colour(os.environ)
    with suppress(KeyboardInterrupt, BrokenPipeError):
        if once:
            status = newest(hot_dir / FILE_NAME) or status
            width = os.get_terminal_size().columns if sys.stdout.isatty() else 80
            lines = render(status, width, colour=live and colour, now=time.time())
            sys.stdout.write("\n".join(lines) + "\n")
        elif live:
            _watch(hot_dir, status, colour=colour)
        else:
            _print_lines(hot_dir)
    return 0


def read_status(hot_dir: Path) -> Status:
    """Give what the collector last said of itself, empty if it has said nothing that can be read.

    Raises `PermissionError` if it is another user's.
    """
    with suppress(FileNotFoundError):
        (hot_dir / FILE_NAME).open().close()
    return read(hot_dir / FILE_NAME)


def problem_with(status: Status, hot_dir: Path, now: float) -> CollectorError | None:
    """What to tell a person when there is nothing to show; `now` in unix seconds."""
    if not status:
        return CollectorError(
            f"no collector is running: there is no status file in `{hot_dir}`",
            hint="start one with `p1-collector run`, or look at `p1-collector demo`;\n"
            "if one runs with another P1_HOT_DIR, name that directory with `--hot-dir`",
        )
    start = "start it with `p1-collector run`, or"
    if status["state"] == STOPPED:
        words = f"the collector in `{hot_dir}` has been stopped"
        return CollectorError(words, hint=f"{start} `sudo systemctl start p1-collector`")
    silent = int(now - status["updated"])
    if silent > STALE:
        words = f"the collector in `{hot_dir}` has said nothing for {silent} s"
        hint = f"{start} see `systemctl status p1-collector`"
        return CollectorError(f"{words} (it was process {status['pid']})", hint=hint)
    return None


def _watch(hot_dir: Path, status: Status, *, colour: bool) -> None:
    """Draws the screen; a collector that stops while it is watched is said so on it."""
    with Terminal() as terminal:
        while True:
            width, height = terminal.size()
            lines = render(status, width, height, colour=colour, now=time.time())
            terminal.draw(lines if len(lines) + 2 > height else [*lines, "", _LEAVE])
            if terminal.quit_within(_REDRAW):
                return
            status = read_status(hot_dir) or status


def _print_lines(hot_dir: Path) -> None:
    while True:
        status = read_status(hot_dir)
        if problem := problem_with(status, hot_dir, time.time()):
            complain_of(problem)
        else:
            put(summary(status))
            sys.stdout.flush()
        time.sleep(_LINES)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--hot-dir",
        metavar="DIR",
        type=Path,
        help="where the collector keeps its status (default: as `run` has it, see P1_HOT_DIR)",
    )
    parser.add_argument("--once", action="store_true", help="print the screen once, and end")


def main(args: argparse.Namespace) -> int:
    """Draws until `q` or Ctrl-C. Raises `CollectorError` if no collector is running."""
    if args.hot_dir is None:
        from collector.settings.settings import load_strictly  # noqa: PLC0415 - `--help` is quick

        args.hot_dir = load_strictly(IncompleteSetting).hot
    return show(args.hot_dir, once=args.once)
