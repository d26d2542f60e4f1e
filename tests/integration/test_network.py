"""The real service on a bad way to the real InfluxDB: whatever the way does, everything arrives.

The meter sends all the while. Each thing that goes wrong is put on, seen to bite, and taken away;
after it InfluxDB holds what the meter printed until then.
"""

import re
import socket
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from bed.answers import seconds_taken
from bed.front import DAY, Authority, Front
from bed.influxd import Influxd
from bed.influxdb import Found, Server
from bed.names import Answer, Names, failing, known, silent, unknown
from bed.toxiproxy import (
    Proxy,
    Stream,
    Toxiproxy,
    bandwidth,
    black_hole,
    latency,
    limit,
    reset,
    trickle,
)
from bed.trial import Trial, values

pytestmark = [pytest.mark.influxdb, pytest.mark.slow, pytest.mark.timeout(900)]

SPEED: Final = 50.0  # telegrams a second
PATIENCE: Final = 240  # seconds; after requests that were late a backlog waits for minutes
KEPT: Final = "InfluxDB did not take the readings, they are kept: "
HALF: Final = 500  # bytes: a request with the lines of one telegram has 650, its head 370
UP: Final = Stream.UP
DOWN: Final = Stream.DOWN

Fault = Callable[[Proxy], None]
Status = Mapping[str, Any]


class Road:
    """A trial whose service reaches InfluxDB by a proxy, or by another way that `settings` say."""

    def __init__(self, influxd: Influxd, home: Path, proxy: Proxy, **settings: str) -> None:
        usual = {
            "P1_INFLUX_URL": f"http://{proxy.address}",
            "P1_KEEP_SECONDS": "0.5",
            "P1_RETRY_SECONDS": "0.3",
        }
        self.proxy = proxy
        self.trial = Trial(influxd, home, **{**usual, **settings})
        self.service = self.trial.service

    @contextmanager
    def busy(self, speed: float = SPEED) -> Iterator[None]:
        """Let the meter send; in the end, see that everything arrived, and what was said of it."""
        with self.trial as trial:
            self.service.start()
            with trial.sending(speed):
                yield
            trial.check(trial.drain())
        self._check_words()

    def delivers(self) -> None:
        """Return once what was taken by now is in InfluxDB, as the meter printed it."""
        taken = self.trial.line.taken[:]
        wanted = {printed.time: printed.electricity for printed in taken}
        stored: dict[int, Mapping[str, Any]] = {}

        def arrived(status: Status) -> bool:
            if status["counts"]["delivered"] < len(taken):
                return False
            # A point can be seen in part while it is being written.
            rows = (row for row in self.trial.stored("electricity") if None not in row.values())
            stored.update((row["time"], row) for row in rows)
            return wanted.keys() <= stored.keys()

        self.wait_until(arrived)
        assert {time: values(stored[time]) for time in wanted} == wanted

    def suffers(self, words: str) -> Status:
        """Return once another request fails with these words, while telegrams come and wait."""
        before = self.counts

        def bitten(status: Status) -> bool:
            counts, said = status["counts"], status["delivery"]["message"] or ""
            # One that was on its way is counted before: the one after it has failed as well.
            rises = {"requests": 2, "read": 1, "waiting": 1}
            enough = all(counts[name] >= before[name] + more for name, more in rises.items())
            return enough and bool(re.search(words, said))

        status = self.wait_until(bitten)
        assert (status["state"], status["delivery"]["state"]) == ("reading", "retrying")
        return status

    def hangs(self, telegrams: int) -> Status:
        """Return once so many telegrams were taken, and are on the disk, during one request."""
        number, since = -1, 0

        def hung(status: Status) -> bool:
            nonlocal number, since
            counts = status["counts"]
            if counts["requests"] != number:
                number, since = counts["requests"], counts["read"]
            return bool(counts["read"] - since >= telegrams and counts["spool_bytes"] > 0)

        return self.wait_until(hung)

    def rises(self, count: str) -> None:
        """Return once the service has counted more of these."""
        before = self.counts[count]
        self.wait_until(lambda status: status["counts"][count] > before)

    def is_accepted(self, requests: int) -> None:
        """Return once InfluxDB has stored what so many more requests brought."""
        wanted = accepted(self.trial.influxd) + requests
        self.wait_until(lambda _: accepted(self.trial.influxd) >= wanted)

    def says(self, words: str) -> None:
        """Return once the log says so of readings that were not taken."""
        self.wait_until(lambda _: any(words in line for line in self.said()))

    def wait_until(self, holds: Callable[[Status], bool]) -> Status:
        return self.service.wait_until(holds, seconds=PATIENCE)

    @property
    def counts(self) -> Mapping[str, int]:
        """What the service says of itself; nothing yet counts as 0."""
        status = self.service.status()
        return status["counts"] if status else Counter()

    def said(self) -> list[str]:
        """Give what the log says of readings that were not taken."""
        lines = self.service.log.read_text().splitlines()
        return [line.partition(KEPT)[2] for line in lines if KEPT in line]

    def _check_words(self) -> None:
        """See that each failure was told once, with what to do, and that it was over."""
        said = self.said()
        assert [words for words, times in Counter(said).items() if times > 1] == []
        assert [words for words in said if not words.endswith(")")] == []
        assert self.service.log.read_text().count("takes readings again") <= len(said)


