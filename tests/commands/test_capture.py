"""`capture` records a meter for others to read, or as it is; and says when it cannot."""

import argparse
import json
import os
import socket
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from threading import Thread

import pytest
import serial
from hypothesis import given, strategies as st

from bed.telegrams import written
from collector.commands.capture import Recording, add_arguments, main
from collector.errors import SourceError, UsageError
from collector.p1.framing import Framer
from collector.p1.telegram import parse
from collector.simulate.wire import Terminal
from p1.golden import TELEGRAMS, frames, names, stream
from p1.sealing import KEY, seal

SALT = b"a salt"
# Another checksum may have other leading zeros, which this meter does not print.
UNPADDED = "warmtelink-heat"


def arguments(*options: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(options)


def capture(*options: str) -> int:
    return main(arguments(*options))


def source(name: str) -> str:
    return f"--source=file://{TELEGRAMS / name}.txt"


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def recorded(data: bytes, cuts: list[int]) -> bytes:
    recording = Recording(None, SALT)
    pieces = [recording.take(data[start:end])[0] for start, end in pairwise([0, *cuts, len(data)])]
    return b"".join(pieces) + recording.finish()[0]


@pytest.mark.parametrize("name", [name for name in names() if name != UNPADDED])
def test_a_recording_has_the_same_telegrams_in_the_same_layout(name: str) -> None:
    """What comes before the first telegram is left out; beyond that, not a byte is moved."""
    data = stream(name)
    new = recorded(data, [])
    framer = Framer()
    start = data.index(frames(name)[0].data)

    assert len(framer.feed(new) + framer.flush()) == len(frames(name))
    assert len(new) == len(data) - start
    ends = [(n, byte) for n, byte in enumerate(data[start:]) if byte in b"\r\n\0"]
    assert [(n, byte) for n, byte in enumerate(new) if byte in b"\r\n\0"] == ends


@given(st.data())
def test_however_the_line_is_cut_the_recording_is_the_same(data: st.DataObject) -> None:
    stretch = b"".join(map(stream, ["germany-easymeter", "dsmr50-torn-and-glued", "dsmr30-gas"]))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stretch)), max_size=40)))

    assert recorded(stretch, cuts) == recorded(stretch, [])


@given(st.lists(st.binary(max_size=30) | st.just(stream("dsmr22-gas")), max_size=5).map(b"".join))
def test_no_bytes_stop_it(data: bytes) -> None:
    assert b"ZABF" not in recorded(data, []).replace(b"KMP3 ZABF", b"")


