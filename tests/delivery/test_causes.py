"""What is said of a request without an answer: what happened, to whom, and what to do."""

import errno
import os
import socket
import ssl
from http.client import BadStatusLine, IncompleteRead, RemoteDisconnected

import pytest
import urllib3

from collector.delivery.causes import explain

URL = "http://influx.lan:8086"


def wrapped(cause: Exception) -> Exception:
    """Put another error with other words before it, as `urllib3` does."""
    outer = urllib3.exceptions.ProtocolError("Connection aborted.", cause)
    outer.__cause__ = cause
    return outer


def error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


@pytest.mark.parametrize(
    ("cause", "words", "advice"),
    [
        (error(errno.ECONNREFUSED), "`influx.lan` port 8086: Connection refused", "firewall"),
        (TimeoutError("timed out"), "`influx.lan` port 8086: no connection in time", "firewall"),
        (error(errno.ENETUNREACH), "`influx.lan` port 8086: Network is unreachable", "network up"),
        (error(errno.EHOSTUNREACH), "`influx.lan` port 8086: No route to host", "network up"),
        (
            socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
            "the name `influx.lan` is not found: Name or service not known",
            "`P1_INFLUX_URL`",
        ),
        (
            error(errno.ECONNRESET),
            "the connection to `influx.lan` broke off: Connection reset by peer",
            "proxy",
        ),
        (error(errno.EPIPE), "the connection to `influx.lan` broke off: Broken pipe", "proxy"),
        (
            RemoteDisconnected("Remote end closed connection without response"),
            "the connection to `influx.lan` broke off: it was closed",
            "proxy",
        ),
        (IncompleteRead(b"12", 98), "the answer of `influx.lan` broke off", "proxy"),
        (BadStatusLine("HTTP/1.1 20"), "the answer of `influx.lan` broke off", "proxy"),
        (
            BadStatusLine("SSH-2.0-OpenSSH_9.2"),
            "what `influx.lan` answers is not HTTP",
            "`P1_INFLUX_URL`",
        ),
        (
            ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number"),
            "no TLS with `influx.lan`: ",
            "`P1_INFLUX_",
        ),
        (
            FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)),
            "cannot read the file in `P1_INFLUX_CA`: No such file or directory",
            "",
        ),
    ],
)
def test_the_first_cause_is_said_with_what_to_do(
    cause: Exception, words: str, advice: str
) -> None:
    said = explain(wrapped(cause), URL)
    assert said.startswith(words)
    assert advice in said.removeprefix(words)
    assert explain(cause, URL) == said


def test_what_changes_between_two_attempts_is_left_out() -> None:
    assert explain(IncompleteRead(b"12", 98), URL) == explain(IncompleteRead(b"1", 99), URL)
    line = "HTTP/1.1 204 No"
    cut = {explain(BadStatusLine(line[:end]), URL) for end in range(1, len(line))}
    assert cut == {explain(IncompleteRead(b"12", 98), URL)}


@pytest.mark.parametrize(
    ("url", "place"), [("http://influx.lan", 80), ("https://influx.lan", 443), (URL, 8086)]
)
def test_the_port_is_said_where_the_url_leaves_it_out(url: str, place: int) -> None:
    assert f"port {place}:" in explain(error(errno.ECONNREFUSED), url)


def test_what_nobody_foresaw_is_said_in_its_own_words() -> None:
    assert explain(error(errno.EMFILE), URL) == (
        "`influx.lan` port 8086: [Errno 24] Too many open files"
    )
