"""What is said of a server that gives no rows; the real one's are in `tests/integration`."""

import gzip
import json
import socket
from collections import deque

import pytest

from bed.answers import Answers, answer
from collector.commands.export.query import Asker, objects
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


OBJECTS = [{"results": [{"series": [{"name": "gas", "values": [["„€“", n]]}]}]} for n in range(3)]


@pytest.mark.parametrize("between", ["", "\n", "\r\n \n"])
@pytest.mark.parametrize("size", [1, 2, 7, 10_000])
def test_objects_are_taken_one_by_one_whatever_is_between_and_however_they_are_cut(
    between: str, size: int
) -> None:
    text = between.join(json.dumps(one, ensure_ascii=False) for one in OBJECTS).encode()
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    assert list(objects(pieces)) == OBJECTS


@pytest.mark.parametrize("text", [b'{"results": [', b"<html>", b'{"a": 1} <html>', b'{"a": 1} {'])
def test_what_is_no_object_or_breaks_off_is_told(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"no JSON|Expecting|Unterminated"):
        list(objects([text]))
