"""README.md says what the program does: each command, setting and measurement, and the proof."""

import re
from pathlib import Path

import pytest

from bed import readme
from bed.service import Service
from collector.commands import cli
from collector.settings.settings import Settings, names

ROOT = readme.ROOT
TEXT = (ROOT / "README.md").read_text()
EXAMPLES = sorted((ROOT / "telegrams").glob("*.txt"))
OWN_LINE = re.compile(r"^collector,(?P<tags>\S+) (?P<fields>\S+) \d+$", re.MULTILINE)


@pytest.mark.parametrize(
    "block",
    [
        readme.commands(),
        readme.settings(),
        readme.fields(),
        readme.more_fields(),
        readme.segment(),
        readme.damage(2),
    ],
    ids=["commands", "settings", "fields", "more fields", "segment", "damage"],
)
def test_what_is_generated_is_what_the_code_makes_now(block: str) -> None:
    assert f"]]] -->\n{block}<!-- [[[end]]] -->" in TEXT


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_command_is_named(command: str) -> None:
    assert f"\n| `{command}` | " in TEXT


@pytest.mark.parametrize("name", [n for field in Settings.model_fields for n in names(field)])
def test_every_variable_is_named(name: str) -> None:
    assert f"`{name}`" in TEXT


def test_every_variable_that_is_named_is_one() -> None:
    known = {name for field in Settings.model_fields for name in names(field)}

    named = {name.removesuffix("_FILE") for name in re.findall(r"\bP1_[A-Z_]+\b", TEXT)}
    assert named <= known


def test_every_file_that_is_named_is_there() -> None:
    named = re.findall(r"`((?:tests|collector|telegrams|infra)/[^` ]*)`", TEXT)
    missing = [name for name in named if not (ROOT / name).exists()]

    assert len(named) > 5
    assert missing == []


def test_each_promise_has_its_proof() -> None:
    promises = TEXT.partition("## Promises")[2].partition("\nPrograms")[0]
    each = re.split(r"\n\d\. ", promises)[1:]

    assert len(each) == 7
    assert [promise for promise in each if not re.search(r"Proof:\s+`", promise)] == []


def described() -> dict[str, str]:
    """Each measurement and its row of the table."""
    rows = re.findall(r"^\| (`[a-z_`, ]+`) \| .*$", TEXT, re.MULTILINE)
    lines = {
        row: line for line in TEXT.splitlines() for row in rows if line.startswith(f"| {row}")
    }
    return {name: line for row, line in lines.items() for name in re.findall(r"\w+", row)}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_every_measurement_is_described_with_its_tags(example: Path) -> None:
    points = readme.decoded("--line-protocol", str(example)).splitlines()
    heads = {line.replace("\\ ", "").split(" ")[0] for line in points}
    rows = described()
    missing = [
        (measurement, tag)
        for measurement, *tags in (head.split(",") for head in heads)
        for tag in tags
        if f"`{tag.partition('=')[0]}`" not in rows[measurement]
    ]

    assert missing == []


@pytest.mark.slow
def test_every_field_of_the_programs_own_state_is_named(tmp_path: Path) -> None:
    service = Service(tmp_path, P1_SOURCE=f"file://{EXAMPLES[0]}")
    service.start()
    assert service.process.wait(100) == 0
    kept = "".join(path.read_text() for path in service.spool.glob("*.*"))
    point = OWN_LINE.search(kept)
    assert point
    row = described()["collector"]
    fields = [field.partition("=")[0] for field in point["fields"].split(",")]

    assert [name for name in fields if f"`{name}`" not in row] == []
