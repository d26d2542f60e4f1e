"""The telegrams in `telegrams/` and the values that they must give.

    python tests/p1/golden.py               show what the program gives differently
    python tests/p1/golden.py --write       take over the difference, to be reviewed before commit
    python tests/p1/golden.py --checksum F  compute the checksums in F anew, after editing it

Each `NAME.txt` holds bytes as a meter sends them. `NAME.json` beside it says what it shows, where
that is defined, and everything that it
must give. The index in `telegrams/README.md` is made from those.
"""

import argparse
import difflib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from collector.p1.checksum import crc16
from collector.p1.document import document
from collector.p1.framing import Frame, Framer
from collector.p1.telegram import Telegram, parse
from collector.p1.time import BASE_OFFSET_HOURS

TELEGRAMS = Path(__file__).parents[2] / "telegrams"
INDEX = TELEGRAMS / "README.md"
_BEGIN = "<!-- made by tests/p1/golden.py -->\n"


def names() -> list[str]:
    return sorted(path.stem for path in TELEGRAMS.glob("*.txt"))


def stream(name: str) -> bytes:
    return (TELEGRAMS / f"{name}.txt").read_bytes()


def frames(name: str) -> list[Frame]:
    framer = Framer()
    return framer.feed(stream(name)) + framer.flush()


def golden(name: str) -> dict[str, Any]:
    """Return what is written down about a file of telegrams."""
    path = TELEGRAMS / f"{name}.json"
    written: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return written


def telegrams(name: str) -> list[Telegram]:
    """Parse a file of telegrams, with the offset that it needs."""
    offset = golden(name).get("utc_offset_hours", BASE_OFFSET_HOURS)
    return [parse(frame, utc_offset_hours=offset) for frame in frames(name)]


def produced(name: str) -> dict[str, Any]:
    """Return what should be written down: its description, and what it gives now."""
    description = {key: text for key, text in golden(name).items() if key != "telegrams"}
    return description | {"telegrams": [document(telegram) for telegram in telegrams(name)]}


def index() -> str:
    """Return the README of the telegrams with its table made anew."""
    kept = INDEX.read_text("utf-8").partition(_BEGIN)[0]
    rows = [f"| `{name}` | {_cell(name, 'shows')} | {_cell(name, 'source')} |" for name in names()]
    return "\n".join([kept + _BEGIN, "| file | shows | from |", "| --- | --- | --- |", *rows, ""])


def _cell(name: str, key: str) -> str:
    return str(golden(name)[key]).replace("|", "\\|")


def with_checksums(data: bytes) -> bytes:
    """Compute every checksum of four digits anew."""
    return re.sub(
        rb"(?s)(/.*?[\r\n)]!)[0-9A-Fa-f]{4}",
        lambda match: match[1] + b"%04X" % crc16(match[1]),
        data,
    )


def _text(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def _files() -> Iterator[tuple[Path, str]]:
    yield INDEX, index()
    for name in names():
        yield TELEGRAMS / f"{name}.json", _text(produced(name))


def main() -> int:
    parser = argparse.ArgumentParser(description="what the telegrams give")
    parser.add_argument("--write", action="store_true", help="take over the difference")
    parser.add_argument("--checksum", type=Path, nargs="+", default=[], metavar="FILE")
    args = parser.parse_args()
    for path in args.checksum:
        path.write_bytes(with_checksums(path.read_bytes()))
    differs = False
    for path, text in _files():
        before = path.read_text("utf-8")
        diff = difflib.unified_diff(
            before.splitlines(),
            text.splitlines(),
            f"{path.name} as written",
            f"{path.name} as given",
            n=2,
            lineterm="",
        )
        for line in diff:
            differs = True
            sys.stdout.write(f"{line}\n")
        if args.write:
            path.write_text(text, "utf-8")
    return int(differs and not args.write)


if __name__ == "__main__":
    sys.exit(main())
