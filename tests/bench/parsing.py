"""How fast telegrams are read: side by side with dsmr-parser, in one run, on the same telegrams.

    ./tests/run bench                        both parsers, and the whole chain
    ./tests/run bench --million              also: a million telegrams, a tenth of them for
                                             dsmr-parser, and the memory that they leave

Each file in `telegrams/` that both can read becomes a stream as a meter sends it: telegram after
telegram a period further on, with a household's values, which change (`simulate --like`). Both
turn the same bytes, a telegram at a time, into typed values, with the checksum if there is one.
dsmr-parser is told which dialect to expect: the one of its own that finds most in the file. It can
read a telegram if it finds a value for three quarters of the lines and the reading of every
device, and complains of nothing. What it reads less of has a table of its own, in time for each
line that was read; no target is for those.

`cold` is the same for us as if no line had ever been seen before, without what is kept of lines
that repeat: what a stream would cost in which every single line changes every time.
"""

import argparse
import gc
import logging
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from dsmr_parser import telegram_specifications
from dsmr_parser.clients.telegram_buffer import TelegramBuffer
from dsmr_parser.exceptions import ParseError
from dsmr_parser.parsers import TelegramParser

from collector.p1 import sheet, time as moments, values
from collector.p1.checksum import Checksum, crc16
from collector.p1.framing import Frame, Framer
from collector.p1.lines import split
from collector.p1.telegram import Policy, acceptable, parse
from collector.points import Points
from collector.reading.clock import Choice, Clock
from collector.reading.line import Line
from collector.reading.reader import Reader, Rules
from collector.reading.sources import FAST, READ_SECONDS, Address, Source
from collector.simulate.house import Household
from collector.simulate.likeness import Likeness
from collector.simulate.meter import Meter
from collector.spool.account import Account
from collector.spool.disk import Disk
from collector.spool.early import Early
from collector.spool.handoff import Handoff
from collector.spool.hot import Hot
from collector.spool.record import new_run, numbering
from collector.spool.spool import Directories, Spool
from p1.golden import golden, names, stream

START: Final = datetime(2026, 3, 11, 11, 0, tzinfo=UTC)
TELEGRAMS: Final = 120
ROUNDS: Final = 9
MILLION: Final = 1_000_000
GROWTH_KIB: Final = 256
ENOUGH: Final = 0.75
TARGET_SET: Final = 0.1
TARGET_EACH: Final = 0.2
_MICRO: Final = 1e6

