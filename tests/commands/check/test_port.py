"""The port: there, permitted, free."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.commands.check import port
from collector.commands.check.chain import Chain
from collector.commands.check.finding import Outcome
from collector.errors import SourceError
from collector.reading import port as finding
from collector.reading.port import holders
from collector.reading.share import End
from collector.reading.sources import FAST, address
from collector.remedies import Remedy
from collector.settings.settings import load
from collector.simulate.wire import Terminal

READER = """
import sys, serial
port = serial.Serial(sys.argv[1], exclusive=True)
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def meter(tmp_path: Path) -> Iterator[str]:
    with Terminal(tmp_path / "meter"):
        yield str(tmp_path / "meter")


@pytest.fixture
def reader(meter: str) -> Iterator[int]:
    """Another program that reads the port; gives its process."""
    command = [sys.executable, "-c", READER, meter]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "open\n"
        yield process.pid
        process.kill()


def test_a_port_is_told_with_what_its_name_stands_for(meter: str) -> None:
    found = port.presence(meter)
    assert found.outcome is Outcome.OK
    assert found.what == f"{meter} is {Path(meter).resolve()}"


def test_a_port_that_is_not_there_is_told(tmp_path: Path) -> None:
    found = port.presence(str(tmp_path / "none"))
    assert (found.outcome, found.remedy) == (Outcome.FAIL, Remedy.PORT_ABSENT.advice)


def test_a_network_reader_without_its_scheme_is_told_how_to_be_written() -> None:
    found = port.presence("192.0.2.5:23")
    assert found.outcome is Outcome.FAIL
    assert "`socket://192.0.2.5:23`" in str(found.remedy)


def test_where_no_source_is_set_and_none_is_there_no_name_is_made_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("USUAL", "BY_ID", "BARE"):
        monkeypatch.setattr(finding, name, tmp_path / "none")
    settings, _ = load({"P1_HOT_DIR": str(tmp_path / "hot")})
    chain = Chain(settings, [], 0, seconds=0.1)
    expected = chain._expected(settings.place, host_is_set=True)
    every = list(chain._line(settings.place, expected))
    assert every[0].what.startswith(f"no P1 cable found: neither `{tmp_path}/none` nor any in ")
    assert (every[0].link, every[0].outcome) == ("port", Outcome.FAIL)
    assert (
        every[0].remedy
        == "plug it in, or set `P1_SOURCE`; Zigbee and Z-Wave sticks are left alone"
    )
    assert {finding.outcome for finding in every[1:]} == {Outcome.SKIP}


def test_a_link_to_a_cable_that_was_pulled_out_is_told(tmp_path: Path) -> None:
    (tmp_path / "p1").symlink_to("ttyUSB7")
    found = port.presence(str(tmp_path / "p1"))
    assert found.outcome is Outcome.FAIL
    assert "points to `ttyUSB7`" in found.what


def test_a_file_is_no_port(tmp_path: Path) -> None:
    (tmp_path / "telegrams.txt").touch()
    found = port.presence(str(tmp_path / "telegrams.txt"))
    assert (found.outcome, found.remedy) == (Outcome.FAIL, Remedy.PORT_NO_SERIAL.advice)


def test_the_permission_of_a_port_names_its_owner(meter: str) -> None:
    found = port.permission(meter)
    assert found.outcome is Outcome.OK
    assert "rw" in found.what


def test_a_port_of_others_is_told_with_the_groups(
    meter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Root may do everything, and tests may be run by root.
    monkeypatch.setattr(os, "access", lambda *_: False)
    found = port.permission(meter)
    assert (found.outcome, found.remedy) == (Outcome.FAIL, Remedy.PORT_FORBIDDEN.advice)


def test_the_other_reader_is_named(meter: str, reader: int) -> None:
    assert any(who.startswith(f"process {reader} (") for who in holders(meter))


def test_a_port_that_is_taken_names_who_took_it(meter: str, reader: int) -> None:
    place = address(meter, "auto")
    with pytest.raises(SourceError) as refused:
        place.open(FAST)
    assert f"only one program can read a port: process {reader} (" in str(refused.value.hint)
    found = port.refusal(meter, refused.value)
    assert (found.outcome, found.remedy) == (Outcome.FAIL, Remedy.PORT_TAKEN.advice)
    assert f"process {reader} " in found.what


def test_a_device_with_nobody_on_it_is_free() -> None:
    assert port.sharing("/dev/full").outcome is Outcome.OK


def test_a_line_that_is_shared_with_this_machine_alone_is_fine() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        end = End("127.0.0.1", listener.getsockname()[1])
        assert port.share(end, running=True).outcome is Outcome.OK
    assert port.share(end, running=False).outcome is Outcome.OK


def test_one_that_is_shared_with_the_network_is_told_with_what_that_means() -> None:
    found = port.share(End("0.0.0.0", 2001), running=False)  # noqa: S104
    assert found.outcome is Outcome.WARN
    assert found.remedy == Remedy.SHARE_OPEN.advice
    assert "whatever `P1_METER` says" in found.remedy


def test_a_service_that_does_not_share_although_it_should_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        end = End("127.0.0.1", listener.getsockname()[1])
    found = port.share(end, running=True)
    assert (found.outcome, found.remedy) == (Outcome.FAIL, Remedy.SHARE_TAKEN.advice)
