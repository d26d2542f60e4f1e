"""A bar on a terminal, lines elsewhere."""

import io

from collector.commands.imports.session import Bar


class Screen(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar_that_stays_on_its_line() -> None:
    screen = Screen()
    bar = Bar(screen, "log.txt", 1000)
    bar.draw(0, 0)
    bar.draw(500, 40, "waits")
    assert screen.getvalue().count("\n") == 0
    last = screen.getvalue().rpartition("\r")[2]
    assert last == f"[{'#' * 15}{'-' * 15}]  50 %  40 telegrams  waits\x1b[K"


def test_what_is_said_besides_has_its_own_line() -> None:
    screen = Screen()
    bar = Bar(screen, "log.txt", 1000)
    bar.draw(500, 40)
    bar.say("telegram 41 is left out: checksum bad")
    assert screen.getvalue().endswith("\r\x1b[Ktelegram 41 is left out: checksum bad\n")


def test_elsewhere_there_is_a_line_every_ten_per_cent() -> None:
    stream = io.StringIO()
    bar = Bar(stream, "log.txt", 1000)
    for position in range(0, 1001, 7):
        bar.draw(position, position // 10)
    bar.draw(1000, 100)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 10
    assert lines[0] == "log.txt:  10 %  10 telegrams"
    assert lines[-1] == "log.txt: 100 %  100 telegrams"


def test_elsewhere_waiting_is_said_once() -> None:
    stream = io.StringIO()
    bar = Bar(stream, "log.txt", 1000)
    for _ in range(50):
        bar.draw(30, 3, "waits for the service")
    assert stream.getvalue() == "log.txt:   3 %  3 telegrams, waits for the service\n"


def test_an_empty_file_is_done() -> None:
    stream = io.StringIO()
    Bar(stream, "log.txt", 0).draw(0, 0)
    assert stream.getvalue() == "log.txt: 100 %  0 telegrams\n"
