"""Sources: real pseudo-terminals through pyserial, real TCP connections, files."""

import fcntl
import os
import pty
import select
import socket
import sys
import termios
import threading
import time
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bed.answers import nobody_listens, seconds_awake
from collector.errors import AbsentError, SettlingError, SourceError
from collector.reading import port, sources
from collector.reading.sources import (
    FAST,
    READ_SECONDS,
    SLOW,
    Address,
    FileSource,
    Source,
    Speed,
    address,
)

SPEED, FORM = 4, 2  # places in what tcgetattr gives


class Cable:
    """A pseudo-terminal: `plug` is the meter's end, `device` what the collector opens."""

    def __init__(self) -> None:
        self.plug, self.socket = pty.openpty()
        tty.setraw(self.socket)
        self.device = os.ttyname(self.socket)

    def settings(self) -> list[Any]:
        return termios.tcgetattr(self.plug)

    def pull(self) -> None:
        for end in (self.plug, self.socket):
            if end >= 0:
                os.close(end)
        self.plug = self.socket = -1


@pytest.fixture
def cable() -> Iterator[Cable]:
    cable = Cable()
    yield cable
    cable.pull()


def read(source: Source, size: int) -> bytes:
    """Read until there are so many bytes."""
    data = b""
    give_up = time.monotonic() + 60
    while len(data) < size:
        assert time.monotonic() < give_up
        data += source.read(READ_SECONDS)
    return data


def waiting(file: int) -> int:
    """Give how many bytes a reader would get now."""
    return int.from_bytes(fcntl.ioctl(file, termios.FIONREAD, bytes(4)), sys.byteorder)


def refused(place: Address, speed: Speed = FAST) -> SourceError:
    """Give why a source cannot be opened."""
    with pytest.raises(SourceError) as caught:
        place.open(speed)
    return caught.value


def broken(source: Source) -> SourceError:
    """Give why a source cannot be read any more."""

    def read_on() -> None:
        while True:
            source.read(READ_SECONDS)

    with pytest.raises(SourceError) as caught:
        read_on()
    return caught.value


# --- a serial device


def test_every_byte_comes_through_unchanged(cable: Cable) -> None:
    source = address(cable.device, "auto").open(FAST)
    every = bytes(range(256)) * 4
    os.write(cable.plug, every)
    assert read(source, len(every)) == every
    source.close()


def test_a_read_gives_nothing_after_a_moment_without_a_byte(cable: Cable) -> None:
    source = address(cable.device, "auto").open(FAST)
    came: list[bytes] = []
    assert seconds_awake(lambda: came.append(source.read(READ_SECONDS))) < 2 * sources.READ_SECONDS
    assert came == [b""]
    source.close()