@pytest.fixture(scope="module")
def server(found_influxdb: Found) -> Iterator[Influxd]:
    """Give a server for the tests of this module: a trial has a bucket of its own."""
    if isinstance(found_influxdb, Server):
        pytest.skip("P1_TEST_INFLUXDB_URL names a server, and a proxy may not reach it")
    with Influxd(found_influxdb) as running:
        yield running


@pytest.fixture
def proxy(server: Influxd, toxiproxy: Toxiproxy, request: pytest.FixtureRequest) -> Proxy:
    return toxiproxy.proxy(request.node.name, server.url.removeprefix("http://"))


def accepted(influxd: Influxd) -> int:
    """Give how many writes of a collector InfluxDB has answered with 204."""
    lines = influxd.request("GET", "/metrics").body.decode().splitlines()
    wanted = ("http_api_requests_total{", 'path="/api/v2/write"', 'response_code="204"')
    found = [line for line in lines if all(part in line for part in wanted)]
    return sum(int(float(line.rpartition(" ")[2])) for line in found if "python" in line)


def test_a_connection_that_breaks_costs_nothing(
    server: Influxd, proxy: Proxy, tmp_path: Path
) -> None:
    """Refused; closed and reset before the request was read, and in the middle of it."""
    faults: list[tuple[Fault, str]] = [
        (lambda way: way.disable(), "Connection refused"),
        (lambda way: way.become(limit(UP, 0)), "broke off"),
        (lambda way: way.become(reset(UP)), "broke off: Connection reset by peer"),
        (lambda way: way.become(limit(UP, HALF)), "broke off"),
        (lambda way: way.become(reset(DOWN), limit(UP, HALF)), "Connection reset by peer"),
    ]
    road = Road(server, tmp_path, proxy)
    with road.busy():
        road.delivers()
        for put_on, words in faults:
            put_on(proxy)
            bitten = road.suffers(words)
            assert road.suffers(words)["counts"]["delivered"] == bitten["counts"]["delivered"]
            proxy.become()
            road.delivers()


def test_an_answer_that_is_lost_makes_no_second_point(
    server: Influxd, proxy: Proxy, tmp_path: Path
) -> None:
    """InfluxDB has stored the readings, and the collector cannot know: it sends them again."""
    faults: list[tuple[Fault, str]] = [
        (lambda way: way.become(reset(DOWN)), "broke off: Connection reset by peer"),
        (lambda way: way.become(limit(DOWN, 5)), "the answer of `127.0.0.1` broke off"),
        (lambda way: way.become(black_hole(DOWN)), "no answer within 1.5 s"),
    ]
    road = Road(server, tmp_path, proxy, P1_REQUEST_SECONDS="1.5")
    with road.busy():
        road.delivers()
        for put_on, words in faults:
            put_on(proxy)
            delivered = road.suffers(words)["counts"]["delivered"]
            road.is_accepted(requests=3)
            stored = len(road.trial.stored("electricity"))
            assert road.suffers(words)["counts"]["delivered"] == delivered < stored
            proxy.become()
            road.delivers()


@pytest.mark.parametrize("stream", [UP, DOWN])
def test_a_request_that_hangs_delays_nobody(
    server: Influxd, proxy: Proxy, tmp_path: Path, stream: Stream
) -> None:
    """As long as one request may take, telegrams are read, and come to the disk."""
    road = Road(server, tmp_path, proxy)
    with road.busy():
        road.delivers()
        proxy.become(black_hole(stream))
        road.hangs(telegrams=100)
        proxy.become()
        road.delivers()


def test_a_port_that_takes_no_connection_costs_nothing(
    server: Influxd, proxy: Proxy, tmp_path: Path
) -> None:
    road = Road(server, tmp_path, proxy, P1_REQUEST_SECONDS="7")
    with road.busy(), ExitStack() as stack:
        road.delivers()
        proxy.disable()
        place = ("127.0.0.1", proxy.port)
        stack.enter_context(socket.create_server(place, backlog=0))
        for _ in range(3):
            peer = stack.enter_context(socket.socket())
            peer.setblocking(False)
            peer.connect_ex(place)
        road.hangs(telegrams=100)
        road.says("no connection in time")
        stack.close()
        proxy.become()
        road.delivers()


