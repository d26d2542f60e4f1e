"""The cable: what was sent was read, and nothing waits where nobody reads."""

import os
import select
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Event

import pytest
import serial

from collector.simulate.wire import Outcome, Output, Port, Terminal

TELEGRAM = b"/XMX5MADE-UP\r\n\r\n" + b"1-0:1.7.0(00.123*kW)\r\n" * 40 + b"!0000\r\n"


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as pool:
        yield pool


def open_port(path: str) -> serial.Serial:
    return serial.Serial(path, 115200, exclusive=True, timeout=60)


def test_a_telegram_counts_as_taken_when_its_last_byte_was_read(
    threads: ThreadPoolExecutor,
) -> None:
    with Terminal() as terminal, open_port(terminal.path) as port:
        sending = threads.submit(terminal.send, TELEGRAM, Event())
        but_one = port.read(len(TELEGRAM) - 1)
        taken_before = sending.done()
        last = port.read(1)

        assert (taken_before, sending.result(60)) == (False, Outcome.TAKEN)
        assert but_one + last == TELEGRAM


def test_a_telegram_longer_than_the_terminals_buffer_arrives_whole(
    threads: ThreadPoolExecutor,
) -> None:
    long = TELEGRAM * 100
    with Terminal() as terminal, open_port(terminal.path) as port:
        sending = threads.submit(terminal.send, long, Event())

        assert port.read(len(long)) == long
        assert sending.result(60) is Outcome.TAKEN


def test_a_telegram_that_opening_the_port_throws_away_comes_back(
    threads: ThreadPoolExecutor,
) -> None:
    with Terminal() as terminal:
        sending = threads.submit(terminal.send, TELEGRAM, Event())
        # Only when the bytes wait in the terminal is there something to throw away.
        assert select.select([terminal._theirs], [], [], 60)[0]
        with open_port(terminal.path):
            assert sending.result(60) is Outcome.AGAIN


def test_readers_may_come_and_go(threads: ThreadPoolExecutor) -> None:
    with Terminal() as terminal:
        for _ in range(3):
            with open_port(terminal.path) as port:
                sending = threads.submit(terminal.send, TELEGRAM, Event())
                assert port.read(len(TELEGRAM)) == TELEGRAM
                assert sending.result(60) is Outcome.TAKEN


def test_a_terminal_nobody_reads_is_left_when_asked_to_stop() -> None:
    stopping = Event()
    stopping.set()
    with Terminal() as terminal:
        assert terminal.send(TELEGRAM, stopping) is Outcome.STOPPED


def test_what_is_read_in_the_last_moment_counts(threads: ThreadPoolExecutor) -> None:
    """A reader who is at it when the meter stops has read a telegram, so it was sent."""
    stopping = Event()
    with Terminal() as terminal, open_port(terminal.path) as port:
        sending = threads.submit(terminal.send, TELEGRAM, stopping)
        port.read(100)
        stopping.set()
        port.read(len(TELEGRAM) - 100)

        assert sending.result(60) is Outcome.TAKEN


@pytest.mark.parametrize(
    ("size", "outcome"), [(len(TELEGRAM), Outcome.TAKEN), (100, Outcome.STOPPED)]
)
def test_what_is_read_in_the_moment_it_is_taken_back_counts_if_it_is_all(
    threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch, size: int, outcome: Outcome
) -> None:
    """Else a telegram is stored that was never sent, and accounts do not add up."""
    stopping = Event()
    with Terminal() as terminal, open_port(terminal.path) as port:
        take_back = terminal._take_back

        def as_somebody_reads() -> bool:
            assert len(port.read(size)) == size
            return take_back()

        monkeypatch.setattr(terminal, "_take_back", as_somebody_reads)
        sending = threads.submit(terminal.send, TELEGRAM, stopping)
        assert select.select([terminal._theirs], [], [], 60)[0]
        stopping.set()

        assert sending.result(60) is outcome


