"""`spool` says what waits, whether it is sound, gets it out and in, beside a running service."""

import json
from pathlib import Path
from threading import Event, Thread

import pytest

from collector.commands.cli import main
from collector.service import status
from collector.spool.account import Outcome
from collector.spool.segment import closed_name, damage_name, open_name
from spool.machine import Machine, body, encoded, records


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Give a service with three records in each place, one hot segment spooled as well."""
    machine = Machine(tmp_path)
    machine.backlog(3)
    machine.read(3)
    machine.keep()
    spooled = machine.directories.spool / open_name(2)
    (machine.hot_directory / closed_name(90)).write_bytes(spooled.read_bytes())
    machine.read(3)
    return machine


def spool(machine: Machine, action: str, *options: str) -> int:
    directories = ["--spool-dir", str(machine.directories.spool)]
    directories += ["--hot-dir", str(machine.hot_directory)]
    return main(["spool", action, *directories, *options])


@pytest.mark.parametrize("action", ["status", "verify", "export", "resend"])
def test_help_begins_like_that_of_every_command(
    action: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["spool", action, "--help"])
    _, sentence, *_ = capsys.readouterr().out.split("\n\n")
    assert sentence[0].isupper()
    assert sentence.endswith(".")


def test_status_counts_what_waits_once(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert spool(machine, "status") == 0

    out = capsys.readouterr().out
    assert "9 telegrams waiting for InfluxDB" in out
    words = {line.split()[0]: line.split()[1:4] for line in out.splitlines()}
    assert words["hot"] == ["2", "files", "6"]
    assert words["spool"] == ["2", "files", "6"]
    assert words["rejected"] == ["0", "files", "0"]


def test_status_shows_the_accounting_of_the_service(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    counts = machine.totals.as_dict()
    facts = {"state": "reading", "pid": 4711, "counts": counts}
    status.write(machine.hot_directory / status.FILE_NAME, facts)

    spool(machine, "status")

    assert capsys.readouterr().out.splitlines()[-1] == (
        "service (reading, process 4711): 0 found or handed over + 9 read"
        " = 0 delivered + 9 waiting + 0 rejected + 0 dropped + 0 damaged"
    )


def test_status_is_there_for_programs(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.spool.reject(records(2), "no")

    assert spool(machine, "status", "--json") == 0

    assert json.loads(capsys.readouterr().out) == {
        "waiting": 9,
        "hot": {"files": 2, "records": 6},
        "spool": {"files": 2, "records": 6},
        "tray": {"files": 0, "records": 0},
        "inbox": {"files": 0, "records": 0},
        "rejected": {"files": 1, "records": 2},
        "service": None,
    }


def test_verify_finds_nothing_wrong_beside_a_record_being_written(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (machine.directories.spool / open_name(2), machine.hot_directory / open_name(3)):
        with path.open("ab") as file:
            file.write(body(99)[:40])

    assert spool(machine, "verify") == 0
    assert capsys.readouterr().out == "9 telegrams sound, 0 damaged\n"


@pytest.mark.parametrize("place", ["spool", "hot", "inbox", "rejected"])
def test_verify_reports_damage_with_its_place(
    machine: Machine, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = machine.hot_directory if place == "hot" else machine.directories.spool
    path = (directory / place if place in ("inbox", "rejected") else directory) / closed_name(95)
    one, two = records(2)
    path.write_bytes(one.encode() + two.encode().replace(b"gas", b"gaz"))

    assert spool(machine, "verify") == 1

    report = capsys.readouterr().out.splitlines()
    size = len(two.encode())
    assert report[0] == f"{path}: {size} damaged bytes at byte {len(one.encode())}"
    assert report[-1].endswith("1 damaged")
    assert path.exists()


def test_export_gives_each_waiting_line_once(
    machine: Machine, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    (machine.directories.inbox / closed_name(1)).write_bytes(encoded(records(2, "f" * 12)))
    machine.spool.reject(records(2, "e" * 12), "no")

    assert spool(machine, "export") == 0

    lines = capfdbinary.readouterr().out.splitlines(keepends=True)
    waiting = [*machine.written.values(), body(1), body(2)]
    assert sorted(lines) == sorted(b"".join(waiting).splitlines(keepends=True))


def test_export_leaves_out_damage(
    machine: Machine, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    path = machine.directories.spool / closed_name(1)
    path.write_bytes(path.read_bytes().replace(b"volume_m3=2.5", b"volume_m3=2.7"))

    spool(machine, "export")

    out = capfdbinary.readouterr().out
    assert b"volume_m3=2.7" not in out
    assert body(2) not in out
    assert body(1) + body(3) in out


def test_resend_hands_refused_records_in_once_more(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also to the very service that had them refused."""
    job = machine.courier.begin_spool()
    assert job is not None
    refused = [one for one in records(3, machine.run) if one.id in job.ids]
    machine.spool.reject(refused, "no such bucket")
    machine.account.settle(Outcome.REJECTED, job.ids)
    machine.courier.end(job, stored=False)
    machine.spool.remove(machine.spool.next(1)[0])

    assert spool(machine, "resend") == 0

    assert "1 refused file handed" in capsys.readouterr().err
    assert machine.names(machine.directories.rejected) == []
    machine.keep()
    machine.close()
    machine.courier.deliver_all()
    assert set(job.ids) <= machine.courier.stored.keys()
    assert machine.totals.waiting == 0
    assert machine.totals.rejected == 3
    assert machine.totals.delivered == 9
    assert machine.totals.found == 3


def test_resend_replaces_nothing_in_the_inbox(machine: Machine) -> None:
    (machine.directories.inbox / closed_name(1)).write_bytes(encoded(records(2)))
    machine.spool.reject(records(1, "e" * 12), "no")

    spool(machine, "resend")

    assert len(machine.names(machine.directories.inbox)) == 2


def test_the_commands_only_read(machine: Machine) -> None:
    def files() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in machine.root.rglob("*") if path.is_file()}

    before = files()
    for action in ("status", "verify", "export"):
        spool(machine, action)

    assert files() == before


def test_there_may_be_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    machine = Machine(tmp_path)

    assert [spool(machine, action) for action in ("status", "verify", "export")] == [0, 0, 0]
    assert "0 telegrams waiting" in capsys.readouterr().out


def test_damage_kept_aside_is_listed(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    (machine.directories.damaged / damage_name(1, 0)).write_bytes(b"x")

    spool(machine, "status")

    assert "damaged       1 files" in capsys.readouterr().out


def test_the_commands_work_beside_files_that_come_and_go(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    """A service that seals, keeps, delivers and removes all the time."""
    stopping = Event()

    def work() -> None:
        while not stopping.is_set():
            machine.read(2)
            machine.wait(2)
            machine.close()
            machine.courier.deliver_all()

    service = Thread(target=work)
    service.start()
    try:
        for _ in range(20):
            assert spool(machine, "status") == 0
            assert spool(machine, "verify") == 0
            assert spool(machine, "export") == 0
    finally:
        stopping.set()
        service.join()
    assert " damaged" in capsys.readouterr().out
