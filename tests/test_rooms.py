"""The folders of `collector/` show its architecture, and what each says of itself is true."""

import ast
import importlib
import re
from pathlib import Path

import grimp
import pytest

import collector

HERE = Path(collector.__file__).parent
TESTS = Path(__file__).parent
ROOMS = sorted(path.parent.name for path in HERE.glob("*/__init__.py"))
FLAT = {"__init__", "__main__", "errors", "memory", "points", "protocol", "remedies"}


def test_nothing_lies_flat_but_the_schema_and_what_everybody_needs() -> None:
    assert {path.stem for path in HERE.glob("*.py")} == FLAT


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_what_it_is_for_and_exports_nothing(room: str) -> None:
    tree = ast.parse((HERE / room / "__init__.py").read_text())
    assert len((ast.get_docstring(tree) or "").splitlines()) >= 5
    assert len(tree.body) == 1


@pytest.mark.parametrize("room", sorted({*ROOMS} - {"commands"}))
def test_a_room_names_each_of_its_modules(room: str) -> None:
    """One that is not named is one that nobody finds; the commands are named by `--help`."""
    text = importlib.import_module(f"collector.{room}").__doc__ or ""
    inside = {path.stem for path in (HERE / room).glob("*.py")} - {"__init__"}
    assert {name for name in inside if not re.search(rf"\b{name}\b", text)} == set()


@pytest.mark.parametrize("room", ROOMS)
def test_the_tests_mirror_the_rooms(room: str) -> None:
    """A test module is named for what it tests, or for something that happens to all of it."""
    assert list((TESTS / room).glob("test_*.py"))
    for folder in (HERE / room).glob("*/__init__.py"):
        assert list((TESTS / room / folder.parent.name).glob("test_*.py")) or (
            folder.parent.name in {"demo", "once"}
        )


def test_no_import_hides_behind_type_checking() -> None:
    hidden = [path for path in HERE.rglob("*.py") if "TYPE_CHECKING" in path.read_text()]
    assert hidden == [HERE / "commands" / "simulate.py"]


def test_no_two_modules_import_each_other_not_even_by_way_of_others() -> None:
    graph = grimp.build_graph("collector")
    circles = [
        (module, other)
        for module in graph.modules
        for other in graph.find_modules_directly_imported_by(module)
        if graph.chain_exists(importer=other, imported=module)
    ]
    assert circles == []