_SPECIFICATIONS: Final[dict[str, dict[str, Any]]] = {
    name: getattr(telegram_specifications, name)
    for name in (
        *("V2_2", "V3", "V4", "V5", "BELGIUM_FLUVIUS", "LUXEMBOURG_SMARTY", "SWEDEN"),
        *(
            "SAGEMCOM_T210_D_R",
            "AUSTRIA_ENERGIENETZE_STEIERMARK",
            "EON_HUNGARY",
            "ISKRA_IE",
            "Q3D",
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of telegram: the stream of it, and how dsmr-parser reads it.

    `lines` are those of the first telegram, `found` the values that dsmr-parser finds in them.
    """

    name: str
    telegrams: Sequence[bytes]
    dialect: str
    theirs: TelegramParser
    offset: int
    lines: int
    found: int
    whole: bool

    def read_ours(self) -> None:
        framer = Framer()
        for data in self.telegrams:
            for frame in framer.feed(data):
                acceptable(parse(frame, utc_offset_hours=self.offset))

    def read_ours_cold(self) -> None:
        framer = Framer()
        for data in self.telegrams:
            forget()
            for frame in framer.feed(data):
                acceptable(parse(frame, utc_offset_hours=self.offset))

    def read_theirs(self) -> None:
        buffer = TelegramBuffer()
        for data in self.telegrams:
            buffer.append(data.decode("latin-1"))
            for text in buffer.get_all():
                self.theirs.parse(text)


def forget() -> None:
    """Forget all that is kept of telegrams that were read before."""
    sheet._PLAIN.clear()
    for kept in sheet._KEPT.values():
        kept.clear()
    for function in (moments.instant, values.identity, values.message):
        function.cache_clear()


def cases() -> Iterator[Case]:
    left_out = []
    for name in names():
        offset = int(golden(name).get("utc_offset_hours", 1))
        telegrams = list(imitated(Likeness(stream(name), utc_offset_hours=offset)))
        frames = [Framer().feed(data) for data in telegrams]
        case = None
        if all(len(found) == 1 and usable(found[0], offset) for found in frames):
            case = compared(name, telegrams, frames[0][0], offset)
        if case:
            yield case
        else:
            left_out.append(name)
    say(f"\nnot read by both: {', '.join(left_out)}")


def compared(name: str, telegrams: Sequence[bytes], frame: Frame, offset: int) -> Case | None:
    """Take the dialect with which dsmr-parser finds most in a telegram; None: nothing at all."""
    text = telegrams[0].decode("latin-1")
    values = {dialect: values_found(theirs(dialect), text) for dialect in dialects(frame)}
    dialect = max(values, key=lambda each: len(values[each]))
    found = values[dialect]
    if not found:
        return None
    _, lines = split(frame.data)
    readings = {
        value
        for device in parse(frame).devices
        for field, value in device.fields.items()
        if field != "valve"
    }
    whole = len(found) >= ENOUGH * len(lines) and all(map(found.__contains__, readings))
    parser = TelegramParser(theirs(dialect))
    case = Case(name, telegrams, dialect, parser, offset, len(lines), len(found), whole)
    try:
        case.read_theirs()
    except ParseError:  # its buffer cuts the telegram in two
        return None
    return case


def imitated(like: Likeness) -> Iterator[bytes]:
    meter = Meter(Household(grain=1), START - timedelta(hours=1), like.build)
    for n in range(TELEGRAMS):
        yield like.telegram(meter.at(START + n * timedelta(seconds=like.period)))


def usable(frame: Frame, offset: int) -> bool:
    return acceptable(parse(frame, utc_offset_hours=offset))


def theirs(dialect: str) -> dict[str, Any]:
    """Give a dialect of dsmr-parser's, for telegrams that are not encrypted."""
    return _SPECIFICATIONS[dialect] | {"general_global_cipher": False}


def dialects(frame: Frame) -> Iterator[str]:
    """Give those of its dialects that check a checksum if there is one."""
    for name, specification in _SPECIFICATIONS.items():
        if specification["checksum_support"] or not frame.checksum.strip():
            yield name


def values_found(specification: dict[str, Any], text: str) -> list[object]:
    """Give the values that dsmr-parser finds in a telegram; none if it complains."""
    try:
        telegram = TelegramParser(specification).parse(text, throw_ex=True)
    except Exception:  # noqa: BLE001  whatever its classes for values raise
        return []
    found: list[object] = []
    for _, item in telegram:
        several = item if isinstance(item, list) else [item]
        for one in several:
            inner = [part for _, part in one] if hasattr(one, "channel_id") else [one]
            found += [getattr(part, "value", None) for part in inner]
    return found


def timed(work: Callable[[], None]) -> float:
    """Give the CPU time of some work, in seconds."""
    gc.collect()
    begin = time.process_time()
    work()
    return time.process_time() - begin


def side_by_side() -> bool:
    """Time every case in turns; print a line for each and the whole; tell whether it holds."""
    every = list(cases())
    columns = f"{'ours':>7} {'cold':>7} {'theirs':>8}  ratio  cold"
    say(f"\n{'telegram':32} {'their dialect':20} {columns}")
    sums = [0.0, 0.0, 0.0]
    ratios = {}
    for case in every:
        if case.whole:
            ours, cold, they = least = fastest(case)
            sums = [total + one for total, one in zip(sums, least, strict=True)]
            ratios[case.name] = ours / they
            figures = f"{ours:7.0f} {cold:7.0f} {they:8.0f}  {ours / they:5.3f} {cold / they:5.3f}"
            say(f"{case.name:32} {case.dialect:20} {figures}")
    whole = sums[0] / sums[2]
    worst = max(ratios, key=lambda name: ratios[name])
    say(f"\nµs of CPU a telegram: the best of {ROUNDS} rounds of {TELEGRAMS} telegrams")
    say(f"{len(ratios)} kinds: {whole:.3f} (target {TARGET_SET}); cold: {sums[1] / sums[2]:.3f}")
    say(f"at most: {ratios[worst]:.3f} for {worst} (target {TARGET_EACH})")
    in_part(case for case in every if not case.whole)
    return whole <= TARGET_SET and ratios[worst] <= TARGET_EACH


def in_part(some: Iterable[Case]) -> None:
    """Print what dsmr-parser reads in part only, in time for each line that was read."""
    say(f"\n{'in part by dsmr-parser':32} {'lines':>6} {'theirs':>7} {'ours/line':>10}  ratio")
    for case in some:
        ours, _, they = fastest(case)
        each, their_each = ours / case.lines, they / case.found
        figures = f"{case.lines:6} {case.found:7} {each:10.2f}  {each / their_each:5.3f}"
        say(f"{case.name:32} {figures}")


def fastest(case: Case) -> tuple[float, float, float]:
    """Give the CPU time of a telegram in µs: ours, ours cold, and theirs."""
    works = (case.read_ours, case.read_ours_cold, case.read_theirs)
    rounds = [[timed(work) for work in works] for _ in range(ROUNDS)]
    ours, cold, they = (min(one) / TELEGRAMS * _MICRO for one in zip(*rounds, strict=True))
    return ours, cold, they


class Tape:
    """A line on which one telegram after another has come."""

    name = "tape"

    def __init__(self, telegrams: Iterator[bytes]) -> None:
        self._telegrams = telegrams

    def read(self, seconds: float = READ_SECONDS) -> bytes:
        del seconds
        return next(self._telegrams, b"")

    def close(self) -> None:
        """Nothing is open."""


def reader(tape: Tape, hot: Path) -> Reader:
    """Make the service's reader, with real hot files."""

    def no_wait(_: float) -> None:
        raise AssertionError("the line never breaks")

    def opened(_: object) -> Source:
        return tape

    account, disk = Account(), Disk()
    line = Line(
        Address("tape", live=True, speeds=(FAST,), open=opened),
        silence_seconds=30.0,
        monotonic=time.monotonic,
        pause=no_wait,
    )
    clock = Clock(
        Choice.METER,
        live=True,
        tolerance_seconds=60.0,
        wall=time.time,
        monotonic=time.monotonic,
        synchronised=lambda: True,
    )
    files = Hot(
        hot,
        Handoff(),
        account,
        limit=1024**3,
        seal_seconds=5.0,
        monotonic=time.monotonic,
        disk=disk,
    )
    rules = Rules(Policy.REQUIRE, 1, 0)
    identities = numbering(new_run())
    early = Early(hot, Spool(Directories(hot), account, disk), "0")
    points = Points(site="home")
    return Reader(line, clock, points, files, identities, early, rules, time.monotonic)


def chain(name: str, count: int = 3000) -> None:
    """Time the whole chain: bytes to a record in the hot segment."""
    like = Likeness(stream(name))
    meter = Meter(Household(grain=1), START - timedelta(hours=1), like.build)
    period = timedelta(seconds=like.period)
    telegrams = [like.telegram(meter.at(START + n * period)) for n in range(count)]
    with tempfile.TemporaryDirectory(dir="/dev/shm") as hot:
        reading = reader(Tape(iter(telegrams)), Path(hot))
        reading.step()

        def read() -> None:
            for _ in telegrams:
                reading.step()

        took = timed(read)
        stored = reading.counters.telegrams
    size = statistics.fmean(map(len, telegrams))
    say(f"{name:32} {size:6.0f} bytes {took / count * _MICRO:6.0f} µs; telegrams: {stored}")


def ever_new(count: int) -> Iterator[bytes]:
    """Give telegrams whose values change, each with its checksum."""
    (sample,) = Framer().feed(stream("dsmr50-3phase-solar-gas"))
    for n in range(count):
        data = sample.data.replace(b"004321.100", b"%010.3f" % (n / 1000))
        data = data.replace(b"03.456", b"%06.3f" % (n % 99_999 / 1000))
        data = data.replace(b"231.4", b"%05.1f" % (n % 9999 / 10))
        yield data + b"%04X\r\n" % crc16(data)


def million() -> bool:
    """Read a million telegrams with ever new values; tell whether the memory stays as it was."""
    framer = Framer()

    def ours(data: bytes) -> bool:
        (frame,) = framer.feed(data)
        return parse(frame).checksum is Checksum.OK

    parser = TelegramParser(theirs("V5"))
    flat = growth("ours", ours, MILLION) <= GROWTH_KIB
    growth("theirs", lambda data: bool(parser.parse(data.decode("latin-1"))), MILLION // 10)
    return flat


def growth(whose: str, read: Callable[[bytes], bool], count: int) -> int:
    """Read so many telegrams; give by how many KiB memory grew after the first tenth."""
    held = []
    for n, data in enumerate(ever_new(count), 1):
        if not read(data):
            sys.exit(f"{whose}: telegram {n} was not read")
        if n % (count // 10) == 0:
            held.append(resident())
            say(f"{whose}: {n:9,} telegrams: {held[-1]:,} KiB")
    return held[-1] - held[0]


def resident() -> int:
    """Give the memory that the process has now, in KiB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() // 1024


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    arguments = argparse.ArgumentParser(description="how fast telegrams are read")
    arguments.add_argument("--million", action="store_true", help="also the memory of a million")
    options = arguments.parse_args()
    logging.getLogger("dsmr_parser").setLevel(logging.CRITICAL)
    flat = not options.million or million()
    holds = side_by_side()
    say("\nbytes to a record in the hot segment, CPU:")
    for name in ("dsmr50-1phase-gas", "dsmr50-3phase-solar-gas", "belgium-3phase-water-peaks"):
        chain(name)
    return 0 if holds and flat else 1


if __name__ == "__main__":
    sys.exit(main())