def test_it_writes_to_standard_output(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    code = capture(source("dsmr50-1phase-gas"))

    (frame,) = Framer().feed(capfdbinary.readouterr().out)
    telegram = parse(frame)
    assert (code, telegram.checksum) == (0, "ok")
    assert len(telegram.meter or "") == len("E0011000000000011")
    assert telegram.meter != "E0011000000000011"


def test_it_writes_to_a_file_that_is_not_there_yet(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.txt"

    assert capture(str(file), source("dsmr50-1phase-gas")) == 0
    assert len(file.read_bytes()) == len(stream("dsmr50-1phase-gas"))
    assert f"telegrams recorded in `{file}`: 1" in capsys.readouterr().err
    with pytest.raises(UsageError, match="is there already"):
        capture(str(file), source("dsmr50-1phase-gas"))


def test_raw_is_what_came(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "raw.bin"

    assert capture(str(file), "--raw", source("dsmr50-torn-and-glued")) == 0
    assert file.read_bytes() == stream("dsmr50-torn-and-glued")
    assert file.stat().st_mode & 0o777 == 0o600
    assert "keep them to yourself" in capsys.readouterr().err


def test_raw_in_a_file_of_the_shell_is_private_too(tmp_path: Path) -> None:
    """The shell has made it readable to all."""
    name = source("dsmr50-1phase-gas")
    with (tmp_path / "raw.bin").open("wb") as file:
        command = [sys.executable, "-m", "collector", "capture", "--raw", name]
        subprocess.run(command, check=True, stdout=file, stderr=subprocess.DEVNULL)
        assert os.fstat(file.fileno()).st_mode & 0o777 == 0o600
    assert (tmp_path / "raw.bin").read_bytes() == stream("dsmr50-1phase-gas")


def test_on_a_terminal_a_recording_is_shown_harmlessly(tmp_path: Path) -> None:
    (tmp_path / "nasty").write_bytes(written("0-0:96.1.1(\x9b2J\x1b[2J)"))
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "collector", "capture", "--raw"]
    subprocess.run(
        [*command, f"--source=file://{tmp_path / 'nasty'}"],
        check=True,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs)
    shown = os.read(ours, 65536)
    os.close(ours)
    assert b"0-0:96.1.1(\\u009b2J\\u001b[2J)" in shown
    assert not {*shown} & {0x1B, 0x9B}


def test_it_stops_after_so_many_telegrams(tmp_path: Path) -> None:
    many = tmp_path / "many.txt"
    many.write_bytes(stream("dsmr50-1phase-gas") * 9)

    assert capture("out.txt", "--count=3", f"--source=file://{many}") == 0
    assert len((tmp_path / "out.txt").read_bytes()) == 3 * len(stream("dsmr50-1phase-gas"))


def test_encrypted_telegrams_are_recorded_in_clear(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As they came, they would betray the meter's number, and nobody else could read them."""
    sealed = tmp_path / "sealed.bin"
    sealed.write_bytes(seal(stream("luxembourg-3phase")) * 2)
    monkeypatch.setenv("P1_DECRYPT_KEY", KEY.hex())

    assert capture("out.txt", f"--source=file://{sealed}") == 0
    assert capture("raw.bin", "--raw", f"--source=file://{sealed}") == 0
    assert (tmp_path / "out.txt").read_bytes().count(b"/Lux5") == 2
    assert (tmp_path / "raw.bin").read_bytes() == sealed.read_bytes()


def test_encrypted_telegrams_without_a_key_are_named(tmp_path: Path) -> None:
    sealed = tmp_path / "sealed.bin"
    sealed.write_bytes(seal(stream("luxembourg-3phase")))

    with pytest.raises(SourceError, match="no key is set"):
        capture("out.txt", f"--source=file://{sealed}")
    assert not (tmp_path / "out.txt").exists()


def test_a_line_without_telegrams_is_named_for_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "hdlc.bin").write_bytes(b"\x7e\xa0\x8b\xce\xff\x03")

    with pytest.raises(SourceError, match="no telegram from") as error:
        capture(f"--source=file://{tmp_path / 'hdlc.bin'}")
    assert "HDLC" in (error.value.hint or "")


def test_a_port_that_somebody_reads_is_left_alone(tmp_path: Path) -> None:
    link = tmp_path / "p1"
    with (
        Terminal(link),
        serial.Serial(str(link), exclusive=True),
        pytest.raises(SourceError, match="another program reads it") as error,
    ):
        capture(f"--source={link}")

    assert "systemctl stop p1-collector" in (error.value.hint or "")


def test_a_port_that_is_not_there_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No such file"):
        capture(f"--source={tmp_path / 'none'}")


def test_a_live_meter_is_recorded_over_tcp() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def speak() -> None:
            peer, _ = server.accept()
            with peer:
                peer.sendall(stream("dsmr50-1phase-gas") * 3)
                peer.recv(1)

        Thread(target=speak, daemon=True).start()
        port = server.getsockname()[1]
        command = ["capture", f"--source=socket://127.0.0.1:{port}", "--count=2"]
        done = subprocess.run(
            [sys.executable, "-m", "collector", *command],
            capture_output=True,
            check=True,
            timeout=100,
        )

    assert done.stdout.count(b"/ISk5") == 2


def test_what_was_recorded_is_decoded_without_complaint(tmp_path: Path) -> None:
    capture("mine.txt", source("belgium-emucs21"))
    command = [sys.executable, "-m", "collector", "decode", "--json", str(tmp_path / "mine.txt")]
    done = subprocess.run(command, capture_output=True, check=True)

    assert (done.stderr, len(json.loads(done.stdout)["devices"])) == (b"", 4)


@pytest.mark.parametrize("options", [("--count", "0"), ("--seconds", "-1"), ("--seconds", "x")])
def test_wrong_usage_is_told(options: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as end:
        arguments(*options)

    assert end.value.code == 2
