"""The lines of a systemd unit."""

from pathlib import Path
from typing import Final

INFRA: Final = Path(__file__).resolve().parents[2] / "infra"
UNIT: Final = INFRA / "p1-collector.service"
SECOND: Final = INFRA / "p1-collector@.service"
PRICES: Final = INFRA / "p1-collector-prices.service"
TIMER: Final = PRICES.with_suffix(".timer")


def directives(unit: Path) -> list[str]:
    """Give the lines that are no comments, in order."""
    lines = unit.read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def values(unit: Path, name: str) -> list[str]:
    """Give the values of one directive, in order."""
    start = f"{name}="
    return [line.removeprefix(start) for line in directives(unit) if line.startswith(start)]


def value(unit: Path, name: str) -> str:
    """Give the value of a directive that is there once."""
    (only,) = values(unit, name)
    return only
