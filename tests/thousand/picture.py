"""The course of an outage as a picture: requests, backlog, and the age of what is live."""

from collections.abc import Sequence
from math import log10
from pathlib import Path
from typing import Final

from thousand.outage import SAMPLE_SECONDS, Course

WIDTH: Final = 1000
PANEL: Final = 170
GAP: Final = 62
LEFT: Final = 70
RIGHT: Final = 20
TOP: Final = 40
HEADINGS: Final = (
    "requests a second (the highest of each ten; the line is the server's capacity)",
    "records that wait, a thousandth of all that the outage made",
    "age of the newest delivered reading, seconds: median (blue), worst twentieth, worst (red)",
)
_AGES: Final = (1.0, 10.0, 100.0, 1000.0, 10_000.0)
_INK: Final = ("#1f5a96", "#c8862a", "#b03030")
_STYLE: Final = (
    "text{font:12px sans-serif;fill:#333}.grid{stroke:#ddd}.out{fill:#f3e3e3}"
    "polyline{fill:none;stroke-width:1.4}"
)

Points = Sequence[tuple[float, float]]


class Panel:
    """One graph: `top` is where it begins; values go from `least` to `most`."""

    def __init__(self, top: float, seconds: float, least: float, most: float) -> None:
        self._top = top
        self._seconds = seconds
        self._least = least
        self._most = most

    def x(self, second: float) -> float:
        return LEFT + second / self._seconds * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        share = (value - self._least) / (self._most - self._least)
        return self._top + PANEL * (1 - min(1.0, max(0.0, share)))

    def line(self, points: Points, ink: str) -> str:
        path = " ".join(f"{self.x(second):.1f},{self.y(value):.1f}" for second, value in points)
        return f'<polyline points="{path}" stroke="{ink}"/>'

    def frame(self, course: Course, heading: str, marks: Sequence[tuple[float, str]]) -> list[str]:
        """Draw the heading, the outage and the grid."""
        plan = course.plan
        left, right, bottom = self.x(plan.before), self.x(plan.back), self._top + PANEL
        parts = [
            f'<text x="{LEFT}" y="{self._top - 8:.0f}">{heading}</text>',
            f'<rect class="out" x="{left:.1f}" y="{self._top}" {_size(right - left, PANEL)}/>',
        ]
        for value, label in marks:
            y = self.y(value)
            parts += [
                f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>',
                f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{label}</text>',
            ]
        for minute in range(0, int(self._seconds) // 60 + 1, 15):
            x = self.x(minute * 60)
            parts.append(
                f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{minute} min</text>'
            )
        return parts


def draw(course: Course) -> str:
    """Give the picture as SVG."""
    height = TOP + 3 * (PANEL + GAP)
    plan = course.plan
    minutes = f"{plan.outage // 60} minutes"
    title = f"{plan.collectors} collectors, {minutes} without InfluxDB, which then {plan.name}"
    body = [*_requests(course), *_backlog(course), *_ages(course)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {_size(WIDTH, height)}>',
            f"<title>{title}</title><style>{_STYLE}</style>",
            f'<rect {_size(WIDTH, height)} fill="white"/>',
            f'<text x="{LEFT}" y="18" font-weight="bold">{title}</text>',
            *body,
            "</svg>\n",
        ]
    )


def write(course: Course, path: Path) -> None:
    path.write_text(draw(course))


def _size(width: float, height: float) -> str:
    return f'width="{width:.1f}" height="{height}"'


def _panel(course: Course, number: int, least: float, most: float) -> Panel:
    return Panel(TOP + 10 + number * (PANEL + GAP), course.samples[-1].second, least, most)


def _requests(course: Course) -> list[str]:
    capacity = course.plan.capacity
    last = course.samples[-1].second
    points = [
        (second, max(course.rate(second, second + SAMPLE_SECONDS)))
        for second in range(0, last, SAMPLE_SECONDS)
    ]
    most = max(1.25 * capacity, *(value for _, value in points))
    panel = _panel(course, 0, 0, most)
    marks = [(value, f"{value:.0f}") for value in (0, capacity / 2, capacity)]
    return [
        *panel.frame(course, HEADINGS[0], marks),
        panel.line([(0, capacity), (last, capacity)], "#888"),
        panel.line(points, _INK[0]),
    ]


def _backlog(course: Course) -> list[str]:
    most = max(sample.waiting for sample in course.samples)
    panel = _panel(course, 1, 0, 1000)
    points = [(sample.second, sample.waiting / most * 1000) for sample in course.samples]
    marks = [(value, f"{value}") for value in (0, 500, 1000)]
    return [*panel.frame(course, HEADINGS[1], marks), panel.line(points, _INK[0])]


def _ages(course: Course) -> list[str]:
    panel = _panel(course, 2, 0, log10(_AGES[-1]))
    marks = [(log10(age), f"{age:.0f}") for age in _AGES]
    lines = [
        panel.line([(s.second, log10(max(1.0, s.ages[n]))) for s in course.samples], ink)
        for n, ink in enumerate(_INK)
    ]
    return [*panel.frame(course, HEADINGS[2], marks), *lines]
