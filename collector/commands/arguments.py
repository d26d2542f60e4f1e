"""What a person types behind an option: numbers and times, or what is wrong with them."""

from argparse import ArgumentTypeError
from collections.abc import Callable
from datetime import UTC, datetime
from math import inf


def number(text: str) -> float:
    """Read a number above 0."""
    return _read(text, float, lambda value: 0 < value < inf, "a number above 0")


def whole(text: str) -> int:
    """Read a whole number above 0."""
    return int(_read(text, int, lambda value: value > 0, "a whole number above 0"))


def speed(text: str) -> float:
    """Read a number that may be 0."""
    return _read(text, float, lambda value: 0 <= value < inf, "a number, 0 or above")


def moment(text: str) -> datetime:
    """Read a time, which is UTC unless it says otherwise."""
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        raise unfit("a time such as 2026-01-31T18:00", text) from None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def unfit(wanted: str, text: str) -> ArgumentTypeError:
    """Say what an option wants, and what it got."""
    return ArgumentTypeError(f"must be {wanted} (got `{text}`)")


def _read(
    text: str, kind: Callable[[str], float], fits: Callable[[float], bool], wanted: str
) -> float:
    try:
        value = kind(text)
    except ValueError:
        raise unfit(wanted, text) from None
    if not fits(value):
        raise unfit(wanted, text)
    return value
