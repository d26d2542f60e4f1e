"""`show` on a real terminal, on a pipe, and with nobody to show."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from collector.commands.output import complain_of
from collector.commands.show import problem_with, read_status, show
from collector.errors import CollectorError
from collector.service.status import FILE_NAME, write
from commands.show.statuses import NOW, status

SHOW = """
import sys
from pathlib import Path
from collector.commands.output import complain_of
from collector.commands.show import show
sys.exit(show(Path(sys.argv[1]), once=False))
"""
ENTER, LEAVE = b"\x1b[?1049h\x1b[?25l", b"\x1b[?25h\x1b[?1049l"


@pytest.fixture
def hot(tmp_path: Path) -> Path:
    tell(tmp_path)
    return tmp_path


def tell(hot: Path, **changes: Any) -> None:
    """Be a collector that writes its status, as a whole; an hour ahead, so that it is not old."""
    content: Any = status(updated=int(time.time()) + 3600, **changes)
    write(hot / FILE_NAME, content)


class Shown:
    """`show` on a terminal of its own."""

    def __init__(self, ours: int, before: list[Any], process: subprocess.Popen[bytes]) -> None:
        self._ours = ours
        self.before = before
        """The terminal's settings, as they were before it was shown there."""
        self.process = process
        self.seen = b""

    def until(self, text: bytes) -> None:
        """Reads until this has been written."""
        while text not in self.seen:
            assert select.select([self._ours], [], [], 60)[0], self.seen
            self.seen += os.read(self._ours, 4096)

    def press(self, keys: bytes) -> None:
        os.write(self._ours, keys)


@contextmanager
def shown(hot: Path, environment: Mapping[str, str]) -> Iterator[tuple[Shown, int]]:
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    process = subprocess.Popen(
        [sys.executable, "-c", SHOW, str(hot)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", **environment},
    )
    try:
        yield Shown(ours, before, process), theirs
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize("way", ["q", "Ctrl-C", "SIGTERM"])
def test_the_terminal_is_given_back_as_it_was(hot: Path, way: str) -> None:
    with shown(hot, {}) as (screen, terminal):
        screen.until(b"q leaves")
        if way == "q":
            screen.press(b"q")
        else:
            screen.process.send_signal(signal.SIGINT if way == "Ctrl-C" else signal.SIGTERM)
        screen.until(LEAVE)
        code = screen.process.wait(60)

        assert (code, screen.seen.startswith(ENTER)) == (0, True)
        assert termios.tcgetattr(terminal) == screen.before


def test_it_is_redrawn_in_place_and_never_cleared_as_a_whole(hot: Path) -> None:
    with shown(hot, {}) as (screen, _):
        screen.until(b"q leaves")
        drawn = len(screen.seen)
        tell(hot, site="changed")
        screen.until(b"changed")

        assert screen.seen[drawn:].count(b"\x1b[H") >= 1
        assert b"\x1b[2J" not in screen.seen[drawn:]


@pytest.mark.parametrize(("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_no_color_is_honoured(hot: Path, environment: dict[str, str], *, coloured: bool) -> None:
    with shown(hot, {"NO_COLOR": "", **environment}) as (screen, _):
        screen.until(b"q leaves")

        assert bool(re.search(rb"\x1b\[[0-9;]+m", screen.seen)) == coloured


def test_on_a_pipe_there_are_lines_without_escape_codes(hot: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SHOW, str(hot)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        line = process.stdout.readline()
        process.terminate()

    assert re.match(rb"\d\d:\d\d:\d\d  import 0.000 kW  .* lag 5 s\n$", line)


def test_once_prints_the_screen_and_ends(hot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = show(hot, once=True)
    printed = capsys.readouterr().out

    assert (code, printed.startswith("p1-collector  home"), "\x1b" in printed) == (0, True, False)


def test_without_a_collector_it_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CollectorError) as error:
        show(tmp_path, once=False)
    complain_of(error.value)

    assert capsys.readouterr().err == (
        f"error: no collector is running: there is no status file in `{tmp_path}`\n\n"
        "hint: start one with `p1-collector run`, or look at `p1-collector demo`;\n"
        "if one runs with another P1_HOT_DIR, name that directory with `--hot-dir`\n"
    )


def test_a_status_of_long_ago_is_no_running_collector(tmp_path: Path) -> None:
    problem = problem_with(status(), tmp_path, NOW + 600)

    assert str(problem) == (
        f"the collector in `{tmp_path}` has said nothing for 600 s (it was process 4711)"
    )
    assert problem
    assert problem.hint == (
        "start it with `p1-collector run`, or see `systemctl status p1-collector`"
    )


def test_a_collector_that_was_stopped_is_told_at_once(tmp_path: Path) -> None:
    problem = problem_with(status(state="stopped"), tmp_path, NOW)

    assert str(problem) == f"the collector in `{tmp_path}` has been stopped"
    assert problem
    assert problem.hint == (
        "start it with `p1-collector run`, or `sudo systemctl start p1-collector`"
    )


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe"])
def test_a_file_that_says_nothing_is_no_status(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "status.json").write_bytes(content)

    assert read_status(tmp_path) == {}
