"""What a person types behind an option: numbers and times, or what is wrong with them."""

from argparse import ArgumentTypeError
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from math import inf
from typing import TypeVar

_N = TypeVar("_N", int, float)


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


def _reads(
    kind: Callable[[str], _N], fits: Callable[[_N], bool], wanted: str
) -> Callable[[str], _N]:
    def read(text: str) -> _N:
        with suppress(ValueError):
            if fits(value := kind(text)):
                return value
        raise unfit(wanted, text)

    return read


number = _reads(float, lambda value: 0 < value < inf, "a number above 0")
whole = _reads(int, lambda value: value > 0, "a whole number above 0")
speed = _reads(float, lambda value: 0 <= value < inf, "a number, 0 or above")
