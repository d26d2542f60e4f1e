"""Other programs read the line too, and nothing that they do, or do not, costs the collector."""

import logging
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from bed.influxd import free_port
from collector.reading.share import MOST, TRY_SECONDS, End, Share, end_of

ONE = b"/ISK5\\2M550T-1012\r\n\r\n1-0:1.7.0(00.100*kW)\r\n!ABCD\r\n"
OTHER = ONE.replace(b"100", b"200")
SEALED = b"\xdb\x08" + b"SAG12345" + b"\x82" + b"/\n" * 40


def close(share: Share) -> None:
    """Do what the end of the process does."""
    for line in [share._listener, *(program.line for program in share._programs)]:
        if line is not None:
            line.close()


class Bench:
    """A share on a free port, on a clock that a test moves, and the programs that read it."""

    def __init__(self, stack: ExitStack) -> None:
        self.now = 0.0
        self.port = free_port()
        self.share = Share(End("127.0.0.1", self.port), lambda: self.now)
        self._stack = stack
        stack.callback(close, self.share)
        self.share.give(b"")

    def connect(self) -> socket.socket:
        program = self._stack.enter_context(
            socket.create_connection(("127.0.0.1", self.port), timeout=10)
        )
        self.share.give(b"")
        return program


@pytest.fixture
def bench() -> Iterator[Bench]:
    with ExitStack() as stack:
        yield Bench(stack)


def got(program: socket.socket) -> bytes:
    """Give what is there for a program, by hanging up on it from its own side."""
    program.setblocking(False)
    data = b""
    with suppress(BlockingIOError):
        while piece := program.recv(65536):
            data += piece
    return data


def is_over(program: socket.socket) -> bool:
    program.settimeout(10)
    try:
        while program.recv(65536):
            pass
    except OSError:
        return True
    return True


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_every_program_gets_every_byte(bench: Bench, size: int) -> None:
    programs = [bench.connect() for _ in range(MOST)]
    line = ONE + OTHER + ONE
    for start in range(0, len(line), size):
        bench.share.give(line[start : start + size])
    assert [got(program) for program in programs] == [line] * MOST


@pytest.mark.parametrize("cut", range(1, len(ONE)))
def test_each_begins_at_the_beginning_of_a_telegram(bench: Bench, cut: int) -> None:
    bench.share.give(ONE[:cut])
    with socket.create_connection(("127.0.0.1", bench.port), timeout=10) as program:
        for piece in (ONE[cut:], OTHER[:3], OTHER[3:], ONE):
            bench.share.give(piece)
        assert got(program) in (OTHER + ONE, ONE)
        assert got(program) == b""


def test_an_encrypted_telegram_begins_behind_a_silence(bench: Bench) -> None:
    """Within it any byte may be, and what looks like a beginning is none."""
    program = bench.connect()
    for piece in (b"\x00\xdb\x08rest", b"", SEALED[:1], SEALED[1:], b"", SEALED):
        bench.share.give(piece)
    assert got(program) == SEALED * 2


def test_a_program_that_never_reads_is_let_go_and_the_others_go_on(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    """What it is not given lies nowhere: the kernel's buffer is the bound."""
    hung, other = bench.connect(), bench.connect()
    taken = sent = 0
    while "too slow" not in caplog.text:
        bench.share.give(ONE)
        taken, sent = taken + len(got(other)), sent + len(ONE)
        assert sent < 16 * 1024 * 1024
    assert taken == sent
    bench.share.give(OTHER)
    assert got(other) == OTHER
    assert is_over(hung)


def test_a_program_that_could_not_be_given_all_is_given_no_more(bench: Bench) -> None:
    """Nothing of the line may be missing in between."""
    program, line = bench.connect(), ONE * 300_000
    bench.share.give(line)
    data = got(program)
    bench.share.give(OTHER)
    program.settimeout(10)
    while piece := program.recv(1 << 20):
        data += piece
    assert line.startswith(data)


def test_what_a_program_says_is_thrown_away(bench: Bench) -> None:
    program = bench.connect()
    for _ in range(10):
        program.sendall(b"/ISK5" * 1000)
        bench.share.give(ONE)
    assert got(program) == ONE * 10


def test_one_that_says_no_more_may_go_on_reading(bench: Bench) -> None:
    program = bench.connect()
    program.shutdown(socket.SHUT_WR)
    for _ in range(3):
        bench.share.give(ONE)
    assert got(program) == ONE * 3


def test_who_has_hung_up_keeps_nobodys_place(bench: Bench) -> None:
    """Also while the meter says nothing."""
    for _ in range(3 * MOST):
        bench.connect().close()
        bench.share.give(b"")
    program = bench.connect()
    bench.share.give(ONE)
    assert got(program) == ONE


def test_one_too_many_is_refused_and_told_once(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    programs = [bench.connect() for _ in range(MOST)]
    assert all(is_over(bench.connect()) for _ in range(5))
    bench.share.give(ONE)
    assert [got(program) for program in programs] == [ONE] * MOST
    assert len([text for text in caplog.messages if "refused" in text]) == 1


def test_a_taken_port_stops_nothing_is_told_once_and_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = [0.0]
    with socket.create_server(("127.0.0.1", 0)) as taken, ExitStack() as stack:
        port = taken.getsockname()[1]
        share = Share(End("127.0.0.1", port), lambda: now[0])
        stack.callback(close, share)
        for _ in range(5):
            share.give(ONE)
            now[0] += TRY_SECONDS
        assert [record.levelno for record in caplog.records] == [logging.ERROR]
        assert f"the line is not shared on `127.0.0.1:{port}`" in caplog.text
        taken.close()
        share.give(ONE)
        program = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
        share.give(b"")
        share.give(ONE)
        assert got(program) == ONE


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])  # noqa: S104  it is for that
def test_an_address_that_others_reach_is_told_at_each_start(
    host: str, caplog: pytest.LogCaptureFixture
) -> None:
    if host == "::" and not socket.has_ipv6:
        pytest.skip("there is no IPv6 here")
    for _ in range(2):
        share = Share(End(host, free_port()), lambda: 0.0)
        share.give(b"")
        close(share)
    told = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(told) == 2
    assert "its serial numbers too" in told[0].getMessage()


@pytest.mark.parametrize(
    ("text", "end", "is_open"),
    [
        ("localhost:2001", End("127.0.0.1", 2001), False),
        ("127.0.0.2:1", End("127.0.0.2", 1), False),
        ("[::1]:2001", End("::1", 2001), False),
        ("0.0.0.0:2001", End("0.0.0.0", 2001), True),  # noqa: S104
        ("192.168.1.5:2001", End("192.168.1.5", 2001), True),
    ],
)
def test_an_end_is_an_address_and_a_port(text: str, end: End, is_open: bool) -> None:  # noqa: FBT001
    assert end_of(text) == end
    assert end.is_open is is_open


@pytest.mark.parametrize(
    "text",
    [
        "2001",
        "localhost",
        ":2001",
        "pi.local:2001",
        "localhost:0",
        "localhost:99999",
        "a@::1:5",
        "localhost:2001/x",
        "socket://localhost:2001",
        "[::1:2001",
    ],
)
def test_what_is_none_says_what_it_must_be(text: str) -> None:
    """A name would have to be looked up, and the reading waits for nobody."""
    with pytest.raises(ValueError, match="must be an address and a port, such as"):
        end_of(text)
