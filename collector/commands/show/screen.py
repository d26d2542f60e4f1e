"""The live screen: a status as lines of text, at least 40 columns wide, 80 by 24 at best.

Pure: the same status and width give the same lines. Values are shown with the digits that the
meter printed. A sparkline's columns belong to stretches of the clock, not to places in the list:
it moves on one column at a time, and what is drawn stays as it was drawn.
"""

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from itertools import pairwise
from statistics import fmean, median
from typing import Any, Final

from collector.commands.show.ink import Ink, Line, Piece, beside, length, padded, paint, plain

Status = dict[str, Any]
"""What the running service says of itself (`collector.service.status`), or a part of it: decimals
are text, as the meter printed them, times are unix seconds."""

BLOCKS: Final = "▁▂▃▄▅▆▇█"
_SCALES: Final = (0.2, 0.5, 1, 2, 3, 5, 8, 12, 20, 30, 50)  # kW
_TELEGRAMS: Final = 300  # what the status file has at most
STOPPED: Final = "stopped"  # the state of a collector that was told to end
STALE: Final = 15  # seconds without news, after which the collector is taken to be gone
_WIDE: Final = 76  # from here on two blocks stand side by side
_HALF: Final = 40  # columns of the left one of these
_LATE: Final = 60  # seconds of lag worth a colour
_UNITS: Final = {"volume_m3": "m³", "energy_gj": "GJ", "energy_kwh": "kWh"}
_PROBLEMS: Final = ("rejected", "dropped", "damaged")
_SLIPS: Final = ("torn", "bad_checksums", "bad_lines")


