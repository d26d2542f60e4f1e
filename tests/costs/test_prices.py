"""The price of each quarter hour: what is written of a contract, and when."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from collector.costs.contracts import read
from collector.costs.prices import Prices, prices_of
from collector.memory import Memory
from collector.p1.framing import Framer
from collector.p1.telegram import parse
from collector.points import Points
from collector.protocol import Point, read as read_line
from collector.simulate.localtime import midnight
from p1.golden import TELEGRAMS

CONTRACTS: Final = """
[[electricity]]
from = 2025-07-01
kind = "two tariffs"
import_t1 = 0.10
import_t2 = 0.12
export_t1 = 0.04
export_t2 = 0.05
energy_tax = 0.11
export_fee = 0.02
standing = 0.96
standing_year = 365
netting_until = 2026-12-31
year = "07-01"

[[electricity]]
from = 2026-07-01
kind = "flat"
import = 0.10
vat = 20
energy_tax = 0.20
capacity = 36.5
netting_until = 2026-12-31
year = "07-01"

[[gas]]
from = 2025-07-01
price = 1.25
standing = 0.24
"""


@pytest.fixture
def prices(tmp_path: Path) -> Prices:
    (file := tmp_path / "contracts.toml").write_text(CONTRACTS)
    return Prices("home", read(file), 1)


def of(
    prices: Prices, begin: datetime, end: datetime, measurement: str = "readings"
) -> list[Point]:
    lines = prices.lines(int(begin.timestamp()), int(end.timestamp()))
    points = [read_line(line.rstrip("\n")) for line in lines]
    return [point for point in points if point.measurement == measurement]


def test_a_point_has_what_the_contract_says_and_the_end_of_its_quarter_hour(
    prices: Prices,
) -> None:
    begin = datetime(2026, 2, 3, 10, tzinfo=UTC)
    (point,) = of(prices, begin, begin + timedelta(minutes=15))

    assert point.time == begin.timestamp() + 900
    assert point.tags == {"site": "home", "meter": "contract"}
    wanted: dict[str, Any] = {
        "import_t1_price": "0.10", "import_t2_price": "0.12", "export_t1_price": "0.04",
        "export_t2_price": "0.05", "energy_tax": "0.11", "export_fee": "0.02",
        "standing": (Decimal("0.96") + 1) / 96, "netting_t1": "0.17", "netting_t2": "0.18",
        "contract_year": int(midnight(date(2025, 7, 1)).timestamp()),
    }  # fmt: skip
    assert {name: float(str(value)) for name, value in point.fields.items()} == pytest.approx(
        {name: float(str(value)) for name, value in wanted.items()}
    )


def test_a_change_counts_from_the_midnight_of_its_day(prices: Prices) -> None:
    change = midnight(date(2026, 7, 1))
    before, after = of(prices, change - timedelta(minutes=15), change + timedelta(minutes=15))

    assert before.time == change.timestamp()
    assert "import_t1_price" in before.fields
    assert "import_price" not in before.fields
    assert "import_t1_price" not in after.fields
    assert after.fields["import_price"] == Decimal("0.12")
    assert after.fields["energy_tax"] == Decimal("0.24")


def test_netting_ends_with_its_last_day(prices: Prices) -> None:
    end = midnight(date(2027, 1, 1))
    before, after = of(prices, end - timedelta(minutes=15), end + timedelta(minutes=15))

    assert before.fields["netting"] == Decimal("0.36")
    assert "netting" not in after.fields


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 5, 1), 24), (date(2025, 10, 26), 25)]
)
def test_the_parts_of_a_day_are_the_day_s_charge_however_long_it_is(
    prices: Prices, day: date, hours: int
) -> None:
    begin, end = midnight(day), midnight(day + timedelta(days=1))
    electricity, gas = of(prices, begin, end), of(prices, begin, end, "gas")

    assert (len(electricity), len(gas)) == (4 * hours, hours)
    assert sum(float(str(p.fields["standing"])) for p in electricity) == pytest.approx(1.96)
    assert sum(float(str(p.fields["standing"])) for p in gas) == pytest.approx(0.24)


def test_a_year_of_capacity_is_what_the_contract_says(prices: Prices) -> None:
    points = of(prices, midnight(date(2027, 1, 1)), midnight(date(2028, 1, 1)))
    assert sum(float(str(p.fields["capacity"])) for p in points) == pytest.approx(36.5 * 1.2)


def test_years_after_the_last_change_each_quarter_hour_has_its_price(prices: Prices) -> None:
    """A point at the change alone would lie before the range, and expire with the bucket."""
    begin = midnight(date(2031, 3, 1))
    points = of(prices, begin, begin + timedelta(days=1))
    assert [point.fields["import_price"] for point in points] == [Decimal("0.12")] * 96


def test_before_the_first_contract_there_is_no_price(prices: Prices) -> None:
    begin = midnight(date(2025, 7, 1))
    assert of(prices, begin - timedelta(days=1), begin) == []


def test_the_service_writes_each_quarter_hours_price_once_and_those_between(
    prices: Prices,
) -> None:
    frame = Framer().feed((TELEGRAMS / "dsmr50-1phase-gas.txt").read_bytes())[0]
    telegram = parse(frame)
    memory = Memory()
    begin = datetime(2026, 2, 3, 10, 7, tzinfo=UTC)
    found = []
    for n, minutes in enumerate((0, 1, 8, 9, 60)):
        points = Points(site="home", memory=memory, priced=prices.lines)
        lines = points.lines(telegram, begin + timedelta(minutes=minutes, seconds=n)) or []
        found.append(
            [
                read_line(x[:-1]).time - int(begin.timestamp())
                for x in lines
                if "meter=contract" in x and x.startswith("readings")
            ]
        )

    assert found == [[8 * 60], [], [23 * 60], [], [38 * 60, 53 * 60, 68 * 60]]
    assert Memory.from_dict(memory.as_dict()).priced == memory.priced


def test_a_file_that_was_complained_of_gives_no_prices(tmp_path: Path) -> None:
    (file := tmp_path / "contracts.toml").write_text("import = 1")
    assert prices_of(file, "home", 1) is None
    file.write_text("")
    assert prices_of(file, "home", 1) is None