def test_a_trickle_is_ended_by_the_deadline_of_the_whole_request(
    server: Influxd, proxy: Proxy, tmp_path: Path
) -> None:
    """Each byte comes long before a time-out of one socket operation could end it."""
    road = Road(server, tmp_path, proxy, P1_REQUEST_SECONDS="1.5")
    with road.busy():
        road.delivers()
        for stream in (UP, DOWN):
            proxy.become(trickle(stream, 1, 100))
            delivered = road.suffers("no answer within 1.5 s")["counts"]["delivered"]
            assert road.suffers("no answer")["counts"]["delivered"] == delivered
            proxy.become()
            road.delivers()


def test_a_slow_mobile_line_delivers(server: Influxd, proxy: Proxy, tmp_path: Path) -> None:
    """8 kB and half a second each way: nothing fails, and nothing is said."""
    road = Road(server, tmp_path, proxy)
    # To become so later would cut a request off, of which something would be said.
    proxy.become(*(latency(way, 500) for way in Stream), *(bandwidth(way, 8) for way in Stream))
    with road.busy(speed=20):
        assert seconds_taken(lambda: ask(proxy)) >= 1.0
        road.delivers()
        road.delivers()
        assert road.said() == []


def ask(proxy: Proxy) -> None:
    """Have InfluxDB answer by this way."""
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=20) as peer:
        peer.sendall(b"GET /ping HTTP/1.0\r\n\r\n")
        assert peer.recv(100).startswith(b"HTTP/1.0 204")


def test_a_line_too_slow_for_a_segment_carries_it_in_pieces(
    server: Influxd, proxy: Proxy, tmp_path: Path
) -> None:
    """What waits takes longer than one request may: it goes in smaller ones."""
    road = Road(server, tmp_path, proxy, P1_REQUEST_SECONDS="1.5")
    with road.busy():
        road.delivers()
        proxy.disable()
        road.wait_until(lambda status: status["counts"]["waiting"] > 600)
        proxy.become(bandwidth(UP, 6))  # 9 kB within a request, and compressed it is twice that
        road.delivers()


def test_a_line_that_comes_and_goes_costs_nothing_and_fills_no_log(
    server: Influxd, proxy: Proxy, tmp_path: Path
) -> None:
    """Down until it was tried again, up until it delivers, again and again."""
    road = Road(server, tmp_path, proxy)
    with road.busy():
        for _ in range(6):
            road.rises("delivered")
            proxy.disable()
            road.rises("retries")
            proxy.enable()
    refused = [words for words in road.said() if "Connection refused" in words]
    assert len(refused) == 1
    # A request that was on its way was cut off, of which each way to be cut off is told once.
    others = [words for words in road.said() if words not in refused]
    assert [words for words in others if "broke off" not in words] == []


def test_a_name_that_is_not_found_is_asked_for_again(
    server: Influxd, proxy: Proxy, tmp_path: Path
) -> None:
    """The name server says that there is no such name, that it cannot tell, and nothing."""
    answers: list[tuple[Answer, str]] = [
        (unknown, "the name `influx.example` is not found: Name or service not known"),
        (failing, "the name `influx.example` is not found: Temporary failure"),
        (silent, "the name `influx.example` is not found: Temporary failure"),
    ]
    url = f"http://influx.example:{proxy.port}"
    road = Road(server, tmp_path, proxy, P1_INFLUX_URL=url)
    with Names() as names:
        road.service.command = names.asked_by(road.service.command, tmp_path)
        names.answer = known
        with road.busy():
            road.delivers()
            for answer, words in answers:
                asked, names.answer = names.asked, answer
                proxy.become()  # the next request is another connection
                road.suffers(words)
                assert names.asked > asked
                names.answer = known
                road.delivers()


@pytest.mark.parametrize("wrong", ["authority", "name", "dates"])
def test_a_wrong_certificate_gets_no_word_of_the_token(
    server: Influxd, proxy: Proxy, tmp_path: Path, wrong: str
) -> None:
    authority = Authority(tmp_path / "authority.pem", "the household's")
    contexts = {
        "authority": Authority(tmp_path / "other.pem", "somebody").context("localhost"),
        "name": authority.context("influx.example"),
        "dates": authority.context("localhost", until=datetime.now(UTC) - DAY),
    }
    words = {
        "authority": "of `localhost` is not accepted: .* get local issuer .*`P1_INFLUX_CA`",
        "name": "of `localhost` is not accepted: Hostname mismatch.*`P1_INFLUX_URL`",
        "dates": "of `localhost` is not accepted: certificate has expired .*renew it",
    }
    with Front(("127.0.0.1", proxy.port), contexts[wrong]) as front:
        road = Road(
            server,
            tmp_path,
            proxy,
            P1_INFLUX_URL=f"https://localhost:{front.port}",
            P1_INFLUX_CA=str(authority.path),
        )
        with road.busy():
            road.suffers(words[wrong])
            road.suffers(words[wrong])
            road.wait_until(lambda _: front.refused >= 2)  # it notices later than the service
            assert front.heard == b""
            front.context = authority.context("localhost")
            road.delivers()
            assert road.trial.token.text.encode() in front.heard
