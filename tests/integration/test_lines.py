"""What happens to the line between the meter and a running collector: a real process, a real port.

The telegrams that were printed while the line was held open are in InfluxDB in the end, and what
was torn is counted. What happens is drawn at random; `P1_TEST_SEED` repeats it.
"""

import os
import random
import select
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any, Final

import pytest

from bed.command import called
from bed.gateway import HomeWizard
from bed.influxd import Database, Influxd, free_port
from bed.printed import Printed
from bed.seed import seeds
from bed.service import Service
from bed.thief import Thief
from bed.trial import Line, Trial
from collector.p1.checksum import crc16
from collector.simulate.wire import Outcome, Terminal
from commands.imports.recordings import telegrams

pytestmark = [pytest.mark.influxdb, pytest.mark.slow, pytest.mark.timeout(180)]

UNPLUGGED: Final = 100
LEFT: Final = 25
"""So often within a telegram that was read to there; and as often within one that was not."""
THEFTS: Final = 40
"""Few: of telegrams with a piece stolen, one in 65,536 has the right checksum."""
MOST_SAID: Final = 10
"""Lines in the log: a break has few words, each said once, and so is its end."""

SEED: Final = seeds()[0]

Status = Mapping[str, Any]


@pytest.fixture
def server(influxd: Database) -> Influxd:
    """Give the server that all tests share; each trial has a bucket of its own."""
    if not isinstance(influxd, Influxd):
        pytest.skip("P1_TEST_INFLUXDB_URL names a server that is not ours")
    return influxd


@pytest.fixture(params=[pytest.param(SEED, id=f"P1_TEST_SEED={SEED}")])
def draw(request: pytest.FixtureRequest) -> random.Random:
    return random.Random(request.param)  # noqa: S311  no secret


def told(service: Service) -> list[str]:
    """Give what the log says of the line, without time, level and remedy."""
    lines = service.log.read_text().splitlines()
    words = [line.split(" ", 3)[3].partition(" (")[0] for line in lines]
    others = ("InfluxDB", "delivering to ", "stopped")
    return [text for text in words if not any(word in text for word in others)]


def without(status: Status, *names: str) -> Status:
    """Give a status in which what a test has looked at already is 0."""
    return {**status, "counts": {**status["counts"], **dict.fromkeys(names, 0)}}


def cannot_open(status: Status) -> bool:
    return bool(status["trouble"]) and status["trouble"].startswith(("cannot open", "cannot con"))


# --- a cable


@dataclass
class Cable:
    """The cable of a trial's meter. Pulled out, its device is gone; put in, it is a new one."""

    trial: Trial
    path: Path
    left: int = 0  # pieces of telegrams that were read before the cable was pulled out
    perhaps_left: int = 0  # those that may have been

    def pull(self) -> None:
        self.trial.line.terminal.close()

    def put_in(self) -> None:
        self.trial.line.terminal = Terminal(self.path)

    def pull_amid(self, telegram: bytes, *, read: bool) -> None:
        """Pull it out while a telegram is being sent, or has been read to here."""
        self.write(telegram, read=read)
        self.left += read
        self.perhaps_left += not read
        self.pull()

    def write(self, data: bytes, *, read: bool) -> None:
        """Send something, and wait until it has been read, or not."""
        terminal = self.trial.line.terminal
        if not read:
            assert os.write(terminal._ours, data) == len(data)
        while read and terminal.send(data, Event()) is not Outcome.TAKEN:
            pass


def test_a_cable_that_is_pulled_out_and_put_in_again_a_hundred_times_costs_no_whole_telegram(
    server: Influxd, tmp_path: Path, draw: random.Random
) -> None:
    """Between two telegrams, or within one; the port is gone for a moment, or for longer."""
    with Trial(server, tmp_path) as trial:
        cable = Cable(trial, tmp_path / "meter")
        pulled = draw.sample(range(1, 4 * UNPLUGGED), UNPLUGGED)
        longer = set(draw.sample(pulled, 5))
        read = {number: at < LEFT for at, number in enumerate(pulled[: 2 * LEFT])}

        def replug() -> None:
            number = len(trial.line.taken)
            telegram = trial.line.taken[-1].telegram
            if number in read:
                piece = telegram[: draw.randrange(2, len(telegram) - 8)]
                cable.pull_amid(piece, read=read[number])
            else:
                cable.pull()
            if number in longer:
                trial.service.wait_until(cannot_open)
            cable.put_in()

        trial.run(4 * UNPLUGGED + 20, {number: [replug] for number in pulled})
        status = trial.drain()
        counts = status["counts"]
        assert counts["reopened"] >= UNPLUGGED
        assert cable.left <= counts["torn"] <= cable.left + cable.perhaps_left
        assert cable.left == cable.perhaps_left == LEFT
        trial.check(status)
        assert len(told(trial.service)) <= MOST_SAID, trial.service.tail()


