"""The command's run over files: what it says, what it goes on with, what it leaves alone."""

import io
from pathlib import Path

import pytest

from collector.errors import CollectorError, SourceError
from collector.imports import job as jobs
from collector.imports.session import Session
from collector.settings import Settings, load
from collector.spool.disk import Disk
from collector.spool.record import decode
from collector.spool.segment import segments
from imports.recordings import telegrams, version_5


class FullError(Exception):
    """The person gave up waiting for room."""


def _give_up(seconds: float) -> None:
    raise FullError(seconds)


@pytest.fixture(autouse=True)
def _small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "ENOUGH_LINES", 100)


def settings(home: Path) -> Settings:
    loaded, problems = load({"P1_SPOOL_DIR": f"{home}/spool", "P1_HOT_DIR": f"{home}/hot"})
    assert problems == []
    return loaded


def points(home: Path) -> list[bytes]:
    paths = segments(Disk(), home / "spool" / "inbox")
    return [line for path in paths for line in decode(path.read_bytes()).body.splitlines()]


@pytest.mark.parametrize("name", ["log.txt", "dsmr50.sqlite"])
def test_a_second_run_goes_on_where_the_first_stopped(name: str, tmp_path: Path) -> None:
    sent = telegrams(1200)
    file = tmp_path / name
    if name == "log.txt":
        file.write_bytes(b"".join(sent))
    else:
        version_5(file, sent)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    Session(settings(whole), stream=io.StringIO()).run(file)
    first = Session(settings(parts), bound=100_000, pause=_give_up, stream=io.StringIO())
    with pytest.raises(FullError):
        first.run(file)
    said = io.StringIO()
    tally = Session(settings(parts), stream=said).run(file)
    assert "goes on behind telegram " in said.getvalue()
    assert 0 < tally.telegrams < 1200
    assert points(parts) == points(whole)


def test_again_begins_at_the_beginning(tmp_path: Path) -> None:
    file = tmp_path / "log.txt"
    file.write_bytes(b"".join(telegrams(1200)))
    first = Session(settings(tmp_path), bound=100_000, pause=_give_up, stream=io.StringIO())
    with pytest.raises(FullError):
        first.run(file)
    again = Session(settings(tmp_path), again=True, stream=io.StringIO())
    assert again.run(file).telegrams == 1200


def test_while_it_waits_it_says_that_no_service_runs(tmp_path: Path) -> None:
    said = said_while_waiting(tmp_path, settings(tmp_path))
    assert "waits for the service, which does not seem to run: start it" in said


def test_while_it_waits_for_room_it_says_how_to_get_some(tmp_path: Path) -> None:
    full = settings(tmp_path).model_copy(update={"free_mib": 2**40})
    assert "waits for room on the disk of the spool: make some" in said_while_waiting(
        tmp_path, full
    )


def said_while_waiting(tmp_path: Path, settings: Settings) -> str:
    """Import more than the inbox takes, and give up at the third wait."""
    file = tmp_path / "log.txt"
    file.write_bytes(b"".join(telegrams(1200)))
    waited = 0

    def pause(_: float) -> None:
        nonlocal waited
        waited += 1
        if waited > 2:
            raise FullError

    said = io.StringIO()
    with pytest.raises(FullError):
        Session(settings, bound=100_000, pause=pause, stream=said).run(file)
    return said.getvalue()


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    session = Session(settings(tmp_path), stream=io.StringIO())
    with pytest.raises(SourceError, match="No such file or directory"):
        session.run(tmp_path / "gone.txt")
    with pytest.raises(SourceError, match="Is a directory"):
        session.run(tmp_path)


def test_a_spool_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "spool").touch()
    (tmp_path / "log.txt").write_bytes(telegrams(1)[0])
    with pytest.raises(CollectorError, match=r"the import of .* stopped"):
        Session(settings(tmp_path), stream=io.StringIO()).run(tmp_path / "log.txt")