def test_a_telegram_that_comes_in_packets_is_read_at_once(
    cable: Cable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each look at the line costs; what a meter sends takes a tenth of a second."""
    source = address(cable.device, "auto").open(FAST)
    packets = [bytes([number]) * 62 for number in range(14)]
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        for packet in packets[1:]:
            os.write(cable.plug, packet)
        while waiting(cable.socket) < len(packets) * 62:
            pass

    monkeypatch.setattr(time, "sleep", wait)
    os.write(cable.plug, packets[0])
    assert source.read(READ_SECONDS) == b"".join(packets)
    assert waits == [sources.GATHER_SECONDS]
    source.close()


def test_what_is_there_in_one_piece_is_not_waited_for(
    cable: Cable, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = address(cable.device, "auto").open(FAST)
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("it waits"))
    os.write(cable.plug, bytes(900))
    assert source.read(READ_SECONDS) == bytes(900)
    source.close()


@pytest.mark.parametrize(
    ("baud", "speeds"), [("auto", (FAST, SLOW)), ("115200", (FAST,)), ("9600", (SLOW,))]
)
def test_the_setting_says_which_speeds_are_tried(baud: str, speeds: tuple[Speed, ...]) -> None:
    assert address("/dev/p1", baud).speeds == speeds


@pytest.mark.parametrize(
    ("speed", "constant"), [(FAST, termios.B115200), (SLOW, termios.B9600)], ids=str
)
def test_the_port_has_the_speed_that_was_asked_for_and_is_raw(
    cable: Cable, speed: Speed, constant: int
) -> None:
    source = address(cable.device, "auto").open(speed)
    settings = cable.settings()
    assert settings[SPEED : SPEED + 2] == [constant, constant]
    assert settings[3] & (termios.ICANON | termios.ECHO | termios.ISIG) == 0
    assert settings[0] & (termios.ICRNL | termios.IXON | termios.ISTRIP) == 0
    source.close()


@pytest.mark.parametrize(
    ("speed", "form"), [(FAST, termios.CS8), (SLOW, termios.CS7 | termios.PARENB)], ids=str
)
def test_8n1_is_asked_of_the_port_at_the_high_speed_and_7e1_at_the_low_one(
    cable: Cable, monkeypatch: pytest.MonkeyPatch, speed: Speed, form: int
) -> None:
    asked: list[int] = []
    real = termios.tcsetattr

    def note(file: int, when: int, settings: list[Any]) -> None:
        asked.append(settings[FORM])
        real(file, when, settings)

    monkeypatch.setattr(termios, "tcsetattr", note)
    address(cable.device, "auto").open(speed).close()
    bits = termios.CSIZE | termios.PARENB | termios.PARODD | termios.CSTOPB
    assert {settings & bits for settings in asked} == {form}


def test_a_port_that_refuses_7e1_is_read_as_8n1_and_the_parity_is_cut_off(
    cable: Cable, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = termios.tcsetattr

    def refuse(file: int, when: int, settings: list[Any]) -> None:
        if settings[FORM] & termios.CSIZE == termios.CS7:
            raise termios.error(22, "Invalid argument")
        real(file, when, settings)

    monkeypatch.setattr(termios, "tcsetattr", refuse)
    source = address(cable.device, "auto").open(SLOW)
    os.write(cable.plug, bytes(_with_even_parity(byte) for byte in b"/KMP5 KA6U"))
    assert read(source, 10) == b"/KMP5 KA6U"
    assert cable.settings()[SPEED] == termios.B9600
    source.close()


def test_a_port_that_only_says_it_can_do_7e1_loses_nothing_either(cable: Cable) -> None:
    source = address(cable.device, "auto").open(SLOW)
    os.write(cable.plug, bytes(_with_even_parity(byte) for byte in range(128)))
    assert read(source, 128) == bytes(range(128))
    source.close()


def _with_even_parity(byte: int) -> int:
    return byte | (byte.bit_count() & 1) << 7


def test_rts_is_raised_with_the_port_and_never_lowered(
    cable: Cable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pseudo-terminal has no such lines, so the calls that set them are only noted."""
    calls: list[tuple[int, int]] = []
    real = fcntl.ioctl

    def note(file: int, request: int, *arguments: Any) -> Any:
        if request in (termios.TIOCMBIS, termios.TIOCMBIC, termios.TIOCMSET):
            calls.append((request, int.from_bytes(arguments[0], "little")))
            return 0
        return real(file, request, *arguments)

    monkeypatch.setattr(fcntl, "ioctl", note)
    address(cable.device, "auto").open(FAST).close()
    assert calls == [
        (termios.TIOCMBIS, termios.TIOCM_DTR),
        (termios.TIOCMBIS, termios.TIOCM_RTS),
    ]


def test_a_second_program_on_the_port_is_told_that_another_one_reads_it(cable: Cable) -> None:
    first = address(cable.device, "auto").open(FAST)
    error = refused(address(cable.device, "auto"))
    assert str(error) == f"cannot open `{cable.device}`: another program reads it"
    assert f"sudo fuser -v {cable.device}" in str(error.hint)

    first.close()
    address(cable.device, "auto").open(FAST).close()


def test_what_is_no_pseudo_terminal_is_locked_for_programs_that_take_no_lock(
    cable: Cable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "PSEUDO_TERMINALS", range(0))
    source = address(cable.device, "auto").open(FAST)
    locked = fcntl.ioctl(cable.socket, 0x80045440, bytes(4))  # TIOCGEXCL
    assert locked != bytes(4)
    source.close()


def test_a_cable_that_is_pulled_out_is_noticed_at_the_next_read(cable: Cable) -> None:
    source = address(cable.device, "auto").open(FAST)
    cable.pull()
    error = broken(source)
    assert str(error).startswith(f"the line `{source.name}` broke: ")
    assert "was the cable pulled out" in str(error.hint)
    source.close()


def test_a_device_that_is_not_there_is_asked_about_the_cable(tmp_path: Path) -> None:
    missing = tmp_path / "ttyUSB0"
    error = refused(address(str(missing), "auto"))
    assert str(error) == f"cannot open `{missing}`: No such file or directory"
    assert "is the cable plugged in?" in str(error.hint)


def test_a_file_named_as_a_device_is_told_how_to_replay_it(tmp_path: Path) -> None:
    file = tmp_path / "recorded.txt"
    file.write_bytes(b"/TST5\r\n")
    assert f"`file://{file}`" in str(refused(address(str(file), "auto")).hint)


def test_a_permission_that_is_missing_names_the_group() -> None:
    assert "usermod -aG dialout" in sources._open_hint(PermissionError(13, "no"), "/dev/p1")


def test_a_port_that_is_not_there_is_told_from_one_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = address(str(tmp_path / "port"), "auto")
    assert type(refused(place)) is AbsentError
    (tmp_path / "port").touch()
    assert type(refused(place)) is SettlingError
    monkeypatch.setattr(sources, "SETTLE_SECONDS", 0.0)
    assert type(refused(place)) is SourceError


def test_a_port_that_is_nobodys_yet_is_left_to_udev_for_a_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cable: Cable
) -> None:
    monkeypatch.setattr(port, "USUAL", tmp_path / "p1")
    monkeypatch.setattr(port, "BY_ID", tmp_path / "by-id")
    place = address("", "auto")
    (tmp_path / "by-id").mkdir()
    (tmp_path / "by-id" / "usb-FTDI_P1-if00").symlink_to(cable.device)
    assert isinstance(refused(place), SettlingError)
    (tmp_path / "p1").symlink_to(cable.device)
    place.open(FAST).close()
    address(cable.device, "auto").open(FAST).close()


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("192.0.2.5:23", "for a network reader write `socket://192.0.2.5:23`"),
        ("[2001:db8::5]:23", "for a network reader write `socket://[2001:db8::5]:23`"),
        ("reader.local:2000", "for a network reader write `socket://reader.local:2000`"),
        ("COM3", "a serial device on Linux begins with `/dev/`"),
        ("ttyUSB0", "a serial device on Linux begins with `/dev/`"),
        ("192.0.2.5", "a serial device on Linux begins with `/dev/`"),
    ],
)
def test_what_is_no_path_of_a_device_is_told_how_to_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, hint: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert refused(address(text, "auto")).hint == hint