# --- what is on the line beside the telegrams


@dataclass
class Spoilt(Line):
    """A line on which something else comes before each telegram but the first and the last."""

    draw: random.Random = field(default_factory=random.Random)
    number: int = 0
    damaged: int = 0
    torn: int = 0
    run_into: set[int] = field(default_factory=set)
    """The times of telegrams that followed half a one on the same line."""

    def transmit(self, telegram: bytes, stopping: Event) -> Outcome:
        # Whoever opens the port throws away what waits in it, so the first would come twice.
        if not 0 < len(self.taken) < self.number - 1:
            return self.terminal.send(telegram, stopping)
        kind = self.draw.choice([self._noise, self._damaged, self._torn, self._half, None])
        data = (kind(telegram) if kind else b"") + telegram
        outcome = self.terminal.send(data, stopping)
        assert outcome is Outcome.TAKEN
        return outcome

    def _noise(self, _: bytes) -> bytes:
        return self.draw.randbytes(self.draw.randrange(60)).replace(b"/", b"?") + b"\r\n"

    def _damaged(self, telegram: bytes) -> bytes:
        """Change one digit of a value."""
        self.damaged += 1
        digits = [at for at in range(len(telegram)) if telegram[at : at + 1].isdigit()]
        at = self.draw.choice([at for at in digits if telegram[at - 1 : at] in (b"(", b".")])
        return telegram[:at] + b"%d" % ((int(telegram[at : at + 1]) + 1) % 10) + telegram[at + 1 :]

    def _torn(self, telegram: bytes) -> bytes:
        """Stop at the end of a line."""
        self.torn += 1
        end = telegram.index(b"\n", self.draw.randrange(len(telegram) - 100))
        return telegram[: end + 1]

    def _half(self, telegram: bytes) -> bytes:
        """Stop within a line, on which the next telegram then begins.

        Not where the checksum of what came so far is 0: then that of both would be right.
        """
        self.torn += 1
        self.run_into.add(Printed(telegram).time)
        inside = [n for n in range(20, len(telegram) - 20) if telegram[n - 1] > ord("\r")]
        return telegram[: self.draw.choice([n for n in inside if crc16(telegram[:n])])]


def test_noise_and_torn_and_damaged_telegrams_are_counted_and_none_is_taken_for_a_good_one(
    server: Influxd, tmp_path: Path, draw: random.Random
) -> None:
    number = 400
    with Trial(server, tmp_path) as trial:
        line = Spoilt(trial.line.terminal, draw=draw, number=number)
        trial.line = line
        trial.run(number, {})
        status = trial.drain()
        counts = status["counts"]
        assert (counts["bad_checksums"], counts["torn"]) == (line.damaged, line.torn)
        assert counts["telegrams"] == number
        assert min(line.damaged, line.torn, len(line.run_into)) > number / 20
        assert counts["reopened"] == counts["repeated"] == 0
        trial.check(without(status, "bad_checksums"))
        trial.check(without(status, "bad_checksums"))


def test_a_meter_that_falls_silent_within_a_telegram_is_read_when_it_speaks_again(
    server: Influxd, tmp_path: Path
) -> None:
    with Trial(server, tmp_path, P1_SILENCE_SECONDS="1") as trial:
        cable = Cable(trial, tmp_path / "meter")

        def fall_silent() -> None:
            cable.write(trial.line.taken[-1].telegram[:200], read=True)
            trial.service.wait_until(
                lambda status: (
                    status["counts"]["reopened"] >= 2
                    and (status["trouble"] or "").startswith("no byte in 1 s from ")
                )
            )

        trial.run(200, {100: [fall_silent]})
        status = trial.drain()
        assert status["counts"]["torn"] == 1
        trial.check(status)
        assert told(trial.service)[1:] == [
            f"no byte in 1 s from `{tmp_path}/meter`",
            f"telegrams come again from `{tmp_path}/meter`",
        ]


