"""The ports that the tests' servers get: nobody else takes them, also while the server is away."""

import random
import socket

import pytest

from bed.influxd import free_port


def test_a_port_that_was_chosen_is_nobody_elses() -> None:
    port = free_port()
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", port))


def test_two_that_draw_the_same_port_do_not_get_it_both(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    drawn = iter([port, port, *range(20_000, 21_000)])
    monkeypatch.setattr(random.SystemRandom, "randrange", lambda *_: next(drawn))
    assert free_port() in range(20_000, 21_000)


def test_a_server_listens_there_as_often_as_it_likes_and_is_refused_in_between() -> None:
    place = ("127.0.0.1", free_port())
    for _ in range(3):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(place, timeout=60)
        with (
            socket.create_server(place) as server,
            socket.create_connection(place, timeout=60),
            server.accept()[0],
        ):
            pass
