"""A server that never answers, a power cut: at most the last seconds are gone.

The hot directory is emptied, as a power cut empties a RAM disk, and the process is killed in the
same moment. (What the card itself does in a power cut is another test's.)
"""

import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Final, Self

import pytest

from bed.answers import Answers, trickle
from bed.printed import Printed
from bed.service import Service
from collector.simulate.stream import stream_like
from collector.simulate.wire import Outcome, Terminal
from collector.spool.record import decode

pytestmark = [pytest.mark.slow]

Server = Callable[[], AbstractContextManager[str]]
"""Gives the host and port of something that never answers."""

SPEED: Final = 20.0  # telegrams a second
MOMENT: Final = 0.1
"""Seconds without a telegram, after which the machine has stood still."""


@contextmanager
def silent() -> Iterator[str]:
    """Take connections and all that comes, and never say a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=1000) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def full() -> Iterator[str]:
    """Take no connection: packets to this port are dropped, once its queue is full."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        address = listener.getsockname()
        for _ in range(3):
            peer = stack.enter_context(socket.socket())
            peer.setblocking(False)
            peer.connect_ex(address)
        yield f"127.0.0.1:{address[1]}"


@contextmanager
def trickling() -> Iterator[str]:
    """Answer a byte at a time."""
    with Answers() as answers:
        answers.behaviours.extend([trickle] * 1000)
        yield f"localhost:{answers.port}"


class Meter:
    """Sends in its own thread, and notes when each telegram was taken.

    On a clock that stands still with the machine: nobody can keep a promise meanwhile.
    """

    def __init__(self, path: Path) -> None:
        self.taken: dict[int, float] = {}  # the telegram's time, and this clock's
        self._last = (time.monotonic(), 0.0)  # when one was taken, on both clocks
        self._terminal = Terminal(path)
        self._stopping = Event()
        stream = stream_like("dsmr5", period=1, speed=SPEED)
        self._thread = Thread(target=stream.run, args=(self, self._stopping))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()
        self._terminal.close()

    def send(self, telegram: bytes, stopping: Event) -> Outcome:
        outcome = self._terminal.send(telegram, stopping)
        if outcome is Outcome.TAKEN:
            now = self.clock()
            self._last = (time.monotonic(), now)
            self.taken[Printed(telegram).time] = now
        return outcome

    def clock(self) -> float:
        last, then = self._last
        return then + min(time.monotonic() - last, MOMENT)

    def runs(self, seconds: float) -> None:
        """Return when so much time has passed."""
        end = self.clock() + seconds
        while self.clock() < end:
            time.sleep(MOMENT)


def spooled(service: Service) -> set[int]:
    """Give the times of the telegrams that are on the disk, those in the open file too."""
    bodies = [
        record.body
        for path in sorted(service.spool.glob("*.*"))
        for record in decode(path.read_bytes()).records
    ]
    return {
        int(line.split()[-1])
        for body in bodies
        for line in body.splitlines()
        if line.startswith(b"electricity,")
    }


def collector(home: Path, url: str, keep: int) -> Service:
    return Service(
        home / "service",
        P1_SOURCE=str(home / "meter"),
        P1_CLOCK="meter",
        P1_KEEP_SECONDS=str(keep),
        P1_INFLUX_URL=url,
        P1_INFLUX_TOKEN="made-up",  # noqa: S106  nobody's
    )


@pytest.mark.parametrize(
    ("scheme", "server", "keep"),
    [
        ("http", silent, 10),  # as it is set by default
        ("http", silent, 5),
        ("https", silent, 5),
        ("http", full, 5),
        ("http", trickling, 5),
    ],
    ids=["answer-10s", "answer", "tls", "connect", "trickle"],
)
def test_a_power_cut_costs_the_last_seconds_while_a_request_hangs(
    tmp_path: Path, scheme: str, server: Server, keep: int
) -> None:
    with server() as address, Meter(tmp_path / "meter") as meter:
        service = collector(tmp_path, f"{scheme}://{address}", keep)
        few = SPEED * keep / 4
        service.start()
        try:
            service.wait_until(
                lambda status: status["counts"]["requests"] > 0 and len(meter.taken) > few
            )
            meter.runs(1.2 * keep)  # the promise is about real seconds
            delivery = service.status()
        finally:
            cut = meter.clock()
            service.kill()
            shutil.rmtree(service.hot)
        assert delivery is not None
        assert delivery["counts"]["delivered"] == 0
        kept = spooled(service)
        older = {at for at, taken in meter.taken.items() if taken < cut - keep}
        assert len(older) > few
        assert older - kept == set()


@pytest.mark.parametrize(
    ("scheme", "server"),
    [("http", silent), ("https", silent), ("http", full), ("http", trickling)],
    ids=["answer", "tls", "connect", "trickle"],
)
def test_the_end_takes_two_seconds_at_most_while_a_request_hangs(
    tmp_path: Path, scheme: str, server: Server
) -> None:
    with server() as address:
        service = collector(tmp_path, f"{scheme}://{address}", keep=2)
        with Meter(tmp_path / "meter") as meter:
            service.start()
            service.wait_until(lambda status: status["counts"]["requests"] > 0)
            assert service.stop() == 0, service.tail()
        # The one that was taken last may have come behind the end.
        read = sorted(meter.taken)[:-1]
        assert set(read) - spooled(service) == set()
        assert list(service.hot.glob("*.lp")) == []
