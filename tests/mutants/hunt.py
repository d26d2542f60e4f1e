"""Try every mutant: a copy of the project, one mistake in it, the tests that should notice.

    ./tests/run mutants            all of them: a quarter of an hour
    ./tests/run mutants WORDS      those that have the words in their file or their sentence

The quick tests are asked first, then the slow ones that need no InfluxDB. A mutant that none of
them notices is a survivor: a promise that nothing proves, or no mistake at all. The exit status is
1 if there is one.
"""

import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Final

from mutants.mutant import PROMISES, ROOT, Mutant, mutants
from mutants.trial import FAILED, NONE, PASSED, SLOW, tried

AT_ONCE: Final = 2
PARTS: Final = ("collector", "tests", "telegrams", "infra", "dashboards", "pyproject.toml",
                "README.md", "LICENSE")  # fmt: skip
NOTICED: Final = "noticed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the tests said of a mutant: noticed, `SURVIVED`, or `ERROR` if they did not run."""

    mutant: Mutant
    word: str
    seconds: float
    said: str

    def __str__(self) -> str:
        by = self.said.rpartition("FAILED ")[2].partition(" - ")[0].partition("\n")[0]
        what = f"{self.mutant.file}: {self.mutant.what}"
        return f"{self.word:<8} {self.seconds:5.1f} s  {what}" + f" ({by})" * (
            self.word == NOTICED
        )


def main(words: Sequence[str]) -> int:
    chosen = [m for m in mutants() if " ".join(words) in f"{m.file} {m.what}"]
    verdicts: list[Verdict] = []
    with tempfile.TemporaryDirectory(prefix="p1-mutants-") as name:
        copies = [_copied(Path(name, str(n))) for n in range(AT_ONCE)]
        for tests, some in _by_tests(chosen).items():
            if _are_sound(tests, copies):
                verdicts += _judgements(some, copies)
    _table(verdicts)
    tried_all = len(verdicts) == len(chosen)
    return 0 if tried_all and all(v.word == NOTICED for v in verdicts) else 1


def _by_tests(chosen: Iterable[Mutant]) -> dict[tuple[str, ...], list[Mutant]]:
    groups: dict[tuple[str, ...], list[Mutant]] = {}
    for mutant in chosen:
        groups.setdefault(tuple(mutant.tests), []).append(mutant)
    return groups


def _are_sound(tests: Sequence[str], copies: Sequence[Path]) -> bool:
    """Whether tests pass where there is no mistake: else they would notice anything."""
    status, said = tried(copies[0], tests, keep_bytecode=True)
    if status == NONE:
        status, said = tried(copies[0], tests, SLOW, keep_bytecode=True)
    if status != PASSED:
        _say(f"!! the tests do not pass without a mutant: {' '.join(tests)}\n{said}")
    for other in copies[1:]:  # what is compiled is compiled for all
        shutil.copytree(copies[0], other, dirs_exist_ok=True)
    return status == PASSED


def _judgements(chosen: Iterable[Mutant], copies: Iterable[Path]) -> Iterator[Verdict]:
    """Try them on several copies at once."""
    free: SimpleQueue[Path] = SimpleQueue()
    for copy in copies:
        free.put(copy)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for verdict in pool.map(lambda mutant: _judged(mutant, free), chosen):
            _say(str(verdict))
            yield verdict


def _judged(mutant: Mutant, copies: SimpleQueue[Path]) -> Verdict:
    copy = copies.get()
    path = copy / mutant.file
    source = path.read_text()
    began = time.monotonic()
    try:
        path.write_text(mutant.put_into(source))
        status, said = tried(copy, mutant.tests)
        if status in {PASSED, NONE}:
            quick, (status, said) = status, tried(copy, mutant.tests, SLOW)
            status = quick if status == NONE else status
    except ValueError as error:
        status, said = -1, str(error)
    finally:
        path.write_text(source)
        copies.put(copy)
    word = {PASSED: "SURVIVED", FAILED: NOTICED}.get(status, "ERROR")
    return Verdict(mutant, word, time.monotonic() - began, said)


def _copied(copy: Path) -> Path:
    """Copy the project."""
    copy.mkdir()
    for part in PARTS:
        _copy(ROOT / part, copy / part)
    return copy


def _copy(old: Path, new: Path) -> None:
    if old.is_dir():
        shutil.copytree(old, new, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
    else:
        shutil.copy2(old, new)


def _table(verdicts: Sequence[Verdict]) -> None:
    count = Counter(verdict.mutant.breaks for verdict in verdicts)
    noticed = Counter(v.mutant.breaks for v in verdicts if v.word == NOTICED)
    _say(f"\n{'promise':<62} mutants  noticed")
    for key, words in PROMISES.items():
        _say(f"{f'{key}: {words}':<62} {count[key]:>7}  {noticed[key]:>7}")
    _say(f"{'all':<62} {len(verdicts):>7}  {noticed.total():>7}")
    for verdict in verdicts:
        if verdict.word != NOTICED:
            _say(f"{verdict.word}: {verdict.mutant.file}: {verdict.mutant.what}")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
