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

from collector.commands.show.ink import Ink, Line, Piece, beside, length, padded, paint

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
_INKS: Final = {"import": Ink.IMPORT, "export": Ink.EXPORT}
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
    full = len(BLOCKS)
    return "".join(
        BLOCKS[min(full - 1, int(value / top * full))] if value and value > 0 and top > 0 else " "
        for value in values
    )


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
        values = telegram["electricity"]
        ways = ("import", "export")[: 1 + _has_export(status, values)]
        blocks["power"] = _power(status, telegram, width, zone, ways)
        blocks["readings"] = _readings(values, ways)
        blocks["phases"] = _phases(values, ways)
        blocks["devices"] = _devices(telegram, width, zone)
        if width >= _WIDE and blocks["phases"]:
            blocks["readings"] = beside(blocks["readings"], blocks.pop("phases"), _HALF)
    blocks["pipeline"] = _pipeline(status, width)
    return [paint(line, width, colour=colour) for line in _fitted(blocks, height)]


def summary(status: Status, zone: tzinfo | None = None) -> str:
    """The same in one line, for a log or a pipe."""
    counts, values = status["counts"], (status["telegram"] or {}).get("electricity", {})
    powers = ((way, values.get(f"power_{way}_kw")) for way in ("import", "export"))
    news = status["trouble"] or status["delivery"]["message"] or ""
    words = [
        f"{_local(status['updated'], zone):%H:%M:%S}",
        *(f"{way} {power} kW" for way, power in powers if power is not None),
        *(f"{name} {counts.get(name, 0)}" for name in ("read", "delivered", "waiting")),
        f"lag {_span(status['lag_s'])}",
        *(f"{name} {counts[name]}" for name in _PROBLEMS if counts.get(name)),
        *([" ".join(news.split())] if news else []),
    ]
    return "  ".join(words)


def _fitted(blocks: dict[str, list[Line]], height: int | None) -> list[Line]:
    lines = [line for block in blocks.values() if block for line in ([], *block)][1:]
    for victim in (None, "phases", "devices", "readings"):
        if height is None or len(lines) <= height:
            break
        blocks = {name: block for name, block in blocks.items() if name != victim}
        lines = [line for block in blocks.values() for line in block]
    return lines[:height]


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


def _has_export(status: Status, values: dict[str, Any]) -> bool:
    """Whether there is anything to say about export: not in a house that never fed in."""
    names = [n for n in values if n.startswith(("energy_export", "power_export"))]
    return any(float(values[n]) for n in names) or any(row[2] for row in status["power"])


def _power(
    status: Status, telegram: Status, width: int, zone: tzinfo | None, ways: Sequence[str]
) -> list[Line]:
    values, rows = telegram["electricity"], status["power"]
    if "power_import_kw" not in values and "power_export_kw" not in values:
        return []
    columns = max(1, min(60, width - 20))
    times = [row[0] for row in rows]
    window = Window.of(times, columns) if rows else None
    top = scale(max((max(row[1], row[2]) for row in rows), default=0.0))
    heading = [("POWER", Ink.TITLE), (f"  {_local(telegram['time'], zone):%H:%M:%S}", Ink.FAINT)]
    if window:
        minutes = max(1, round(window.seconds * window.columns / 60))
        caption = f"{minutes} min, █ {top:g} kW"
        heading = padded(heading, max(16, min(width, 20 + columns) - len(caption)))
        heading.append((caption, Ink.FAINT))
    lines: list[Line] = [heading]
    for place, way in enumerate(ways, start=1):
        means = window.means(times, [row[place] for row in rows]) if window else []
        value = f"{values.get(f'power_{way}_kw', '')!s:>7} kW"
        lines.append([(f"{way} {value}  ", _INKS[way]), (sparkline(means, top), _INKS[way])])
    named = (("demand_kw", "this quarter hour"), ("demand_month_peak_kw", "month's peak"))
    parts = [f"{words} {values[name]} kW" for name, words in named if name in values]
    if len("   ".join(parts)) <= width:
        parts = ["   ".join(parts)] if parts else []
    return [*lines, *([(part, Ink.PLAIN)] for part in parts)]


def _readings(values: dict[str, Any], ways: Sequence[str]) -> list[Line]:
    heading = [(f"{'READINGS':<11}", Ink.TITLE), *((f"{w + ' kWh':>12}", Ink.FAINT) for w in ways)]
    rows = []
    for key, label in [(f"_t{n}", f"tariff {n}") for n in range(1, 5)] + [("", "total")]:
        current = " ◂" if label == f"tariff {values.get('tariff')}" else ""
        cells = [(values.get(f"energy_{way}{key}_kwh"), 12, _INKS[way]) for way in ways]
        rows.append((f"{label + current:<11}", cells))
    return _table(heading, rows)


