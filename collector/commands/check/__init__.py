"""`p1-collector check`: tries every link from the meter to InfluxDB, and says what to do.

Each probe looks at one link and gives a `Finding`. What to do about a failure stands in one table,
`remedies`. `chain` knows the order, and what need not be tried when an earlier link is broken.

Nothing is changed by looking: the port is only read, a file of a few bytes is written to the
spool's directory and removed, and of what is sent to InfluxDB see `database`. While the service
runs, what it says of the port in its status file counts, for a port has one reader.

`--json` writes one object when all is done: `ok`, `version`, `settings` (name, value, origin) and
`findings` (link, outcome, what, remedy). Exit 0, or 1 if a link fails; a warning is no failure.
"""

import argparse
import json
import sys
import textwrap
from collections.abc import Iterable
from dataclasses import asdict
from typing import Final

from collector import __version__
from collector.commands.arguments import number
from collector.commands.check.finding import Finding, Outcome
from collector.commands.output import put

_WIDTH: Final = 14
_INDENT: Final = " " * 7
_COLUMNS: Final = 99


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument(
        "--seconds",
        type=number,
        metavar="S",
        default=15.0,
        help="how long to listen to the meter at each speed (default 15)",
    )
    parser.add_argument(
        "--map-bucket",
        action="store_true",
        help="let a database of InfluxQL lead to the bucket, which Grafana needs in the cloud",
    )
    parser.epilog = "Exit 0 if every link holds, 1 if one fails. It works beside the service."


def main(options: argparse.Namespace) -> int:
    # pydantic takes long to import, and `--help` needs none of this.
    from collector.commands.check.chain import Chain  # noqa: PLC0415
    from collector.commands.check.configuration import settings_in_words  # noqa: PLC0415
    from collector.settings.settings import load, origins  # noqa: PLC0415

    settings, problems = load()
    places = origins()
    listed = list(settings_in_words(settings, places))
    chain = Chain(settings, problems, len(places), options.seconds)
    if options.json:
        found = list(chain.findings())
        facts = {
            "ok": all(finding.outcome is not Outcome.FAIL for finding in found),
            "version": __version__,
            "settings": [asdict(setting) for setting in listed],
            "findings": [asdict(finding) for finding in found],
        }
        _print([json.dumps(facts, indent=2, ensure_ascii=False)])
        return 0 if facts["ok"] else 1
    if not options.map_bucket:
        rows = [(s.name, s.value, f"({s.origin})") for s in listed if s.telling]
        names, values = (max(len(row[n]) for row in rows) for n in (0, 1))
        lines = (f"  {name:<{names}}  {value:<{values}}  {origin}" for name, value, origin in rows)
        _print([f"p1-collector {__version__}", *lines, ""])
    outcomes = []
    for finding in chain.mapping() if options.map_bucket else chain.findings():
        outcomes.append(finding.outcome)
        _print(in_words(finding))  # at once: to listen to a meter takes its time
    failed, warned = map(outcomes.count, (Outcome.FAIL, Outcome.WARN))
    _print(["", f"{failed} failed, {warned} to look at, of {len(outcomes)} links"])
    return 1 if failed else 0


def in_words(finding: Finding) -> list[str]:
    """Give a finding as lines: the link, and below it what to do."""
    lines = [f"{finding.outcome:<5}  {finding.link:<{_WIDTH}} {finding.what}"]
    if finding.remedy:
        wide = _COLUMNS - len(_INDENT)
        lines += [f"{_INDENT}{text}" for text in textwrap.wrap(f"→ {finding.remedy}", wide)]
    return lines


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        put(line)
    sys.stdout.flush()
