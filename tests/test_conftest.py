"""The rules that hold for every test, held to themselves."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SKIPS = """
import pytest
{mark}
def test_skips():
    pytest.skip("no such thing here")
"""
SKIPS_ALL = """
import pytest
pytest.importorskip("no_such_module")
"""


@pytest.mark.parametrize("text", [SKIPS.format(mark=""), SKIPS_ALL])
def test_a_skip_fails_in_ci_and_nowhere_else(text: str, tmp_path: Path) -> None:
    assert "failed" not in _closing_line(tmp_path, text, ci="")
    closing = _closing_line(tmp_path, text, ci="true")
    assert "failed" in closing or "error" in closing


def test_a_skip_that_is_declared_does_not_fail(tmp_path: Path) -> None:
    text = SKIPS.format(mark="@pytest.mark.may_skip")
    assert "1 skipped" in _closing_line(tmp_path, text, ci="true")


def _closing_line(folder: Path, text: str, *, ci: str) -> str:
    (folder / "test_it.py").write_text(text)
    ini = folder / "pytest.ini"
    ini.write_text("[pytest]\nmarkers = may_skip\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "conftest", "-c", ini, folder],
        env=os.environ | {"CI": ci, "PYTHONPATH": str(Path(__file__).parent)},
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        timeout=100,
    )
    return done.stdout.splitlines()[-1]
