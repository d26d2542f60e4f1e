"""The reader: from the bytes of a line to records in the hot files, one bad thing at a time."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from line_protocol_parser import parse_line

from bed.telegrams import METER, dsmr5, meter, stamp, utc, written
from collector.errors import SourceError
from collector.memory import Memory
from collector.p1.decryption import Keys, Refusal
from collector.p1.telegram import Policy
from collector.points import Points
from collector.reading import reader as module
from collector.reading.clock import Choice, Clock
from collector.reading.line import Line
from collector.reading.reader import CLOCK, Reader, Rules
from collector.reading.sources import FAST, READ_SECONDS, Address, Source
from collector.spool.account import Account
from collector.spool.disk import Disk
from collector.spool.early import Early
from collector.spool.handoff import Handoff
from collector.spool.hot import Hot
from collector.spool.record import decode, new_run, numbering
from collector.spool.spool import Directories, Spool
from p1.sealing import KEY, seal

BOOT = "b0"
NOON = utc("2026-02-03T12:00:00")
SECOND = timedelta(seconds=1)


@dataclass
class Meter:
    """A line on which a test says what comes next; `None` is a cable that is pulled out."""

    next: list[bytes | None] = field(default_factory=list)
    name: str = "/dev/p1"

    def read(self, seconds: float = READ_SECONDS) -> bytes:
        del seconds
        data = self.next.pop(0) if self.next else b""
        if data is None:
            raise SourceError("the line broke")
        return data

    def close(self) -> None:
        pass


@dataclass
class Bench:
    """A reader with real hot files, on a clock that only moves when a test says so."""

    directory: Path
    policy: Policy = Policy.REQUIRE
    sample_seconds: int = 0
    keys: Keys | None = None
    choice: Choice = Choice.METER
    live: bool = True
    now: float = 10_000.0
    wall: float = NOON.timestamp()
    synchronised: bool = True
    meter: Meter = field(default_factory=Meter)
    account: Account = field(default_factory=Account)
    memory: Memory = field(default_factory=Memory)

    def __post_init__(self) -> None:
        self.directory.mkdir(exist_ok=True)
        self.handoff = Handoff()
        self.spool = Spool(Directories(self.directory.parent / "spool"), self.account, Disk())
        self.hot = Hot(
            self.directory,
            self.handoff,
            self.account,
            limit=1024 * 1024,
            seal_seconds=5.0,
            monotonic=self.monotonic,
            disk=Disk(),
        )
        self.reader = Reader(
            Line(
                Address("/dev/p1", self.live, (FAST,), self._open),
                silence_seconds=30.0,
                monotonic=self.monotonic,
                pause=self.passes,
            ),
            Clock(
                self.choice,
                live=self.live,
                tolerance_seconds=60.0,
                wall=lambda: self.wall,
                monotonic=self.monotonic,
                synchronised=lambda: self.synchronised,
            ),
            Points(site="home", memory=self.memory),
            self.hot,
            numbering(new_run()),
            Early(self.directory, self.spool, BOOT),
            Rules(self.policy, 1, self.sample_seconds, self.keys),
            self.monotonic,
        )
        self.reader.step()  # opens the line

    def monotonic(self) -> float:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += seconds
        self.wall += seconds

    def _open(self, _: object) -> Source:
        return self.meter

    def hear(self, *data: bytes | None) -> None:
        self.meter.next += data
        for _ in data:
            self.reader.step()

    def stored(self, measurement: str = "electricity") -> list[int]:
        """Give the times of what lies in the hot files."""
        found = []
        for path in sorted(self.directory.glob("0*")):
            for record in decode(path.read_bytes()).records:
                points = [parse_line(line.decode()) for line in record.body.splitlines()]
                found += [p["time"] for p in points if p["measurement"] == measurement]
        return found


@pytest.fixture
def bench(tmp_path: Path) -> Callable[..., Bench]:
    def make(**settings: object) -> Bench:
        return Bench(tmp_path / "hot", **settings)  # type: ignore[arg-type]  # a test knows them

    return make


def seconds(*after: int) -> list[int]:
    return [int(NOON.timestamp()) + n for n in after]


def at(n: int) -> datetime:
    return NOON + n * SECOND


def bad(telegram: bytes) -> bytes:
    return telegram.replace(b"00.321", b"00.322")


# --- one bad thing costs one thing


def test_each_telegram_is_one_record_in_a_file_before_the_next_is_read(
    bench: Callable[..., Bench],
) -> None:
    there = bench()
    for n in range(3):
        there.hear(dsmr5(at(n)))
        assert there.stored() == seconds(*range(n + 1))
        assert there.account.totals().read == n + 1


def test_however_the_bytes_are_cut_the_same_is_stored(bench: Callable[..., Bench]) -> None:
    there = bench()
    stream = b"".join(dsmr5(at(n)) for n in range(5))
    there.hear(*(stream[n : n + 7] for n in range(0, len(stream), 7)))
    assert there.stored() == seconds(0, 1, 2, 3, 4)


def test_a_bad_checksum_costs_its_telegram_and_is_counted(bench: Callable[..., Bench]) -> None:
    there = bench()
    there.hear(dsmr5(at(0)) + bad(dsmr5(at(1))) + dsmr5(at(2)))
    assert there.stored() == seconds(0, 2)
    counters = there.reader.counters
    assert (counters.telegrams, counters.bad_checksums) == (2, 1)


def test_bad_checksums_among_good_ones_are_said_once_an_hour_with_their_number(
    bench: Callable[..., Bench], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, module.__name__)
    there = bench()
    for n in range(3601):
        there.hear(bad(dsmr5(at(n))))
        there.passes(1)
        if n % 30 == 0:
            there.hear(dsmr5(at(n)))
    said = [record.getMessage() for record in caplog.records if record.name == module.__name__]
    size = len(dsmr5(at(0)).rpartition(b"!")[0]) + 1
    assert [text.partition(" (")[0] for text in said] == [
        f"checksum wrong, telegram of {size} bytes thrown away, 1 so far",
        f"checksum wrong, telegram of {size} bytes thrown away, 3601 so far",
    ]


def test_a_missing_checksum_is_taken_as_the_setting_says(bench: Callable[..., Bench]) -> None:
    bare = dsmr5(at(0)).rpartition(b"!")[0] + b"!\r\n"
    strict = bench()
    strict.hear(bare)
    assert (strict.stored(), strict.reader.counters.bad_checksums) == ([], 1)

    lenient = bench(policy=Policy.ACCEPT_MISSING)
    lenient.hear(bare)
    assert (lenient.stored(), lenient.reader.counters.unchecked) == (seconds(0), 1)


def test_a_bad_line_and_an_unknown_line_cost_themselves_and_are_counted(
    bench: Callable[..., Bench],
) -> None:
    there = bench()
    there.hear(dsmr5(at(0), "1-0:2.7.0(0x.000*kW)", "9-9:9.9.9(1)"))
    assert there.stored() == seconds(0)
    counters = there.reader.counters
    assert (counters.bad_lines, counters.unknown_lines) == (1, 1)


def test_a_telegram_that_comes_twice_is_counted_and_not_stored(
    bench: Callable[..., Bench],
) -> None:
    there = bench()
    there.hear(dsmr5(at(0)), dsmr5(at(0)), dsmr5(at(1)))
    assert there.stored() == seconds(0, 1)
    assert there.reader.counters.repeated == 1
    assert there.account.totals().read == 2


def test_another_telegram_of_a_second_is_moved_and_none_is_repeated(
    bench: Callable[..., Bench],
) -> None:
    there = bench()
    there.hear(dsmr5(at(0)), dsmr5(at(0), energy="000124.000"), dsmr5(at(2)))
    assert there.stored() == seconds(0, 1, 2)
    assert there.reader.counters.repeated == 0


def test_leaving_a_meters_clock_that_is_ahead_is_in_the_equation_and_said_once(
    bench: Callable[..., Bench], caplog: pytest.LogCaptureFixture
) -> None:
    there = bench(choice=Choice.AUTO)
    for n in range(3600):
        there.hear(dsmr5(at(n + 300), energy=f"{n:06}.000"))
        there.passes(1)
    totals, counters = there.account.totals(), there.reader.counters
    assert (counters.telegrams, counters.repeated, totals.read) == (3600, 0, 3600)
    assert totals.dropped == 300
    assert len(set(there.stored())) == len(there.stored()) == totals.waiting == 3300
    said = [record.getMessage() for record in caplog.records if record.name == module.__name__]
    assert [text.partition(":")[0] for text in said] == ["readings are dropped, and counted"]


def test_the_next_run_goes_on_with_the_clock_that_was_chosen(bench: Callable[..., Bench]) -> None:
    there = bench(choice=Choice.AUTO)
    for n in range(602):
        there.hear(dsmr5(at(n + 300)))
        there.passes(1)
    assert there.reader.kept()[CLOCK] == "host"


def test_a_telegram_with_nothing_to_store_makes_no_record(bench: Callable[..., Bench]) -> None:
    there = bench()
    there.hear(written("1-3:0.2.8(50)"))
    assert there.account.totals().read == 0


# --- nothing is logged for a telegram


def test_a_day_of_telegrams_is_no_line_in_the_log(
    bench: Callable[..., Bench], caplog: pytest.LogCaptureFixture
) -> None:
    there = bench()
    there.hear(dsmr5(at(0)))
    caplog.set_level(logging.DEBUG)
    caplog.clear()
    there.hear(*(dsmr5(at(n)) for n in range(1, 200)))
    assert [record for record in caplog.records if record.name.startswith("collector")] == []


# --- files


def test_the_hot_file_is_sealed_after_five_seconds(bench: Callable[..., Bench]) -> None:
    there = bench()
    there.hear(dsmr5(at(0)))
    there.passes(4.9)
    there.hear(dsmr5(at(1)))
    assert there.handoff.size == 0
    there.passes(0.1)
    there.hear(b"")
    assert there.handoff.size > 0


def test_a_line_that_breaks_seals_what_there_is_and_forgets_half_a_telegram(
    bench: Callable[..., Bench],
) -> None:
    there = bench()
    telegram = dsmr5(at(1))
    there.hear(dsmr5(at(0)), telegram[:50], None)
    assert there.handoff.size > 0
    there.passes(2)
    there.reader.step()  # opens it again
    there.hear(telegram[50:], dsmr5(at(2)))
    assert there.stored() == seconds(0, 2)
    assert (there.reader.counters.bad_checksums, there.reader.counters.torn) == (0, 1)


def test_a_telegram_without_an_end_is_counted(bench: Callable[..., Bench]) -> None:
    there = bench()
    there.hear(dsmr5(at(0)), dsmr5(at(1))[:50] + b"\r\n", dsmr5(at(2)), dsmr5(at(3))[:50])
    assert there.stored() == seconds(0, 2)
    assert (there.reader.counters.telegrams, there.reader.counters.torn) == (2, 1)


def test_at_the_end_of_a_file_the_last_telegram_counts_without_its_line_end(
    bench: Callable[..., Bench],
) -> None:
    there = bench(live=False)
    there.hear(dsmr5(at(0)) + dsmr5(at(1)).rstrip())
    assert there.stored() == seconds(0)
    there.reader.finish()
    assert there.stored() == seconds(0, 1)


# --- samples


def test_of_each_interval_the_last_telegram_is_stored(bench: Callable[..., Bench]) -> None:
    there = bench(sample_seconds=10)
    there.hear(*(dsmr5(at(n)) for n in range(25)))
    assert there.stored() == seconds(9, 19)
    there.reader.finish()
    assert there.stored() == seconds(9, 19, 24)
    assert there.reader.counters.telegrams == 25


def test_the_last_telegram_is_known_whether_it_is_stored_or_not(
    bench: Callable[..., Bench],
) -> None:
    there = bench(sample_seconds=10)
    there.hear(dsmr5(at(3)))
    assert there.reader.last is not None
    assert there.reader.last.time == at(3)


# --- the clock


DSMR3 = written(meter(), "1-0:1.8.1(00001.000*kWh)").rpartition(b"!")[0] + b"!\r\n"


def test_telegrams_that_waited_for_the_hosts_clock_are_stored_once_it_is_set(
    bench: Callable[..., Bench],
) -> None:
    there = bench(choice=Choice.AUTO, now=30.0, wall=0.0, synchronised=False)
    for _ in range(3):
        there.hear(DSMR3)
        there.passes(10)
    assert there.stored() == []
    there.wall, there.synchronised = NOON.timestamp(), True
    there.hear(b"")
    assert there.stored() == seconds(-30, -20, -10)


def test_what_waits_when_the_program_ends_is_stored_by_the_next_run_of_this_boot(
    bench: Callable[..., Bench],
) -> None:
    there = bench(choice=Choice.AUTO, now=30.0, wall=0.0, synchronised=False)
    there.hear(DSMR3)
    there.reader.finish()
    assert there.stored() == []

    again = bench(choice=Choice.AUTO, now=90.0)
    again.hear(b"")
    assert again.stored() == seconds(-60)
    assert again.account.totals().read == 1


# --- who the meter is


def test_a_swap_is_two_readings_in_one_record(bench: Callable[..., Bench]) -> None:
    there = bench()
    there.hear(dsmr5(at(0)), dsmr5(at(1)), dsmr5(at(2), number="NEW"))
    assert there.stored("readings") == seconds(0, 1, 2)
    assert there.memory.meter == "NEW"
    assert _meters(there) == {METER, "NEW"}


def _meters(there: Bench) -> set[str]:
    lines: Iterable[bytes] = (
        line
        for path in there.directory.iterdir()
        for record in decode(path.read_bytes()).records
        for line in record.body.splitlines()
    )
    return {parse_line(line.decode())["tags"]["meter"] for line in lines}


def test_encrypted_telegrams_are_read_like_any_other(bench: Callable[..., Bench]) -> None:
    reading = bench(keys=Keys(KEY))
    sealed = b"".join(seal(dsmr5(at(n)), n) for n in range(3))
    reading.hear(sealed[:70], sealed[70:500], sealed[500:])

    assert reading.stored() == seconds(0, 1, 2)


def test_a_key_that_does_not_fit_is_said_once(
    bench: Callable[..., Bench], caplog: pytest.LogCaptureFixture
) -> None:
    reading = bench(keys=Keys(KEY[::-1]))
    reading.hear(*(seal(dsmr5(at(n)), n) for n in range(3)))

    assert reading.stored() == []
    assert [r.message for r in caplog.records if "key" in r.message] == [
        f"{Refusal.WRONG_KEY.message} ({Refusal.WRONG_KEY.hint})"
    ]


def test_a_frame_that_the_line_broke_off_is_forgotten(bench: Callable[..., Bench]) -> None:
    reading = bench(keys=Keys(KEY))
    reading.hear(seal(dsmr5(at(0)))[:100], None)
    reading.passes(60)
    reading.reader.step()  # opens the line again
    reading.hear(seal(dsmr5(at(1)), 2))

    assert reading.stored() == seconds(1)


# --- owed checksums


def unchecked(second: int) -> bytes:
    """A telegram that has lost its version and its checksum, or is of an old meter."""
    return b"/KMP5 ZABF\r\n\r\n1-0:1.8.1(%09.3f*kWh)\r\n1-0:1.7.0(00.1*kW)\r\n!\r\n" % second


def checked() -> bytes:
    return dsmr5(NOON)


def test_a_line_that_has_given_checked_telegrams_owes_checksums(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.meter.next = [checked(), unchecked(1)]
    for _ in range(2):
        bench.reader.step()

    assert bench.reader.counters.telegrams == 1
    assert bench.reader.counters.torn == 1


def test_a_second_reader_on_the_port_is_told_four_times_a_day(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Half of the telegrams are whole, for as long as it reads."""
    bench = Bench(tmp_path)
    for n in range(2 * 24 * 6):
        bench.passes(300.0)
        bench.meter.next = [unchecked(n) if n % 2 else dsmr5(NOON + timedelta(seconds=300 * n))]
        bench.reader.step()

    told = [r for r in caplog.records if "is not taken" in r.message]
    assert len(told) == 4


