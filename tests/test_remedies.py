"""One table of remedies: each is used, none is said twice."""

import re
from pathlib import Path

import pytest

import collector.commands.check
from collector.commands.check.finding import fail
from collector.remedies import Remedy
from collector.settings.settings import Settings, names

SOURCES = "".join(
    path.read_text()
    for path in Path(collector.commands.check.__file__).parent.glob("*.py")
    if path.name != "remedies.py"
)


@pytest.mark.parametrize("remedy", Remedy)
def test_each_remedy_is_given_by_a_probe(remedy: Remedy) -> None:
    assert f"Remedy.{remedy.name}" in SOURCES


def test_no_symptom_is_in_the_table_twice() -> None:
    symptoms = [remedy.symptom for remedy in Remedy]
    assert sorted(set(symptoms)) == sorted(symptoms)


def test_each_variable_that_is_named_is_a_setting() -> None:
    known = {name for field in Settings.model_fields for name in names(field)}
    named = {name for remedy in Remedy for name in re.findall(r"P1_[A-Z_]+", remedy.advice)}
    assert named <= known


def test_a_finding_has_the_advice_of_its_remedy() -> None:
    assert fail("TCP", "refused", Remedy.REFUSED).remedy == Remedy.REFUSED.advice
