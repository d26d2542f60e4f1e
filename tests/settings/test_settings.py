"""The settings: where they come from, which wins, and what is said of a wrong one."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from collector.errors import IgnoredSetting, SettingsError
from collector.p1.decryption import Keys
from collector.settings import search as module
from collector.settings.settings import Settings, load, load_strictly, names
from infra.environment_file import descriptions

TOKEN = "kept-to-ourselves=="  # noqa: S105  invented
INFLUX = {"P1_INFLUX_URL": "http://db.invalid:8086", "P1_INFLUX_TOKEN": TOKEN}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Work in an empty directory, with no secrets on the machine."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "_SECRETS", tmp_path / "no-secrets")
    yield tmp_path
    tmp_path.chmod(0o700)


def good(environment: Mapping[str, str]) -> Settings:
    settings, problems = load(environment)
    assert [str(problem) for problem in problems] == []
    return settings


def wrong(environment: Mapping[str, str]) -> str:
    """Give the only thing that is wrong with these settings, with its remedy."""
    _, (problem,) = load(environment)
    return f"{problem}\n{problem.hint}"


@pytest.mark.parametrize("quote", ['"', "'", "`"])
def test_quotes_around_a_value_are_told_and_the_value_is_not_used(quote: str) -> None:
    token = f"{quote}{TOKEN}{quote}"
    settings, (problem,) = load({**INFLUX, "P1_INFLUX_TOKEN": token})

    words = f"P1_INFLUX_TOKEN: must stand without the {quote} around it (got a secret)"
    assert (str(problem), settings.target) == (words, None)
    site = wrong({"P1_SITE": f"{quote}home{quote}"})
    assert site.startswith(f"P1_SITE: must stand without the {quote} around it (got `{quote}home")


# --- where they come from


def test_nothing_needs_to_be_set() -> None:
    settings = good({})
    assert (settings.site, settings.sample_seconds, settings.target) == ("home", 0, None)


def test_the_environment_sets_them() -> None:
    settings = good({"P1_SITE": "cabin", "P1_SAMPLE_SECONDS": "10", **INFLUX})
    assert (settings.site, settings.sample_seconds) == ("cabin", 10)
    assert settings.target is not None
    assert (settings.target.url, settings.target.token) == ("http://db.invalid:8086", TOKEN)


def test_a_file_env_in_the_directory_sets_them(place: Path) -> None:
    place.joinpath(".env").write_text('# mine\nP1_SITE="cabin"\nexport P1_METER=attic\nOTHER=1\n')
    settings = good({})
    assert (settings.site, settings.meter) == ("cabin", "attic")


def test_the_environment_wins_over_the_file_env(place: Path) -> None:
    place.joinpath(".env").write_text("P1_SITE=cabin\n")
    assert good({"P1_SITE": "home"}).site == "home"


def test_a_systemd_credential_holds_a_secret(place: Path) -> None:
    place.joinpath("p1_influx_token").write_text(f"{TOKEN}\n")
    settings = good({"P1_INFLUX_URL": "http://db.invalid", "CREDENTIALS_DIRECTORY": str(place)})
    assert settings.target is not None
    assert settings.target.token == TOKEN


def test_a_docker_secret_does_too(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place.joinpath("influx_token").write_text(f"{TOKEN}\n")
    monkeypatch.setattr(module, "_SECRETS", place)
    settings = good({"P1_INFLUX_URL": "http://db.invalid"})
    assert settings.target is not None
    assert settings.target.token == TOKEN


@pytest.mark.parametrize("in_env_file", [False, True])
def test_a_variable_with_file_behind_it_names_a_file(place: Path, *, in_env_file: bool) -> None:
    place.joinpath("token").write_text(f"{TOKEN}\n")
    given = {"P1_INFLUX_TOKEN_FILE": str(place / "token")}
    if in_env_file:
        lines = [f"{name}={text}\n" for name, text in given.items()]
        place.joinpath(".env").write_text("".join(lines))
        given = {}
    settings = good({"P1_INFLUX_URL": "http://db.invalid", **given})
    assert settings.target is not None
    assert settings.target.token == TOKEN


def test_an_empty_variable_is_not_set() -> None:
    assert good({"P1_SITE": "", "P1_SAMPLE_SECONDS": "", "P1_INFLUX_URL": ""}) == good({})


ALIASES = [
    (ours, alias) for ours, *aliases in map(names, Settings.model_fields) for alias in aliases
]


def test_the_names_of_influxdbs_own_clients_are_accepted() -> None:
    assert ALIASES == [
        ("P1_INFLUX_URL", "INFLUXDB_V2_URL"),
        ("P1_INFLUX_URL", "INFLUX_HOST"),
        ("P1_INFLUX_TOKEN", "INFLUXDB_V2_TOKEN"),
        ("P1_INFLUX_TOKEN", "INFLUX_TOKEN"),
        ("P1_INFLUX_ORG", "INFLUXDB_V2_ORG"),
        ("P1_INFLUX_ORG", "INFLUX_ORG"),
        ("P1_INFLUX_BUCKET", "INFLUX_BUCKET"),
    ]


@pytest.mark.parametrize(("ours", "alias"), ALIASES)
def test_a_name_of_theirs_sets_the_same_thing_and_ours_wins(
    ours: str, alias: str, place: Path
) -> None:
    base = {"P1_INFLUX_URL": "http://a.invalid", "P1_INFLUX_TOKEN": "a"}
    without = {name: text for name, text in base.items() if name != ours}
    text = "http://b.invalid" if "URL" in ours else "b"
    assert good({**without, alias: text}) == good({**base, ours: text})
    assert good({**base, ours: text, alias: "http://c.invalid"}) == good({**base, ours: text})

    place.joinpath(".env").write_text(f"{ours}={text}\n")
    assert good({**without, alias: "http://c.invalid"}) == good({**without, ours: text})


def test_every_setting_has_one_name_of_ours_and_a_description() -> None:
    for field in Settings.model_fields:
        assert names(field)[0] == f"P1_{field.upper()}"
    assert descriptions().keys() == Settings.model_fields.keys()


def test_a_slash_at_the_end_of_the_address_is_one_too_many() -> None:
    assert good({**INFLUX, "P1_INFLUX_URL": "https://db.invalid/"}).influx_url == (
        "https://db.invalid"
    )


# --- directories


def test_directories_are_systemds_then_xdgs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("STATE_DIRECTORY", "RUNTIME_DIRECTORY", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert good({}).spool == tmp_path / ".local/state/p1-collector/spool"
    assert good({}).hot == Path(f"/dev/shm/p1-collector-{os.getuid()}")  # noqa: S108

    monkeypatch.setenv("XDG_STATE_HOME", "/x")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/y")
    assert (good({}).spool, good({}).hot) == (
        Path("/x/p1-collector/spool"),
        Path("/y/p1-collector"),
    )

    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/p1-collector:/other")
    monkeypatch.setenv("RUNTIME_DIRECTORY", "/run/p1-collector")
    assert (good({}).spool, good({}).hot) == (
        Path("/var/lib/p1-collector/spool"),
        Path("/run/p1-collector"),
    )
    named = good({"P1_SPOOL_DIR": "/s", "P1_HOT_DIR": "/h"})
    assert (named.spool, named.hot) == (Path("/s"), Path("/h"))


# --- what is wrong


@pytest.mark.parametrize(
    ("name", "value", "wants"),
    [
        ("P1_BAUD", "19200", "must be 'auto', '115200', '9600' or '115200-8E1'"),
        ("P1_CLOCK", "gps", "must be 'auto', 'meter' or 'host'"),
        ("P1_SAMPLE_SECONDS", "ten", "must be a whole number (got"),
        ("P1_KEEP_SECONDS", "ten", "must be a number (got"),
        ("P1_SAMPLE_SECONDS", "-1", "must be greater than or equal to 0"),
        ("P1_SILENCE_SECONDS", "0", "must be greater than 0"),
        ("P1_KEEP_SECONDS", "nan", "must be"),
        ("P1_UTC_OFFSET_HOURS", "1.5", "must be a whole number (got"),
        ("P1_INFLUX_URL", "db:8086", "must begin with `http://` or `https://`"),
        ("INFLUX_HOST", "db:8086", "must begin with `http://` or `https://`"),
        ("P1_INFLUX_URL", "http://", "must name a host"),
        ("P1_INFLUX_URL", "http://db:port", "must name a host"),
        ("P1_INFLUX_URL", "http://db 1", "must name a host"),
        ("P1_INFLUX_URL", "http://[db", "must name a host"),
    ],
)
def test_a_wrong_value_is_named_with_what_it_must_be_and_counts_as_not_set(
    name: str, value: str, wants: str
) -> None:
    settings, (problem,) = load({name: value})
    assert str(problem).startswith(f"{name}: {wants}")
    assert f"(got `{value}`)" in str(problem)
    assert problem.hint == f"correct or remove `{name}`"
    assert settings == good({})


def test_two_wrong_values_are_two_problems() -> None:
    _, problems = load({"P1_BAUD": "1", "P1_CLOCK": "2"})
    assert len(problems) == 2


@pytest.mark.parametrize("in_env_file", [False, True])
def test_a_misspelt_name_is_reported_with_the_nearest_one(
    place: Path, *, in_env_file: bool
) -> None:
    given = {"P1_SORCE": "/dev/p1"}
    if in_env_file:
        place.joinpath(".env").write_text("P1_SORCE=/dev/p1\n")
        given = {}
    assert wrong(given) == "unknown setting: P1_SORCE\ndid you mean `P1_SOURCE`?"


def test_a_name_that_is_like_none_is_reported_too() -> None:
    assert wrong({"P1_XYZZY": "1"}) == "unknown setting: P1_XYZZY\nREADME.md lists the settings"


def test_variables_of_other_programs_are_nobodys_business() -> None:
    good({"INFLUXD_LOG_LEVEL": "debug", "INFLUX_SOMETHING": "1", "P10_X": "1"})


def test_a_url_without_a_token_and_the_other_way_round_are_reported() -> None:
    url, token = [{name: text} for name, text in INFLUX.items()]
    assert wrong(url).startswith("P1_INFLUX_TOKEN is missing, P1_INFLUX_URL is set\nmake one")
    assert wrong(token).startswith("P1_INFLUX_URL is missing, P1_INFLUX_TOKEN is set\nset it to")


def test_an_address_that_is_wrong_is_not_said_to_be_missing() -> None:
    _, (problem,) = load({**INFLUX, "P1_INFLUX_URL": "db:8086"})
    assert str(problem).startswith("P1_INFLUX_URL: must begin with `http://`")


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_file_that_cannot_be_read_is_reported_and_counts_as_not_set(
    place: Path, content: bytes | None
) -> None:
    path = place / "token"
    if content is not None:
        path.write_bytes(content)
    settings, problems = load({"P1_INFLUX_URL": "http://db", "P1_INFLUX_TOKEN_FILE": str(path)})
    assert str(problems[0]).startswith(f"P1_INFLUX_TOKEN_FILE: {path}: ")
    assert settings.target is None


def test_a_credential_that_is_no_text_is_reported(place: Path) -> None:
    place.joinpath("p1_site").write_bytes(b"\xff")
    assert wrong({"CREDENTIALS_DIRECTORY": str(place)}).startswith("p1_site: ")


def test_a_file_env_that_is_no_text_is_reported(place: Path) -> None:
    place.joinpath(".env").write_bytes(b"P1_SITE=\xff\n")
    assert wrong({}).startswith(".env: .env: is not text")


def test_a_file_env_that_cannot_be_looked_at_is_not_there(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    place.joinpath(".env").write_text("P1_SITE=cabin\n")
    monkeypatch.setattr(Path, "exists", refuse)
    settings, _ = load({})
    assert settings.site == "home"


def test_where_the_settings_are_the_services_a_file_env_is_none_of_them(place: Path) -> None:
    place.joinpath(".env").write_text("P1_SITE=cabin\n")
    settings, _ = load({"SETTINGS_FROM": ""})
    assert settings.site == "home"


def test_a_file_env_that_is_a_directory_is_no_reason_to_stop(place: Path) -> None:
    place.joinpath(".env").mkdir()
    settings, _ = load({"P1_SITE": "cabin"})
    assert settings.site == "cabin"


def test_strictly_the_first_problem_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("P1_BAUD", "19200")
    with pytest.raises(SettingsError, match="P1_BAUD: must be"):
        load_strictly()


# --- secrets


@pytest.mark.parametrize(
    "token", ["two words", "line\nend", "tab\t", "caf\u00e9", "zero\u200bwidth", "\x7f"]
)
def test_a_token_that_no_header_can_hold_is_refused_without_being_shown(token: str) -> None:
    settings, (problem,) = load({"P1_INFLUX_URL": "http://db", "P1_INFLUX_TOKEN": token})
    assert str(problem) == ("P1_INFLUX_TOKEN: must be one word of plain characters (got a secret)")
    assert settings.target is None


def test_the_token_is_in_no_repr_and_no_dump(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    settings = good(INFLUX)
    shown = [repr(settings), str(settings), repr(settings.target), str(settings.model_dump())]
    shown += [settings.model_dump_json(), caplog.text]
    assert [text for text in shown if TOKEN in text] == []


# --- a further meter

FIRST: dict[str, str] = {
    "P1_SOURCE": "/dev/p1-first",
    "P1_METER": "first",
    "P1_SPOOL_DIR": "/mnt/first",
    "P1_HOT_DIR": "/run/first",
    "P1_SITE": "home",
    "P1_BAUD": "9600",
}


def of_a_further_meter(place: Path, how: str, **own: str) -> dict[str, str]:
    """Give the environment of a further meter, from the unit or from the command's script."""
    files = {"common.env": FIRST, "own.env": own}
    for name, values in files.items():
        text = "".join(f'{variable}="{value}"\n' for variable, value in values.items())
        place.joinpath(name).write_text(text)
    common, mine = str(place / "common.env"), str(place / "own.env")
    told = {"SETTINGS_OWN": mine}
    if how == "script":
        lines = [f"{name} {mine}\n" for name in own]
        lines += [f"{name} {common}\n" for name in FIRST if name not in own]
        told = {"SETTINGS_FROM": "".join(lines)}
    return {**FIRST, **own, "SETTINGS_COMMON": common, **told}


