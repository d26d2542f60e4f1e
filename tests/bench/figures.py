"""What the service costs and how fast it is, beside its peers in the same run. Takes root.

    ./tests/run figures [--minutes 10] [--away 5] [--days 3]

For `--minutes` a telegram a second with InfluxDB there, for `--away` minutes without, then
`--days` of readings that wait on the disk; 0 leaves that part out. It prints tables in Markdown,
fit for the README. Nothing is judged here: what was measured is said, on which machine, and how
busy that was.
"""

import argparse
import os
import platform
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bed.influxd import Influxd
from bed.influxdb import Image, Program, find
from bench import buffered, draining, pace, telegraf
from bench.backlog import backlog
from bench.buffered import Buffered
from bench.draining import Draining, Turn
from bench.pace import OURS, THEIRS, Pace, Stretch

Row = Sequence[str]

_MIB: Final = 1024 * 1024
_DAY: Final = 86_400
_PEER: Final = f"Telegraf {telegraf.VERSION}, disk buffer"


def online(found: Pace) -> Iterator[Row]:
    """While InfluxDB answers."""
    ours, theirs = found.online[OURS], found.online[THEIRS]
    for what, sizes in (
        ("MB a day to the disk, the process", (ours.to_disk, theirs.to_disk)),
        ("MB a day to the disk, the device", (ours.card.size, theirs.card.size)),
    ):
        yield _row(what, [size / ours.telegrams * _DAY / 1e6 for size in sizes], "{:.0f}")
    yield _row("CPU a telegram, µs", [ours.cpu_micros, theirs.cpu_micros], "{:.0f}")
    yield _row("wake-ups a telegram", [ours.wakes, theirs.wakes], "{:.1f}")
    yield from _memories(ours, theirs)
    waits = [found.waits[name] for name in (OURS, THEIRS)]
    yield _row("s until it can be queried, median", [*map(statistics.median, waits)], "{:.1f}")
    yield _row("s until it can be queried, longest", [*map(max, waits)], "{:.1f}")


def _memories(ours: Stretch, theirs: Stretch) -> Iterator[Row]:
    for what, pair in (
        ("after the start", (ours.before.memory, theirs.before.memory)),
        ("at the end", (ours.after.memory, theirs.after.memory)),
    ):
        yield _row(f"resident MiB (RSS), {what}", [m.rss / _MIB for m in pair], "{:.1f}")
        yield _row(f"of it its own share (PSS), {what}", [m.pss / _MIB for m in pair], "{:.1f}")


def offline(found: Pace) -> Iterator[Row]:
    """While it does not."""
    both = [found.offline[name] for name in (OURS, THEIRS)]
    each = [(s.to_disk / s.telegrams, s.card, s.telegrams) for s in both]
    yield _row("bytes a telegram, the process", [size for size, _, _ in each], "{:.0f}")
    yield _row("bytes a telegram, the device", [c.size / n for _, c, n in each], "{:.0f}")
    yield _row("device writes a telegram", [c.writes / n for _, c, n in each], "{:.2f}")
    yield _row("CPU a telegram, µs", [s.cpu_micros for s in both], "{:.0f}")
    yield _row("wake-ups a telegram", [s.wakes for s in both], "{:.1f}")


def waiting(found: Draining, theirs: Buffered) -> Iterator[Row]:
    """With a backlog on the disk."""
    starts = (found.starts, theirs.starts)
    what = "s from start to the first telegram"
    yield _row(f"{what}, median", [*map(statistics.median, starts)], "{:.2f}")
    yield _row(f"{what}, longest", [*map(max, starts)], "{:.2f}")
    yield _row("most resident MiB (RSS)", [found.peak / _MIB, theirs.peak / _MIB], "{:.1f}")
    rate = _rate(found, statistics.median(turn.ours for turn in found.turns))
    whole = found.backlog.telegrams / theirs.seconds
    yield "telegrams a second", f"{rate:,.0f}", f"{whole:,.0f}", _ratio(rate, whole)


def beside_curl(found: Draining) -> Iterator[Row]:
    """The same bytes, sent by curl; each figure is the median of the turns."""
    ours = [turn.ours for turn in found.turns]
    for what, theirs in (
        ("a curl for each request", [turn.curls for turn in found.turns]),
        ("one curl, one connection", [turn.curl for turn in found.turns]),
    ):
        rates = [_rate(found, statistics.median(seconds)) for seconds in (ours, theirs)]
        ratio = statistics.median(curl / our for our, curl in zip(ours, theirs, strict=True))
        yield f"telegrams a second: {what}", *map("{:,.0f}".format, rates), f"{ratio:.2f}"


