"""The files for Docker, as far as they can be checked where no Docker runs.

Their form is checked by the specification's schema and by a linter; that every path, variable and
command in them is one that exists, by these tests.
"""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
from ruamel.yaml import YAML

from collector.commands.cli import COMMANDS
from collector.settings.settings import Settings, names
from infra.units import INFRA

ROOT: Final = INFRA.parent
DOCKERFILE: Final = INFRA / "Dockerfile"
COMPOSE: Final = INFRA / "compose.yaml"
STACK: Final = (INFRA / "stack").read_text()
PROGRAMS: Final = Path(sys.executable).parent

Facts = dict[str, Any]


@pytest.fixture(scope="module")
def compose() -> Facts:
    facts: Facts = YAML(typ="safe").load(COMPOSE)
    return facts


@pytest.fixture(scope="module")
def instructions() -> list[tuple[str, str]]:
    """Give the instructions of the Dockerfile with their arguments."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip()]
    return [(line.split()[0], line.partition(" ")[2].strip()) for line in lines]


def arguments(instructions: list[tuple[str, str]], name: str) -> list[str]:
    return [text for instruction, text in instructions if instruction == name]


def bound(service: Facts) -> dict[str, str]:
    """Give the places on the host that a service sees, by their place in the container."""
    volumes = [volume.split(":") for volume in service.get("volumes", ())]
    return {inside: outside for outside, inside, *_ in volumes if outside[0] in "./"}


def test_the_linter_has_nothing_to_say_about_the_dockerfile() -> None:
    done = _program("hadolint", "--no-color", DOCKERFILE)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_compose_file_is_what_the_specification_says() -> None:
    done = _program("check-jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE)
    assert done.returncode == 0, done.stdout


def _program(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [str(PROGRAMS / name), *map(str, arguments)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=100)


def test_everything_from_elsewhere_has_an_exact_version(
    compose: Facts, instructions: list[tuple[str, str]]
) -> None:
    built = {"p1-collector:local"}
    images = {service["image"] for service in compose["services"].values()} - built
    images |= {text.split()[0] for text in arguments(instructions, "FROM")}
    assert [image for image in images if not re.search(r":\d+\.\d+\.\d+(-|$)", image)] == []


def test_the_dockerfile_copies_what_exists_and_is_not_ignored(
    instructions: list[tuple[str, str]],
) -> None:
    copied = [
        source
        for text in arguments(instructions, "COPY")
        if not text.startswith("--from=")
        for source in text.split()[:-1]
    ]
    assert [source for source in copied if not (ROOT / source).exists()] == []
    ignored = (INFRA / "Dockerfile.dockerignore").read_text().splitlines()
    assert sorted(copied) == sorted(line[1:] for line in ignored if line.startswith("!"))


def test_the_image_runs_as_a_user_who_is_not_root(instructions: list[tuple[str, str]]) -> None:
    (user,) = arguments(instructions, "USER")
    (made,) = [text for text in arguments(instructions, "RUN") if "useradd" in text]
    assert user.isdigit()
    assert f"--uid {user} " in made
    assert f"--owner={user} --group={user} " in made


def test_the_image_runs_commands_that_exist(
    compose: Facts, instructions: list[tuple[str, str]]
) -> None:
    used = {"run"} | {
        service["command"][0] for service in compose["services"].values() if "command" in service
    }
    assert arguments(instructions, "ENTRYPOINT") == ['["p1-collector"]']
    assert arguments(instructions, "CMD") == ['["run"]']
    assert used <= COMMANDS.keys()


def test_every_path_of_the_checkout_that_is_mounted_exists(compose: Facts) -> None:
    paths = [
        INFRA / outside
        for service in compose["services"].values()
        for outside in bound(service).values()
        if outside.startswith(".")
    ]
    assert [path for path in paths if not path.is_dir()] == []
    build = compose["services"]["collector"]["build"]
    assert (INFRA / build["context"]).resolve() == ROOT
    assert ROOT / build["dockerfile"] == DOCKERFILE


def test_every_setting_is_one_that_the_collector_knows(
    compose: Facts, instructions: list[tuple[str, str]]
) -> None:
    known = {name for field in Settings.model_fields for name in names(field)}
    given = {
        name
        for service in compose["services"].values()
        for name in service.get("environment", {})
        if name.startswith("P1_")
    }
    given |= set(re.findall(r"\b(P1_[A-Z_]+)=", " ".join(arguments(instructions, "ENV"))))
    assert given - known == set()
    assert {"P1_INFLUX_URL", "P1_HOT_DIR", "P1_SOURCE"} <= given


def test_the_secrets_are_those_that_the_script_makes(compose: Facts) -> None:
    made = re.search(r"for name in ([\w -]+); do", STACK)
    assert made
    files = {Path(secret["file"]) for secret in compose["secrets"].values()}
    assert files == {Path("secrets", name) for name in made[1].split()}
    used = {
        name for service in compose["services"].values() for name in service.get("secrets", ())
    }
    assert used == compose["secrets"].keys()
    assert names("influx_token")[0].lower() in used
    assert "secrets/" in (INFRA / ".gitignore").read_text().splitlines()


def test_a_secret_that_a_variable_names_is_one_that_its_service_has(compose: Facts) -> None:
    for service in compose["services"].values():
        for value in service.get("environment", {}).values():
            if str(value).startswith("/run/secrets/"):
                assert value.removeprefix("/run/secrets/") in service["secrets"]


def test_a_variable_of_the_shell_has_a_default_and_is_explained() -> None:
    used = set(re.findall(r"\$\{?(\w+)(:-[^}]*)?", COMPOSE.read_text()))
    assert {default for _, default in used if not default} == set()
    assert {name for name, _ in used} == {"CABLE", "SITE", "DIALOUT"}
    assert "CABLE=" in STACK
    assert "SITE=" in STACK


def test_nothing_is_open_to_other_machines(compose: Facts) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", ())]
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []
    assert len(ports) == 2


def test_every_service_says_whether_it_is_well(
    compose: Facts, instructions: list[tuple[str, str]]
) -> None:
    assert len(arguments(instructions, "HEALTHCHECK")) == 1
    services = compose["services"].values()
    assert all("healthcheck" in service for service in services if "build" not in service)
    # `up --wait` takes one that is switched off for an error.
    assert all("test" in service.get("healthcheck", ["test"]) for service in services)


def test_every_volume_is_named_and_used(compose: Facts) -> None:
    used = {
        volume.split(":")[0]
        for service in compose["services"].values()
        for volume in service.get("volumes", ())
        if volume[0] not in "./"
    }
    assert used == compose["volumes"].keys()


def test_hot_files_lie_in_the_ram_of_the_host_and_outlive_the_container(
    compose: Facts, instructions: list[tuple[str, str]]
) -> None:
    (hot,) = re.findall(r"P1_HOT_DIR=(\S+)", " ".join(arguments(instructions, "ENV")))
    for name in ("collector", "collector-simulated"):
        assert bound(compose["services"][name])[str(Path(hot).parent)] == "/dev/shm"  # noqa: S108


def test_the_script_names_services_profiles_and_files_that_exist(compose: Facts) -> None:
    profiles = {
        profile
        for service in compose["services"].values()
        for profile in service.get("profiles", ())
    }
    assert profiles == {"meter", "simulated"}
    assert set(re.findall(r"--profile ([a-z]+)", STACK)) == profiles
    assert set(re.findall(r"http://localhost:(\d+)", STACK)) == {"3000", "8086"}
