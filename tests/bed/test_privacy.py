"""The look at what a service gives away would see it: each thing is given away here."""

import base64
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

import pytest

from bed.privacy import Privacy, doors, found_in, open_to_others, secrets_in
from bed.service import MADE, Service, look_back

TOKEN: Final = "kept/to+ourselves_4711-and-as-long-as-real-ones-are=="  # noqa: S105  invented
RAW: Final = TOKEN.encode()

WAYS: Final[dict[str, bytes]] = {
    "as it stands": RAW,
    "cut off at its end": RAW[:30],
    "cut off at its start": RAW[-30:],
    "in a URL": quote(TOKEN, safe="").encode(),
    "in JSON": f'{{"token": "{TOKEN}"}}'.encode(),
    "hexadecimal": RAW.hex().encode(),
    "hexadecimal in capitals": RAW.hex().upper().encode(),
    "UTF-16": TOKEN.encode("utf-16"),
    "base64": base64.b64encode(RAW),
    "base64 for URLs": base64.urlsafe_b64encode(RAW),
    "base64 of a header": base64.b64encode(b"Authorization: Token " + RAW + b"\r\n"),
    "base64 with a user": base64.b64encode(b"me:" + RAW),
    "base64 with a longer user": base64.b64encode(b"myself:" + RAW),
    "base64 with another user": base64.urlsafe_b64encode(b"home:" + RAW + b"?>"),
    "the representation of bytes": repr(b"Token " + RAW).encode(),
}


@pytest.fixture
def privacy(tmp_path: Path) -> Privacy:
    """Give a service's, which has written something of no interest."""
    for room in (tmp_path / "hot", tmp_path / "spool"):
        room.mkdir(mode=0o700)
        _write(room / "1.lp", b"electricity,site=home power_import_kw=0.1 1700000000\n")
    return Privacy((TOKEN,), tmp_path, (tmp_path / "hot", tmp_path / "spool"))


def _write(path: Path, data: bytes, mode: int = 0o600) -> None:
    path.write_bytes(data)
    path.chmod(mode)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["run.log", "hot/status.json", "spool/2.lp", "core.1234"])
def test_a_secret_that_was_written_down_is_seen(privacy: Privacy, way: str, name: str) -> None:
    privacy.look_at_files()
    _write(privacy.home / name, os.urandom(99_999) + WAYS[way] + os.urandom(99_999))
    assert list(privacy.leaks()) == [privacy.home / name]
    with pytest.raises(AssertionError, match="a secret was written down"):
        privacy.look_at_files()


@pytest.mark.usefixtures("privacy")
def test_a_directory_elsewhere_is_looked_at_too(tmp_path: Path) -> None:
    elsewhere = Privacy((TOKEN,), tmp_path / "home", (tmp_path / "hot", tmp_path / "spool"))
    _write(tmp_path / "spool" / "2.lp", RAW)
    assert list(elsewhere.leaks()) == [tmp_path / "spool" / "2.lp"]


def test_every_secret_of_the_settings_is_looked_for() -> None:
    names = ["P1_INFLUX_TOKEN", "INFLUX_TOKEN", "P1_DECRYPT_KEY", "P1_DECRYPT_AUTH_KEY"]
    settings = {name: f"{name} is secret" for name in names}
    assert secrets_in({**settings, "P1_SITE": "home"}) == tuple(settings.values())


def test_a_secret_too_short_to_be_looked_for_is_refused() -> None:
    with pytest.raises(AssertionError, match="no secret to look for"):
        secrets_in({"P1_INFLUX_TOKEN": "t"})


def test_what_resembles_a_secret_is_none() -> None:
    assert found_in(RAW.swapcase() + RAW[:11] + b"kept/to", (TOKEN,)) == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o610, 0o601, 0o620, 0o602])
def test_what_others_may_use_is_seen(privacy: Privacy, mode: int) -> None:
    privacy.begin()
    path = privacy.home / "spool" / "2.lp"
    _write(path, b"", mode)
    assert list(open_to_others(privacy.home / "spool")) == [path]
    with pytest.raises(AssertionError, match="not for the user alone"):
        privacy.look_at_files()


def test_a_directory_that_others_may_look_into_is_seen(privacy: Privacy) -> None:
    privacy.begin()
    (privacy.home / "hot").chmod(0o711)
    with pytest.raises(AssertionError, match="not for the user alone"):
        privacy.look_at_files()


