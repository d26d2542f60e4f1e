"""A release is one command: a dated changelog, a tag, an sdist, a wheel and their checksums."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from collector import __version__
from infra.units import INFRA

ROOT = INFRA.parent

pytestmark = pytest.mark.slow


def run(place: Path, *command: str) -> subprocess.CompletedProcess[str]:
    who = {
        f"GIT_{role}_{part}": "a@b.invalid" for role in ("AUTHOR", "COMMITTER") for part in PARTS
    }
    return subprocess.run(
        command,
        cwd=place,
        env={**os.environ, **who, "PYTHON": sys.executable},
        check=False,
        capture_output=True,
        text=True,
    )


PARTS = ("NAME", "EMAIL")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Give a repository with the files of this one."""
    place = tmp_path / "clone"
    listed = run(ROOT, "git", "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    if listed.returncode:
        pytest.skip("this is no clone")
    for name in filter(None, listed.stdout.split("\0")):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, place / name, follow_symlinks=False)
    for command in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "-m", "all")):
        assert run(place, "git", *command).returncode == 0
    return place


def test_a_release_has_all_its_parts_and_is_made_once(clone: Path) -> None:
    done = run(clone, "infra/release")
    assert done.returncode == 0, done.stderr

    names = {path.name for path in (clone / "dist").iterdir()}
    stem = f"p1_collector-{__version__}"
    assert names == {f"{stem}.tar.gz", f"{stem}-py3-none-any.whl", "SHA256SUMS"}
    sums = run(clone / "dist", "sha256sum", "--check", "--strict", "SHA256SUMS")
    assert (sums.returncode, sums.stdout.count(": OK")) == (0, 2)
    assert run(clone, "git", "tag", "--points-at", "HEAD").stdout == f"v{__version__}\n"
    changelog = (clone / "README.md").read_text().partition("## Changelog")[2]
    assert f"\n### Unreleased\n\n### {__version__} (20" in changelog
    assert run(clone, "git", "status", "--porcelain").stdout == ""

    again = run(clone, "infra/release")
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr.startswith(f"error: v{__version__} has been released\n")


def test_what_is_not_committed_is_not_released(clone: Path) -> None:
    (clone / "README.md").write_text("other")
    done = run(clone, "infra/release")

    assert (done.returncode, (clone / "dist").exists()) == (1, False)
    assert done.stderr.startswith("error: there are changes without a commit\n")


def test_a_workflow_calls_what_ci_runs_and_nothing_else() -> None:
    (workflow,) = (ROOT / ".github" / "workflows").iterdir()
    steps = [line.strip() for line in workflow.read_text().splitlines() if "- " in line]
    assert steps == ["- uses: actions/checkout@v4", "- run: .ci/run"]
