"""Write the files.

python3 -m dashboards.build                 write those that are shipped
python3 -m dashboards.build --check         tell which are not what would be written
python3 -m dashboards.build --cloud FOLDER  Grafana's, without a refresh, into another folder
"""

# ruff: noqa: T201  a command prints

import sys
from collections.abc import Mapping
from pathlib import Path

from dashboards.build.files import files, for_the_cloud

HERE = Path(__file__).resolve().parents[1]


def main() -> int:
    match sys.argv[1:]:
        case []:
            return _write(HERE, files())
        case ["--check"]:
            stale = _stale(HERE, files())
            for name in stale:
                print(f"stale {name}", file=sys.stderr)
            return 1 if stale else 0
        case ["--cloud", folder]:
            return _write(Path(folder), for_the_cloud())
    print(__doc__, file=sys.stderr)
    return 2


def _write(folder: Path, wanted: Mapping[str, str]) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    for name in _stale(folder, wanted):
        (folder / name).write_text(wanted[name], encoding="utf-8")
        print(f"wrote {name}", file=sys.stderr)
    return 0


def _stale(folder: Path, wanted: Mapping[str, str]) -> list[str]:
    return [
        name
        for name, text in wanted.items()
        if not (folder / name).exists() or (folder / name).read_text(encoding="utf-8") != text
    ]


if __name__ == "__main__":
    sys.exit(main())
