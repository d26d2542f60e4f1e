"""The seeds of what tests draw at random: each is in its test's name, to draw the same again.

`P1_TEST_SEED` repeats a draw, `P1_TEST_REPEAT` draws so many.
"""

import os
import random
import secrets
from typing import Final

LARGEST: Final = 10**9


def seeds() -> list[int]:
    """Give as many as are wanted, the same in all processes of a run of pytest."""
    if given := os.environ.get("P1_TEST_SEED"):
        return [int(given)]
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or secrets.token_hex()
    draw = random.Random(run)  # noqa: S311  no secret
    return [draw.randrange(LARGEST) for _ in range(int(os.environ.get("P1_TEST_REPEAT", "1")))]