# --- a TCP port


@pytest.fixture
def peer() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as peer:
        peer.settimeout(60)
        yield peer


def url(peer: socket.socket) -> str:
    return f"socket://127.0.0.1:{peer.getsockname()[1]}"


def connected(peer: socket.socket) -> tuple[Source, socket.socket]:
    source = address(url(peer), "auto").open(FAST)
    other, _ = peer.accept()
    return source, other


def test_a_tcp_peers_bytes_come_in_as_they_are_and_many_at_once(peer: socket.socket) -> None:
    source, other = connected(peer)
    other.sendall(bytes(range(256)) * 4)
    time.sleep(0)
    reads = 0
    data = b""
    while len(data) < 1024:
        data += source.read(READ_SECONDS)
        reads += 1
    assert data == bytes(range(256)) * 4
    assert reads < 10
    source.close()
    other.close()


def test_a_tcp_peer_that_says_nothing_gives_nothing_after_a_moment(peer: socket.socket) -> None:
    source, other = connected(peer)
    assert source.read(READ_SECONDS) == b""
    source.close()
    other.close()


@pytest.mark.parametrize("kind", ["cable", "peer"])
def test_a_bell_ends_one_wait_and_takes_no_byte(
    kind: str, cable: Cable, peer: socket.socket
) -> None:
    """Who ends the program, or wants the open segment sealed, waits for no meter."""
    place = address(cable.device if kind == "cable" else url(peer), "auto")
    source, hour = place.open(FAST), 3600.0
    end = cable.plug if kind == "cable" else peer.accept()[0].detach()
    assert source.read(0.0) == b""
    place.bell.ring()
    place.bell.ring()
    assert source.read(hour) == b""
    os.write(end, b"/ABC")
    assert source.read(hour) == b"/ABC"
    place.bell.ring()
    os.write(end, b"5")
    assert source.read(hour) == b"5"
    assert not select.select([place.bell], [], [], 0.0)[0]
    source.close()
    if kind == "peer":
        os.close(end)


