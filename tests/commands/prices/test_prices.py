"""`prices`: what the market says comes to the spool once, whatever it says and whenever."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from bed.market import TOKEN, MarketServer
from collector.commands.prices import market as sources
from collector.commands.prices.market import MarketError
from collector.commands.prices.session import Session
from collector.errors import CollectorError
from collector.protocol import Point, read
from collector.settings.settings import load
from collector.simulate.localtime import midnight

DYNAMIC: Final = """
[[electricity]]
from = 2025-01-01
kind = "dynamic"
vat = 21
markup = 0.0100
export_markup = -0.0050
energy_tax = 0.1000
"""
FLAT: Final = """
[[electricity]]
from = 2026-06-01
kind = "flat"
import = 0.20
"""
NOON: Final = datetime(2026, 6, 10, 10, tzinfo=UTC)
AFTERNOON: Final = NOON + timedelta(hours=2)
HOUR: Final = 3600


def quarters(first: date, last: date, step: int = 900) -> dict[int, float | None]:
    """Give invented prices from a day to another, both with all of them."""
    begin, end = (int(midnight(day).timestamp()) for day in (first, last + timedelta(days=1)))
    return {time: 50.0 + time // step % 37 for time in range(begin, end, step)}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[MarketServer]:
    with MarketServer(quarters(date(2026, 5, 1), date(2026, 6, 10))) as server:
        monkeypatch.setattr(sources, "ENERGY_CHARTS", f"{server.url}/price")
        monkeypatch.setattr(sources, "ENTSOE", f"{server.url}/api")
        yield server


Made = Callable[..., Session]


@pytest.fixture
def session(tmp_path: Path) -> Made:
    """Give a run at a time, with a file of contracts."""

    def made(now: datetime, text: str = DYNAMIC, **more: str) -> Session:
        file = tmp_path / "contracts.toml"
        file.write_text(text)
        places = {"P1_SPOOL_DIR": str(tmp_path / "spool"), "P1_CONTRACTS": str(file)}
        settings, problems = load({**places, **more})
        assert not problems
        return Session(settings, now)

    return made


def handed_over(place: Path) -> list[Point]:
    """Take what lies in the inbox, as the service would."""
    points = []
    for path in sorted((place / "spool" / "inbox").glob("*.lp")):
        points += [read(line) for line in path.read_text().splitlines() if line[0] != "#"]
        path.unlink()
    return points


def priced(points: list[Point]) -> dict[int, str]:
    """Give the import prices by the second at which their quarter hour begins."""
    return {
        point.time - 900: str(point.fields["import_price"])
        for point in points
        if "import_price" in point.fields
    }


def test_each_quarter_hour_of_thirty_days_and_today_has_the_markets_price_and_what_is_added(
    session: Made, server: MarketServer, tmp_path: Path
) -> None:
    assert session(NOON).latest() == 0

    found = priced(handed_over(tmp_path))
    begin = int(midnight(date(2026, 5, 11)).timestamp())
    wanted = {time for time in server.prices if time >= begin}
    assert found.keys() == wanted
    for time in wanted:
        market = server.prices[time]
        assert market is not None
        assert float(found[time]) == pytest.approx((market / 1000 + 0.01) * 1.21)


def test_what_was_handed_over_is_not_asked_for_again(
    session: Made, server: MarketServer, tmp_path: Path
) -> None:
    session(NOON).latest()
    handed_over(tmp_path)
    session(NOON).latest()

    assert len(server.requests) == 1
    assert handed_over(tmp_path) == []


def test_tomorrow_is_asked_for_after_one_until_it_is_there(
    session: Made, server: MarketServer, tmp_path: Path
) -> None:
    session(NOON).latest()
    handed_over(tmp_path)
    session(AFTERNOON).latest()
    assert handed_over(tmp_path) == []

    tomorrow = quarters(date(2026, 6, 11), date(2026, 6, 11))
    server.prices = {**server.prices, **tomorrow}
    session(AFTERNOON + timedelta(hours=1)).latest()
    session(AFTERNOON + timedelta(hours=2)).latest()

    assert priced(handed_over(tmp_path)).keys() == tomorrow.keys()
    assert [query["start"] for _, query in server.requests] == [
        "2026-05-11", "2026-06-11", "2026-06-11",
    ]  # fmt: skip


def test_what_an_outage_cost_is_filled_in_up_to_thirty_days_later(
    session: Made, server: MarketServer, tmp_path: Path
) -> None:
    session(NOON).latest()
    handed_over(tmp_path)
    later = quarters(date(2026, 6, 11), date(2026, 7, 5))
    server.prices = {**server.prices, **later}
    server.spoilt = [(503, b"")]
    with pytest.raises(MarketError, match="503"):
        session(NOON + timedelta(days=20)).latest()
    session(NOON + timedelta(days=25)).latest()

    assert priced(handed_over(tmp_path)).keys() == later.keys()


@pytest.mark.parametrize(
    "spoilt",
    [
        (200, b"<html>Welcome to the hotel</html>"),
        (200, b'{"unix_seconds": [1780000200], "price": [], "unit": "EUR / MWh"}'),
        (200, b'{"unix_seconds": [1780000200], "price": ["1e9"], "unit": "EUR / MWh"}'),
        (200, b'{"unix_seconds": [1780000200], "price": [Infinity], "unit": "EUR / MWh"}'),
        (200, b'{"unix_seconds": [1780000201], "price": [1], "unit": "EUR / MWh"}'),
        (200, b'{"unix_seconds": [1800, 900], "price": [1, 2], "unit": "EUR / MWh"}'),
        (200, b'{"unix_seconds": [1780000200], "price": [1], "unit": "DKK / MWh"}'),
        (200, b'{"unix_seconds": [true], "price": [1], "unit": "EUR / MWh"}'),
        (200, b"[]"),
        (200, b"[" * 100_000),
        (429, b"slow down"),
    ],
    ids=lambda case: f"{case[0]} {case[1][:70]!r}",
)
def test_an_answer_that_is_none_is_told_and_costs_nothing(
    session: Made, server: MarketServer, tmp_path: Path, spoilt: tuple[int, bytes]
) -> None:
    server.spoilt = [spoilt]
    with pytest.raises(MarketError):
        session(NOON).latest()
    assert not (tmp_path / "spool").exists()

    session(NOON).latest()
    assert len(priced(handed_over(tmp_path))) == 31 * 96


def test_what_the_market_does_not_know_is_left_out_and_asked_for_again(
    session: Made, server: MarketServer, tmp_path: Path
) -> None:
    lacking = int(datetime(2026, 6, 9, 8, 15, tzinfo=UTC).timestamp())
    known = dict(server.prices)
    server.prices = {**known, lacking: None}
    session(NOON).latest()
    assert lacking not in priced(handed_over(tmp_path))

    server.prices = known
    session(NOON).latest()
    assert priced(handed_over(tmp_path)).keys() == {lacking}


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2025, 10, 26), 25)])
@pytest.mark.parametrize("step", [900, 3600])
def test_a_day_with_a_change_of_the_clock_has_its_own_number_of_prices(
    session: Made, server: MarketServer, tmp_path: Path, day: date, hours: int, step: int
) -> None:
    """Hours are of before October 2025: each of their quarters has the hour's price."""
    server.prices, server.step = quarters(day, day, step), step
    session(midnight(day) + timedelta(hours=9)).latest()

    found = priced(handed_over(tmp_path))
    assert len(found) == 4 * hours
    assert {float(found[time]) for time in found if time - time % step == min(found)} == {
        float(found[min(found)])
    }


