"""`p1-collector pair https://ADDRESS`: get a token from a gateway, once its button is pressed."""

import argparse
import json
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from collector.commands.output import complain, put
from collector.errors import CollectorError, UsageError

SECONDS: Final = 120.0
_PATH: Final = "/api/user"
_NAME: Final = "local/p1-collector"
_FORBIDDEN: Final = 403


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("url", help="the gateway, such as https://192.168.1.20")
    parser.add_argument(
        "--certificate",
        type=Path,
        metavar="FILE",
        help="keep the gateway's own certificate there, for P1_SOURCE_CA",
    )
    parser.epilog = "A HomeWizard P1 gives one token a name: pairing again makes the old one void."


def main(options: argparse.Namespace) -> int:
    """Print the token. Raises `CollectorError`."""
    from collector.reading.gateway import Gateway, certificate  # noqa: PLC0415  `--help` is quick

    if not options.url.startswith("https://"):
        hint = "the API of version 1, at `http://`, has no token: it is switched on in the app"
        raise UsageError(f"`{options.url}` does not begin with `https://`", hint=hint)
    try:
        # Nobody has said yet whom to trust: it is whoever answers now, as with a new SSH host.
        own = certificate(options.url)
    except OSError as error:
        words = f"`{options.url}` does not answer: {error.strerror or error}"
        raise CollectorError(words, hint="is the gateway on, and this its address?") from error
    if options.certificate:
        # First: a token that is given makes the one before void.
        try:
            options.certificate.write_text(own)
        except OSError as error:
            raise UsageError(f"cannot write `{options.certificate}`: {error.strerror}") from error
    gateway = Gateway(options.url, ca=own)
    name = json.dumps({"name": _NAME}).encode()
    with closing(gateway.connection):
        token = pressed(lambda: gateway.ask("POST", _PATH, name))
    if options.certificate:
        put(f"P1_SOURCE_CA={options.certificate.resolve()}")
    put(f"P1_SOURCE_TOKEN={token}")
    return 0


def pressed(
    ask: Callable[[], tuple[int, bytes]],
    pause: Callable[[float], object] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> str:
    """Ask until the button is pressed; gives the token. Raises `CollectorError`."""
    from collector.reading.gateway import OK, said  # noqa: PLC0415  as above

    until, told = monotonic() + SECONDS, False
    while True:
        status, body = ask()
        if status == OK:
            try:
                return str(json.loads(body)["token"])
            except (ValueError, KeyError, TypeError) as error:
                raise CollectorError("no token: the gateway's answer has none") from error
        if status != _FORBIDDEN or monotonic() > until:
            hint = "press the gateway's button while this waits; only the API of version 2 pairs"
            raise CollectorError(f"no token: the gateway answers {status}{said(body)}", hint=hint)
        if not told:
            complain(f"press the gateway's button, within {SECONDS:g} seconds")
            told = True
        pause(1.0)