def test_a_tcp_peer_that_hangs_up_is_noticed_after_its_last_byte(peer: socket.socket) -> None:
    source, other = connected(peer)
    other.sendall(b"last words")
    other.close()
    assert read(source, 10) == b"last words"
    error = broken(source)
    assert str(error) == f"the line `{url(peer)}` broke: closed by the other end"
    assert "Most serve only one" in str(error.hint)
    source.close()


def test_a_tcp_peer_that_resets_the_connection_is_noticed(peer: socket.socket) -> None:
    source, other = connected(peer)
    other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    other.close()
    assert "Connection reset by peer" in str(broken(source))
    source.close()


def test_a_tcp_port_that_refuses_says_so() -> None:
    with nobody_listens() as port:
        place = address(f"socket://127.0.0.1:{port}", "auto")
        error = refused(place)
    assert str(error) == f"cannot connect to `{place.text}`: Connection refused"
    assert "is the other end switched on" in str(error.hint)


def test_a_name_that_does_not_exist_says_so() -> None:
    error = refused(address("socket://meter.invalid:2000", "auto"))
    assert str(error).startswith("cannot connect to `socket://meter.invalid:2000`: ")


def test_a_tcp_port_that_never_answers_is_given_up(
    peer: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "CONNECT_SECONDS", 0.2)
    peer.listen(0)
    waiting = [socket.socket() for _ in range(3)]
    for each in waiting:
        each.setblocking(False)
        each.connect_ex(peer.getsockname())
    assert "timed out" in str(refused(address(url(peer), "auto")))
    for each in waiting:
        each.close()


def test_a_tcp_port_has_no_speed_to_search_for() -> None:
    assert len(address("socket://h:1", "auto").speeds) == 1


@pytest.mark.parametrize(
    "text",
    ["socket://meter", "socket://:2000", "socket://m:port", "socket://m:0", "socket://m:99999",
     "socket://[::1", "tcp://meter:2000", "http://", "ftp://meter/"],
)  # fmt: skip
def test_what_names_no_source_says_what_does(text: str) -> None:
    place = address(text, "auto")
    error = refused(place)
    assert str(error) == f"`{text}` is no source"
    assert "socket://host:port" in str(error.hint)
    assert place.fault is error


@pytest.mark.parametrize("text", ["/dev/p1", "socket://[::1]:2000", "file:///x", ""])
def test_what_could_be_a_source_is_tried(text: str) -> None:
    assert address(text, "auto").fault is None


# --- a file


def test_a_file_is_read_once_and_then_ends(tmp_path: Path) -> None:
    path = tmp_path / "recorded.txt"
    path.write_bytes(bytes(range(256)) * 100)
    place = address(f"file://{path}", "auto")
    source = place.open(FAST)
    assert read(source, 25_600) == bytes(range(256)) * 100
    with pytest.raises(EOFError):
        source.read(READ_SECONDS)
    source.close()
    assert place.live is False


@pytest.mark.parametrize(
    ("make", "words"),
    [(Path.mkdir, "Is a directory"), (lambda _: None, "No such file or directory")],
)
def test_a_file_that_cannot_be_read_says_so(
    tmp_path: Path, make: Callable[[Path], None], words: str
) -> None:
    path = tmp_path / "recorded.txt"
    make(path)
    with pytest.raises(SourceError) as caught:
        FileSource(path).read(sources.READ_SECONDS)
    assert str(caught.value) == f"cannot read `{path}`: {words}"


def test_no_source_leaves_anything_open(cable: Cable, peer: socket.socket, tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.touch()
    before = {*Path("/proc/self/fd").iterdir(), *threading.enumerate()}
    for text in (cable.device, url(peer), f"file://{path}"):
        address(text, "auto").open(FAST).close()
    # What a test before this one left may end meanwhile.
    assert {*Path("/proc/self/fd").iterdir(), *threading.enumerate()} <= before
