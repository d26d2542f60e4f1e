"""One request is one attempt within its deadline, whatever the other side does."""

import gzip
import logging
import os
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from threading import Event
from typing import Final

import pytest

from bed.answers import (
    Answers,
    Behaviour,
    Handler,
    answer,
    deaf,
    echo,
    endless,
    garbage,
    half,
    half_headers,
    hang,
    hang_up,
    nobody_listens,
    refuse,
    reset,
    seconds_awake,
    trickle,
    trickle_at_last,
    trickle_headers,
)
from bed.tls import certificate, secure
from collector.delivery.answer import Answer, Meaning, Target, describe, meaning, pack
from collector.delivery.influx import Influx

__all__ = ["certificate", "secure"]

# Deadlines are waited for.
pytestmark = pytest.mark.slow

TOKEN: Final = "not-to-be-seen-jRkBZ4_-=="  # noqa: S105  nobody's
LINES: Final = b"electricity,meter=E1,site=home power_import_kw=0.123 1700000000\n"
DEADLINE: Final = 0.5
SLACK: Final = 1.5  # a busy machine's
PATIENCE: Final = 60.0


@pytest.fixture
def server() -> Iterator[Answers]:
    with Answers() as answers:
        yield answers


def influx(
    server: Answers, *, deadline: float = PATIENCE, token: str = TOKEN, **more: str
) -> Influx:
    return Influx(Target(server.url, "home", "p1", token, **more), deadline=deadline)


def write(server: Answers, behaviour: Behaviour) -> Answer:
    server.behaviours.append(behaviour)
    return influx(server).write(LINES)


def hasty(server: Answers, **more: str) -> Influx:
    """Give a link whose deadline is short, and passes when the server has got the request."""
    link = influx(server, deadline=DEADLINE, **more)
    link.meanwhile = partial(eventually, lambda: server.requests)
    return link


def patient(link: Influx) -> Influx:
    """Give a link once its late request is over, with time enough for the next one."""
    link.meanwhile, link._deadline = lambda: None, PATIENCE
    link._client = None  # it has time-outs of its own
    if link._late is not None:
        link._late.join(PATIENCE)
    return link


def eventually(holds: Callable[[], object]) -> None:
    give_up = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < give_up
        time.sleep(0.001)


def test_a_request_holds_the_exact_lines_zipped_once(server: Answers) -> None:
    lines = LINES * 5000
    assert influx(server).write(lines) == Answer(204, "")
    (request,) = server.requests
    assert request.lines == lines
    assert len(request.body) < len(lines) / 50
    assert request.headers["Content-Encoding"] == "gzip"
    assert request.headers["Authorization"] == f"Token {TOKEN}"
    assert request.headers["Content-Type"].startswith("text/plain")
    assert request.path == "/api/v2/write?org=home&bucket=p1&precision=s"


def test_lines_that_are_packed_already_go_as_they_are(server: Answers) -> None:
    packed = pack([LINES, LINES])
    assert influx(server).write(packed) == Answer(204, "")
    assert server.requests[0].body == packed
    assert server.requests[0].lines == LINES * 2


def test_meanwhile_something_else_is_done(server: Answers) -> None:
    """The server answers only after that."""
    done = Event()

    def answer_then(handler: Handler) -> None:
        assert done.wait(PATIENCE)
        answer(204)(handler)

    server.behaviours.append(answer_then)
    link = influx(server)
    link.meanwhile = done.set
    assert link.write(LINES) == Answer(204, "")


def test_bytes_that_are_no_text_pass_untouched(server: Answers) -> None:
    lines = b'message,site=\xff text="\xe9\\"" 1\n'
    influx(server).write(lines)
    assert server.requests[0].lines == lines


def test_requests_share_one_connection(server: Answers) -> None:
    server.behaviours.extend([answer(204), refuse(422, "no"), answer(200, b"x" * 9000), half])
    link = influx(server)
    statuses = [link.write(LINES).status for _ in range(4)]
    assert statuses == [204, 422, 200, 0]
    assert len({request.peer for request in server.requests}) == 1


