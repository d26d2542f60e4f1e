"""Which Toxiproxy the tests take, what they say when there is none, and what its toxics do."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Final

import pytest

from bed import build
from bed.toxiproxy import (
    PROGRAM,
    VERSION,
    NoToxiproxyError,
    Proxy,
    Stream,
    Toxic,
    Toxiproxy,
    black_hole,
    cache,
    find,
    limit,
    reset,
    trickle,
)

WORDS: Final = b"a request of thirty bytes, say"


@pytest.fixture
def bin_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the `PATH` of a machine that has nothing of what is looked for."""
    path = tmp_path / "bin"
    path.mkdir()
    monkeypatch.setenv("PATH", str(path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return path


def _script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_a_program_on_the_path_comes_before_the_cached_one(bin_: Path) -> None:
    _script(cache() / PROGRAM, "exit 1")
    path = _script(bin_ / PROGRAM, f"echo toxiproxy-server version {VERSION}")
    assert find() == path


@pytest.mark.usefixtures("bin_")
def test_what_was_built_before_is_taken() -> None:
    path = _script(cache() / PROGRAM, "exit 1")
    assert find() == path


def test_another_version_is_not_taken(bin_: Path) -> None:
    _script(bin_ / PROGRAM, "echo toxiproxy-server version 2.1.4")
    cached = _script(cache() / PROGRAM, "exit 1")
    assert find() == cached


@pytest.mark.usefixtures("bin_")
def test_what_is_missing_is_said() -> None:
    with pytest.raises(NoToxiproxyError, match="go is missing"):
        find()


def test_a_failed_build_says_why_and_leaves_nothing(
    bin_: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "PAUSE_SECONDS", 0.0)
    _script(bin_ / "go", "echo no space left on device; exit 1")
    with pytest.raises(NoToxiproxyError, match="no space left on device"):
        find()
    assert [path.name for path in cache().iterdir()] == ["lock"]


class Echo:
    """A server that sends back what comes, and notes what came."""

    def __init__(self) -> None:
        self._heard: Queue[bytes] = Queue()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def heard(self) -> bytes:
        """Give all that one connection said, once it has ended."""
        return self._heard.get(timeout=20)

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                peer, _ = self._listener.accept()
                Thread(target=self._answer, args=(peer,), daemon=True).start()

    def _answer(self, peer: socket.socket) -> None:
        heard = b""
        with peer, suppress(OSError):
            while data := peer.recv(4096):
                heard += data
                peer.sendall(data)
        self._heard.put(heard)


@pytest.fixture
def echo() -> Iterator[Echo]:
    server = Echo()
    yield server
    server.close()


@pytest.fixture
def proxy(toxiproxy: Toxiproxy, echo: Echo, request: pytest.FixtureRequest) -> Proxy:
    return toxiproxy.proxy(request.node.name, echo.address)


def _connected(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=20)


def _answer(peer: socket.socket) -> bytes:
    """Say the words and give what comes back, up to their number or the connection's end."""
    peer.sendall(WORDS)
    answer = b""
    while len(answer) < len(WORDS) and (data := peer.recv(4096)):
        answer += data
    return answer


@pytest.mark.slow
def test_a_new_proxy_lets_everything_through(proxy: Proxy) -> None:
    with _connected(proxy) as peer:
        assert _answer(peer) == WORDS


@pytest.mark.slow
def test_a_disabled_proxy_refuses_and_comes_back_at_the_same_port(proxy: Proxy) -> None:
    with _connected(proxy) as before:
        proxy.disable()
        assert before.recv(1) == b""
        with pytest.raises(ConnectionRefusedError):
            _connected(proxy)
    proxy.enable()
    with _connected(proxy) as peer:
        assert _answer(peer) == WORDS


@pytest.mark.slow
def test_a_toxic_works_on_a_connection_that_there_is(proxy: Proxy, echo: Echo) -> None:
    hole = black_hole(Stream.DOWN)
    with _connected(proxy) as peer:
        assert _answer(peer) == WORDS
        proxy.add(hole)
        peer.settimeout(0.2)
        with pytest.raises(TimeoutError):
            _answer(peer)
    proxy.remove(hole)
    assert echo.heard() == 2 * WORDS
    with _connected(proxy) as peer:
        assert _answer(peer) == WORDS


@pytest.mark.slow
@pytest.mark.parametrize(
    ("toxic", "heard", "answers"),
    [
        (limit(Stream.UP, 7), WORDS[:7], {b"", WORDS[:7]}),
        (limit(Stream.DOWN, 7), WORDS, {WORDS[:7]}),
        (trickle(Stream.UP, 4, 1), WORDS, {WORDS}),
    ],
    ids=["cut within the request", "cut within the answer", "in pieces"],
)
def test_a_toxic_does_what_it_says(
    proxy: Proxy, echo: Echo, toxic: Toxic, heard: bytes, answers: set[bytes]
) -> None:
    proxy.become(toxic)
    with _connected(proxy) as peer:
        assert _answer(peer) in answers
    assert echo.heard() == heard
    proxy.become()
    with _connected(proxy) as peer:
        assert _answer(peer) == WORDS


@pytest.mark.slow
def test_a_reset_is_no_orderly_end(proxy: Proxy) -> None:
    proxy.become(reset(Stream.UP))
    with _connected(proxy) as peer, pytest.raises(ConnectionResetError):
        _answer(peer)


@pytest.mark.slow
def test_a_refusal_of_the_api_is_a_failure(proxy: Proxy) -> None:
    with pytest.raises(AssertionError, match="invalid toxic type"):
        proxy.add(Toxic("rust", Stream.UP, {}))
