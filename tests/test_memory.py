"""What only repeats is written where it is needed: once to each target, and what that lacks."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from bed.telegrams import meter, said, utc
from collector.memory import Memory
from collector.p1.telegram import Telegram
from collector.points import Points
from collector.spool.account import Account, Outcome
from collector.spool.record import RecordId, new_run, numbering

NOON = utc("2026-02-03T12:00:00")
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def shows(*lines: str, power: int = 1) -> Telegram:
    """Give a telegram that shows all that a meter shows over and over, and what else it says."""
    return said(
        meter(),
        f"1-0:1.7.0(00.{power % 1000:03}*kW)",
        "1-0:1.8.1(000001.000*kWh)",
        "0-0:98.1.0(2)(1-0:1.6.0)(1-0:1.6.0)"
        "(230201000000W)(230117224500W)(04.329*kW)(230301000000W)(230202001500W)(04.529*kW)",
        "1-0:99.97.0(1)(0-0:96.7.19)(221122113014W)(0000002100*s)",
        "0-0:96.13.0(48616C6C6F)",
        "0-1:24.1.0(003)",
        "0-1:24.2.1(260203120000W)(00001.000*m3)",
        "0-2:24.1.0(007)",
        "0-2:24.2.1(632525252525W)(00002.000*m3)",  # its clock was never set
        *lines,
    )


@dataclass
class Home:
    """A collector and what became of its records; a start takes the memory of the last one."""

    target: str = "a"
    kept: str = "{}"
    account: Account = field(default_factory=Account)
    written: list[tuple[RecordId, list[str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.start(self.target)

    def start(self, target: str, *, account: Account | None = None) -> None:
        self.account = account or Account()
        self.numbers = numbering(new_run())
        memory = Memory.from_dict(
            json.loads(self.kept),
            target=target,
            fate=lambda record: self.account.fate(RecordId(*record)),
            news=lambda: self.account.news,
        )
        self.points = Points(site="home", memory=memory)

    def read(self, telegram: Telegram, time: datetime) -> list[str]:
        """Have a telegram stored; gives the lines that are of what only repeats."""
        lines = self.points.lines(telegram, time) or []
        record = next(self.numbers)
        self.account.read(record)
        self.points.memory.carried(record)
        self.kept = json.dumps(self.points.memory.as_dict())
        repeated = [line for line in lines if not line.startswith("electricity,")]
        self.written.append((record, repeated))
        return repeated

    def settle(self, outcome: Outcome) -> None:
        """Let everything that waits come to an end."""
        self.account.settle(outcome, [record for record, _ in self.written])


@pytest.fixture
def home() -> Home:
    return Home()


def measurements(lines: Sequence[str]) -> Counter[str]:
    return Counter(line.partition(",")[0] for line in lines)


ALL = Counter(demand_peak=2, power_failure=1, message=1, gas=1, water=1, readings=1)


def test_what_only_repeats_is_written_once(home: Home) -> None:
    assert measurements(home.read(shows(), NOON)) == ALL
    home.settle(Outcome.DELIVERED)
    assert home.read(shows(), NOON + SECOND) == []


def test_what_waits_is_not_written_again_however_long_and_over_restarts(home: Home) -> None:
    """A year without InfluxDB, with a start each month."""
    home.read(shows(), NOON)
    for day in range(1, 366):
        if day % 30 == 0:
            home.start("a", account=home.account)
        found = measurements(home.read(shows(power=day), NOON + day * DAY))
        assert found == Counter(readings=1)  # a quarter hour has its own


def test_once_a_day_all_is_written_again_to_the_byte(home: Home) -> None:
    first = home.read(shows(), NOON)
    again = []
    for hour in range(1, 24 * 7):
        home.settle(Outcome.DELIVERED)
        found = home.read(shows(power=hour), NOON + hour * HOUR)
        again += [line for line in found if not line.startswith("readings")]
    once = [line for line in first if not line.startswith("readings")]
    assert Counter(again) == Counter(6 * once)


@pytest.mark.parametrize("outcome", [Outcome.DROPPED, Outcome.DAMAGED])
def test_what_was_lost_with_its_record_is_written_again_to_the_byte(
    home: Home, outcome: Outcome
) -> None:
    first = home.read(shows(), NOON)
    home.settle(outcome)
    assert home.read(shows(), NOON + SECOND) == first
    assert home.read(shows(), NOON + 2 * SECOND) == []


def test_another_target_gets_it_all_as_its_first_bytes(home: Home) -> None:
    first = home.read(shows(), NOON)
    home.settle(Outcome.DELIVERED)
    home.read(shows(), NOON + SECOND)
    home.start("b")
    assert home.read(shows(), NOON + 2 * SECOND) == first
    assert home.read(shows(), NOON + 3 * SECOND) == []


def test_the_first_target_need_not_get_it_again_when_it_comes_back(home: Home) -> None:
    home.read(shows(), NOON)
    home.settle(Outcome.DELIVERED)
    home.read(shows(), NOON + SECOND)
    found = []
    for n, target in enumerate("bcda"):
        home.start(target)
        found.append(len(home.read(shows(), NOON + (n + 2) * SECOND)))
    assert found == [7, 7, 7, 0]


def test_what_waited_for_the_first_target_has_gone_to_the_other_one(home: Home) -> None:
    first = home.read(shows(), NOON)
    for n, target in enumerate("ba"):
        home.start(target, account=home.account)
        assert home.read(shows(), NOON + (n + 1) * SECOND) == first


def test_what_was_refused_is_not_sent_to_that_target_again(home: Home) -> None:
    """InfluxDB keeps a year: of the record with the peaks, those are refused and the rest not."""
    first = home.read(shows(), NOON)
    old = [line for line in first if int(line.rpartition(" ")[2]) < NOON.timestamp() - 365 * 86400]
    home.points.memory.refused(line.encode() for line in old)
    home.settle(Outcome.REJECTED)
    home.read(shows(), NOON + SECOND)
    home.start("a")
    later = home.read(shows(), NOON + DAY + HOUR)
    assert len(old) == 3
    assert [line for line in later if line in old] == []
    assert {*first} - {*later} - {*old} == {line for line in first if line.startswith("readings")}

    home.start("b")
    assert {*old} <= {*home.read(shows(), NOON + DAY + HOUR + SECOND)}


def test_what_nobody_knows_the_fate_of_is_written_again_after_a_day(home: Home) -> None:
    """It was killed between the answer and the note of it: its record is nowhere."""
    first = home.read(shows(), NOON)
    home.start("a")
    assert home.read(shows(), NOON + SECOND) == []
    found = home.read(shows(), NOON + DAY)
    assert {*first} - {*found} == {line for line in first if line.startswith("readings")}


def test_what_the_meter_shows_no_more_is_not_written_again(home: Home) -> None:
    home.read(shows(), NOON)
    home.settle(Outcome.DROPPED)
    later = said(meter(), "0-1:24.1.0(003)", "0-1:24.2.1(260203130000W)(00001.500*m3)")
    assert measurements(home.read(later, NOON + HOUR)) == Counter(gas=1)


def test_a_list_that_a_telegram_lacks_is_still_known_in_the_next(home: Home) -> None:
    home.read(shows(), NOON)
    home.read(said(meter(), "0-0:96.13.0(48616C6C6F)"), NOON + SECOND)
    assert home.read(shows(), NOON + 2 * SECOND) == []


@pytest.mark.parametrize(
    "kept",
    [
        {
            "shown": {"message": 3, "demand_peak": {"a": 1}},
            "targets": {"a": None, "b": {"x": [1]}},
        },
        {"targets": {"a": {"x": ["pending", 1, ["run"]], "y": ["gone", 1, None]}}},
        {"shown": [], "targets": []},
    ],
)
def test_a_memory_that_is_damaged_is_forgotten_where_it_is(kept: object) -> None:
    home = Home(kept=json.dumps(kept))
    assert measurements(home.read(shows(), NOON)) == ALL