def test_a_connection_that_was_closed_meanwhile_is_opened_again(server: Answers) -> None:
    server.behaviours.append(answer(204, Connection="close"))
    link = influx(server)
    assert [link.write(LINES).status for _ in range(2)] == [204, 204]
    assert len({request.peer for request in server.requests}) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 413, 422, 429, 500, 502, 503, 504])
def test_an_error_is_one_attempt_and_keeps_its_words(server: Answers, status: int) -> None:
    assert write(server, refuse(status, "so  it\\nis")) == Answer(status, "so it is")
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [200, 201, 202, 206])
def test_another_success_is_not_stored(server: Answers, status: int) -> None:
    reply = write(server, answer(status, b"<h1>Welcome to the hotel</h1>"))
    assert reply == Answer(status, "<h1>Welcome to the hotel</h1>")
    assert meaning(reply) is Meaning.UNKNOWN
    assert "check `P1_INFLUX_URL`" in describe(reply)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(server: Answers, status: int) -> None:
    reply = write(server, answer(status, Location=f"{server.url}/login"))
    assert reply.status == status
    assert meaning(reply) is Meaning.UNKNOWN
    assert [request.path[:6] for request in server.requests] == ["/api/v"]


def test_a_page_in_another_character_set_keeps_its_status(server: Answers) -> None:
    reply = write(server, answer(502, b"<h1>St\xf6rung</h1>"))
    assert reply == Answer(502, "<h1>St\ufffdrung</h1>", is_page=True)


def test_a_long_page_is_cut(server: Answers) -> None:
    assert len(write(server, answer(503, b"no " * 100_000)).message) == 500


def test_an_answer_without_an_end_is_read_for_64_kib(server: Answers) -> None:
    server.behaviours.append(endless)
    link = influx(server)
    assert link.write(LINES) == Answer(503, ("wait " * 100)[:500], is_page=True)
    assert server.cut.wait(PATIENCE)
    assert link.write(LINES).status == 204


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br"])
def test_what_comes_packed_is_not_unpacked(server: Answers, coding: str) -> None:
    packed = gzip.compress(b"wait " * 1000)
    replies = [write(server, answer(n, packed, Content_Encoding=coding)) for n in (200, 503)]
    assert replies == [Answer(200, ""), Answer(503, "Service Unavailable", is_page=True)]


def test_a_refusal_of_every_line_is_longer_than_what_is_read_of_it(server: Answers) -> None:
    reply = write(server, refuse(400, "unable to parse " * 5000))
    assert meaning(reply) is Meaning.BAD
    assert reply.message.startswith("unable to parse unable")


@pytest.mark.parametrize("moved", range(6))
def test_it_may_be_cut_in_the_middle_of_a_character(server: Answers, moved: int) -> None:
    words = "unable to parse " + "x" * moved + "\\u00e9" * 20_000
    assert meaning(write(server, refuse(400, words))) is Meaning.BAD


def test_an_error_without_a_body_has_its_status_in_words(server: Answers) -> None:
    assert write(server, answer(503)) == Answer(503, "Service Unavailable", is_page=True)


@pytest.mark.parametrize("body", [b'{"message": null}', b'{"message": {"a": 1}}', b'{"error": 1}'])
def test_json_of_another_shape_is_no_accident(server: Answers, body: bytes) -> None:
    reply = write(server, answer(422, body))
    assert meaning(reply) is Meaning.UNCLEAR


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"[" * 64_000, b"Client sent an HTTP request to HTTPS"]
)
def test_a_400_that_influxdb_has_not_written_says_nothing_of_lines(
    server: Answers, body: bytes
) -> None:
    assert meaning(write(server, answer(400, body))) is Meaning.UNKNOWN