def _phases(values: dict[str, Any], ways: Sequence[str]) -> list[Line]:
    heading = [("PHASES ", Ink.TITLE), (f"{'V':>7}{'A':>7}", Ink.FAINT)]
    heading += [(f"{way[:3] + ' kW':>9}", Ink.FAINT) for way in ways]
    rows = []
    for n in range(1, 4):
        cells = [
            (values.get(name), 7, Ink.PLAIN) for name in (f"voltage_l{n}_v", f"current_l{n}_a")
        ]
        cells += [(values.get(f"power_{way}_l{n}_kw"), 9, _INKS[way]) for way in ways]
        rows.append((f"L{n:<6}", cells))
    return _table(heading, rows)


def _table(heading: Line, rows: Iterable[tuple[str, list[tuple[Any, int, Ink]]]]) -> list[Line]:
    """A heading, and of the rows those in which there is something: value, width, colour."""
    lines: list[Line] = [
        [(label, Ink.PLAIN), *((f"{value or '':>{width}}", ink) for value, width, ink in cells)]
        for label, cells in rows
        if any(value is not None for value, _, _ in cells)
    ]
    return [heading, *lines] if lines else []


def _devices(telegram: Status, width: int, zone: tzinfo | None) -> list[Line]:
    lines = [line for d in telegram["devices"] if (line := _device(d, telegram["time"], zone))]
    return beside(lines[::2], lines[1::2], _HALF) if width >= _WIDE else lines


def _device(device: Status, today: int, zone: tzinfo | None) -> Line:
    name = next((name for name in _UNITS if name in device["fields"]), None)
    if name is None:
        return []
    value = f"{device['fields'][name]} {_UNITS[name]}"
    read = ""
    if device["time"]:
        then, day = _local(device["time"], zone), _local(today, zone)
        read = f"{then:%H:%M}" if then.date() == day.date() else f"{then:%d-%m %H:%M}"
    return [(f"{device['medium']:<9}{value:>16}", Ink.PLAIN), (f"  {read}", Ink.FAINT)]


def _pipeline(status: Status, width: int) -> list[Line]:
    counts, lag = status["counts"], status["lag_s"]
    late = Ink.CARE if lag > _LATE else Ink.PLAIN
    flow = [(name, counts.get(name, 0), Ink.PLAIN) for name in ("read", "delivered")]
    flow += [("waiting", counts.get("waiting", 0), late), ("lag", _span(lag), late)]
    faults = [
        (name.replace("_", " "), count, Ink.ALARM if count else Ink.PLAIN)
        for name in (*_PROBLEMS, *_SLIPS)
        if (count := counts.get(name, 0)) or name in _PROBLEMS
    ]
    lines = [*_counts(flow, width), *_counts(faults, width)]
    return [[("PIPELINE", Ink.TITLE)], *lines, *_news(status, width)]


def _counts(items: list[tuple[str, Any, Ink]], width: int) -> list[Line]:
    """Names and numbers in columns of 20, so that a growing number moves nothing."""
    fields = [
        [(f"{name} ", Ink.FAINT), (f"{value:<{max(1, 18 - len(name))}} ", ink)]
        for name, value, ink in items
    ]
    each = max(1, width // 20)
    rows = (fields[n : n + each] for n in range(0, len(fields), each))
    return [[piece for field in row for piece in field] for row in rows]


def _news(status: Status, width: int) -> list[Line]:
    state, message = status["delivery"]["state"], status["delivery"]["message"]
    where = status["delivery"]["url"] or "InfluxDB"
    if status["state"] == STOPPED:
        return []
    lines: list[Line] = []
    if state == "starting":
        lines = [[(f"connecting to {where}", Ink.FAINT)]]
    elif state == "delivering":
        lines = [[(f"delivering to {where}", Ink.WELL)]]
    elif state == "off":
        lines = _wrapped("no InfluxDB is set: the readings are kept", Ink.CARE, width)
    elif state == "retrying":
        lines = _wrapped(f"trying {where} again: {message}", Ink.CARE, width)
    else:
        lines = _wrapped(f"{where} refuses the settings: {message}", Ink.ALARM, width)
    return [*lines, *_wrapped(status["trouble"] or "", Ink.ALARM, width)]


def _wrapped(text: str, ink: Ink, width: int) -> list[Line]:
    return [
        [(part, ink)]
        for line in text.splitlines()
        for part in textwrap.wrap(line, width, max_lines=4)
    ]


def _span(seconds: int) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _local(time: float, zone: tzinfo | None) -> datetime:
    return datetime.fromtimestamp(time, UTC).astimezone(zone)
