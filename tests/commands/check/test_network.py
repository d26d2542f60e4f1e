"""The way to InfluxDB, on real sockets."""

import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bed.answers import Answers
from collector.commands.check import network
from collector.commands.check.finding import Finding, Outcome
from collector.commands.check.network import End
from collector.delivery.answer import Target
from collector.remedies import Remedy

NOW = datetime.now(UTC)
LATER = timedelta(days=1)


def target(url: str, ca_file: Path | None = None) -> Target:
    return Target(url, "home", "p1", "made-up", str(ca_file) if ca_file else None)


def judged(url: str, ca_file: Path | None = None) -> dict[str, Finding]:
    found = network.findings(target(url, ca_file), NOW)
    return {finding.link: finding for finding in found}


@pytest.fixture
def plain() -> Iterator[Answers]:
    with Answers() as answers:
        yield answers


@pytest.fixture
def closed() -> Iterator[int]:
    """Give a port on which nobody listens, and which nobody else gets."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_a_plain_server_in_the_house_is_good(plain: Answers) -> None:
    found = judged(plain.url)
    assert [(f.link, f.outcome) for f in found.values()] == [
        ("DNS", Outcome.OK),
        ("TCP", Outcome.OK),
        ("TLS", Outcome.OK),
    ]
    assert plain.requests == []


def test_an_address_needs_no_name_server(plain: Answers) -> None:
    found = judged(f"http://127.0.0.1:{plain.port}")
    assert found["DNS"].what == "127.0.0.1 is an address"
    assert found["TCP"].what == f"127.0.0.1 port {plain.port} answers"


def test_a_name_that_is_not_found_ends_the_way() -> None:
    # RFC 2606: nobody may have this name.
    found = judged("http://influx.invalid:8086")
    assert (found["DNS"].outcome, found["DNS"].remedy) == (Outcome.FAIL, Remedy.NAME.advice)
    assert {found["TCP"].outcome, found["TLS"].outcome} == {Outcome.SKIP}


def test_a_port_on_which_nobody_listens_ends_the_way(closed: int) -> None:
    found = judged(f"http://127.0.0.1:{closed}")
    assert found["TCP"].what == f"127.0.0.1 port {closed}: Connection refused"
    assert found["TCP"].remedy == Remedy.REFUSED.advice
    assert found["TLS"].outcome is Outcome.SKIP


def test_a_certificate_that_is_trusted_is_good(secure: Answers, certificate: Path) -> None:
    found = judged(secure.url, certificate)["TLS"]
    assert found.outcome is Outcome.OK
    assert "certificate good until" in found.what


def test_a_certificate_that_expires_soon_is_a_warning(secure: Answers, certificate: Path) -> None:
    end = network.end_of(secure.url)
    soon = NOW + timedelta(days=20)
    found = network.certificate(end, str(certificate), soon)
    assert (found.outcome, found.remedy) == (Outcome.WARN, Remedy.TLS_SOON.advice)


def test_an_authority_that_nobody_knows_is_told(secure: Answers) -> None:
    found = judged(secure.url)["TLS"]
    assert (found.outcome, found.remedy) == (Outcome.FAIL, Remedy.TLS.advice)
    assert "self-signed" in found.what


def test_a_certificate_for_another_name_is_told(secure: Answers, certificate: Path) -> None:
    found = judged(f"https://127.0.0.1:{secure.port}", certificate)["TLS"]
    assert (found.outcome, found.remedy) == (Outcome.FAIL, Remedy.TLS.advice)
    assert "127.0.0.1" in found.what


def test_a_server_without_tls_is_told(plain: Answers) -> None:
    found = judged(f"https://localhost:{plain.port}")["TLS"]
    assert (found.outcome, found.remedy) == (Outcome.FAIL, Remedy.TLS_NONE.advice)


def test_a_file_of_certificates_that_is_not_there_is_told(secure: Answers, tmp_path: Path) -> None:
    found = judged(secure.url, tmp_path / "none.pem")["TLS"]
    assert (found.outcome, found.remedy) == (Outcome.FAIL, Remedy.TLS.advice)
    assert "none.pem" in found.what


def test_a_server_that_speaks_tls_is_known_when_it_is_spoken_to_in_plain(
    secure: Answers, closed: int
) -> None:
    assert network.in_plain(target(f"http://localhost:{secure.port}"))
    assert not network.in_plain(target(secure.url))
    assert not network.in_plain(target(f"http://127.0.0.1:{closed}"))


def test_a_token_in_clear_over_the_internet_is_a_warning() -> None:
    found = network.plain("8.8.8.8")
    assert (found.outcome, found.remedy) == (Outcome.WARN, Remedy.PLAIN.advice)


@pytest.mark.parametrize("address", ["192.168.1.5", "10.0.0.1", "fe80::1", "fd00::5", "127.0.0.1"])
def test_a_token_in_clear_in_the_house_is_not(address: str) -> None:
    assert network.plain(address).outcome is Outcome.OK


@pytest.mark.parametrize(
    ("url", "end"),
    [
        ("http://influx", End("influx", 80, secure=False)),
        ("https://influx.example", End("influx.example", 443, secure=True)),
        ("http://[::1]:8086", End("::1", 8086, secure=False)),
    ],
)
def test_the_url_says_where_to_go(url: str, end: End) -> None:
    assert network.end_of(url) == end
