"""Write the files, or with `--check` tell which are not what the builder makes."""

import sys
from pathlib import Path

from dashboards.build.files import files

HERE = Path(__file__).resolve().parents[1]


def main() -> int:
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        print("usage: python -m dashboards.build [--check]", file=sys.stderr)  # noqa: T201  a command
        return 2
    stale = []
    for name, text in files().items():
        path = HERE / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if not check:
                path.write_text(text, encoding="utf-8")
    for name in stale:
        print(f"{'stale' if check else 'wrote'} {name}", file=sys.stderr)  # noqa: T201  a command
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
