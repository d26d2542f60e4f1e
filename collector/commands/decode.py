"""`p1-collector decode FILE`: telegrams for people, as JSON, or as the points to be stored.

`--json` writes one object a telegram, one a line. Its keys are stable:

    header, dialect, checksum (ok | absent | bad), time, meter
    electricity       field -> value; decimals as text, exactly as the meter printed them
    devices           [{medium, channel, meter, time, fields}]
    demand_peaks      [{time, power_kw}]: of past months
    running_peak      null, or {time, power_kw}: of this month
    power_failures    [{time, duration_s}]
    month_end         null, or {time, electricity}: Hungary
    messages          {text, code}
    about             what is known and no measurement: the connection's EAN, firmware
    unknown           lines that the field table does not know, or of an earlier billing period
    errors            [{message, line, column}]

Times are ISO 8601 in UTC, null where the telegram has none. A telegram that must not be used, or
of which a line cannot be read, is shown like any other; what is wrong with it goes to stderr, the
rest goes on, and the exit code is 1.

Encrypted telegrams are decrypted with the key from `--key-file`, a file with the key on its first
line and on its second, if there are two, the authentication key; or from the environment.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Final

from collector.commands.arguments import moment
from collector.commands.output import complain, put
from collector.errors import IgnoredSetting, SourceError, UnknownSetting, UsageError
from collector.p1.checksum import Checksum
from collector.p1.decryption import Decryptor, Keys, Refusal, read_keys
from collector.p1.diagnosis import diagnose, is_foreign
from collector.p1.document import document, plain
from collector.p1.framing import Frame, Framer
from collector.p1.lines import is_past
from collector.p1.obis import FIELDS, Field
from collector.p1.telegram import Policy, Telegram, Value, acceptable, parse
from collector.p1.time import BASE_OFFSET_HOURS, told_apart
from collector.points import CrowdedError, Points, usable
from collector.settings.search import Search

_CHUNK: Final = 64 * 1024
# Of the meters whose telegrams have no time.
_PERIOD: Final = timedelta(seconds=10)
_ROWS: Final[Mapping[str, tuple[int, Field]]] = {
    field.name: (place, field) for place, field in reversed(list(enumerate(FIELDS)))
}
_Form = Callable[[Telegram], Iterable[str]]  # one way to write a telegram: gives the lines


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a file of telegrams; - is standard input")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object a telegram, one a line")
    form.add_argument(
        "--line-protocol", action="store_true", help="the points exactly as they would be stored"
    )
    parser.add_argument(
        "--received",
        metavar="TIME",
        type=moment,
        help="when the first telegram came in, such as 2026-01-31T12:00:00Z, for those that have "
        "no time of their own; they come every ten seconds (default: now)",
    )
    parser.add_argument(
        "--site",
        help="the tag of the points (default: P1_SITE, else home)",
    )
    parser.add_argument(
        "--meter",
        help="a name in place of the meter's number, or `hash` (default: P1_METER), made with"
        " P1_METER_SALT",
    )
    parser.add_argument(
        "--crc",
        choices=[policy.value for policy in Policy],
        default=Policy.REQUIRE.value,
        help="how much the checksum matters (default: require)",
    )
    parser.add_argument(
        "--utc-offset",
        metavar="HOURS",
        type=int,
        default=BASE_OFFSET_HOURS,
        help="winter time at the meter; 2 in Finland and the Baltics (default: 1)",
    )
    parser.add_argument(
        "--key-file",
        metavar="FILE",
        type=Path,
        help="the key of encrypted telegrams, and on a second line the authentication key"
        " (default: P1_DECRYPT_KEY and P1_DECRYPT_AUTH_KEY)",
    )


def main(args: argparse.Namespace) -> int:
    """Decode the file; 1 if there is anything in it that must not be used."""
    if args.file == "-":
        return _decode(args, sys.stdin.buffer)
    try:
        with Path(args.file).open("rb") as file:
            return _decode(args, file)
    except BrokenPipeError:
        # It is the output's: the command line deals with it.
        raise
    except OSError as error:
        raise SourceError(f"cannot read `{args.file}`: {error.strerror}") from error


def _keys(file: Path | None) -> Keys | None:
    """Find the keys: those of the file, else of the environment."""
    where, found = "P1_DECRYPT_KEY", [""]
    try:
        if file:
            where, found = str(file), [*file.read_text("ascii").splitlines(), ""]
        else:
            found = _settings("P1_DECRYPT_KEY", "P1_DECRYPT_AUTH_KEY")
    except (OSError, UnicodeDecodeError) as error:
        words = error.strerror if isinstance(error, OSError) else "it is not text"
        raise UsageError(f"cannot read the key in `{file}`: {words}") from error
    try:
        return read_keys(*found[:2])
    except ValueError as error:
        raise UsageError(f"the key in {where} {error}") from None


def _settings(*names: str) -> list[str]:
    """Find settings where the service finds them, without its library: most files need none."""
    search = Search(os.environ)
    found = search.run([[name] for name in names]).found
    for problem in search.problems:
        if not isinstance(problem, UnknownSetting | IgnoredSetting):
            raise problem
    return [found[name].text if name in found else "" for name in names]


def _decode(args: argparse.Namespace, file: BinaryIO) -> int:
    policy = Policy(args.crc)
    form: _Form = _json if args.json else _table
    if args.line_protocol:
        form = _LineProtocol(args, policy)
    decryptor, framer = Decryptor(_keys(args.key_file)), Framer()
    start = file.read(_CHUNK)
    count, good = 0, True
    for count, frame in enumerate(_frames(start, file, decryptor, framer), start=1):
        telegram = parse(frame, utc_offset_hours=args.utc_offset)
        for line in form(telegram):
            put(line)
        for words in _complaints(telegram, policy, shown=not args.line_protocol):
            complain(f"telegram {count}: {words}")
            good = False
    if framer.pending:
        complain(f"unfinished telegram at the end: {framer.pending} bytes")
    if framer.noise:
        complain(f"bytes that belong to no telegram: {framer.noise}")
    unread = decryptor.refused and not is_foreign(start)
    if unread:
        refusal = decryptor.refusal or Refusal.DAMAGED
        said = f"encrypted telegrams that were not read: {decryptor.refused}"
        complain(f"{said}: {refusal.message}\n\nhint: {refusal.hint}")
    elif not count:
        what = diagnose(start)
        complain(f"no telegram{f': {what}' if what else ''}")
    return 0 if good and count and not framer.pending and not unread else 1


def _frames(start: bytes, file: BinaryIO, decryptor: Decryptor, framer: Framer) -> Iterator[Frame]:
    for chunk in chain([start], iter(partial(file.read, _CHUNK), b"")):
        yield from framer.feed(decryptor.feed(chunk))
    yield from framer.feed(decryptor.flush())
    yield from framer.flush()


def _complaints(telegram: Telegram, policy: Policy, *, shown: bool) -> Iterator[str]:
    """Say what is wrong with a telegram; `shown` if its damaged lines are seen already."""
    if not acceptable(telegram, policy):
        bad = telegram.checksum is Checksum.BAD
        absent = "no checksum, although this version has one"
        yield f"{'wrong checksum' if bad else absent}, not to be used"
    if telegram.errors and shown:
        yield f"damaged lines: {len(telegram.errors)}"
    elif telegram.errors:
        yield from map(str, telegram.errors)


class _LineProtocol:
    """The points as they would be stored: nothing of a telegram that must not be used."""

    def __init__(self, args: argparse.Namespace, policy: Policy) -> None:
        site, meter, salt = _settings("P1_SITE", "P1_METER", "P1_METER_SALT")
        self._points = Points(
            site=args.site or site or "home", meter=args.meter or meter or None, salt=usable(salt)
        )
        self._policy = policy
        self._last: datetime | None = None
        self._clock: datetime = args.received or datetime.now(UTC)

    def __call__(self, telegram: Telegram) -> Iterable[str]:
        if acceptable(telegram, self._policy):
            self._last = told_apart(telegram.time or self._clock, self._last)
            self._clock += _PERIOD
            with suppress(CrowdedError):
                lines = self._points.lines(telegram, self._last) or []
                return [line.rstrip("\n") for line in lines]
        return []


def _json(telegram: Telegram) -> Iterator[str]:
    yield json.dumps(document(telegram), ensure_ascii=False)


def _table(telegram: Telegram) -> Iterator[str]:
    said = document(telegram)
    yield f"/{telegram.header}"
    for name in ("dialect", "checksum", "time", "meter"):
        yield f"  {name:<10}  {said[name] or '-'}"
    yield from _section("electricity", telegram.electricity)
    for device in telegram.devices:
        time = f", read {device.time:%Y-%m-%d %H:%M:%S} UTC" if device.time else ""
        title = f"{device.medium}, channel {device.channel}, meter {device.meter or '-'}{time}"
        yield from _section(title, device.fields)
    if telegram.month_end:
        title = f"month's end, {telegram.month_end.time:%Y-%m-%d %H:%M:%S} UTC"
        yield from _section(title, telegram.month_end.electricity)
    peaks = [f"{p.time:%Y-%m-%d %H:%M} UTC  {plain(p.power_kw)} kW" for p in telegram.demand_peaks]
    if peak := telegram.running_peak:
        peaks.append(f"{peak.time:%Y-%m-%d %H:%M} UTC  {plain(peak.power_kw)} kW, so far")
    yield from _list("demand peaks", peaks)
    failures = [f"{f.time:%Y-%m-%d %H:%M} UTC  {f.duration_s} s" for f in telegram.power_failures]
    yield from _list("power failures, their ends", failures)
    yield from _list("message", [text for text in (telegram.code, telegram.text) if text])
    yield from _list("about", [f"{name}  {text}" for name, text in telegram.about.items()])
    past = [line for line in telegram.unknown if is_past(line)]
    yield from _list("earlier billing periods", past)
    yield from _list("unknown lines", (line for line in telegram.unknown if line not in past))
    yield from _list("damaged lines", [str(error) for error in telegram.errors])
    yield ""


def _section(title: str, fields: Mapping[str, Value]) -> Iterator[str]:
    """Give the fields in the order of the table, the decimal points below one another."""
    if not fields:
        return
    rows = sorted(
        (_ROWS[name], name, plain(value).partition(".")) for name, value in fields.items()
    )
    names = max(len(name) for _, name, _ in rows)
    whole = max(len(value[0]) for _, _, value in rows)
    rest = max(len(value[1] + value[2]) for _, _, value in rows)
    yield f"  {title}"
    for (_, field), name, (before, point, after) in rows:
        digits = f"{before:>{whole}}{point + after:<{rest}}"
        yield f"    {name:<{names}}  {digits}  {field.unit:<5}  {field.doc}"


def _list(title: str, lines: Iterable[str]) -> Iterator[str]:
    lines = list(lines)
    if lines:
        yield f"  {title}"
    yield from (f"    {part}" for line in lines for part in line.split("\n"))
