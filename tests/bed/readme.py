"""The blocks of README.md that are made from the code: `cog -r README.md` writes them anew."""

import contextlib
import importlib
import io
import re
import tomllib
from collections.abc import Iterable, Iterator
from datetime import timedelta, timezone
from pathlib import Path
from typing import Final

from collector.commands import cli
from collector.commands.show.screen import render
from collector.p1.obis import FIELDS, Field, Kind
from collector.remedies import Remedy
from collector.settings.settings import Settings, names
from collector.spool.record import Record, RecordId
from commands.show.statuses import status
from infra.environment_file import descriptions

ROOT: Final = Path(__file__).parents[2]
ELECTRICITY: Final = (Kind.REGISTER, Kind.COUNTER, Kind.CODE, Kind.PEAK)
_BY_PHASE: Final = re.compile(r"_l[123](?=_|$)")
_BY_TARIFF: Final = re.compile(r"_t[1-4](?=_|$)")
_WHICH: Final = re.compile(r",? ?(?:phase L|tariff )[1-4]")
_HOME: Final = ("DSMR", "e-MUCS")
_TOTALS: Final = ("energy_import_kwh", "energy_export_kwh")
_EXAMPLE: Final = "telegrams/dsmr42-1phase-gas.txt"
_DAMAGED: Final = "telegrams/dsmr50-damaged-lines.txt"


def rooms() -> str:
    """Each folder and module of `collector/`, highest floor first, as its docstring begins."""
    (contract,) = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
    names = [name for floor in contract["layers"][1:] for name in floor.split(" | ")]
    rows = ((_room(name), _begins(name)) for name in names)
    return _table(("in `collector/`", "what is there"), rows)


def _room(name: str) -> str:
    return f"`{name}/`" if (ROOT / "collector" / name).is_dir() else f"`{name}.py`"


def _begins(name: str) -> str:
    text = importlib.import_module(f"collector.{name}").__doc__ or ""
    return text.partition("\n\n")[0].replace("\n", " ").removesuffix(".")


def screen() -> str:
    """What `show` shows of a house in the sun."""
    lines = render(status(), 80, colour=False, zone=timezone(timedelta(hours=2)))
    return "\n".join(("```", *map(str.rstrip, lines), "```", ""))


def commands() -> str:
    """Every command and what it does."""
    rows = ((f"`{name}`", summary) for name, summary in cli.COMMANDS.items())
    return _table(("command", "what it does"), rows)


def settings() -> str:
    """Every setting: its variables, its default, what it does."""
    rows = (
        (_variables(name), _default(name), _description(name)) for name in Settings.model_fields
    )
    return _table(("variable", "default", "what it does"), rows)


def fields() -> str:
    """The fields of `electricity` that Dutch and Belgian meters send."""
    return _fields(at_home=True)


def more_fields() -> str:
    """The fields of `electricity` that only other meters send."""
    return _fields(at_home=False)


def segment() -> str:
    """A telegram as it lies in a segment."""
    body = decoded("--line-protocol", _EXAMPLE).encode()
    return _block(Record(RecordId("5f0c9e2ab417", 42), body).encode().decode())


def damage(errors: int) -> str:
    """What `decode` says of the first lines that cannot be read."""
    text = decoded(_DAMAGED).partition("  damaged lines\n")[2]
    shown = [line.removeprefix("    ") for line in text.splitlines()[: 3 * errors]]
    return _block("\n".join(shown) + "\n")


def troubleshooting() -> str:
    """What may be wrong, and what to do: the remedies of `check`."""
    rows = ((remedy.symptom, remedy.advice) for remedy in Remedy)
    return _table(("what you see", "what to do"), rows)


def decoded(*arguments: str) -> str:
    """What `p1-collector decode` prints to standard output."""
    output = io.StringIO()
    with (
        contextlib.chdir(ROOT),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        cli.main(["decode", *arguments])
    return output.getvalue()


def _fields(*, at_home: bool) -> str:
    """One row a field; those of several phases or tariffs share one."""
    merged: dict[str, list[Field]] = {}
    for field in FIELDS:
        if field.kind in ELECTRICITY:
            merged.setdefault(_pattern(field.name), []).append(field)
    rows = (
        (_spelled(rows), _unit(rows[0]), _meaning(rows), ", ".join(_codes(rows)))
        for rows in merged.values()
        if any(map(_is_at_home, rows)) == at_home
    )
    return _table(("field", "unit", "what it is", "OBIS"), rows)


def _is_at_home(row: Field) -> bool:
    """The totals are written for every meter: where they are not sent, they are added up."""
    return row.source.startswith(_HOME) or row.name in _TOTALS


def _unit(row: Field) -> str:
    return row.kind if row.kind in (Kind.COUNTER, Kind.CODE) else row.unit


def _pattern(name: str) -> str:
    return _BY_TARIFF.sub("_t#", _BY_PHASE.sub("_l#", name))


def _spelled(rows: Iterable[Field]) -> str:
    """The first name in full, and what the others have in its place."""
    first, *others = dict.fromkeys(row.name for row in rows)
    short = [match[0] for name in others if (match := re.search(r"_[lt][1-4](?=_|$)", name))]
    return ", ".join(f"`{name}`" for name in (first, *short))


def _meaning(rows: list[Field]) -> str:
    several = len({row.name for row in rows}) > 1
    return _WHICH.sub("", rows[0].doc) if several else rows[0].doc


def _codes(rows: Iterable[Field]) -> Iterator[str]:
    """The codes without the medium, which is electricity."""
    yield from dict.fromkeys(row.code.removeprefix("1-0:") for row in rows)


def _variables(field: str) -> str:
    ours, *others = names(field)
    also = " or ".join(f"`{name}`" for name in others)
    return f"`{ours}`, or {also}" if also else f"`{ours}`"


def _default(field: str) -> str:
    value = Settings.model_fields[field].default
    return (
        "" if value in (None, "") else f"`{value:g}`" if isinstance(value, float) else f"`{value}`"
    )


def _description(field: str) -> str:
    return descriptions()[field]


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _block(text: str) -> str:
    return f"```\n{text}```\n"
