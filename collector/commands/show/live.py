"""Showing a running collector: on a screen drawn again and again, once, or as lines."""

import os
import sys
import time
from pathlib import Path
from typing import Final

from collector.commands.output import complain, put
from collector.commands.show.screen import STALE, STOPPED, render, summary
from collector.commands.show.status import Status, read_status
from collector.commands.show.terminal import Terminal, is_live, wants_colour

_REDRAW: Final = 0.5  # seconds; the status changes once a second
_LINES: Final = 10.0  # seconds between the lines where there is no terminal
_LEAVE: Final = "q leaves"


def show(hot_dir: Path, *, once: bool) -> int:
    """Until somebody leaves; 1 if no collector is running there."""
    status = read_status(hot_dir)
    if problem := problem_with(status, hot_dir, time.time()):
        complain(problem.rstrip("\n"))
    if status is None or problem:
        return 1
    try:
        if once:
            _print(status)
        elif is_live(sys.stdout, os.environ):
            _watch(hot_dir, status)
        else:
            _print_lines(hot_dir)
    except (KeyboardInterrupt, BrokenPipeError):
        pass
    return 0


def problem_with(status: Status | None, hot_dir: Path, now: float) -> str | None:
    """What to tell a person when there is nothing to show; `now` in unix seconds."""
    if status is None:
        return (
            f"error: no collector is running: there is no status file in `{hot_dir}`\n\n"
            "hint: start one with `p1-collector run`, or look at `p1-collector demo`;\n"
            "if one runs with another P1_HOT_DIR, name that directory with `--hot-dir`\n"
        )
    if status["state"] == STOPPED:
        return (
            f"error: the collector in `{hot_dir}` has been stopped\n\n"
            "hint: start it with `p1-collector run`, or `sudo systemctl start p1-collector`\n"
        )
    silent = int(now - status["updated"])
    if silent > STALE:
        return (
            f"error: the collector in `{hot_dir}` has said nothing for {silent} s "
            f"(it was process {status['pid']})\n\n"
            "hint: start it with `p1-collector run`, or see `systemctl status p1-collector`\n"
        )
    return None


def _watch(hot_dir: Path, status: Status) -> None:
    """Draws the screen; a collector that stops while it is watched is said so on it."""
    colour = wants_colour(os.environ)
    with Terminal() as terminal:
        while True:
            width, height = terminal.size()
            lines = render(status, width, height, colour=colour, now=time.time())
            terminal.draw(lines if len(lines) + 2 > height else [*lines, "", _LEAVE])
            if terminal.quit_within(_REDRAW):
                return
            status = read_status(hot_dir) or status


def _print(status: Status) -> None:
    colour = is_live(sys.stdout, os.environ) and wants_colour(os.environ)
    width = os.get_terminal_size().columns if sys.stdout.isatty() else 80
    sys.stdout.write("\n".join(render(status, width, colour=colour, now=time.time())) + "\n")


def _print_lines(hot_dir: Path) -> None:
    while True:
        status = read_status(hot_dir)
        problem = problem_with(status, hot_dir, time.time())
        if status is None or problem:
            complain((problem or "").rstrip("\n"))
        else:
            put(summary(status))
            sys.stdout.flush()
        time.sleep(_LINES)
