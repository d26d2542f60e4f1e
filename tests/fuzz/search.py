"""Search for bytes that break a promise, led by which code they reach: `./tests/run fuzz 20`.

    python tests/fuzz/search.py NAME SECONDS     one of the properties in properties.py

It ends with status 0 after so many seconds in which nothing was found. What was found lies in
`.fuzz/`; `python tests/fuzz/search.py NAME 0 FILE` tries it again.
"""

import sys
import tempfile
from pathlib import Path

import atheris

FOUND = Path(__file__).parents[2] / ".fuzz"

with atheris.instrument_imports(include=["collector"]):
    from fuzz.properties import PROPERTIES, seeds


def main(name: str, seconds: str, *files: str) -> None:
    """Search, which does not return."""
    FOUND.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"p1-fuzz-{name}-") as corpus:
        for n, seed in enumerate(seeds(name)):
            Path(corpus, f"seed{n}").write_bytes(seed)
        options = [
            f"-max_total_time={seconds}",
            f"-artifact_prefix={FOUND}/{name}-",
            "-timeout=10",
            "-rss_limit_mb=1024",
            "-max_len=8192",
            "-print_final_stats=1",
            "-verbosity=1",
        ]
        atheris.Setup([sys.argv[0], *options, *(files or [corpus])], PROPERTIES[name])
        atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
