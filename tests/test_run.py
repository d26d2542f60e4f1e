"""What `tests/run` says to somebody who calls it wrongly."""

import subprocess
import sys
from pathlib import Path

RUN = Path(__file__).parent / "run"


def test_an_unknown_mode_is_answered_with_the_usage() -> None:
    done = subprocess.run(
        [sys.executable, RUN, "quik"], check=False, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: there is no mode `quik`")
    assert "./tests/run quick" in done.stderr