# --- another reader


def test_a_second_collector_on_the_port_is_told_who_reads_it_and_disturbs_nothing(
    server: Influxd, tmp_path: Path
) -> None:
    source = str(tmp_path / "meter")
    bystander = tmp_path / "bystander"
    bystander.mkdir()
    second = Service(tmp_path / "second", P1_SOURCE=source, P1_CLOCK="meter")
    with Trial(server, tmp_path, P1_SILENCE_SECONDS="600") as trial:

        def join_in() -> None:
            second.start()
            status = second.wait_until(lambda status: status["trouble"])
            assert status["trouble"].startswith(
                f"cannot open `{source}`: another program reads it"
            )
            reader = f" process {trial.service.process.pid} ("
            assert reader in status["trouble"]
            checked = called("check", home=bystander, P1_SOURCE=source).stdout
            (line,) = [line for line in checked.splitlines() if "another program reads" in line]
            assert reader in line

        try:
            trial.run(200, {50: [join_in]})
            status = trial.drain()
            assert (status["counts"]["reopened"], status["counts"]["torn"]) == (0, 0)
            trial.check(status)
            with trial.sending(50):
                second.wait_until(lambda status: status["counts"]["telegrams"] > 3)
        finally:
            second.kill()


def test_a_program_that_steals_from_the_port_costs_what_it_stole(
    server: Influxd, tmp_path: Path, draw: random.Random
) -> None:
    """A telegram is whole and stored, or torn or missed and counted; never anything between."""
    with Trial(server, tmp_path) as trial:
        thief = Thief(trial.line, draw, pieces=THEFTS)
        taken = trial.line.taken
        trial.service.start()
        with trial.sending(200):
            trial.service.wait_for("telegrams")
            first = len(taken)
            thief.start()
            try:
                trial.service.wait_until(lambda _: not thief.is_alive())
            finally:
                thief.stop()
            last = len(taken)
            trial.service.wait_until(lambda _: len(taken) > last + 10)
        status = trial.drain()
        counts = status["counts"]
        # Half a telegram may wait for its end when the thief goes: the next one runs into it.
        trial.in_flight = {printed.time for printed in taken[first : last + 2]}
        assert counts["bad_checksums"] + counts["torn"] + counts["missed"] > 0
        lost = trial.check_the_rest(without(status, "bad_checksums"))
        assert lost <= trial.in_flight
        assert counts["telegrams"] == len(taken) - len(lost)
        trial.check(without(status, "bad_checksums"))


# --- a peer on the network


@dataclass
class Peer(Line):
    """A meter behind a TCP port of ours. A telegram is taken once the other end hung up."""

    draw: random.Random = field(default_factory=random.Random)
    silent: int = 0  # so many calls are answered with nothing, first
    torn: int = 0
    hung_up: int = 0

    def __post_init__(self) -> None:
        self.port = free_port()
        self.open()

    def close(self) -> None:
        self._listener.close()

    def open(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))

    def transmit(self, telegram: bytes, stopping: Event) -> Outcome:
        """Send one telegram to whoever calls, and hang up; now and then within it, first."""
        assert not stopping.is_set()
        while self.silent:
            self.silent -= 1
            self._call(b"", at_once=False)
        if self.draw.random() < 0.3:
            self.torn += 1
            self._call(telegram[: self.draw.randrange(1, len(telegram) - 6)])
        self._call(telegram)
        return Outcome.TAKEN

    def _call(self, data: bytes, *, at_once: bool = True) -> None:
        """Send this to who calls, and hang up, at once or when the other end does."""
        with self._caller() as peer:
            peer.sendall(data)
            if at_once:
                peer.shutdown(socket.SHUT_WR)
            assert peer.recv(1) == b""  # the other end has read all, and hangs up
        self.hung_up += 1

    def _caller(self) -> socket.socket:
        """Give the first call that is not over: who had to wait for long has hung up."""
        while True:
            peer, _ = self._listener.accept()
            if not select.select([peer], [], [], 0)[0]:
                return peer
            peer.close()


