"""Blanks between brackets.

Beside a number, its sign, `*` and unit, and beside the brackets, they mean nothing: Holley prints
`(000.5*kWh )`, Logarex `( 000.03*kW)`. Within the digits they are damage: a zero of which one bit
was lost is a blank.
"""

import re
from typing import Final

BLANK: Final = re.compile(r"[ \t]")
_BESIDE: Final = re.compile(r"[ \t]*([()*])[ \t]*")
_SIGN: Final = re.compile(r"(?:(?<=\()|^)([+-])[ \t]+")
_NO_BLANKS: Final = {ord(" "): None, ord("\t"): None}


def without_blanks(body: str) -> str:
    """Leave out the blanks that mean nothing."""
    return _SIGN.sub(r"\1", _BESIDE.sub(r"\1", body.strip(" \t")))


def with_blanks(body: str, column: int) -> int:
    """Find the place in `body` of a column of what it is without blanks."""
    if not BLANK.search(body):
        return column
    tight = without_blanks(body)
    left = len(tight[:column].translate(_NO_BLANKS))
    places = [place for place, char in enumerate(body) if char not in " \t"]
    return places[left] if left < len(places) else len(body)
