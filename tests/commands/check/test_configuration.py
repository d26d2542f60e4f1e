"""The settings as `check` shows them."""

from pathlib import Path

import pytest

from collector.commands.check import configuration
from collector.commands.check.configuration import Setting, settings_in_words
from collector.commands.check.finding import Outcome
from collector.errors import IgnoredSetting, SettingsError
from collector.reading import port
from collector.settings.search import Found
from collector.settings.settings import load, load_first, origins


@pytest.fixture
def shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Setting]:
    for name in ("USUAL", "BY_ID", "BARE"):
        monkeypatch.setattr(port, name, tmp_path / "none")
    environment = {
        "INFLUX_HOST": "http://me:very-secret@localhost:8086",
        "P1_INFLUX_TOKEN": "very-secret",
        "P1_HOT_DIR": "/dev/shm/x",  # noqa: S108  only a name
    }
    settings, _ = load(environment)
    found = settings_in_words(settings, origins(environment))
    return {setting.name: setting for setting in found}


def test_each_setting_tells_where_it_came_from(shown: dict[str, Setting]) -> None:
    assert shown["P1_INFLUX_URL"] == Setting(
        "P1_INFLUX_URL", "http://localhost:8086", "environment, as INFLUX_HOST"
    )
    assert shown["P1_SITE"] == Setting("P1_SITE", "home", "default")


def test_token_and_password_are_hidden(shown: dict[str, Setting]) -> None:
    assert shown["P1_INFLUX_TOKEN"] == Setting("P1_INFLUX_TOKEN", "(hidden)", "environment")
    assert not any("very-secret" in setting.value for setting in shown.values())


def test_what_the_machine_decides_is_told_though_nobody_set_it(shown: dict[str, Setting]) -> None:
    telling = {name for name, setting in shown.items() if setting.telling}
    wanted = {"P1_SOURCE", "P1_SPOOL_DIR", "P1_HOT_DIR", "P1_INFLUX_URL", "P1_INFLUX_TOKEN"}
    assert telling == wanted
    assert shown["P1_SOURCE"].value == "none found"


def test_a_secret_from_a_file_names_the_file(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("secrets") / "token"
    path.write_text("very-secret\n")
    found = origins({"P1_INFLUX_TOKEN_FILE": str(path)})
    assert found == {"P1_INFLUX_TOKEN": Found("P1_INFLUX_TOKEN", str(path), "very-secret")}


def test_what_a_wrapper_script_read_from_a_file_names_the_file() -> None:
    told = "P1_SITE /etc/p1-collector/garage.env\n"
    found = origins({"P1_SITE": "garage", "P1_BAUD": "9600", "SETTINGS_FROM": told})
    assert found == {
        "P1_SITE": Found("P1_SITE", "/etc/p1-collector/garage.env", "garage"),
        "P1_BAUD": Found("P1_BAUD", "environment", "9600"),
    }


def test_each_problem_is_a_line_with_its_hint() -> None:
    problems = [SettingsError("P1_BAUD: must be …", hint="correct it"), SettingsError("odd")]
    first, second = configuration.findings(problems, 2)
    assert (first.outcome, first.what, first.remedy) == (
        Outcome.FAIL,
        "P1_BAUD: must be …",
        "correct it",
    )
    assert second.remedy == "README.md lists the settings"


def test_good_settings_are_one_line() -> None:
    (only,) = configuration.findings([], 3)
    assert only.outcome is Outcome.OK


def test_a_setting_of_the_first_meter_that_is_ignored_is_no_failure() -> None:
    (only,) = configuration.findings([IgnoredSetting("P1_SOURCE: ignored", hint="set it")], 1)
    assert (only.outcome, only.remedy) == (Outcome.WARN, "set it")


@pytest.mark.parametrize(
    ("own", "same"),
    [
        ({}, ""),
        ({"P1_METER": "hash"}, ""),
        ({"P1_METER": "attic", "P1_SITE": "cabin"}, ""),
        ({"P1_SOURCE": "/dev/p1"}, "`P1_SOURCE`, /dev/p1"),
        ({"P1_SPOOL_DIR": "/var/lib/p1-collector/spool/"}, "`P1_SPOOL_DIR`, /var/lib/p1-coll"),
        ({"P1_HOT_DIR": "/run/p1-collector"}, "`P1_HOT_DIR`, /run/p1-collector"),
        ({"P1_METER": "attic"}, "`P1_METER`, attic of home"),
    ],
)
def test_two_meters_are_compared_in_what_must_differ(
    own: dict[str, str], same: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "common.env").write_text("P1_SOURCE=/dev/p1\nP1_METER=attic\n")
    for name, place in (("STATE_DIRECTORY", "/var/lib"), ("RUNTIME_DIRECTORY", "/run")):
        monkeypatch.setenv(name, f"{place}/p1-collector-garage")
    monkeypatch.setenv("SETTINGS_COMMON", str(tmp_path / "common.env"))
    first = load_first()
    assert first
    settings, _ = load({"P1_SOURCE": "/dev/p1-garage", **own})
    found = configuration.beside_the_first(settings, first)
    assert (found.outcome is Outcome.FAIL) == bool(same)
    assert same in found.what


def test_the_first_meter_is_compared_with_nobody() -> None:
    assert load_first() is None
