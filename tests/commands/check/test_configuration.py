"""The settings as `check` shows them."""

import pytest

from collector.commands.check import configuration
from collector.commands.check.configuration import Setting, settings_in_words
from collector.commands.check.finding import Outcome
from collector.errors import SettingsError
from collector.settings.settings import Origin, load, origins


@pytest.fixture
def shown() -> dict[str, Setting]:
    environment = {
        "INFLUX_HOST": "http://me:very-secret@localhost:8086",
        "P1_INFLUX_TOKEN": "very-secret",
        "P1_HOT_DIR": "/dev/shm/x",  # noqa: S108  only a name
    }
    settings, _ = load(environment)
    found = settings_in_words(settings, origins(environment), "/dev/p1")
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
    assert shown["P1_SOURCE"].value == "/dev/p1"


def test_a_secret_from_a_file_names_the_file(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("secrets") / "token"
    path.write_text("very-secret\n")
    found = origins({"P1_INFLUX_TOKEN_FILE": str(path)})
    assert found == {"P1_INFLUX_TOKEN": Origin("P1_INFLUX_TOKEN", str(path))}


def test_what_a_wrapper_script_read_from_a_file_names_the_file() -> None:
    told = "P1_SITE /etc/p1-collector/garage.env\n"
    found = origins({"P1_SITE": "garage", "P1_BAUD": "9600", "SETTINGS_FROM": told})
    assert found == {
        "P1_SITE": Origin("P1_SITE", "/etc/p1-collector/garage.env"),
        "P1_BAUD": Origin("P1_BAUD", "environment"),
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
