"""What waits where `P1_SPOOL_DIR` pointed before is told, and brought in by one command."""

import logging
import shutil
from pathlib import Path

import pytest

from collector.commands.cli import main
from collector.service import former
from collector.service.lock import Lock
from collector.settings.settings import Settings, load
from collector.spool.disk import Disk
from collector.spool.record import decode
from collector.spool.segment import closed_name, open_name, segments
from collector.spool.spool import Directories
from spool.machine import encoded, records


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    monkeypatch.setenv("P1_HOT_DIR", str(tmp_path / "hot"))


def at(spool: Path | None) -> Settings:
    """Give the settings of a start with this spool, None the default one."""
    settings, problems = load({"P1_SPOOL_DIR": str(spool)} if spool else {})
    assert problems == []
    return settings


def start(spool: Path | None, caplog: pytest.LogCaptureFixture) -> list[str]:
    """Look back as a start with this spool does; gives what it says."""
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        former.look_back(at(spool), Disk())
    return [record.message for record in caplog.records]


def filled(spool: Path) -> Path:
    """Have readings wait in a spool: a file of its own, one left open and torn, one handed in."""
    (spool / "inbox").mkdir(parents=True)
    (spool / closed_name(1)).write_bytes(encoded(records(7)[:3]))
    (spool / open_name(2)).write_bytes(encoded(records(7)[3:5]) + b"electricity,si")
    (spool / "inbox" / closed_name(1)).write_bytes(encoded(records(7)[5:]))
    return spool


def test_a_change_and_a_change_back_tell_what_waits_in_the_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert start(tmp_path / "usb", caplog) == []
    filled(tmp_path / "usb")
    (told,) = start(None, caplog)
    assert told.startswith(f"3 files with readings wait in `{tmp_path}/usb`, where nobody")
    assert "`p1-collector spool take-over`" in told
    assert start(tmp_path / "usb", caplog) == []
    filled(tmp_path / "state" / "spool")
    (told,) = start(tmp_path / "stick", caplog)[:1]
    assert f"`{tmp_path}/state/spool`" in told


def test_who_never_changes_it_has_nothing_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert start(None, caplog) == []
    assert not (tmp_path / "state").exists()
    start(tmp_path / "usb", caplog)
    note = tmp_path / "state" / former.NAME
    before = note.stat()
    start(tmp_path / "usb", caplog)
    assert note.stat() == before
    assert before.st_mode & 0o777 == 0o600


def test_a_spool_that_another_collector_uses_is_none_of_before(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    filled(tmp_path / "usb")
    start(tmp_path / "usb", caplog)
    lock = Lock(tmp_path / "usb")
    assert start(None, caplog) == []
    lock.release()
    assert len(start(None, caplog)) == 1


@pytest.mark.parametrize("note", [b"\xff\xfe", b"nothing\n\n", b"/nowhere\n/proc/1/fd\n"])
def test_a_note_that_is_none_stops_nothing(
    note: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / former.NAME).write_bytes(note)
    assert start(tmp_path / "usb", caplog) == []


def test_take_over_brings_all_of_it_into_the_inbox(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    start(filled(tmp_path / "usb"), caplog)
    assert main(["spool", "take-over"]) == 0
    assert f"3 files of `{tmp_path}/usb` handed to the service" in capsys.readouterr().err
    inbox = Directories(tmp_path / "state" / "spool").inbox
    contents = [decode(path.read_bytes()) for path in segments(Disk(), inbox)]
    found = [record for each in contents for record in each.records]
    assert sorted(found, key=lambda record: record.id) == records(7)
    assert [damage for each in contents for damage in each.damage] == []
    assert former.backlog(tmp_path / "usb", Disk()) == []
    assert start(None, caplog) == []


def test_take_over_crosses_disks(tmp_path: Path) -> None:
    """A USB stick is another disk than the card."""
    elsewhere = Path("/dev/shm") / tmp_path.name  # noqa: S108  a fresh directory below it
    if tmp_path.stat().st_dev == Path("/dev/shm").stat().st_dev:  # noqa: S108
        pytest.skip("there is one disk alone")
    try:
        filled(elsewhere)
        assert main(["spool", "take-over", str(elsewhere)]) == 0
        inbox = Directories(tmp_path / "state" / "spool").inbox
        assert sum(len(decode(path.read_bytes()).records) for path in inbox.iterdir()) == 7
        assert former.backlog(elsewhere, Disk()) == []
    finally:
        shutil.rmtree(elsewhere)


def test_take_over_leaves_alone_what_another_collector_uses(tmp_path: Path) -> None:
    lock = Lock(filled(tmp_path / "usb"))
    assert main(["spool", "take-over", str(tmp_path / "usb")]) == 1
    lock.release()
    assert len(former.backlog(tmp_path / "usb", Disk())) == 3


def test_take_over_of_nothing_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["spool", "take-over", str(tmp_path / "nowhere")]) == 1
    assert "No such file or directory" in capsys.readouterr().err
    assert main(["spool", "take-over"]) == 0
    assert capsys.readouterr().err == "nothing waits in a spool of before\n"
