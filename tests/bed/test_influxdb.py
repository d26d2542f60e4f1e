"""Which InfluxDB the tests take, and what they say when there is none."""

from pathlib import Path

import pytest

from bed import build
from bed.influxdb import IMAGE, Image, NoInfluxDBError, Program, Server, cache, find

BEFORE = "P1_TEST_INFLUXDB_"


@pytest.fixture(autouse=True)
def _bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start from a machine that has nothing of what is looked for."""
    for name in ("URL", "TOKEN", "ORG"):
        monkeypatch.delenv(BEFORE + name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def bin_(tmp_path: Path) -> Path:
    path = tmp_path / "bin"
    path.mkdir()
    return path


def _script(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_a_named_server_comes_first(bin_: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _script(bin_ / "influxd", "echo InfluxDB v2.7.12")
    monkeypatch.setenv(BEFORE + "URL", "http://127.0.0.1:8086/")
    monkeypatch.setenv(BEFORE + "TOKEN", "secret")
    monkeypatch.setenv(BEFORE + "ORG", "home")
    assert find() == Server("http://127.0.0.1:8086", "secret", "home")


def test_a_url_without_a_token_is_said_to_be_half_a_setting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(BEFORE + "URL", "http://127.0.0.1:8086")
    with pytest.raises(NoInfluxDBError, match="set both or neither"):
        find()


def test_the_token_is_not_shown() -> None:
    assert "secret" not in repr(Server("http://127.0.0.1:8086", "secret", "home"))


def test_a_program_on_the_path_comes_before_the_cached_one(bin_: Path) -> None:
    _script(cache() / "influxd", "exit 1")
    path = _script(bin_ / "influxd", "echo InfluxDB v2.7.12")
    assert find() == Program(path)


def test_version_1_is_not_taken(bin_: Path) -> None:
    _script(bin_ / "influxd", "echo InfluxDB v1.8.10")
    cached = _script(cache() / "influxd", "exit 1")
    assert find() == Program(cached)


def test_docker_is_taken_if_its_daemon_answers(bin_: Path) -> None:
    _script(bin_ / "docker", "echo 28.0.0")
    assert find() == Image(IMAGE)


def test_docker_without_a_daemon_is_not_taken(bin_: Path) -> None:
    _script(bin_ / "docker", "exit 1")
    with pytest.raises(NoInfluxDBError, match="go and cargo and cc is missing"):
        find()


def test_what_could_not_be_fetched_is_built_a_while_later(
    bin_: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "PAUSE_SECONDS", 0.0)
    _script(bin_ / "go", "if [ -e asked ]; then exit 0; fi; : > asked; echo no route; exit 1")
    build.go(tmp_path, "package", "program", env={})
    assert (tmp_path / "asked").exists()


def test_a_failed_build_says_why_and_leaves_nothing(
    bin_: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "PAUSE_SECONDS", 0.0)
    for tool in ("cargo", "cc"):
        _script(bin_ / tool, "exit 0")
    _script(bin_ / "go", "echo no space left on device; exit 1")
    with pytest.raises(NoInfluxDBError, match="no space left on device"):
        find()
    assert [path.name for path in cache().iterdir()] == ["lock"]
