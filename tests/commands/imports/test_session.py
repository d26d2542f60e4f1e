"""The command's run over files: what it says, what it goes on with, what it leaves alone."""

import bz2
import gzip
import io
import lzma
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from collector.commands.imports import job as jobs
from collector.commands.imports.session import Session
from collector.errors import CollectorError, SourceError
from collector.service import status
from collector.service.lock import Lock
from collector.settings.settings import Settings, load
from collector.spool.disk import Disk
from collector.spool.record import decode
from collector.spool.segment import segments
from commands.imports.recordings import telegrams, version_5


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
    parts = [part for path in paths for part in decode(path.read_bytes()).parts()]
    return b"".join(parts).splitlines()


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


@pytest.mark.parametrize("dry", [False, True])
@pytest.mark.parametrize("content", [b"", b"\x7fELF\x02\x01\x01" + bytes(range(256)) * 9])
def test_a_file_without_telegrams_is_told(content: bytes, tmp_path: Path, *, dry: bool) -> None:
    file = tmp_path / "ls"
    file.write_bytes(content)
    with pytest.raises(SourceError, match=r"^`ls` holds no telegram$") as caught:
        Session(settings(tmp_path), dry=dry, stream=io.StringIO()).run(file)
    assert "starts with `/` and ends with `!`" in str(caught.value.hint)


def test_a_database_without_rows_is_told_without_a_word_on_its_form(tmp_path: Path) -> None:
    file = tmp_path / "dsmr50.sqlite"
    version_5(file, telegrams(1))
    with closing(sqlite3.connect(file)) as database:
        database.execute("DELETE FROM telegrams")
        database.commit()
    with pytest.raises(SourceError, match="holds no telegram") as caught:
        Session(settings(tmp_path), stream=io.StringIO()).run(file)
    assert caught.value.hint is None


def test_telegrams_that_are_all_left_out_are_telegrams(tmp_path: Path) -> None:
    file = tmp_path / "log.txt"
    file.write_bytes(telegrams(1)[0].replace(b"1-0:1.8.1", b"1-0:1.8.3"))
    tally = Session(settings(tmp_path), stream=io.StringIO()).run(file)
    assert (tally.telegrams, tally.unusable) == (0, 1)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (1, "1 telegram is in the inbox; the service delivers it when it runs, 0 repeated"),
        (2, "2 telegrams are in the inbox; the service delivers them when it runs, 0 repeated"),
    ],
)
def test_without_a_service_they_are_said_to_be_in_the_inbox(
    number: int, words: str, tmp_path: Path
) -> None:
    assert f"(telegrams): {words}" in said_of(tmp_path, number)


def test_with_a_service_they_are_handed_to_it(tmp_path: Path) -> None:
    (tmp_path / "hot").mkdir()
    facts = {"state": "reading", "updated": int(time.time())}
    status.write(tmp_path / "hot" / status.FILE_NAME, facts)
    lock = Lock(tmp_path / "hot")
    told = said_of(tmp_path, 1)
    lock.release()
    assert "(telegrams): 1 telegram handed to the service, 0 repeated" in told
    assert "a point that InfluxDB has already, of an earlier import, stays the same point" in told


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_file_that_is_compressed_is_told_to_be_unpacked(
    pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    path = tmp_path / "dsmr50.sqlite.gz"
    path.write_bytes(pack(b"SQLite format 3\0"))
    with pytest.raises(SourceError, match="is compressed") as caught:
        Session(settings(tmp_path), stream=io.StringIO()).run(path)
    assert caught.value.hint
    assert "unpack it first, with `gunzip -k`" in caught.value.hint


def said_of(tmp_path: Path, number: int) -> str:
    """Import so many telegrams, and give what is said."""
    (tmp_path / "log.txt").write_bytes(b"".join(telegrams(number)))
    said = io.StringIO()
    Session(settings(tmp_path), stream=said).run(tmp_path / "log.txt")
    return said.getvalue()


def test_a_spool_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "spool").touch()
    (tmp_path / "log.txt").write_bytes(telegrams(1)[0])
    with pytest.raises(CollectorError, match=r"the import of .* stopped"):
        Session(settings(tmp_path), stream=io.StringIO()).run(tmp_path / "log.txt")
