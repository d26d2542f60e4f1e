"""infra/p1-collector.env names every setting there is, at its default, and no other."""

from collections.abc import Iterator

import pytest

from collector.settings.settings import Settings, load, names
from infra import environment_file
from infra.environment_file import DEFAULTS, FILE


@pytest.fixture
def lines() -> list[str]:
    return FILE.read_text().splitlines()


def _assignments(lines: list[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        if line.startswith("#P1_"):
            name, _, value = line[1:].partition("=")
            yield name, value


def test_it_is_what_the_settings_say() -> None:
    # After a change of the settings: python tests/infra/environment_file.py
    assert FILE.read_text() == environment_file.text()


def test_every_setting_is_in_it_and_nothing_else(lines: list[str]) -> None:
    assert [name for name, _ in _assignments(lines)] == [
        names(field)[0] for field in Settings.model_fields
    ]


def test_what_it_shows_are_the_defaults(lines: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")  # no `.env`
    shown = {name: value for name, value in _assignments(lines) if name not in DEFAULTS}
    assert load(shown) == load({}) == (load({})[0], [])


def test_the_directories_it_shows_are_those_that_the_unit_gives(
    lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/p1-collector")
    monkeypatch.setenv("RUNTIME_DIRECTORY", "/run/p1-collector")
    shown = dict(_assignments(lines))
    settings, _ = load({})
    assert (shown["P1_SPOOL_DIR"], shown["P1_HOT_DIR"]) == (str(settings.spool), str(settings.hot))


def test_nothing_in_it_is_set(lines: list[str]) -> None:
    assert [line for line in lines if line and not line.startswith("#")] == []


def test_no_line_is_too_long_for_a_terminal(lines: list[str]) -> None:
    assert [line for line in lines if len(line) > environment_file.WIDTH + 1] == []
