"""What is said of a server that gives no rows; the real one's are in `tests/integration`."""

import gzip
import socket
from collections import deque

import pytest

from bed.answers import Answers, answer
from collector.commands.export.query import Asker
from collector.delivery.answer import Target
from collector.errors import CollectorError


def failure(url: str) -> CollectorError:
    with pytest.raises(CollectorError) as caught:
        Asker(Target(url, "home", "p1", "made-up")).schemas()
    return caught.value


def test_a_server_that_is_away_is_told_by_host_and_port() -> None:
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        error = failure(f"http://127.0.0.1:{port}")
    assert str(error).startswith(f"`127.0.0.1` port {port}: Connection refused (is InfluxDB")
    assert error.hint == "`p1-collector check` tries the way there"


@pytest.mark.parametrize("body", [b"<html>log in</html>", b"[]", b'"hello"', b"[" * 9000])
def test_a_page_is_told_to_be_no_answer(body: bytes) -> None:
    with Answers(deque([answer(200, body)])) as server:
        error = failure(server.url)
    assert str(error).startswith(f"what {server.url} answers cannot be read: ")


def test_an_answer_that_comes_packed_is_not_unpacked() -> None:
    packed = gzip.compress(b'{"results": []}')
    with Answers(deque([answer(200, packed, Content_Encoding="gzip")])) as server:
        assert "cannot be read" in str(failure(server.url))
