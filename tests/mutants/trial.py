"""One run of pytest on a copy of the project, in a process that has the heavy imports already."""

import multiprocessing
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

LONGEST_SECONDS: Final = 600
PASSED: Final = 0
FAILED: Final = 1
NONE: Final = 5  # there are no such tests
NICE: Final = 10
OPTIONS: Final = (
    *("-x", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", "--timeout=60"),
    *("--hypothesis-profile=quick", "--hypothesis-seed=0"),
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),  # of what is imported already
)
QUICK: Final = "not slow and not influxdb"
SLOW: Final = "slow and not influxdb"
_FORKS: Final = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    ["pytest", "hypothesis", "tenacity", "pydantic_settings", "influxdb_client", "serial"]
)


def tried(
    copy: Path, tests: Sequence[str], which: str = QUICK, *, keep_bytecode: bool = False
) -> tuple[int, str]:
    """Run tests until the first fails; gives the status and the last words.

    What hangs has been noticed, too. With `keep_bytecode` the next runs begin faster; it is not
    for a copy with a mistake in it.
    """
    words = copy / "said.txt"
    work = _FORKS.Process(target=_run, args=(copy, (*tests, "-m", which), words, keep_bytecode))
    work.start()
    work.join(LONGEST_SECONDS)
    if work.is_alive():
        work.kill()
        work.join()
        return FAILED, "it hung"
    return work.exitcode or 0, words.read_text(errors="replace")[-2000:].strip()


def _run(copy: Path, tests: Sequence[str], words: Path, keep_bytecode: bool) -> None:  # noqa: FBT001  how processes are given it
    os.nice(NICE)
    os.chdir(copy)
    # Before the checkout, which is what is installed; conftest.py checks that.
    ours = {"PYTHONPATH": str(copy), "TEST_INSTALLED_IN": str(copy), "PYTHONSAFEPATH": "1"}
    os.environ.update(ours)
    sys.path.insert(0, str(copy))
    sys.dont_write_bytecode = not keep_bytecode
    with words.open("w") as said:
        os.dup2(said.fileno(), 1)
        os.dup2(said.fileno(), 2)

    import pytest  # noqa: PLC0415  it is there already where this runs

    status = pytest.main([*OPTIONS, *tests])
    sys.stdout.flush()
    os._exit(status)