def test_an_answer_may_go_from_hours_to_quarter_hours(
    session: Made, server: MarketServer, tmp_path: Path
) -> None:
    old = quarters(date(2026, 6, 8), date(2026, 6, 9), HOUR)
    server.prices = {**old, **quarters(date(2026, 6, 10), date(2026, 6, 10))}
    session(NOON).latest()

    assert len(priced(handed_over(tmp_path))) == 3 * 96


@pytest.mark.parametrize("step", [900, 3600])
def test_the_second_source_is_asked_when_the_first_has_nothing(
    session: Made, server: MarketServer, tmp_path: Path, step: int
) -> None:
    server.prices, server.step = quarters(date(2026, 5, 11), date(2026, 6, 10), step), step
    server.spoilt = [(500, b"")]
    session(NOON, P1_ENTSOE_TOKEN=TOKEN).latest()

    found = priced(handed_over(tmp_path))
    assert len(found) == 31 * 96
    for time, market in server.prices.items():
        assert float(found[time]) == pytest.approx((market / 1000 + 0.01) * 1.21)  # type: ignore[operator]


def test_a_token_that_is_refused_is_in_no_word(session: Made, server: MarketServer) -> None:
    server.spoilt = [(500, b"")]
    with pytest.raises(MarketError) as caught:
        session(NOON, P1_ENTSOE_TOKEN=TOKEN[1:]).latest()
    assert TOKEN[1:] not in f"{caught.value} {caught.value.hint}"


def test_the_second_source_has_nothing_yet(
    session: Made, server: MarketServer, tmp_path: Path
) -> None:
    server.prices = {}
    session(NOON, P1_ENTSOE_TOKEN=TOKEN).latest()
    assert handed_over(tmp_path) == []
    assert [path for path, _ in server.requests] == ["/price", "/api"]


def test_a_contract_without_a_market_asks_for_nothing(
    session: Made, server: MarketServer, tmp_path: Path
) -> None:
    session(NOON, FLAT).latest()
    assert server.requests == []
    assert handed_over(tmp_path) == []


def test_the_days_after_a_dynamic_contract_are_not_asked_for(
    session: Made, server: MarketServer, tmp_path: Path
) -> None:
    session(NOON, DYNAMIC + FLAT).latest()
    found = priced(handed_over(tmp_path))
    assert [query["end"] for _, query in server.requests] == ["2026-05-31"]
    assert max(found) == int(midnight(date(2026, 6, 1)).timestamp()) - 900


def test_the_past_is_written_again_whatever_was_written(
    session: Made, server: MarketServer, tmp_path: Path
) -> None:
    run = session(NOON + timedelta(minutes=1), DYNAMIC + FLAT)
    run.since(date(2026, 5, 20))
    first = handed_over(tmp_path)
    run.since(date(2026, 5, 20))

    assert handed_over(tmp_path) == first
    begin, end = midnight(date(2026, 5, 20)), NOON + timedelta(minutes=15)
    assert [point.time for point in first] == list(
        range(int(begin.timestamp()) + 900, int(end.timestamp()) + 1, 900)
    )
    assert {
        str(p.fields["import_price"])
        for p in first
        if p.time > midnight(date(2026, 6, 1)).timestamp()
    } == {"0.20"}
    assert len(server.requests) == 2


def test_without_contracts_there_is_nothing_to_write(session: Made) -> None:
    with pytest.raises(CollectorError, match="no contracts"):
        session(NOON, "").latest()
