"""The command line: quick to start, one message an error, exit codes that scripts can use."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bed.service import Service
from collector import __version__
from collector.commands import cli

HEAVY = ("influxdb_client", "pydantic", "pydantic_settings", "serial", "tenacity")
LOADED = f"""
import sys
from collector.commands import cli
try:
    cli.main(sys.argv[1:])
except SystemExit:
    pass
print(*[name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)
"""
DAMAGED = Path(__file__).parents[2] / "telegrams" / "dsmr50-checksum-wrong.txt"
GOOD = Path(__file__).parents[2] / "telegrams" / "dsmr50-1phase-gas.txt"

# Each starts a process.
pytestmark = pytest.mark.slow


def called(*arguments: str, home: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run `p1-collector` as a process, with nothing in its environment that sets it up."""
    return ran("-m", "collector", *arguments, home=home, **settings)


def ran(*arguments: str, home: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    bare = {k: v for k, v in os.environ.items() if not k.startswith(("P1_", "INFLUX"))}
    return subprocess.run(
        [sys.executable, *arguments],
        env={**bare, "HOME": str(home), **settings},
        cwd=home,
        check=False,
        capture_output=True,
        text=True,
        timeout=100,
    )


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--help"],
        ["--version"],
        *([command, "--help"] for command in ("run", "show", "decode", "simulate", "demo")),
    ],
)
def test_help_imports_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    done = ran("-c", LOADED, *arguments, home=tmp_path)

    assert done.stderr.strip() == ""


@pytest.mark.slow
def test_influxdb_client_is_imported_after_reading_has_begun(tmp_path: Path) -> None:
    """Python's own report of imports (to stderr, as the log) has the order."""
    service = Service(
        tmp_path,
        P1_SOURCE=f"file://{GOOD}",
        P1_INFLUX_URL="http://127.0.0.1:9",
        P1_INFLUX_TOKEN="made-up",  # noqa: S106  of nobody
        PYTHONPROFILEIMPORTTIME="1",
    )
    service.start()
    service.wait_until(lambda status: status["counts"]["requests"] > 0)
    service.stop()
    lines = service.log.read_text().splitlines()
    begun = next(n for n, line in enumerate(lines) if "reading telegrams from" in line)
    imported = next(n for n, line in enumerate(lines) if re.search(r"\| +influxdb_client$", line))

    assert begun < imported


def test_python_m_collector_is_the_same_as_the_command(tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("p1-collector")
    done = ran(str(command), "--help", home=tmp_path)

    assert done.stdout == called("--help", home=tmp_path).stdout
    assert done.returncode == 0


def test_the_version_is_told(tmp_path: Path) -> None:
    assert called("--version", home=tmp_path).stdout == f"p1-collector {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["decode", str(GOOD)], 0),
        (["decode", str(DAMAGED)], 1),
        (["decode", "there-is-none.txt"], 1),
        (["show", "--hot-dir", "there-is-none"], 1),
        (["spool", "status"], 0),
        (["run", "--fast"], 2),
        (["paint"], 2),
        ([], 2),
    ],
)
def test_the_exit_code_says_how_it_went(arguments: list[str], code: int, tmp_path: Path) -> None:
    assert called(*arguments, home=tmp_path).returncode == code


@pytest.mark.parametrize(
    ("arguments", "first"),
    [
        (["decode", "gone.txt"], "error: cannot read `gone.txt`: No such file or directory"),
        (
            ["simulate", "--pty", "taken"],
            "error: cannot send on `taken`: is there already and no symbolic link",
        ),
        (
            ["show", "--hot-dir", "gone"],
            "error: no collector is running: there is no status file in `gone`",
        ),
    ],
)
def test_an_error_is_one_message_and_no_traceback(
    arguments: list[str], first: str, tmp_path: Path
) -> None:
    (tmp_path / "taken").touch()
    done = called(*arguments, home=tmp_path)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[0] == first
    assert "Traceback" not in done.stderr


def test_a_hint_stands_behind_the_error(tmp_path: Path) -> None:
    done = called("demo", home=tmp_path, P1_INFLUX_URL="http://localhost:8086")

    assert done.returncode == 2
    assert done.stderr == (
        "error: P1_INFLUX_TOKEN is missing, P1_INFLUX_URL is set\n\n"
        "hint: make one in InfluxDB's UI (Load Data, API Tokens) that may write to the bucket\n"
    )


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_command_helps(command: str, tmp_path: Path) -> None:
    done = called(command, "--help", home=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: p1-collector {command} ")


@pytest.mark.parametrize(
    "arguments", [["decode", str(GOOD)], ["simulate", "--speed", "0"], ["--help"]]
)
def test_a_reader_that_goes_away_is_no_traceback(arguments: list[str], tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "collector", *arguments],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        complaints = process.stderr.read()

    assert "Traceback" not in complaints
    assert "BrokenPipe" not in complaints