each_way = pytest.mark.parametrize("how", ["unit", "script"])


@each_way
def test_a_further_meter_takes_nothing_from_the_first_that_must_differ(
    place: Path, how: str
) -> None:
    settings, problems = load(of_a_further_meter(place, how))
    assert (settings.source, settings.meter) == ("", None)
    assert (settings.spool_dir, settings.hot_dir) == (None, None)
    assert (settings.site, settings.baud) == ("home", "9600")
    assert {type(problem) for problem in problems} == {IgnoredSetting}
    assert sorted(str(problem) for problem in problems) == [
        f"P1_{name}: ignored, it is the first meter's"
        for name in ("HOT_DIR", "METER", "SOURCE", "SPOOL_DIR")
    ]


@each_way
def test_what_a_further_meter_has_of_its_own_is_taken(place: Path, how: str) -> None:
    own = {"P1_SOURCE": "/dev/p1-garage", "P1_METER": "garage"}
    own |= {"P1_SPOOL_DIR": "/mnt/garage", "P1_HOT_DIR": "/run/garage"}
    settings = good(of_a_further_meter(place, how, **own))
    assert (settings.source, settings.meter) == ("/dev/p1-garage", "garage")
    assert (settings.spool, settings.hot) == (Path("/mnt/garage"), Path("/run/garage"))


