"""`p1-collector simulate`: a meter to try things with."""

import argparse
import contextlib
import sys
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Final

from collector.commands.arguments import moment, speed, unfit, whole
from collector.commands.output import complain
from collector.errors import SourceError
from collector.service.ending import ended_by_signals

if TYPE_CHECKING:  # `--help` is quick
    from collector.simulate.stream import Stream
    from collector.simulate.wire import Wire

_HIGHEST_PORT: Final = 65_535
LIKES = ("dsmr5", "dsmr4", "dsmr3", "belgium")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--pty",
        metavar="LINK",
        type=Path,
        help="send on a pseudo-terminal, with LINK as a symbolic link to it",
    )
    where.add_argument(
        "--tcp", metavar="HOST:PORT", type=_address, help="send to whoever connects to this port"
    )
    parser.add_argument(
        "--like",
        metavar="KIND",
        type=_like,
        default="dsmr5",
        help=f"which kind of meter: {', '.join(LIKES)}, or a file of telegrams to imitate, such as"
        " those in `telegrams/` (default dsmr5)",
    )
    parser.add_argument(
        "--utc-offset",
        metavar="HOURS",
        type=int,
        default=1,
        help="winter time at the meter of the file; 2 in Finland and the Baltics (default 1)",
    )
    parser.add_argument(
        "--period",
        metavar="S",
        type=whole,
        help="simulated seconds between telegrams (default: as this kind of meter does, 1 or 10)",
    )
    parser.add_argument(
        "--speed",
        metavar="N",
        type=speed,
        default=1.0,
        help="simulated seconds per second (default 1; 0: as fast as they are taken)",
    )
    parser.add_argument("--count", metavar="N", type=whole, help="stop after so many telegrams")
    parser.add_argument(
        "--seed", metavar="N", type=int, default=1, help="which household (default 1)"
    )
    parser.add_argument(
        "--start",
        metavar="TIME",
        type=moment,
        help="simulated time of the first telegram, such as 2026-01-31T18:00 (UTC unless it says "
        "otherwise); default: the telegrams follow this machine's clock",
    )


def main(args: argparse.Namespace) -> int:
    stream = _stream(args)
    stopping = Event()
    with ended_by_signals(stopping), contextlib.ExitStack() as stack:
        wire = _opened(args, stack)
        stream.run(wire, stopping, args.count)
    complain(f"telegrams sent: {stream.sent}")
    return 0


def _opened(args: argparse.Namespace, stack: contextlib.ExitStack) -> "Wire":
    from collector.simulate.wire import Output, Port, Terminal  # noqa: PLC0415 - `--help` is quick

    try:
        if args.pty:
            terminal = stack.enter_context(Terminal(args.pty))
            complain(f"a meter sends on {args.pty} ({terminal.path}); Ctrl-C ends it")
            return terminal
        if args.tcp:
            port = stack.enter_context(contextlib.closing(Port(*args.tcp)))
            host, number = port.address
            complain(f"a meter sends on socket://{host}:{number}; Ctrl-C ends it")
            return port
    except OSError as error:
        where = args.pty or ":".join(map(str, args.tcp))
        # Python adds in brackets what has been said already.
        words = str(error.strerror).partition(" (")[0]
        hint = "choose another place to send on"
        raise SourceError(f"cannot send on `{where}`: {words}", hint=hint) from error
    return Output(sys.stdout.buffer)


def _stream(args: argparse.Namespace) -> "Stream":
    from collector.simulate.stream import stream_like  # noqa: PLC0415 - `--help` is quick

    try:
        return stream_like(
            args.like,
            seed=args.seed,
            start=args.start,
            period=args.period,
            speed=args.speed,
            utc_offset_hours=args.utc_offset,
        )
    except OSError as error:
        raise SourceError(f"cannot read `{args.like}`: {error.strerror}") from error


def _like(text: str) -> str | Path:
    if text not in LIKES and not Path(text).is_file():
        raise unfit(f"{', '.join(LIKES)}, or a file", text)
    return text if text in LIKES else Path(text)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > _HIGHEST_PORT:
        raise unfit("HOST:PORT", text)
    return host.strip("[]") or "127.0.0.1", int(port)