@pytest.mark.parametrize(
    ("value", "seconds"), [("7", 7.0), ("99999", 600.0), ("soon", None), ("-1", None)]
)
def test_retry_after_comes_through(server: Answers, value: str, seconds: float | None) -> None:
    assert write(server, refuse(429, "", Retry_After=value)).retry_after == seconds


@pytest.mark.parametrize("behaviour", [hang_up, reset, half, half_headers, garbage])
def test_a_broken_answer_is_no_answer(server: Answers, behaviour: Behaviour) -> None:
    server.behaviours.append(behaviour)
    link = influx(server)
    reply = link.write(LINES)
    assert reply.status == 0
    assert "0x" not in reply.message
    assert reply.message
    assert link.write(LINES).status == 204


@pytest.mark.parametrize("behaviour", [trickle, trickle_at_last, trickle_headers, hang])
def test_the_deadline_holds_in_all_and_the_next_request_works(
    server: Answers, behaviour: Behaviour
) -> None:
    server.behaviours.append(behaviour)
    link = hasty(server)
    replies: list[Answer] = []
    assert seconds_awake(lambda: replies.append(link.write(LINES))) < DEADLINE + SLACK
    assert replies == [Answer(0, "no answer within 0.5 s", is_late=True)]
    assert patient(link).write(LINES) == Answer(204, "")


def test_who_is_held_up_while_it_waits_is_told_the_same(server: Answers) -> None:
    """The computer slept, for instance: then the client's own time-out may end the request."""
    server.behaviours.append(hang)
    link = influx(server, deadline=DEADLINE)
    link.meanwhile = partial(
        eventually, lambda: "request" not in {thread.name for thread in threading.enumerate()}
    )
    assert link.write(LINES) == Answer(0, "no answer within 0.5 s", is_late=True)


@pytest.mark.parametrize("behaviour", [trickle, trickle_at_last])
def test_a_late_request_is_cut_off(server: Answers, behaviour: Behaviour) -> None:
    server.behaviours.append(behaviour)
    assert hasty(server).write(LINES).is_late
    assert server.cut.wait(PATIENCE)


def test_a_body_that_nobody_reads_meets_the_deadline(server: Answers) -> None:
    server.behaviours.append(deaf)
    link = influx(server, deadline=DEADLINE)
    noise = os.urandom(8 << 20)  # more than the kernel takes, and zipping does not help
    replies: list[Answer] = []
    seconds = seconds_awake(lambda: replies.append(link.write(noise)))
    assert replies[0].status == 0
    assert seconds < DEADLINE + 2 * SLACK  # to zip it takes a while as well
    assert patient(link).write(LINES).status == 204


def test_a_port_that_takes_no_connection_meets_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        with socket.create_connection(address), socket.socket() as second:
            second.setblocking(False)
            second.connect_ex(address)
            target = Target(f"http://127.0.0.1:{address[1]}", "home", "p1", TOKEN)
            link = Influx(target, deadline=DEADLINE)
            replies: list[Answer] = []
            assert seconds_awake(lambda: replies.append(link.write(LINES))) < DEADLINE + SLACK
    assert replies[0].status == 0


