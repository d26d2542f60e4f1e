"""What `put` stores, where, in which order, and what it refuses."""

import json
import os
import time
from pathlib import Path
from threading import Event

import pytest

from bed.command import called
from collector.commands.put.lines import MOST, SECONDS, Rules, Stream
from collector.commands.put.session import REPORTED, Session
from collector.errors import CollectorError
from collector.service.lock import Lock
from collector.settings.settings import load
from collector.spool.record import decode

GOOD = [b"solar power_kw=%d 17000000%02d" % (n, n) for n in range(50)]
LARGE = b'note t="' + b"0" * 60_000 + b'"'
BAD = b"solar power_kw=1.5kW 1700000000"


class Home:
    """A spool and a hot directory, with or without a service that says that it runs."""

    def __init__(self, root: Path) -> None:
        self.hot, self.spool = root / "hot", root / "spool"
        self.tray, self.inbox = self.hot / "inbox", self.spool / "inbox"
        self.hot.mkdir()
        self.root = root
        self.stopping = Event()
        self._lock: Lock | None = None

    def serve(self, state: str = "reading") -> None:
        self._lock = self._lock or Lock(self.hot)
        status = {"state": state, "updated": int(time.time())}
        (self.hot / "status.json").write_text(json.dumps(status))

    def session(self, *, skip_bad: bool = False, bound: int = 1 << 26) -> Session:
        places = {"P1_HOT_DIR": str(self.hot), "P1_SPOOL_DIR": str(self.spool)}
        settings, _ = load({**places, "P1_FREE_MIB": "0"})
        return Session(settings, Rules(), self.stopping, skip_bad, bound)

    def file(self, *lines: bytes) -> Stream:
        path = self.root / f"{len(list(self.root.glob('*.lp')))}.lp"
        path.write_bytes(b"\n".join(lines))
        return Stream(path.name, os.open(path, os.O_RDONLY), time.monotonic)

    def lines(self, room: Path) -> list[bytes]:
        files = sorted(room.glob("*.lp"))
        parts = [part for file in files for part in decode(file.read_bytes()).parts()]
        return b"".join(parts).splitlines()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


class Pipe:
    """A pipe that a test writes into: what `writes` gives next, each time that nothing is left."""

    def __init__(self, home: Home, *pieces: bytes) -> None:
        self._end, self._writing = os.pipe()
        self._pieces = iter(pieces)
        self._home = home
        self.now = 0.0
        self.stream = Stream("pipe", self._end, self.clock)
        self.feed()

    def feed(self) -> None:
        piece = next(self._pieces, None)
        if piece is None:
            os.close(self._writing)
        else:
            os.write(self._writing, piece)

    def clock(self) -> float:
        """Let a second pass each time that it is asked."""
        self.now += SECONDS / 2
        return self.now


def test_lines_are_stored_in_their_order_each_a_record_of_its_own(home: Home) -> None:
    home.session().run([home.file(*GOOD)])
    assert home.lines(home.inbox) == GOOD
    (file,) = home.inbox.glob("*.lp")
    assert [place.id.number for place in decode(file.read_bytes()).places] == list(range(1, 51))


def test_a_bad_line_of_a_file_leaves_nothing_stored(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CollectorError, match="a line is bad, nothing stored"):
        home.session().run([home.file(*GOOD, BAD)])
    assert not home.spool.exists()
    assert capsys.readouterr().err.splitlines() == [
        "0.lp, line 51: `1.5kW` is no value (a text stands in quotes), at column 16",
        f"  {BAD.decode()}",
        f"  {'^':>16}",
    ]


def test_nor_does_one_behind_more_than_is_held_in_memory(home: Home) -> None:
    with pytest.raises(CollectorError, match="a line is bad, nothing stored"):
        home.session().run([home.file(*[LARGE] * 40, BAD)])
    assert not home.spool.exists()


def test_of_several_files_one_bad_line_leaves_nothing_stored(home: Home) -> None:
    good = home.file(*GOOD)
    with pytest.raises(CollectorError, match="nothing stored"):
        home.session().run([good, home.file(BAD)])
    assert not home.spool.exists()


def test_bad_lines_are_left_out_where_that_is_asked_for(home: Home) -> None:
    session = home.session(skip_bad=True)
    session.run([home.file(BAD, *GOOD, BAD)])
    assert home.lines(home.inbox) == GOOD
    assert session.outcome().endswith("the service delivers them when it runs, 2 left out")


