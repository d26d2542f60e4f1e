"""The udev rules, as far as they can be checked where no udevd runs: each line's form."""

import re

from collector.reading.port import RADIOS
from infra.units import INFRA

LINES = [
    line
    for line in (INFRA / "99-p1.rules").read_text().splitlines()
    if line and not line.startswith("#")
]
PART = re.compile(r'(?P<key>[A-Z]+(?:\{\w+\})?)(?P<operator>==|!=|\+=|=)"(?P<value>[^"]*)"')
MATCHES = {
    "ACTION",
    "SUBSYSTEM",
    "KERNEL",
    "ATTRS{product}",
    "ATTRS{idVendor}",
    "ATTRS{idProduct}",
}


def parts(line: str) -> list[tuple[str, str, str]]:
    found = [PART.fullmatch(part) for part in line.split(", ")]
    assert all(found), line
    return [(part["key"], part["operator"], part["value"]) for part in found if part]


def test_every_line_is_made_of_keys_operators_and_quoted_values() -> None:
    assert all(parts(line) for line in LINES)


def test_a_line_first_asks_and_then_sets() -> None:
    for line in LINES:
        kinds = [operator in {"==", "!="} for _, operator, _ in parts(line)]
        assert kinds == sorted(kinds, reverse=True), line


def test_it_asks_for_what_a_cable_has() -> None:
    asked = {key for line in LINES for key, operator, _ in parts(line) if operator in {"==", "!="}}
    assert asked == {*MATCHES, "SYMLINK"}


def test_every_jump_has_a_place_to_go() -> None:
    jumps = {text for line in LINES for key, _, text in parts(line) if key == "GOTO"}
    assert jumps == {text for line in LINES for key, _, text in parts(line) if key == "LABEL"}


def test_the_usual_chips_are_named_p1() -> None:
    chips = {
        (facts["ATTRS{idVendor}"], product)
        for line in LINES
        if (facts := {key: text for key, _, text in parts(line)}).get("SYMLINK") == "p1"
        and "ATTRS{idProduct}" in facts
        for product in facts["ATTRS{idProduct}"].split("|")
    }
    assert {
        ("0403", "6001"),
        ("0403", "6015"),
        ("067b", "2303"),
        ("1a86", "7523"),
        ("10c4", "ea60"),
    } <= chips


def test_owner_and_permissions_stay_as_the_system_has_them() -> None:
    keys = {key for line in LINES for key, _, _ in parts(line)}
    assert keys.isdisjoint({"OWNER", "GROUP", "MODE", "RUN", "PROGRAM"})


def test_no_radio_stick_is_named_p1() -> None:
    """The list is the program's own: `cog -r infra/99-p1.rules` writes it anew."""
    (listed,) = (text for line in LINES for key, _, text in parts(line) if key == "ATTRS{product}")
    assert listed.split("|") == [f"*{word}*" for word in RADIOS]