def test_a_name_server_that_hangs_meets_the_deadline(
    server: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The resolver of the C library cannot be cut: then there is no second request beside it."""
    answered = Event()
    resolve = socket.getaddrinfo

    def hanging(*arguments: object, **more: object) -> object:
        answered.wait()
        return resolve(*arguments, **more)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    monkeypatch.setattr("collector.delivery.influx.CUT_SECONDS", 0.0)
    link = influx(server, deadline=DEADLINE)
    assert link.write(LINES) == Answer(0, "no answer within 0.5 s", is_late=True)
    assert "still hangs" in link.write(LINES).message
    monkeypatch.undo()
    answered.set()
    late = link._late
    assert late is not None
    late.join(PATIENCE)
    assert not late.is_alive()
    assert server.requests == []  # what is found too late is told nothing, and cannot hold it
    assert patient(link).write(LINES).status == 204


def test_a_name_that_nobody_knows_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    # Wherever the tests run, there may be name servers that do not answer.
    monkeypatch.setenv("RES_OPTIONS", "timeout:1 attempts:1")
    target = Target("http://influxdb.invalid:8086", "home", "p1", TOKEN)
    reply = Influx(target, deadline=PATIENCE).write(LINES)
    assert reply.status == 0
    assert reply.message.startswith("the name `influxdb.invalid` is not found: ")
    assert "is the name in `P1_INFLUX_URL` right" in reply.message


def test_a_refused_connection_is_said_plainly() -> None:
    with nobody_listens() as port:
        link = Influx(Target(f"http://127.0.0.1:{port}", "home", "p1", TOKEN), deadline=PATIENCE)
        reply = link.write(LINES)
    assert reply.status == 0
    assert reply.message.startswith(f"`127.0.0.1` port {port}: Connection refused (")


def test_a_port_without_tls_is_a_failure_with_a_remedy(server: Answers) -> None:
    target = Target(f"https://localhost:{server.port}", "home", "p1", TOKEN)
    reply = Influx(target, deadline=PATIENCE).write(LINES)
    assert reply.status == 0
    assert reply.message.startswith(
        "no TLS with `localhost`: WRONG_VERSION_NUMBER (write `http://`"
    )
    assert server.requests == []


def test_a_certificate_is_verified(secure: Answers) -> None:
    reply = influx(secure).write(LINES)
    assert reply.status == 0
    assert "of `localhost` is not accepted: self-signed certificate (" in reply.message
    assert "set `P1_INFLUX_CA` to that authority's certificate" in reply.message
    assert secure.requests == []


def test_an_authority_of_ones_own_is_trusted(secure: Answers, certificate: Path) -> None:
    link = influx(secure, ca_file=str(certificate))
    assert [link.write(LINES).status for _ in range(2)] == [204, 204]
    assert len({request.peer for request in secure.requests}) == 1


@pytest.mark.parametrize("behaviour", [trickle, trickle_at_last])
def test_a_trickle_through_tls_is_cut_off(
    secure: Answers, certificate: Path, behaviour: Behaviour
) -> None:
    secure.behaviours.append(behaviour)
    link = hasty(secure, ca_file=str(certificate))
    assert link.write(LINES) == Answer(0, "no answer within 0.5 s", is_late=True)
    assert secure.cut.wait(PATIENCE)
    assert patient(link).write(LINES).status == 204


def test_a_certificate_for_another_name_is_refused(secure: Answers, certificate: Path) -> None:
    target = Target(f"https://127.0.0.1:{secure.port}", "home", "p1", TOKEN, str(certificate))
    reply = Influx(target, deadline=PATIENCE).write(LINES)
    assert reply.status == 0
    assert "127.0.0.1" in reply.message


@pytest.mark.parametrize("token", ["two\nlines", "\N{EURO SIGN}"])
def test_a_token_that_cannot_be_sent_is_said_without_it(server: Answers, token: str) -> None:
    reply = influx(server, token=token).write(LINES)
    assert reply == Answer(
        0, "cannot ask: check `P1_INFLUX_URL`, `P1_INFLUX_TOKEN` for typing errors"
    )
    assert server.requests == []


def test_the_token_is_in_no_word(server: Answers, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    behaviours: list[Behaviour] = [echo(200), echo(302), echo(400), echo(401), echo(500), hang_up]
    server.behaviours = deque(behaviours)
    link = influx(server)
    replies = [link.write(LINES) for _ in behaviours]
    said = [repr(replies), *map(describe, replies), repr(link), repr(link.__dict__), caplog.text]
    assert [reply.status for reply in replies] == [200, 302, 400, 401, 500, 0]
    assert all("Authorization: Token (token)" in reply.message for reply in replies[:5])
    assert [TOKEN in words for words in said] == [False] * len(said)