def test_a_line_that_never_had_any_owes_none(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.meter.next = [unchecked(1)]
    bench.reader.step()

    assert bench.reader.counters.telegrams == 1


def test_what_is_owed_is_remembered_over_a_restart(tmp_path: Path) -> None:
    before = Bench(tmp_path / "before")
    before.meter.next = [checked()]
    before.reader.step()
    after = Bench(tmp_path / "after", memory=Memory.from_dict(before.memory.as_dict()))
    after.meter.next = [unchecked(1)]
    after.reader.step()

    assert after.reader.counters.telegrams == 0


def test_a_meter_that_was_exchanged_for_an_old_one_is_read_after_a_while(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(tmp_path)
    bench.meter.next = [checked()]
    bench.reader.step()
    taken = []
    for n in range(65):
        bench.passes(10.0)
        bench.meter.next = [unchecked(n)]
        bench.reader.step()
        taken.append(bench.reader.counters.telegrams - 1)

    assert taken[58] == 0
    assert taken[-1] > 0
    assert "without checksums are taken from now on" in caplog.text


def test_ten_minutes_are_not_enough_without_thirty_telegrams(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.meter.next = [checked()]
    bench.reader.step()
    for n in range(29):
        bench.passes(60.0)
        bench.meter.next = [unchecked(n)]
        bench.reader.step()

    assert bench.reader.counters.telegrams == 1


@pytest.mark.parametrize(
    ("policy", "live"), [(Policy.ACCEPT_MISSING, True), (Policy.REQUIRE, False)]
)
def test_nothing_is_owed_where_the_setting_says_so_or_in_a_replay(
    tmp_path: Path, policy: Policy, *, live: bool
) -> None:
    bench = Bench(tmp_path, policy=policy, live=live)
    bench.meter.next = [checked(), unchecked(1)]
    for _ in range(2):
        bench.reader.step()

    assert bench.reader.counters.telegrams == 2


def test_no_key_is_asked_for_where_the_frames_are_not_p1(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(tmp_path)
    inside = b"\x41\xe6\xe7\x00" + seal(checked())[:290]
    bench.meter.next = [b"\x7e" + (0xA000 | len(inside) + 2).to_bytes(2, "big") + inside + b"\x7e"]
    bench.reader.step()

    assert "P1_DECRYPT_KEY" not in caplog.text


# --- whose meanings the codes have

MAKERS = "0-0:96.1.0(3330303030303432)"
OWNERS = "0-0:96.1.1(4D413330394D)"


def polish(second: int, *numbers: str) -> bytes:
    return written(f"0-0:1.0.0({stamp(at(second))})", *numbers, f"1-0:1.8.0(00081{second}.3*kWh)")


def test_whose_meanings_a_checked_telegram_told_holds_over_a_lost_line_and_a_restart(
    tmp_path: Path,
) -> None:
    """96.1.1 alone would be the meter's number."""
    before = Bench(tmp_path / "before")
    before.hear(polish(0, MAKERS, OWNERS))
    after = Bench(tmp_path / "after", memory=Memory.from_dict(before.memory.as_dict()))
    after.hear(polish(1, OWNERS))

    assert after.memory.meter == before.memory.meter == "30000042"


def test_another_header_is_another_meter_with_meanings_of_its_own(tmp_path: Path) -> None:
    there = Bench(tmp_path)
    other = written(f"0-0:1.0.0({stamp(at(1))})", "1-0:1.8.0(000001.0*kWh)", header="OTH5")
    there.hear(polish(0, MAKERS, OWNERS), other, polish(2, OWNERS))

    assert there.memory.meter == "MA309M"
