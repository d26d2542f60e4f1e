"""An import, broken off at every place and gone on with: the same points as in one go."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from bed.telegrams import dsmr5, utc
from collector.commands.imports import job as jobs
from collector.commands.imports.job import Job, Note, Progress
from collector.commands.imports.recording import Entry, Place, Stretch
from collector.memory import Memory
from collector.p1.telegram import Telegram
from collector.points import Points
from collector.spool.disk import Disk
from collector.spool.inbox import Inbox
from collector.spool.record import decode
from collector.spool.segment import segments
from collector.spool.spool import Directories
from commands.imports.recordings import read

NOON = utc("2021-03-05T12:00:00")
GAS = ("0-1:24.1.0(003)", "0-1:24.2.1(210305120000W)(01234.567*m3)")


class BrokenOffError(Exception):
    """Somebody pressed Ctrl-C."""


class Watcher:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.words: list[str] = []

    def draw(self, position: int, number: int, words: str = "") -> None:
        del position, number
        self.words.append(words)

    def say(self, text: str) -> None:
        self.said.append(text)


class Recorded:
    """A recording in memory, a telegram a stretch; broken off before one of them, if so told."""

    kind = "test"

    def __init__(self, telegrams: Sequence[Telegram], broken_at: int | None = None) -> None:
        self.size = len(telegrams)
        self._telegrams = telegrams
        self._broken_at = broken_at

    def stretches(self, start: Place) -> Iterator[Stretch]:
        for number in range(start.number, len(self._telegrams)):
            if number == self._broken_at:
                raise BrokenOffError
            telegram = self._telegrams[number]
            trouble = None if telegram.time else "it has no time"
            entry = Entry(f"telegram {number + 1}", telegram, trouble)
            yield Stretch((entry,), Place(number + 1, number + 1))


@pytest.fixture
def telegrams() -> list[Telegram]:
    """Give an hour, a telegram a minute, with the same gas reading in all."""
    return [read(dsmr5(NOON + timedelta(minutes=n), *GAS)) for n in range(60)]


@pytest.fixture(autouse=True)
def _small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "ENOUGH_LINES", 20)


class Home:
    """A spool, and the file that is imported into it."""

    def __init__(self, path: Path, *, bound: int = 2**20) -> None:
        self.spool = path / "spool"
        self.file = path / "log.txt"
        path.mkdir(exist_ok=True)
        self.file.touch()
        self.watcher = Watcher()
        self.inbox = Inbox(Directories(self.spool), Disk(), free=0, bound=bound)
        self.note = Note(self.spool, self.file, "home", Disk())

    def job(self, recorded: Recorded, memory: Memory, wait: object = None) -> Job:
        points = Points(site="home", memory=memory)
        waiting = wait if callable(wait) else lambda: "waits"
        return Job(recorded, points, self.watcher, inbox=self.inbox, note=self.note, wait=waiting)

    def run(self, recorded: Recorded) -> None:
        progress = self.note.read() or Progress(Place(), Memory())
        self.job(recorded, progress.memory).run(progress.place)

    def points(self) -> list[bytes]:
        paths = segments(Disk(), Directories(self.spool).inbox)
        parts = [part for path in paths for part in decode(path.read_bytes()).parts()]
        return b"".join(parts).splitlines()


def test_what_was_broken_off_and_gone_on_with_gives_the_same_points(
    telegrams: list[Telegram], tmp_path: Path
) -> None:
    whole = Home(tmp_path / "whole")
    whole.run(Recorded(telegrams))
    expected = whole.points()
    for number in range(0, 60, 11):
        home = Home(tmp_path / str(number))
        with pytest.raises(BrokenOffError):
            home.run(Recorded(telegrams, broken_at=number))
        home.run(Recorded(telegrams))
        assert home.points() == expected


def test_gas_is_written_once_also_over_an_interruption(
    telegrams: list[Telegram], tmp_path: Path
) -> None:
    home = Home(tmp_path)
    with pytest.raises(BrokenOffError):
        home.run(Recorded(telegrams, broken_at=40))
    home.run(Recorded(telegrams))
    assert len([line for line in home.points() if line.startswith(b"gas,")]) == 1


def test_an_import_that_is_done_leaves_no_note(telegrams: list[Telegram], tmp_path: Path) -> None:
    home = Home(tmp_path)
    with pytest.raises(BrokenOffError):
        home.run(Recorded(telegrams, broken_at=40))
    assert home.note.read() is not None
    home.run(Recorded(telegrams))
    assert home.note.read() is None


def test_it_waits_at_the_bound_and_says_so(telegrams: list[Telegram], tmp_path: Path) -> None:
    home = Home(tmp_path, bound=3000)
    most = 0

    def wait() -> str:
        """Be the service, which takes one segment at a time."""
        nonlocal most
        paths = segments(Disk(), Directories(home.spool).inbox)
        most = max(most, sum(path.stat().st_size for path in paths))
        paths[0].unlink()
        return "waits until the service has delivered some"

    home.job(Recorded(telegrams), Memory(), wait).run(Place())
    assert 3000 <= most < 6000
    assert "waits until the service has delivered some" in home.watcher.words


def test_what_cannot_be_used_is_named_and_counted(
    telegrams: list[Telegram], tmp_path: Path
) -> None:
    home = Home(tmp_path)
    bad = read(dsmr5(NOON).replace(b"0-0:1.0.0(210305130000W)", b"0-0:1.0.0()"))
    job = home.job(Recorded([telegrams[0], bad, telegrams[1], telegrams[1]]), Memory())
    tally = job.run(Place())
    assert (tally.telegrams, tally.repeated, tally.unusable) == (3, 1, 1)
    assert home.watcher.said == ["telegram 2 is left out: it has no time"]
    assert (tally.first, tally.last) == (NOON, NOON + timedelta(minutes=1))


def test_of_very_many_that_cannot_be_used_the_rest_is_counted(tmp_path: Path) -> None:
    home = Home(tmp_path)
    bad = read(dsmr5(NOON).replace(b"0-0:1.0.0(210305130000W)", b"0-0:1.0.0()"))
    tally = home.job(Recorded([bad] * 300), Memory()).run(Place())
    assert tally.unusable == 300
    assert len(home.watcher.said) == jobs.REPORTED + 1


def test_a_dry_run_counts_what_would_be_written(telegrams: list[Telegram]) -> None:
    points = Points(site="home")
    job = Job(Recorded(telegrams), points, Watcher(), inbox=None, note=None, wait=lambda: "never")
    tally = job.run(Place())
    assert tally.written == {"electricity": 60, "readings": 4, "gas": 1}