@dataclass(frozen=True, slots=True)
class Window:
    """The stretch of time that a sparkline shows: `columns` of `seconds` each, up to `end`."""

    end: int
    seconds: int
    columns: int

    @classmethod
    def of(cls, times: Sequence[int], columns: int) -> "Window":
        """The window for these telegrams (unix seconds, ascending; at least one)."""
        gaps = [b - a for a, b in pairwise(times) if b > a]
        period = round(median(gaps)) if gaps else 1
        seconds = max(period, -(-_TELEGRAMS * period // columns))
        return cls(times[-1] // seconds, seconds, columns)

    @property
    def minutes(self) -> int:
        return max(1, round(self.seconds * self.columns / 60))

    def means(self, times: Sequence[int], values: Sequence[float]) -> list[float | None]:
        """The mean of each column; None where there was nothing."""
        columns: list[list[float]] = [[] for _ in range(self.columns)]
        for time, value in zip(times, values, strict=True):
            place = self.columns - 1 - (self.end - time // self.seconds)
            if 0 <= place < self.columns:
                columns[place].append(value)
        return [fmean(column) if column else None for column in columns]


def scale(highest: float) -> float:
    """The power that a full block stands for: a round figure, so that it seldom changes."""
    return next((step for step in _SCALES if step >= highest), highest)


def sparkline(values: Sequence[float | None], top: float) -> str:
    """Blocks from nothing to `top`; no power is an empty place, as is no reading."""
    return "".join(_block(value, top) for value in values)


def _block(value: float | None, top: float) -> str:
    if not value or value < 0 or top <= 0:
        return " "
    return BLOCKS[min(len(BLOCKS) - 1, int(value / top * len(BLOCKS)))]


def render(
    status: Status,
    width: int,
    height: int | None = None,
    *,
    colour: bool,
    now: float | None = None,
    zone: tzinfo | None = None,
) -> list[str]:
    """The lines of the screen, none wider than `width`, and no more of them than `height`.

    `now` is the host's time in unix seconds (default: when the status was written), `zone` where
    the person is (default: where the machine is). What there is no room for is left out: first
    the empty lines, then the phases, the gas, the readings; never the state of the pipeline.
    """
    blocks = {"title": _title(status, width, now)}
    if telegram := status["telegram"]:
        exports = _has_export(status, telegram)
        blocks["power"] = _power(status, telegram, width, zone, exports=exports)
        blocks["readings"] = _readings(telegram, exports=exports)
        blocks["phases"] = _phases(telegram, exports=exports)
        blocks["devices"] = _devices(telegram, width, zone)
        if width >= _WIDE and blocks["phases"]:
            side = beside(blocks["readings"], blocks.pop("phases"), _HALF)
            blocks["readings"] = side
    blocks["pipeline"] = _pipeline(status, width)
    return [paint(line, width, colour=colour) for line in _fitted(blocks, height)]


def summary(status: Status, zone: tzinfo | None = None) -> str:
    """The same in one line, for a log or a pipe."""
    counts = status["counts"]
    words = [_clock(status["updated"], zone)]
    values = status["telegram"]["electricity"] if status["telegram"] else {}
    names = (("import", "power_import_kw"), ("export", "power_export_kw"))
    words += [f"{way} {values[name]} kW" for way, name in names if name in values]
    words += [f"{name} {counts.get(name, 0)}" for name in ("read", "delivered", "waiting")]
    words.append(f"lag {_span(status['lag_s'])}")
    words += [f"{name} {counts[name]}" for name in _PROBLEMS if counts.get(name)]
    if status["trouble"]:
        words.append(" ".join(status["trouble"].split()))
    elif status["delivery"]["message"]:
        words.append(" ".join(status["delivery"]["message"].split()))
    return "  ".join(words)


def _fitted(blocks: dict[str, list[Line]], height: int | None) -> list[Line]:
    lines = _stacked(blocks.values(), [[]])
    if height is None or len(lines) <= height:
        return lines
    for victim in (None, "phases", "devices", "readings"):
        blocks = {name: block for name, block in blocks.items() if name != victim}
        lines = _stacked(blocks.values(), [])
        if len(lines) <= height:
            break
    return lines[:height]


def _stacked(blocks: Iterable[Sequence[Line]], between: list[Line]) -> list[Line]:
    lines: list[Line] = []
    for block in blocks:
        if block and lines:
            lines += between
        lines += block
    return lines


def _title(status: Status, width: int, now: float | None) -> list[Line]:
    left: list[Piece] = [("p1-collector", Ink.TITLE), (f"  {status['site']}", Ink.PLAIN)]
    silent = 0 if now is None else int(now - status["updated"])
    if silent > STALE and status["state"] != STOPPED:
        return [left, [(f"no news from the collector for {_span(silent)}", Ink.ALARM)]]
    reading = status["state"] == "reading"
    right = f"{status['state']} {status['source']}" if reading else status["state"]
    ink = Ink.WELL if reading else Ink.CARE
    if length(left) + 2 + len(right) <= width:
        return [[*padded(left, width - len(right)), (right, ink)]]
    if len(right) > width:  # the end of a path says most
        head = f"{status['state']} …"
        right = head + right[len(head) - width :]
    return [left, [(right, ink)]]


def _has_export(status: Status, telegram: Status) -> bool:
    """Whether there is anything to say about export: not in a house that never fed in."""
    values = telegram["electricity"]
    names = [n for n in values if n.startswith(("energy_export", "power_export"))]
    return any(float(values[n]) for n in names) or any(row[2] for row in status["power"])


def _power(
    status: Status, telegram: Status, width: int, zone: tzinfo | None, *, exports: bool
) -> list[Line]:
    values = telegram["electricity"]
    if "power_import_kw" not in values and "power_export_kw" not in values:
        return []
    rows = status["power"]
    columns = max(1, min(60, width - 20))
    window = Window.of([row[0] for row in rows], columns) if rows else None
    top = scale(max((max(row[1], row[2]) for row in rows), default=0.0))
    heading: list[Piece] = [
        ("POWER", Ink.TITLE),
        (f"  {_clock(telegram['time'], zone)}", Ink.FAINT),
    ]
    if window:
        caption = f"{window.minutes} min, █ {top:g} kW"
        heading = [*padded(heading, max(16, min(width, 20 + columns) - len(caption)))]
        heading.append((caption, Ink.FAINT))
    lines: list[Line] = [heading]
    for way, ink, place in (("import", Ink.IMPORT, 1), ("export", Ink.EXPORT, 2)):
        if way == "export" and not exports:
            continue
        curve = ""
        if window:
            means = window.means([row[0] for row in rows], [row[place] for row in rows])
            curve = sparkline(means, top)
        value = f"{values.get(f'power_{way}_kw', '')!s:>7} kW"
        lines.append([(f"{way} {value}  ", ink), (curve, ink)])
    return [*lines, *_demand(values, width)]


def _demand(values: dict[str, Any], width: int) -> list[Line]:
    named = (("demand_kw", "this quarter hour"), ("demand_month_peak_kw", "month's peak"))
    parts = [f"{words} {values[name]} kW" for name, words in named if name in values]
    if len("   ".join(parts)) > width:
        return [plain(part) for part in parts]
    return [plain("   ".join(parts))] if parts else []


def _readings(telegram: Status, *, exports: bool) -> list[Line]:
    values = telegram["electricity"]
    ways = ("import", "export") if exports else ("import",)
    lines: list[Line] = []
    for key, label in [(f"_t{n}", f"tariff {n}") for n in range(1, 5)] + [("", "total")]:
        cells = [values.get(f"energy_{way}{key}_kwh") for way in ways]
        if all(cell is None for cell in cells):
            continue
        current = label == f"tariff {values.get('tariff')}"
        line: list[Piece] = [(f"{label + (' ◂' if current else ''):<11}", Ink.PLAIN)]
        for way, cell in zip(ways, cells, strict=True):
            line.append((f"{_figure(cell):>12}", _ink(way)))
        lines.append(line)
    if not lines:
        return []
    heading: list[Piece] = [(f"{'READINGS':<11}", Ink.TITLE)]
    heading += [(f"{way + ' kWh':>12}", Ink.FAINT) for way in ways]
    return [heading, *lines]


def _phases(telegram: Status, *, exports: bool) -> list[Line]:
    values = telegram["electricity"]
    ways = ("import", "export") if exports else ("import",)
    lines: list[Line] = []
    for number in range(1, 4):
        voltage, current = (
            values.get(f"voltage_l{number}_v"),
            values.get(f"current_l{number}_a"),
        )
        powers = [values.get(f"power_{way}_l{number}_kw") for way in ways]
        if all(value is None for value in (voltage, current, *powers)):
            continue
        line: list[Piece] = [
            (f"L{number:<6}{_figure(voltage):>7}{_figure(current):>7}", Ink.PLAIN)
        ]
        line += [(f"{_figure(p):>9}", _ink(way)) for way, p in zip(ways, powers, strict=True)]
        lines.append(line)
    if not lines:
        return []
    heading: list[Piece] = [("PHASES ", Ink.TITLE), (f"{'V':>7}{'A':>7}", Ink.FAINT)]
    heading += [(f"{way[:3] + ' kW':>9}", Ink.FAINT) for way in ways]
    return [heading, *lines]


def _devices(telegram: Status, width: int, zone: tzinfo | None) -> list[Line]:
    entries: list[Line] = [
        entry
        for device in telegram["devices"]
        if length(entry := _device(device, telegram["time"], zone))
    ]
    if width < _WIDE:
        return entries
    pairs = [entries[n : n + 2] for n in range(0, len(entries), 2)]
    return [[*padded(pair[0], _HALF), *(pair[1] if pair[1:] else [])] for pair in pairs]


def _device(device: Status, today: int, zone: tzinfo | None) -> list[Piece]:
    for name, unit in _UNITS.items():
        if name in device["fields"]:
            value = f"{_figure(device['fields'][name])} {unit}"
            read = _moment(device["time"], today, zone) if device["time"] else ""
            return [(f"{device['medium']:<9}{value:>16}", Ink.PLAIN), (f"  {read}", Ink.FAINT)]
    return []


def _pipeline(status: Status, width: int) -> list[Line]:
    counts, lag = status["counts"], status["lag_s"]
    flow = [(name, str(counts.get(name, 0)), Ink.PLAIN) for name in ("read", "delivered")]
    late = Ink.CARE if lag > _LATE else Ink.PLAIN
    flow += [("waiting", str(counts.get("waiting", 0)), late), ("lag", _span(lag), late)]
    faults = [
        (name.replace("_", " "), str(counts.get(name, 0)), _alarm(counts.get(name, 0)))
        for name in (*_PROBLEMS, *(slip for slip in _SLIPS if counts.get(slip)))
    ]
    return [
        [("PIPELINE", Ink.TITLE)],
        *_counts(flow, width),
        *_counts(faults, width),
        *_news(status, width),
    ]


def _counts(items: list[tuple[str, str, Ink]], width: int) -> list[Line]:
    """Names and numbers in columns of 20, so that a growing number moves nothing."""
    fields: list[list[Piece]] = [
        [(f"{name} ", Ink.FAINT), (f"{value:<{max(1, 18 - len(name))}} ", ink)]
        for name, value, ink in items
    ]
    each = max(1, width // 20)
    rows = (fields[n : n + each] for n in range(0, len(fields), each))
    return [[piece for field in row for piece in field] for row in rows]


def _news(status: Status, width: int) -> list[Line]:
    if status["state"] == STOPPED:
        return []
    return [*_delivery(status, width), *_trouble(status, width)]


def _delivery(status: Status, width: int) -> list[Line]:
    delivery = status["delivery"]
    where, message = delivery["url"] or "InfluxDB", delivery["message"]
    if delivery["state"] == "off":
        return _wrapped("no InfluxDB is set: the readings are kept", Ink.CARE, width)
    if delivery["state"] == "starting":
        return [[(f"connecting to {where}", Ink.FAINT)]]
    if delivery["state"] == "delivering":
        return [[(f"delivering to {where}", Ink.WELL)]]
    if delivery["state"] == "retrying":
        return _wrapped(f"trying {where} again: {message}", Ink.CARE, width)
    return _wrapped(f"{where} refuses the settings: {message}", Ink.ALARM, width)


def _trouble(status: Status, width: int) -> list[Line]:
    return _wrapped(status["trouble"], Ink.ALARM, width) if status["trouble"] else []


def _wrapped(text: str, ink: Ink, width: int) -> list[Line]:
    return [
        [(part, ink)]
        for line in text.splitlines()
        for part in textwrap.wrap(line, width, max_lines=4)
    ]


def _ink(way: str) -> Ink:
    return Ink.IMPORT if way == "import" else Ink.EXPORT


def _alarm(count: int) -> Ink:
    return Ink.ALARM if count else Ink.PLAIN


def _figure(value: Any) -> str:
    return "" if value is None else str(value)


def _span(seconds: int) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _local(time: float, zone: tzinfo | None) -> datetime:
    return datetime.fromtimestamp(time, UTC).astimezone(zone)


def _clock(time: float, zone: tzinfo | None) -> str:
    return f"{_local(time, zone):%H:%M:%S}"


def _moment(time: int, today: int, zone: tzinfo | None) -> str:
    """The time of day, with the date where that is another day's."""
    then, day = _local(time, zone), _local(today, zone)
    return f"{then:%H:%M}" if then.date() == day.date() else f"{then:%d-%m %H:%M}"
