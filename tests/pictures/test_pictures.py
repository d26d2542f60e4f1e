"""Every dashboard is drawn for every kind of household, and its page says what it should."""

import os
import re
from pathlib import Path
from typing import Any, Final

import pytest

from dashboards.asked import Ask
from dashboards.homes import NOW
from dashboards.shipped import ROOT, Json, dashboards, panels
from pictures.page import PHONE, WIDE, Page, job

pytestmark = [pytest.mark.influxdb, pytest.mark.slow, pytest.mark.timeout(1800)]

DASHBOARDS: Final = dashboards()
DUTCH: Final = {
    *("Running quarter hour", "Until the quarter hour ends", "Peak of this month"),
    *("Mean of twelve months", "That costs in a year", "The running quarter and the peak"),
    "The month peaks",
}
SOLAR: Final = {"Solar today", "Solar power", "Solar, each day", "Solar by month"}
CONTRACTED: Final = {
    *("Price of this quarter hour", "An hour like this", "Price of a kWh"),
    *("The next 24 hours", "Cheapest and dearest to come"),
    *("This contract's year", "Each day by the contracts", "The months by the contracts"),
    *("Netting as it builds up", "Capacity tariff"),
}
EMPTY: Final = {
    "utrecht": {"Water today", "Water, each day", "Messages", "Capacity tariff", *DUTCH, *SOLAR},
    "almere": {
        *("Water today", "Water, each day", "Messages", *DUTCH, *SOLAR, *CONTRACTED),
    },
    "meppel": {
        *("Water today", "Water, each day", "Messages", *DUTCH, *SOLAR, *CONTRACTED),
        *("Standby", "Standby, the lowest night", "Standby, the middle night"),
        *("Voltage", "Lowest voltage", "Highest voltage"),
    },
    "gent": {"Voltage sags", "Voltage swells", "Power failures", "Log of the long failures"}
    | {"Messages", "Price of a kWh", *SOLAR}
    | {"The next 24 hours", "Cheapest and dearest to come"},
}
"""What a household does not have: a meter of its kind, panels, a contract, prices of a market, a
night with the collector, a year ago."""

DRAWN: Final = [
    pytest.param(name, site, width, id=f"{name}-{site}-{width}")
    for name in DASHBOARDS
    for site in (EMPTY if name != "collector" else ("utrecht",))
    for width in ((WIDE, PHONE) if site in {"utrecht", "gent"} else (WIDE,))
]

NUMBER: Final = r"-?\d+(\.\d+)?"
LABELS: Final = {
    "suffix": NUMBER + " ({unit})",
    "prefix": "{unit}" + NUMBER,
    "none": NUMBER,
    "s": NUMBER + " (s|mins?|hours?|days?)",
    "bytes": NUMBER + " ([KMG]i)?B",
}
"""What stands at an axis, by the kind of its unit."""

ALONG: Final = (
    r"\d\d:\d\d",
    r"\d{1,2} (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)",
    r"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)",
    r"20\d\d(-\d\d|-W\d\d)?",
)
"""Times of the day, days, months, weeks and years."""


@pytest.fixture(scope="session")
def drawings() -> dict[Any, Json]:
    return {}


@pytest.fixture
def drawn(
    drawings: dict[Any, Json],
    ask: Ask,
    page: Page,
    folder: Path,
    name: str,
    site: str,
    width: int,
) -> Json:
    """Draw a dashboard once, for all tests of it."""
    key = (name, site, width)
    if key not in drawings:
        picture = folder / f"{name}-{site}-{width}.png"
        drawings[key] = page.drawn(job(ask, name, site, NOW, width, picture, None))
    return drawings[key]


every_drawing: Final = pytest.mark.parametrize(("name", "site", "width"), DRAWN)


@every_drawing
def test_no_panel_of_a_household_that_has_the_data_says_that_it_has_none(
    drawn: Json, name: str, site: str
) -> None:
    nothing = {
        panel["title"]: panel["fieldConfig"]["defaults"]["noValue"]
        for panel in panels(DASHBOARDS[name])
    }
    empty = {
        panel["title"]
        for panel in drawn["panels"]
        if panel["empty"] or nothing[panel["title"]] in panel["words"].splitlines()
    }

    shown = {panel["title"] for panel in drawn["panels"]}
    assert empty == EMPTY[site] & shown - ({"Messages"} if name == "collector" else set())
    said = [panel["empty"] for panel in drawn["panels"] if panel["title"] in DUTCH]
    assert sum("does not send it" in (words or "") for words in said) <= 1


@every_drawing
def test_every_label_of_an_axis_is_one_that_a_person_expects(drawn: Json, name: str) -> None:
    units = {
        (panel["title"], panel["type"]): panel["fieldConfig"]["defaults"]["unit"]
        for panel in panels(DASHBOARDS[name])
    }
    for panel in drawn["panels"]:
        for (title, kind), unit in units.items():
            if title == panel["title"] and kind in {"timeseries", "barchart"}:
                for label in panel["axes"]:
                    assert _is_expected(label, unit), (title, label)


def _is_expected(label: str, unit: str) -> bool:
    kind, _, text = unit.partition(":")
    wanted = LABELS[kind].format(unit=re.escape(text))
    return any(re.fullmatch(each, label) for each in (wanted, *ALONG))


@every_drawing
def test_no_axis_has_a_label_twice(drawn: Json) -> None:
    """A day's first watt-hours would be "0 kWh" six times over."""
    for panel in drawn["panels"]:
        heights = [label for label in panel["axes"] if re.match(NUMBER + r" k?W", label)]
        assert len(set(heights)) == len(heights), panel["title"]


@every_drawing
def test_a_series_has_a_name_of_the_projects_words(drawn: Json) -> None:
    for panel in drawn["panels"]:
        for series in panel["series"]:
            assert not re.search(r"\breturn|\btaken|\bgiven|\(|_", series), panel["title"]


@every_drawing
def test_the_console_has_no_error(drawn: Json) -> None:
    assert drawn["errors"] == []


@every_drawing
def test_nothing_is_cut_at_the_edge(drawn: Json, width: int) -> None:
    assert drawn["wide"] == width
    assert {p["title"]: p["cut"] for p in drawn["panels"] if p["cut"]} == {}


README: Final = {
    "now": ("utrecht", None),
    "history": ("utrecht", 1300),
    "cost": ("utrecht", 870),
    "peak-demand": ("gent", None),
}
"""The pictures in the READMEs: whose, and how much of it."""


@pytest.mark.parametrize("name", README)
def test_the_readme_has_a_picture_that_a_slow_line_can_carry(
    ask: Ask, page: Page, folder: Path, name: str
) -> None:
    """`P1_TEST_RENEW` draws it anew; it changes only when a dashboard does, or its data."""
    site, most = README[name]
    kept = ROOT / "dashboards" / "pictures" / f"{name}.webp"
    place = kept if os.environ.get("P1_TEST_RENEW") else folder / kept.name
    place.parent.mkdir(exist_ok=True)
    page.drawn(job(ask, name, site, NOW, WIDE, place, most))

    assert place.stat().st_size < 150_000
    assert kept.exists()
    linked = (ROOT / "dashboards" / "README.md").read_text() + (ROOT / "README.md").read_text()
    assert f"pictures/{name}.webp" in linked
