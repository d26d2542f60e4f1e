"""What the service says of itself: the file, the point in `collector`, the line for systemd."""

import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from line_protocol_parser import parse_line

from bed.telegrams import utc
from collector import __version__
from collector.service import status
from collector.service.status import collector_line, summary

NOON = utc("2026-02-03T12:00:00")
FACTS: dict[str, Any] = {
    "version": __version__,
    "site": "my house",
    "state": "reading",
    "updated": 1770120000,
    "counts": {"read": 7, "delivered": 4, "waiting": 3},
    "lag_s": 12,
    "delivery": {"state": "retrying"},
}


def test_its_own_state_is_one_line_with_integers_for_counts_and_the_version_as_text() -> None:
    line = collector_line(FACTS)
    assert line.endswith("\n")
    point = parse_line(line.rstrip("\n"))
    assert point == {
        "measurement": "collector",
        "tags": {"site": "my house", "host": socket.gethostname()},
        "fields": {"read": 7, "delivered": 4, "waiting": 3, "lag_s": 12, "version": __version__},
        "time": 1770120000,
    }
    assert "read=7i,delivered=4i,waiting=3i,lag_s=12i" in line


def test_the_state_in_one_line_says_how_much_waits_and_since_when() -> None:
    assert summary(FACTS) == "reading, retrying: 7 read, 4 delivered, 3 waiting, lag 12 s"


def test_the_file_is_replaced_as_a_whole_and_is_nobody_elses_to_read(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    status.write(path, {"a": 1})
    with path.open() as before:
        status.write(path, {"a": 2})
        assert json.load(before) == {"a": 1}
    assert status.read(path) == {"a": 2}
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_list_of_items_that_are_json_already_is_read_with_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    status.write(path, {"a": 1}, power=["[1, 0.5]", "[2, 0.0]"], none=[])
    assert status.read(path) == {"a": 1, "power": [[1, 0.5], [2, 0.0]], "none": []}


def test_a_draft_that_a_crash_left_is_in_nobodys_way(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    path.with_suffix(".new").write_text("{")
    status.write(path, {"a": 1})
    assert status.read(path) == {"a": 1}


@pytest.mark.parametrize("content", [None, b"", b"{", b"[1]", b"\xff\xfe", b"null"])
def test_a_file_that_is_no_status_is_empty(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "memory.json"
    if content is not None:
        path.write_bytes(content)
    assert status.read(path) == {}


def test_what_is_said_now_is_waited_for_and_not_what_was_said_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, waits = tmp_path / "status.json", []
    status.write(path, FACTS)

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            status.write(path, FACTS | {"updated": FACTS["updated"] + 9})

    monkeypatch.setattr(time, "sleep", wait)
    monkeypatch.setattr(time, "time", lambda: FACTS["updated"] + 9.2)
    assert status.newest(path)["updated"] == FACTS["updated"] + 9
    assert len(waits) == 3


@pytest.mark.parametrize(
    "facts",
    [
        FACTS,
        FACTS | {"updated": FACTS["updated"] - 60},
        FACTS | {"updated": FACTS["updated"] - 9, "state": "stopped"},
        FACTS | {"updated": "yesterday"},
        {},
    ],
    ids=["it is new", "nobody writes any more", "it was ended", "it is not ours", "there is none"],
)
def test_nobody_waits_for_what_will_not_come(
    facts: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "status.json"
    status.write(path, facts)
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("it waits"))
    monkeypatch.setattr(time, "time", lambda: FACTS["updated"] + 0.5)
    assert status.newest(path) == facts