def test_a_file_of_nothing_but_bad_lines_does_not_fill_the_screen(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    home.session(skip_bad=True).run([home.file(*[BAD] * 500)])
    assert len(capsys.readouterr().err.splitlines()) == 3 * REPORTED + 1


def test_beside_the_service_lines_go_into_ram_and_not_to_the_card(home: Home) -> None:
    home.session().run([home.file(GOOD[0])])
    card = sorted(home.inbox.iterdir())
    home.serve()
    home.session().run([home.file(*GOOD[1:])])
    assert home.lines(home.tray) == GOOD[1:]
    assert sorted(home.inbox.iterdir()) == card


@pytest.mark.parametrize("state", [None, "stopped"])
def test_without_it_they_go_to_the_disk_behind_what_is_left_in_ram(
    home: Home, state: str | None
) -> None:
    home.serve()
    home.session().run([home.file(*GOOD[:20])])
    (home.hot / "status.json").unlink()
    if state:
        home.serve(state)
    home.session().run([home.file(*GOOD[20:])])
    assert home.lines(home.inbox) == GOOD
    assert list(home.tray.iterdir()) == []


def test_a_stream_is_stored_as_it_comes(home: Home) -> None:
    """Whether it ever ends, nobody knows: each second's lines are stored when it is over."""
    pipe = Pipe(home, *(line + b"\n" for line in GOOD[:3]))
    stored = []
    for batch in pipe.stream.batches(lambda: False):
        stored.append(batch)
        pipe.feed()
    assert stored == [[line] for line in GOOD[:3]]


def test_a_bad_line_in_a_stream_ends_it_and_what_came_before_is_stored(home: Home) -> None:
    pipe = Pipe(home, GOOD[0] + b"\n", GOOD[1] + b"\n" + BAD + b"\n" + GOOD[2] + b"\n")
    session = home.session()
    put = session._put

    def store(lines: list[bytes]) -> None:
        put(lines)
        pipe.feed()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Session, "_put", lambda _, lines: store(lines))
        with pytest.raises(CollectorError, match="a line is bad, only the 1 line before stored"):
            session.run([pipe.stream])
    assert home.lines(home.inbox) == GOOD[:1]


def test_a_line_that_is_torn_by_the_end_of_the_command_is_none(home: Home) -> None:
    pipe = Pipe(home, GOOD[0] + b"\n" + GOOD[1][:10])
    ends = iter([False, True])
    assert list(pipe.stream.batches(lambda: next(ends))) == [[GOOD[0]]]


def test_what_is_held_in_memory_is_bounded(home: Home) -> None:
    file = home.file(*GOOD, *[b"solar power_kw=1.5"] * 200_000, b"x" * 4 * MOST)
    sizes = [sum(map(len, batch)) for batch in file.batches(lambda: False)]
    assert len(sizes) > 3
    assert max(sizes) < 2 * MOST


def test_at_its_bound_it_waits_and_stores_all_once_there_is_room(home: Home) -> None:
    home.serve()
    waits: list[int] = []

    def wait(_: float) -> bool:
        waits.append(len(list(home.tray.glob("*.lp"))))
        for file in home.tray.glob("*.lp"):
            file.unlink()
        return False

    home.stopping.wait = wait  # type: ignore[assignment,method-assign]  # nobody sleeps here
    session = home.session(bound=4096)
    session.run([home.file(*GOOD * 100)])
    assert session.stored == 5000
    assert waits == [1, 1]


def test_who_ends_it_while_it_waits_is_told_that_lines_are_not_stored(home: Home) -> None:
    home.serve()

    def end(_: float) -> bool:
        return True

    home.stopping.wait = end  # type: ignore[assignment,method-assign]
    with pytest.raises(CollectorError, match="2000 lines stored, the last that came are not"):
        home.session(bound=4096).run([home.file(*GOOD * 100)])


def test_when_the_service_ends_meanwhile_what_is_in_ram_goes_to_the_disk(home: Home) -> None:
    home.serve()

    def wait(_: float) -> bool:
        home.serve("stopped")
        return False

    home.stopping.wait = wait  # type: ignore[assignment,method-assign]
    session = home.session()
    session.run([home.file(*(LARGE + b" %d" % second for second in range(100)))])
    assert home.lines(home.tray) == []
    assert len(home.lines(home.inbox)) == 100


@pytest.mark.parametrize(
    ("name", "words"), [("nobody", "No such file or directory"), (".", "Is a directory")]
)
def test_what_is_no_file_is_told_before_anything_is_read(
    home: Home, name: str, words: str
) -> None:
    done = called("put", name, home=home.root)
    assert (done.returncode, done.stderr) == (1, f"error: cannot read `{name}`: {words}\n")
