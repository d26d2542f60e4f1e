"""Nothing has to be compiled on a Raspberry Pi, which would take hours."""

from importlib.metadata import version
from typing import Final

import pytest
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename

import collector
from infra import wheels
from infra.wheels import TARGETS, Target

# Only meters that encrypt their telegrams need these.
FROM_PIWHEELS: Final[dict[str, list[str]]] = {
    "aarch64, Python 3.11": [],
    "aarch64, Python 3.13": [],
    "armv7l, Python 3.11": ["cffi"],
    "armv7l, Python 3.13": ["cffi"],
}


def test_the_program_has_one_version_number() -> None:
    assert version(wheels.PROGRAM) == collector.__version__


def test_every_package_that_is_needed_is_recorded_for_every_kind_of_pi() -> None:
    recorded = {kind: sorted(files) for kind, files in wheels.record().items()}
    assert recorded == {str(target): wheels.needed() for target in TARGETS}


def test_what_is_recorded_are_the_versions_that_are_tested() -> None:
    recorded = {
        parse_wheel_filename(file)[:2]
        for files in wheels.record().values()
        for file in files.values()
        if file
    }
    versions = wheels.versions()
    assert {str(number) for name, number in recorded} <= set(versions.values())
    assert {name: str(number) for name, number in recorded} == {
        name: versions[name] for name in wheels.needed()
    }


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_packages_without_a_wheel_come_from_piwheels(target: Target) -> None:
    files = wheels.record()[str(target)]
    assert [name for name, file in files.items() if not file] == FROM_PIWHEELS[str(target)]


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_the_wheels_that_are_recorded_fit_that_kind_of_pi(target: Target) -> None:
    fitting = _tags(target)
    files = [file for file in wheels.record()[str(target)].values() if file]
    assert [file for file in files if not parse_wheel_filename(file)[3] & fitting] == []


def _tags(target: Target) -> set[Tag]:
    major, minor = map(int, target.python.split("."))
    python, platforms = (major, minor), target.platforms
    interpreter = f"cp{major}{minor}"
    return {
        *cpython_tags(python, platforms=platforms),
        *compatible_tags(python, interpreter, platforms),
    }