def test_what_stood_there_before_is_not_the_services_work(privacy: Privacy) -> None:
    (privacy.home / "hot").chmod(0o755)
    privacy.begin()
    privacy.begin()
    privacy.look_at_files()


Opened = Callable[[], socket.socket]


def _tcp() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def _tcp6() -> socket.socket:
    return socket.create_server(("::1", 0), family=socket.AF_INET6)


def _udp() -> socket.socket:
    opened = socket.socket(type=socket.SOCK_DGRAM)
    opened.bind(("127.0.0.1", 0))
    return opened


def _unix() -> socket.socket:
    opened = socket.socket(socket.AF_UNIX)
    opened.bind(f"\0p1-test-{os.getpid()}")  # a name that is no file
    opened.listen()
    return opened


@pytest.mark.parametrize("door", [_tcp, _tcp6, _udp, _unix])
def test_a_socket_that_can_be_called_is_seen(door: Opened) -> None:
    before = doors(os.getpid())
    with door():
        assert len(doors(os.getpid())) == len(before) + 1
    assert doors(os.getpid()) == before


def test_a_socket_that_calls_is_no_door() -> None:
    before = doors(os.getpid())
    with _tcp() as listener, socket.socket() as caller, socket.socket(type=socket.SOCK_DGRAM) as d:
        caller.connect(listener.getsockname())
        d.connect(("127.0.0.1", 9))
        assert len(doors(os.getpid())) == len(before) + 1


@contextmanager
def _process(*words: str) -> Iterator[int]:
    process = subprocess.Popen([sys.executable, "-c", *words], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield process.pid
    finally:
        process.kill()
        process.communicate()


READY: Final = "print('ready', flush=True); import signal; signal.pause()"
LISTENS: Final = "import socket; s = socket.create_server(('127.0.0.1', 0)); " + READY


def test_a_process_of_which_nothing_shows_passes(privacy: Privacy) -> None:
    with _process(READY) as pid:
        privacy.look_at_process(pid)


def test_a_secret_in_a_command_line_is_seen(privacy: Privacy) -> None:
    with (
        _process(READY, f"--token={TOKEN}") as pid,
        pytest.raises(AssertionError, match="command"),
    ):
        privacy.look_at_process(pid)


def test_a_process_that_listens_is_seen(privacy: Privacy) -> None:
    with _process(LISTENS) as pid, pytest.raises(AssertionError, match="it listens"):
        privacy.look_at_process(pid)


# --- the bed looks at every service


def test_a_token_that_was_replaced_is_looked_for_still(tmp_path: Path) -> None:
    there = Service(tmp_path, P1_INFLUX_TOKEN=TOKEN)
    there.set(P1_INFLUX_TOKEN="another one")  # noqa: S106  invented
    assert there.privacy.secrets == (TOKEN, "another one")


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """Give a service that runs, and has told so."""
    there = Service(tmp_path, P1_SOURCE=str(tmp_path / "nothing"), P1_INFLUX_TOKEN=TOKEN)
    there.start()
    there.wait_until(lambda _: True)
    yield there
    MADE.clear()  # of which one gave its token away
    there.process.kill()
    there.process.wait()


@pytest.mark.slow
@pytest.mark.parametrize("end", [Service.stop, Service.kill])
def test_a_service_that_ends_is_looked_at(
    service: Service, end: Callable[[Service], object]
) -> None:
    _write(service.spool / "1.lp", RAW)
    with pytest.raises(AssertionError, match="a secret was written down"):
        end(service)


@pytest.mark.slow
def test_a_service_that_is_waited_for_is_looked_at(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    monkeypatch.setattr(Privacy, "look_at_process", lambda _, pid: seen.append(pid))
    service.wait_until(lambda _: True)
    service.stop()
    assert seen == [service.process.pid] * 2


@pytest.mark.slow
def test_a_service_that_ended_otherwise_is_looked_at_with_the_test(service: Service) -> None:
    service.process.send_signal(signal.SIGTERM)
    service.process.wait()
    _write(service.spool / "1.lp", RAW)
    with pytest.raises(AssertionError, match="a secret was written down"):
        look_back()
    assert service not in MADE