def test_two_meters_may_both_be_hashed(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FIRST, "P1_METER", "hash")
    settings, problems = load(of_a_further_meter(place, "unit"))
    assert settings.meter == "hash"
    assert len(problems) == 3


def test_a_command_is_not_stopped_by_what_is_ignored(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in of_a_further_meter(place, "unit").items():
        monkeypatch.setenv(name, text)
    assert load_strictly().source == ""


def test_a_file_that_cannot_be_read_takes_nothing_away(place: Path) -> None:
    environment = {**FIRST, "SETTINGS_COMMON": str(place / "none"), "SETTINGS_OWN": str(place)}
    assert good(environment).source == FIRST["P1_SOURCE"]


# --- commands


def command(*words: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    base = {name: text for name, text in os.environ.items() if not name.startswith("P1_")}
    return subprocess.run(
        [sys.executable, "-m", "collector", *words],
        env={**base, **environment},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


@pytest.mark.parametrize(
    ("words", "environment"),
    [
        (("spool", "status"), {"P1_BAUD": "19200"}),
        (("spool", "status"), {"P1_SORCE": "x"}),
        (("export",), {"P1_INFLUX_URL": "http://db.invalid"}),
    ],
)
def test_a_command_ends_with_status_2_one_message_and_no_traceback(
    words: tuple[str, ...], place: Path, environment: dict[str, str]
) -> None:
    done = command(*words, cwd=place, **environment)
    assert done.returncode == 2
    message, empty, hint = done.stderr.splitlines()
    assert message.startswith("error: ")
    assert empty == ""
    assert hint.startswith("hint: ")


def test_what_asks_no_influxdb_needs_no_token(place: Path) -> None:
    half = {"P1_INFLUX_URL": "http://db.invalid"}
    here = {"P1_SPOOL_DIR": str(place / "spool"), "P1_HOT_DIR": str(place / "hot")}
    done = command("spool", "status", cwd=place, **half, **here)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_token_that_is_refused_is_in_no_output(place: Path) -> None:
    done = command(
        "spool", "status", cwd=place, P1_INFLUX_URL="http://db", P1_INFLUX_TOKEN=f"{TOKEN} x"
    )
    assert done.returncode == 2
    assert TOKEN not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "url", ["htp://me:very-secret@db", "me:very-secret@db", "http://u:very-secret@"]
)
def test_a_password_in_an_address_that_is_refused_is_in_no_word(url: str) -> None:
    for name in ("P1_INFLUX_URL", "INFLUX_HOST"):
        assert "very-secret" not in wrong({name: url, "P1_INFLUX_TOKEN": TOKEN})


def test_the_keys_of_an_encrypting_meter_are_read_and_never_shown() -> None:
    digits = "00112233 44556677 8899AABB CCDDEEFF"
    settings = good({"P1_DECRYPT_KEY": digits})

    assert settings.keys == Keys(bytes.fromhex(digits))
    assert "8899" not in repr(settings)


def test_a_salt_is_long_and_never_shown() -> None:
    settings = good({"P1_METER": "hash", "P1_METER_SALT": "of-sixteen-signs"})
    assert settings.salt == "of-sixteen-signs"
    assert "sixteen" not in repr(settings)
    assert good({}).salt == ""
    assert wrong({"P1_METER_SALT": "of-fifteen-sign"}).startswith(
        "P1_METER_SALT: must have 16 characters or more (got a secret)\n"
    )


def test_a_key_that_is_none_is_not_repeated() -> None:
    nearly = "00112233445566778899AABBCCDDEEF"
    settings, problems = load({"P1_DECRYPT_KEY": nearly})

    assert settings.keys is None
    assert [str(problem) for problem in problems] == [
        "P1_DECRYPT_KEY: must be 32 hexadecimal digits (got a secret)"
    ]
