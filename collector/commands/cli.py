"""The command line. Each command's module is imported when it runs, so that `--help` is quick."""

import argparse
import importlib
import logging
import os
import sys
from collections.abc import Sequence
from typing import Final

from collector import __version__
from collector.commands.output import complain_of, visible
from collector.errors import CollectorError, SettingsError, UsageError
from collector.spool.fault import advice, words

FAILURE: Final = 1
USAGE: Final = 2

COMMANDS: Final = {
    "run": "read the meter, keep every reading, deliver it: the service",
    "check": "try every link from the meter to InfluxDB, and say what to do",
    "once": "read one telegram, deliver it or keep it, and end",
    "show": "show the live values of a running service",
    "decode": "print recorded telegrams as a table, JSON or line protocol",
    "capture": "record a meter with its serial numbers replaced, fit to be published",
    "spool": "look after what waits for InfluxDB",
    "import": "bring in recorded telegrams, with the same guarantees",
    "put": "bring in lines of line protocol, of anything, with the same guarantees",
    "export": "write what InfluxDB has of a period, as CSV or line protocol",
    "prices": "write what the contracts and the market say that energy costs",
    "pair": "get a token from a HomeWizard P1, once its button is pressed",
    "simulate": "be a meter, on a pseudo-terminal or a TCP port",
    "demo": "show the whole path working, without hardware",
}


def entry() -> None:
    raise SystemExit(main(sys.argv[1:]))


def main(arguments: Sequence[str]) -> int:
    """Run one command; gives the exit status: 0, 1 for a failure, 2 for wrong usage."""
    parser = _parser(arguments[0] if arguments else "")
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help()
        return USAGE
    _log()
    try:
        return int(_module(options.command).main(options))
    except CollectorError as error:
        complain_of(error)
        return USAGE if isinstance(error, (SettingsError, UsageError)) else FAILURE
    except BrokenPipeError:
        # The reader of our output has gone (`| head`); Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILURE
    except OSError as error:
        place = f": `{error.filename}`" if error.filename else ""
        hint = advice(error)
        if isinstance(error, PermissionError):  # most often, files are another user's
            hint = "run it as the user that it belongs to, or with `sudo`"
        complain_of(CollectorError(f"{words(error)}{place}", hint=hint))
        return FAILURE
    except KeyboardInterrupt:
        return 130


def _parser(wanted: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="p1-collector",
        description="Reads the P1 port of a smart meter, keeps every reading through any outage,"
        " and delivers it to InfluxDB.",
        epilog="Settings are environment variables that begin with P1_; README.md lists them.",
    )
    parser.add_argument("--version", action="version", version=f"p1-collector {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, summary in COMMANDS.items():
        command = commands.add_parser(
            name, help=summary, description=f"{summary[0].upper()}{summary[1:]}."
        )
        if name == wanted:
            _module(name).add_arguments(command)
    return parser


def _module(command: str) -> "importlib.types.ModuleType":  # type: ignore[name-defined]
    name = "imports" if command == "import" else command  # which is no name of a module's
    return importlib.import_module(f"collector.commands.{name}")


def _log() -> None:
    """Log to stderr; systemd adds the time itself, and reads the level from the front."""
    journal = "JOURNAL_STREAM" in os.environ
    text = "%(message)s" if journal else "%(asctime)s %(levelname)s %(message)s"
    handler = logging.StreamHandler()
    handler.setFormatter((_JournalFormatter if journal else _Formatter)(text))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return visible(super().format(record))


class _JournalFormatter(_Formatter):
    """Puts the priority of sd-daemon(3) in front."""

    _PRIORITIES: Final = {"CRITICAL": 2, "ERROR": 3, "WARNING": 4, "INFO": 6, "DEBUG": 7}

    def format(self, record: logging.LogRecord) -> str:
        return f"<{self._PRIORITIES.get(record.levelname, 6)}>{super().format(record)}"
