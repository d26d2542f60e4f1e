"""What the contracts cost is what the simulator's books say, on both sides, to the cent."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Final

import pytest

from bed.influxd import Database
from bed.influxdb import EVERY, USUAL
from collector.simulate.localtime import local, midnight
from dashboards.asked import Ask, answers, of, table
from dashboards.bills import bills, capacity, netting, quarters
from dashboards.books import Books
from dashboards.cells import bars, clock
from dashboards.conftest import DATABASE, Shown, Year
from dashboards.expected import SWAPPED, TODAY, days_with_all_readings, sums
from dashboards.homes import NOW, market
from dashboards.node import Packages
from dashboards.shipped import dashboards, panel

pytestmark = [pytest.mark.influxdb, pytest.mark.slow, pytest.mark.timeout(1800)]

CENT: Final = 1e-5
"""Sums of floats, in euros, are right to this."""

ROUNDED: Final = 6e-4
YEARS: Final = {"utrecht": date(2025, 11, 12), "gent": date(2026, 7, 1)}
MONTHS: Final = "%Y-%m"
NOT_ELECTRIC: Final = ("gas", "water", "heat")


@pytest.fixture(params=EVERY)
def ask(request: pytest.FixtureRequest, year: Year, loaded: Callable[[str], Database]) -> Ask:
    if request.param == USUAL.version:
        return of(year.influxd, year.bucket)
    return of(loaded(request.param), DATABASE)


def electric(row: Mapping[str, float | None]) -> dict[str, float]:
    """Leave gas, water and heat out, and what a home does not have."""
    return {
        name: value
        for name, value in row.items()
        if value is not None and not name.startswith(NOT_ELECTRIC)
    }


def test_each_part_of_each_month_is_that_of_the_books(
    ask: Ask, packages: Packages, site: str, books: Books
) -> None:
    """Two tariffs, a flat and a dynamic contract, changes in a month, clocks, swap, gap."""
    shown = table(ask, packages, "cost", "The months by the contracts", site=site)

    expected = bills(site, books, MONTHS)
    assert shown["Month"] == sorted(expected, reverse=True)
    for n, month in enumerate(shown["Month"]):
        row = {name: values[n] for name, values in shown.items() if name not in {"Month", "total"}}
        assert electric(row) == pytest.approx(_with(expected[month], electric(row)), abs=CENT)
        assert shown["total"][n] == pytest.approx(sum(v or 0 for v in row.values()))


def _with(bill: dict[str, float], row: dict[str, float]) -> dict[str, float]:
    """A part that is nought may be there or not."""
    return {name: bill.get(name, 0.0) for name in bill.keys() | row.keys()}


def test_gas_and_water_have_the_price_of_their_day(
    ask: Ask, packages: Packages, site: str, books: Books
) -> None:
    shown = table(ask, packages, "cost", "The months by the contracts", site=site)

    used = sums(books, MONTHS)
    for n, month in enumerate(shown["Month"]):
        if site == "gent":
            assert shown["water"][n] == pytest.approx(used[month].water * 5.5 / 1000)
        elif month != SWAPPED.strftime(MONTHS):
            price = 1.29 if month < "2026" else 1.35
            assert shown["gas"][n] == pytest.approx(used[month].gas * price / 1000)


def test_the_contracts_year_netted_and_not_netted(
    ask: Ask, packages: Packages, site: str, books: Books
) -> None:
    began = str(int(midnight(YEARS[site]).timestamp()))
    shown = table(ask, packages, "cost", "This contract's year", site=site, contract_year=began)

    plain, saved = netting(site, books, YEARS[site])
    assert shown["not netted"] == pytest.approx([plain], abs=CENT)
    assert shown["netting"] == pytest.approx([-saved], abs=CENT)
    assert shown["netted"] == pytest.approx([plain - saved], abs=CENT)
    assert saved > 1


def test_the_contracts_year_is_what_the_variable_asks_for(ask: Ask, site: str) -> None:
    (variable,) = (
        each
        for each in dashboards()["cost"]["templating"]["list"]
        if each["name"] == "contract_year"
    )
    query = variable["query"].replace("${site:regex}", site)
    now = NOW.isoformat().replace("+00:00", "Z")
    ((_, second),) = ask(query.replace("now()", f"'{now}'"))[0]["values"]
    assert second == midnight(YEARS[site]).timestamp()


def test_without_a_contract_the_year_has_nothing_and_no_query_fails(ask: Ask) -> None:
    shown = panel("cost", "This contract's year")
    values = {"site": "nobody", "contract_year": ""}
    assert not any(answers(ask, "cost", shown, values).values())


def test_what_shifting_was_worth_is_the_price_paid_beside_the_mean_of_all(
    ask: Ask, packages: Packages, year: Year
) -> None:
    books = Books.load(year.files / "utrecht" / "books.json")
    shown = table(ask, packages, "cost", "Price of a kWh", site="utrecht")

    begin = int(midnight(TODAY - timedelta(days=30)).timestamp())
    known = {t: (float(p) / 1000 + 0.015) * 1.21 + 0.110836 for t, p in market().items()}
    within = {t: p for t, p in known.items() if begin < t + 900 < NOW.timestamp() + 300}
    assert shown["mean of all hours"] == pytest.approx([sum(within.values()) / len(within)])
    use = [
        (known[int(t.timestamp())], u.imported)
        for t, u in quarters("utrecht", books)
        if t.timestamp() >= begin
    ]
    paid = sum(price * wh for price, wh in use) / sum(wh for _, wh in use)
    assert shown["paid"] == pytest.approx([paid])


def test_the_capacity_tariff_is_the_mean_of_twelve_months(
    ask: Ask, packages: Packages, year: Year
) -> None:
    books = Books.load(year.files / "gent" / "books.json")
    shown = table(ask, packages, "cost", "Capacity tariff", site="gent")

    for n, month in enumerate(shown["Month"]):
        if month in {"2026-10", "2025-09"}:  # the one is not over, of the other a part is asked
            continue
        mean, cost = capacity(books, month)
        assert shown["mean of twelve months"][n] == pytest.approx(mean)
        assert shown["cost"][n] == pytest.approx(cost)


def _to_come() -> dict[int, float]:
    """The prices of the next day, by the second at which their quarter hours begin."""
    begin = int(NOW.timestamp()) // 900 * 900
    return {
        t: (float(p) / 1000 + 0.015) * 1.21 + 0.110836
        for t, p in market().items()
        if begin <= t < begin + 24 * 3600
    }


def _written(second: int, pattern: str) -> str:
    return local(datetime.fromtimestamp(second, NOW.tzinfo)).strftime(pattern)


def test_the_prices_of_the_next_day_begin_with_this_quarter_hours(
    ask: Ask, packages: Packages
) -> None:
    shown = table(ask, packages, "now", "The next 24 hours", site="utrecht")

    wanted = _to_come()
    assert shown["price"] == pytest.approx(list(wanted.values()))
    assert shown["Begin"] == [_written(t, "%H:%M") for t in wanted]


def test_the_cheapest_and_the_dearest_to_come_have_their_times(
    ask: Ask, packages: Packages
) -> None:
    shown = table(ask, packages, "now", "Cheapest and dearest to come", site="utrecht")

    wanted = _to_come()
    found = [min(wanted, key=wanted.__getitem__), max(wanted, key=wanted.__getitem__)]
    assert shown["price"] == pytest.approx([wanted[t] for t in found])
    assert shown["from"] == [_written(t, "%a %H:%M") for t in found]


def test_an_hour_like_this_is_the_power_times_the_price(
    ask: Ask, packages: Packages, site: str
) -> None:
    shown = table(ask, packages, "now", "An hour like this", site=site)

    power = [shown[name][0] for name in ("imported", "exported")]
    if site == "utrecht":
        market_now = float(market()[int(NOW.timestamp()) // 900 * 900]) / 1000
        price, paid = (market_now + 0.015) * 1.21 + 0.110836, market_now - 0.004 - 0.0121
    else:
        price, paid = {1: 0.1790, 2: 0.1470}[int(shown["tariff"][0])] + 0.0503, 0.0
    assert shown["€ an hour"] == pytest.approx([power[0] * price - power[1] * paid])


def test_influxdbs_own_ui_has_the_same_months(shown: Shown, site: str, books: Books) -> None:
    rows = shown("cost", "The months by the contracts", begin="-1h")

    expected = bills(site, books, MONTHS)
    assert [row["Month"] for row in rows] == sorted(expected, reverse=True)
    for row in rows:
        found = electric(
            {
                name: float(text)
                for name, text in row.items()
                if text and name not in {"Month", "order", "total"}
            }
        )
        assert found == pytest.approx(_with(expected[row["Month"]], found), abs=CENT)


def test_influxdbs_own_ui_has_the_same_days(shown: Shown, site: str, books: Books) -> None:
    rows = bars(shown("cost", "Each day by the contracts"))

    expected = bills(site, books, "%Y-%m-%d")
    used = sums(books, "%Y-%m-%d")
    found = {clock(row).date(): float(row["_value"]) for row in rows}
    for day in days_with_all_readings(site):
        name = f"{day}"
        more = used[name].water * 5.5 / 1000
        if site == "utrecht":
            new = day >= date(2026, 1, 1)
            more = used[name].gas * (1.35 if new else 1.29) / 1000 + (0.24 if new else 0.21)
        assert found[day] == pytest.approx(sum(expected[name].values()) + more, abs=ROUNDED), day


def test_influxdbs_own_ui_has_the_same_netting(shown: Shown, site: str, books: Books) -> None:
    plain, saved = netting(site, books, YEARS[site])
    wanted = {"not netted": plain, "netting": -saved, "netted": plain - saved}
    for name, euros in wanted.items():
        (row,) = shown("cost", f"This contract's year: {name}", begin="-1h")
        assert float(row["_value"]) == pytest.approx(euros, abs=ROUNDED)

    course = shown("cost", "Netting as it builds up", begin="-1h")
    last = {row["_field"]: float(row["_value"]) for row in course}
    assert sum(last.values()) == pytest.approx(-saved, abs=2 * ROUNDED)


def test_influxdbs_own_ui_has_the_same_capacity(shown: Shown, year: Year) -> None:
    books = Books.load(year.files / "gent" / "books.json")
    for row in shown("cost", "Capacity tariff", of="gent", begin="-1h"):
        if "2025-09" < row["Month"] < "2026-10":
            mean, cost = capacity(books, row["Month"])
            assert float(row["mean of twelve months"]) == pytest.approx(mean)
            assert float(row["cost"]) == pytest.approx(cost)


def test_influxdbs_own_ui_has_the_same_prices(
    shown: Shown, ask: Ask, packages: Packages, site: str
) -> None:
    (row,) = shown("now", "An hour like this", begin="-1h")
    there = table(ask, packages, "now", "An hour like this", site=site)
    assert float(row["_value"]) == pytest.approx(there["€ an hour"][0], abs=ROUNDED)
    if site == "utrecht":
        for title in ("The next 24 hours", "Cheapest and dearest to come"):
            later = shown("now", title, begin="-1h")
            grafana = table(ask, packages, "now", title, site=site)
            assert [float(each["price"]) for each in later] == pytest.approx(grafana["price"])
