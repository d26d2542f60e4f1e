"""`simulate` as people and tests use it: a meter on a terminal, a port, or a pipe."""

import argparse
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import serial

from collector.commands.simulate import add_arguments, main
from collector.p1.framing import Framer
from collector.p1.telegram import parse
from p1.golden import TELEGRAMS

RUN = """
import argparse, sys
from collector.commands.simulate import add_arguments, main
parser = argparse.ArgumentParser()
add_arguments(parser)
sys.exit(main(parser.parse_args()))
"""
FAST = ("--speed", "0", "--start", "2026-06-11T15:00")


@contextmanager
def simulating(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command as a process, and the first line that it says."""
    command = [sys.executable, "-c", RUN, *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        try:
            yield process, process.stderr.readline()
        finally:
            process.kill()


def arguments(*options: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(options)


def seconds_of(data: bytes) -> list[int]:
    """Each telegram's time, in seconds since the first one's."""
    times = [time for frame in Framer().feed(data) if (time := parse(frame).time)]
    return [int((time - times[0]).total_seconds()) for time in times]


def test_without_a_place_to_send_to_it_prints(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    code = main(arguments(*FAST, "--count", "3"))
    printed = capfdbinary.readouterr()

    assert (code, seconds_of(printed.out)) == (0, [0, 1, 2])
    assert printed.err == b"telegrams sent: 3\n"


def test_the_same_seed_and_start_are_the_same_bytes(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    printed = []
    for seed in ("1", "1", "2"):
        main(arguments(*FAST, "--count", "2", "--seed", seed))
        printed.append(capfdbinary.readouterr().out)

    assert printed[0] == printed[1] != printed[2]


def test_the_period_can_be_set(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    main(arguments(*FAST, "--count", "3", "--period", "10"))

    assert seconds_of(capfdbinary.readouterr().out) == [0, 10, 20]


@pytest.mark.parametrize("kind", ["dsmr5", "dsmr4", "dsmr3", "belgium"])
def test_every_kind_of_meter_sends(kind: str, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    main(arguments(*FAST, "--count", "2", "--like", kind))

    assert len(Framer().feed(capfdbinary.readouterr().out)) == 2


def test_it_imitates_a_file(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    file = str(TELEGRAMS / "sweden-glued-end.txt")
    main(arguments(*FAST, "--count", "2", "--like", file, "--period", "10"))
    printed = capfdbinary.readouterr().out

    assert seconds_of(printed) == [0, 10]
    assert printed.count(b"/KAM5") == 2


def test_readers_that_come_and_go_miss_no_telegram(tmp_path: Path) -> None:
    """Each opens the port in the middle of things, throws away what waits, and reads on."""
    link = tmp_path / "p1"
    heard: list[int] = []
    with simulating("--pty", str(link), *FAST) as (_, said):
        for _ in range(5):
            framer, frames = Framer(), 0
            with serial.Serial(str(link), 115200, exclusive=True, timeout=5) as port:
                while frames < 20:
                    found = framer.feed(port.read(port.in_waiting or 1))
                    frames += len(found)
                    heard += [int(time.timestamp()) for f in found if (time := parse(f).time)]

    assert said.startswith(f"a meter sends on {link} (/dev/pts/")
    assert sorted(set(heard)) == list(range(min(heard), max(heard) + 1))
    assert max(heard) - min(heard) >= 94


def test_a_port_sends_to_whoever_connects() -> None:
    with simulating("--tcp", "127.0.0.1:0", *FAST) as (_, said):
        address = re.search(r"socket://127\.0\.0\.1:(\d+);", said)
        assert address
        with socket.create_connection(("127.0.0.1", int(address[1])), timeout=60) as peer:
            data = peer.makefile("rb").read(20_000)

    assert seconds_of(data)[:5] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_order(tmp_path: Path, number: int) -> None:
    link = tmp_path / "p1"
    with simulating("--pty", str(link)) as (process, _):
        os.kill(process.pid, number)

        assert process.wait(60) == 0
        assert not link.is_symlink()


@pytest.mark.parametrize(
    "options",
    [
        ("--speed", "-1"),
        ("--speed", "nan"),
        ("--count", "0"),
        ("--period", "0"),
        ("--tcp", "localhost"),
        ("--start", "yesterday"),
        ("--like", "dsmr9"),
        ("--pty", "p1", "--tcp", "localhost:1"),
    ],
)
def test_wrong_usage_is_told(options: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as end:
        arguments(*options)

    assert end.value.code == 2