def test_what_nobody_read_is_taken_back_at_the_end(threads: ThreadPoolExecutor) -> None:
    stopping = Event()
    with Terminal() as terminal:
        sending = threads.submit(terminal.send, TELEGRAM, stopping)
        assert select.select([terminal._theirs], [], [], 60)[0]
        stopping.set()

        assert sending.result(60) is Outcome.STOPPED
        assert not select.select([terminal._theirs], [], [], 0)[0]


def test_what_the_reader_writes_is_not_echoed(threads: ThreadPoolExecutor) -> None:
    with Terminal() as terminal, open_port(terminal.path) as port:
        port.write(b"hello\r\n")
        sending = threads.submit(terminal.send, TELEGRAM, Event())

        assert port.read(len(TELEGRAM)) == TELEGRAM
        assert sending.result(60) is Outcome.TAKEN


def test_the_link_leads_to_the_terminal_and_goes_with_it(tmp_path: Path) -> None:
    link = tmp_path / "p1"
    with Terminal(link) as terminal:
        assert str(link.readlink()) == terminal.path

    assert not link.is_symlink()


def test_a_link_left_over_is_replaced(tmp_path: Path) -> None:
    link = tmp_path / "p1"
    link.symlink_to("/nonexistent")
    with Terminal(link) as terminal:
        assert str(link.readlink()) == terminal.path


def test_a_file_in_the_links_place_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "p1"
    file.write_text("precious")
    with pytest.raises(FileExistsError):
        Terminal(file)

    assert file.read_text() == "precious"


def connected(port: Port) -> socket.socket:
    """Connect, and have that accepted: the other end may hear of it a moment later."""
    peer = socket.create_connection(port.address, timeout=60)
    assert select.select([port._listener], [], [], 60)[0]
    port._accept()
    return peer


def test_everybody_who_is_connected_gets_the_telegram() -> None:
    with closing(Port("127.0.0.1", 0)) as port:
        peers = [connected(port) for _ in range(2)]
        outcome = port.send(TELEGRAM, Event())
        heard = [peer.makefile("rb").read(len(TELEGRAM)) for peer in peers]
        for peer in peers:
            peer.close()

        assert (outcome, heard) == (Outcome.TAKEN, [TELEGRAM, TELEGRAM])


class Visit(Event):
    """Somebody connects just when the port looks whether it must stop."""

    def __init__(self, address: tuple[str, int]) -> None:
        super().__init__()
        self._address = address
        self.peer: socket.socket | None = None

    def is_set(self) -> bool:
        self.peer = self.peer or socket.create_connection(self._address, timeout=60)
        return super().is_set()


def test_the_first_who_connects_gets_a_fresh_telegram() -> None:
    with closing(Port("127.0.0.1", 0)) as port:
        visit = Visit(port.address)
        outcomes = [port.send(b"old", visit), port.send(TELEGRAM, visit)]
        assert visit.peer
        with visit.peer:
            heard = visit.peer.makefile("rb").read(len(TELEGRAM))

    assert (outcomes, heard) == ([Outcome.AGAIN, Outcome.TAKEN], TELEGRAM)


def test_a_peer_that_left_does_not_stop_the_others() -> None:
    with closing(Port("127.0.0.1", 0)) as port:
        leaver = connected(port)
        with connected(port) as stayer:
            port.send(TELEGRAM, Event())
            leaver.close()
            outcomes = [port.send(TELEGRAM, Event()) for _ in range(3)]
            heard = stayer.makefile("rb").read(4 * len(TELEGRAM))

        assert (outcomes, heard) == ([Outcome.TAKEN] * 3, 4 * TELEGRAM)


def test_a_closed_pipe_ends_the_stream() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    stopping = Event()
    with open(writer, "wb", buffering=0) as pipe:  # noqa: PTH123 - a descriptor, no path
        outcome = Output(pipe).send(TELEGRAM, stopping)

    assert (outcome, stopping.is_set()) == (Outcome.STOPPED, True)