@pytest.fixture
def peer(tmp_path: Path, draw: random.Random) -> Iterator[Peer]:
    made = Peer(Terminal(tmp_path / "unused"), draw=draw)
    yield made
    made.close()


def test_a_peer_that_hangs_up_after_each_telegram_or_within_it_costs_no_whole_one(
    server: Influxd, tmp_path: Path, peer: Peer
) -> None:
    """And is gone altogether for a while."""
    with Trial(server, tmp_path, P1_SOURCE=f"socket://127.0.0.1:{peer.port}") as trial:
        trial.line.terminal.close()
        trial.line = peer

        def go() -> None:
            peer.close()
            trial.service.wait_until(cannot_open)
            peer.open()

        trial.run(UNPLUGGED, {40: [go], 80: [go]})
        status = trial.drain()
        assert status["counts"]["torn"] == peer.torn > 0
        assert status["counts"]["reopened"] >= peer.hung_up >= UNPLUGGED
        trial.check(status)
        assert len(told(trial.service)) <= MOST_SAID, trial.service.tail()


def test_a_peer_that_never_sends_is_called_again_until_it_does(
    server: Influxd, tmp_path: Path, peer: Peer
) -> None:
    source = f"socket://127.0.0.1:{peer.port}"
    with Trial(server, tmp_path, P1_SOURCE=source, P1_SILENCE_SECONDS="1") as trial:
        trial.line.terminal.close()
        trial.line = peer
        peer.silent = 3
        trial.run(10, {})
        status = trial.drain()
        assert status["counts"]["reopened"] >= 3
        said = told(trial.service)
        assert said[0] == f"no byte in 1 s from `{source}`"
        # What the peer does besides may be told already, and then nobody hears that it went.
        assert said[-1] in {
            f"{what} from `{source}`" for what in ("reading telegrams", "telegrams come again")
        }
        trial.check(status)


# --- other programs


def test_a_program_that_reads_along_keeps_its_place_when_the_cable_is_pulled_out(
    tmp_path: Path,
) -> None:
    """It gets the bytes as the meter sent them, and the same telegrams are stored."""
    port = free_port()
    service = Service(tmp_path, P1_SOURCE=str(tmp_path / "meter"), P1_SHARE=f"localhost:{port}")
    sent = telegrams(6)
    service.start()
    try:
        service.wait_until(cannot_open)
        with socket.create_connection(("127.0.0.1", port), timeout=60) as program:
            for half in (sent[:3], sent[3:]):
                with Terminal(tmp_path / "meter") as terminal:
                    for telegram in half:
                        while terminal.send(telegram, Event()) is not Outcome.TAKEN:
                            pass
            service.wait_until(lambda status: status["counts"]["telegrams"] == 6)
            expected = b"".join(sent)
            got = b""
            while len(got) < len(expected):
                got += program.recv(65536)
        assert got == expected
    finally:
        assert service.stop() == 0


# --- a gateway


def test_a_gateway_is_read_told_of_and_read_again(tmp_path: Path) -> None:
    """Each ask finds a new telegram; one has no checksum, and one is left out."""
    sent = telegrams(7)
    del sent[3]
    sent[1] = sent[1][: sent[1].rindex(b"!") + 1]
    coming = iter(sent)
    with HomeWizard() as device:
        device.is_enabled = False
        device.telegram = lambda: next(coming, sent[-1])
        service = Service(tmp_path, P1_SOURCE=device.url, P1_CLOCK="meter")
        service.start()
        try:
            service.wait_until(lambda status: "API not enabled" in (status["trouble"] or ""))
            device.is_enabled = True
            counts = service.wait_until(lambda status: status["counts"]["telegrams"] == 6)[
                "counts"
            ]
        finally:
            assert service.stop() == 0
    assert (counts["unchecked"], counts["missed"], counts["repeated"]) == (1, 1, 0)
    assert service.log.read_text().count("API not enabled") == 1