def turns(found: Draining) -> Iterator[Row]:
    """How steady it is."""
    for number, turn in enumerate(found.turns, start=1):
        yield (
            str(number),
            *(_per_segment(turn, s) for s in (turn.ours, turn.curls, turn.curl)),
            (f"{turn.curls / turn.ours:.2f}"),
            f"{turn.memory.rss / _MIB:.1f}",
        )


def _per_segment(turn: Turn, seconds: float) -> str:
    return f"{seconds / turn.segments * 1000:.0f}"


def _rate(found: Draining, seconds: float) -> float:
    """Telegrams a second, if a turn takes so long."""
    return found.backlog.telegrams / found.segments * draining.TURN / seconds


def _row(what: str, pair: Sequence[float], form: str) -> Row:
    return what, *map(form.format, pair), _ratio(*pair)


def _ratio(ours: float, theirs: float) -> str:
    return f"{ours / theirs:.2f}" if theirs else ""


def table(head: Row, rows: Iterator[Row]) -> None:
    say("")
    for row in (head, ["---"] + ["---:"] * (len(head) - 1), *rows):
        say(f"| {' | '.join(row)} |")


def machine() -> str:
    model = next(
        line.partition(": ")[2]
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith(("model name", "Model"))
    )
    system = f"Linux {platform.release()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} cores, {model}, {system}"


def busy(what: str) -> None:
    say(f"\n{what}; load of the machine now: {os.getloadavg()[0]:.1f}")


@contextmanager
def places() -> Iterator[tuple[Path, Path]]:
    """Give a directory in RAM and one on the disk."""
    shm = "/dev/shm"  # noqa: S108  mkdtemp makes a private directory in it
    ram, disk = (Path(tempfile.mkdtemp(prefix="p1-figures-", dir=place)) for place in (shm, None))
    try:
        yield ram, disk
    finally:
        for place in (ram, disk):
            shutil.rmtree(place, ignore_errors=True)


def at_pace(server: Program | Image, minutes: float, away: float) -> None:
    busy(f"{minutes:g} minutes with InfluxDB, {away:g} without, a telegram a second")
    with places() as (ram, disk), Influxd(server) as influxd:
        found = pace.measure(influxd, ram, disk, minutes, away)
    table((f"{minutes:g} min with InfluxDB", OURS, _PEER, "ratio"), online(found))
    table((f"{away:g} min without InfluxDB", OURS, _PEER, "ratio"), offline(found))


def with_backlog(server: Program | Image, days: int) -> None:
    with places() as (ram, disk):
        made = backlog(disk / "spool", days)
        head = f"{made.telegrams:,} telegrams waiting, {made.size / 1e6:.0f} MB"
        with Influxd(server) as influxd:
            busy(f"{head}: Telegraf")
            theirs = buffered.measure(influxd, made, ram)
            busy(f"{head}: {OURS} and curl in turns")
            found = draining.measure(influxd, made, ram)
    table((head, OURS, _PEER, "ratio"), waiting(found, theirs))
    table((head, OURS, "curl", "ratio"), beside_curl(found))
    columns = ("turn", f"{OURS}, ms a request", "curl each", "one curl", "ratio", "RSS, MiB")
    table(columns, turns(found))


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    arguments = argparse.ArgumentParser(description="what the service costs, beside its peers")
    arguments.add_argument("--minutes", type=float, default=10, help="with InfluxDB")
    arguments.add_argument("--away", type=float, default=5, help="minutes without InfluxDB")
    arguments.add_argument("--days", type=int, default=3, help="of readings that wait")
    options = arguments.parse_args()
    if options.minutes and os.geteuid():
        arguments.error("a card is mounted to count what is written to it, and that takes root")
    server = find()
    if not isinstance(server, Program | Image):
        arguments.error("a server of its own is needed: it is stopped and started again")
    telegraf.program()
    say(machine())
    if options.minutes:
        at_pace(server, options.minutes, options.away)
    if options.days:
        with_backlog(server, options.days)
    return 0


if __name__ == "__main__":
    sys.exit(main())
