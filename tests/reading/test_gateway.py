"""A gateway that gives telegrams over HTTP: each new one once, and what is wrong in one line."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bed.command import called
from bed.front import Authority
from bed.gateway import HOST, TOKEN, HomeWizard, said
from bed.telegrams import dsmr5, utc
from collector.commands.check import network as check
from collector.commands.check.finding import Outcome
from collector.commands.pair import pressed
from collector.errors import CollectorError, SourceError
from collector.p1.telegram import Policy
from collector.reading.bell import Bell
from collector.reading.gateway import MOST_BYTES, Gateway, HttpSource, certificate, follow
from collector.reading.sources import FAST, READ_SECONDS, address
from collector.settings.settings import load

ONE = dsmr5(utc("2026-02-03T12:00:00"))
OTHER = dsmr5(utc("2026-02-03T12:00:01"))


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority.pem", "Appliance Access")


@pytest.fixture
def old() -> Iterator[HomeWizard]:
    with HomeWizard() as device:
        device.telegram = lambda: ONE
        yield device


@pytest.fixture
def new(authority: Authority) -> Iterator[HomeWizard]:
    with HomeWizard(authority.context(HOST)) as device:
        device.telegram = lambda: ONE
        yield device


def given(url: str, token: str = "", ca: str | None = None) -> bytes:
    gateway = Gateway(url, token, ca)
    with closing(gateway.connection):
        return gateway.telegram()


def wrong(url: str, token: str = "", ca: str | None = None) -> tuple[str, str]:
    with pytest.raises(SourceError) as caught:
        given(url, token, ca)
    assert TOKEN not in f"{caught.value}{caught.value.hint}"
    return str(caught.value), caught.value.hint or ""


def test_version_1_gives_the_telegram_as_the_meter_sent_it(old: HomeWizard) -> None:
    assert given(old.url) == ONE
    assert old.asked == ["GET /api/v1/telegram"]


def test_version_2_gives_it_to_whoever_has_the_token(
    new: HomeWizard, authority: Authority
) -> None:
    assert given(new.url, TOKEN, str(authority.path)) == ONE
    assert new.asked == ["GET /api/telegram"]
    words, hint = wrong(new.url, "wrong", str(authority.path))
    assert words == f"`{new.url}` answers 401: user:unauthorized"
    assert "p1-collector pair" in hint


def test_its_own_certificate_will_do_and_nobody_elses(new: HomeWizard, tmp_path: Path) -> None:
    own = certificate(new.url)
    assert given(new.url, TOKEN, own) == ONE
    (tmp_path / "own.pem").write_text(own)
    assert given(new.url, TOKEN, str(tmp_path / "own.pem")) == ONE
    other = Authority(tmp_path / "other.pem", "Somebody Else")
    for ca in (None, str(other.path)):
        words, hint = wrong(new.url, TOKEN, ca)
        assert words.startswith(f"cannot ask `{new.url}`: ")
        assert "P1_SOURCE_CA" in hint
    assert new.asked == ["GET /api/telegram"] * 2, "nobody else was told the token"


def test_a_connection_is_kept_and_one_that_it_ends_is_no_trouble(old: HomeWizard) -> None:
    gateway = Gateway(old.url)
    with closing(gateway.connection):
        for _ in range(5):
            gateway.telegram()
        assert old.connections == 1
        old.keeps_alive = False
        for _ in range(5):
            gateway.telegram()
    assert len(old.asked) == 10


@pytest.mark.parametrize("path", ["/api/v1/data", "/api"])
def test_json_in_the_place_of_the_telegram_is_told(old: HomeWizard, path: str) -> None:
    words, hint = wrong(old.url + path)
    assert words == f"`{old.url}{path}` gives JSON instead of a telegram"
    assert "/api/v1/telegram" in hint


def test_an_api_that_is_switched_off_is_told(old: HomeWizard) -> None:
    old.is_enabled = False
    words, hint = wrong(old.url)
    assert words == f"`{old.url}` answers 403: API not enabled"
    assert "Local API" in hint


@pytest.mark.parametrize(
    ("status", "hint"),
    [(404, "path"), (503, "P1 port"), (500, "Another product"), (302, "Another")],
)
def test_what_it_refuses_has_a_remedy(old: HomeWizard, status: int, hint: str) -> None:
    old.answer = status, "text/html", b"<html>" + str(id(old)).encode()
    words, advice = wrong(old.url)
    assert words == f"`{old.url}` answers {status}", "what changes is in no line of the log"
    assert hint in advice


def test_another_product_is_told(old: HomeWizard) -> None:
    old.answer = 200, "text/html", b"<html>a router</html>"
    assert "something else" in wrong(old.url)[0]


def test_an_answer_without_an_end_is_bounded(old: HomeWizard) -> None:
    old.answer = 200, "text/plain", ONE + b"x" * 10 * MOST_BYTES
    gateway = Gateway(old.url)
    assert len(gateway.telegram()) == MOST_BYTES + 2
    assert gateway.connection.sock is None


def test_nobody_there_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert wrong(f"http://127.0.0.1:{port}")[0].endswith("Connection refused")


def test_the_same_telegram_is_no_news() -> None:
    telegrams = iter([ONE, ONE, OTHER, OTHER, ONE])
    news: list[object] = []
    waits: list[float] = []

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        return len(waits) == 5

    follow(lambda: next(telegrams), news.append, wait, lambda: 0.0)
    assert news == [ONE, OTHER, ONE]
    assert min(waits) >= 0.5


def test_the_thread_ends_with_what_is_wrong() -> None:
    def ask() -> bytes:
        raise error

    error = SourceError("it broke")
    told: list[object] = []
    follow(ask, told.append, lambda _: pytest.fail("it is over"), lambda: 0.0)
    assert told == [error]


def test_as_a_source_it_is_opened_read_and_closed(old: HomeWizard) -> None:
    place = address(old.url, "auto")
    assert (place.live, place.fault) == (True, None)
    source = place.open(FAST)
    data = b""
    while not data:
        data = source.read(READ_SECONDS)
    assert data == ONE
    source.close()


def test_one_that_never_answers_holds_nobody_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        gateway = Gateway(f"http://127.0.0.1:{listener.getsockname()[1]}")
        bell = Bell()
        source = HttpSource(gateway, bell)
        peer, _ = listener.accept()
        assert source.read(0.0) == b""
        bell.ring()
        assert source.read(3600.0) == b""
        source.close()
        peer.close()


def test_a_telegram_without_its_checksum_is_accepted_from_a_gateway_alone() -> None:
    """Some cut it off, and check it themselves."""
    gateway, reader = address("http://p1", "auto"), address("socket://p1:23", "auto")
    assert gateway.policy(Policy.REQUIRE) is Policy.ACCEPT_MISSING
    assert gateway.policy(Policy.IGNORE) is Policy.IGNORE
    assert reader.policy(Policy.REQUIRE) is Policy.REQUIRE


def test_check_walks_the_way_to_it(old: HomeWizard) -> None:
    settings, _ = load({"P1_SOURCE": old.url})
    assert [f.outcome for f in check.to_gateway(settings)] == [Outcome.OK] * 3
    old.is_enabled = False
    found = list(check.to_gateway(settings))[-1]
    assert (found.outcome, found.what) == (
        Outcome.FAIL,
        f"`{old.url}` answers 403: API not enabled",
    )
    assert "Local API" in (found.remedy or "")


def test_check_stops_where_the_way_does() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    settings, _ = load({"P1_SOURCE": f"http://127.0.0.1:{port}"})
    found = list(check.to_gateway(settings))
    assert [f.outcome for f in found] == [Outcome.OK, Outcome.FAIL]
    assert "P1_SOURCE" in (found[-1].remedy or "")
    assert "INFLUX" not in "".join(f.remedy or "" for f in found)


def test_pairing_waits_until_the_button_is_pressed(new: HomeWizard) -> None:
    gateway = Gateway(new.url, ca=certificate(new.url))
    naps: list[float] = []

    def press(seconds: float) -> None:
        naps.append(seconds)
        new.button_is_pressed = len(naps) == 3

    body = json.dumps({"name": "local/p1-collector"}).encode()
    with closing(gateway.connection):
        assert pressed(lambda: gateway.ask("POST", "/api/user", body), press) == TOKEN
    assert naps == [1.0] * 3


def test_what_pairing_prints_is_all_that_reading_takes(new: HomeWizard, tmp_path: Path) -> None:
    new.button_is_pressed = True
    done = called("pair", new.url, "--certificate", "own.pem", home=tmp_path)
    assert done.returncode == 0, done.stderr
    printed = dict(line.split("=", 1) for line in done.stdout.splitlines())
    settings, problems = load({"P1_SOURCE": new.url, **printed})
    assert problems == []
    assert given(new.url, settings.access.token, settings.access.ca_file) == ONE


def test_no_token_is_asked_for_where_the_certificate_cannot_be_kept(
    new: HomeWizard, tmp_path: Path
) -> None:
    """A new token makes the old one void: it must not be lost then."""
    done = called("pair", new.url, "--certificate", "nowhere/own.pem", home=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot write `nowhere/own.pem`: No such file or directory" in done.stderr
    assert new.asked == []


def test_an_address_without_tls_has_nothing_to_pair(tmp_path: Path) -> None:
    done = called("pair", "http://127.0.0.1", home=tmp_path)
    assert done.returncode == 2
    assert "switched on in the app" in done.stderr


def test_pairing_ends_when_nobody_presses_it() -> None:
    now = iter(range(0, 100_000, 50))
    refusal = said(403, {"error": "user:creation-not-enabled"})
    with pytest.raises(CollectorError, match="answers 403: user:creation-not-enabled"):
        pressed(lambda: (refusal[0], refusal[2]), lambda _: None, lambda: float(next(now)))


def test_a_secret_is_in_no_repr() -> None:
    settings, problems = load({"P1_SOURCE": "https://p1", "P1_SOURCE_TOKEN": TOKEN})
    assert problems == []
    assert settings.access.token == TOKEN
    assert TOKEN not in f"{settings!r}{settings.access!r}{settings.place!r}"
