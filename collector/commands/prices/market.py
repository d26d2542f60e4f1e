"""What the day-ahead market says of a zone: energy-charts.info, without registration, or ENTSO-E.

Both are asked once for all that is wanted. A price holds for a quarter hour, an older one for an
hour. What an answer lacks is lacking, and asked for again later.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final
from xml.etree import ElementTree as ET

import urllib3

from collector.costs.prices import Market
from collector.errors import CollectorError
from collector.p1.time import local
from collector.points import QUARTER_SECONDS

ENERGY_CHARTS: Final = "https://api.energy-charts.info/price"
ENTSOE: Final = "https://web-api.tp.entsoe.eu/api"
ZONES: Final = {
    "AT": "10YAT-APG------L",
    "BE": "10YBE----------2",
    "DE-LU": "10Y1001A1001A82H",
    "FR": "10YFR-RTE------C",
    "NL": "10YNL----------L",
}
"""ENTSO-E's names of the zones."""

_SECONDS: Final = 30.0
_HOUR: Final = 3600
_LARGEST: Final = 32 * 1024 * 1024
_MOST: Final = 20_000  # €/MWh: five times the highest price that the market allows
_RESOLUTIONS: Final = {"PT60M": 3600, "PT30M": 1800, "PT15M": 900}
_OK: Final = 200


class MarketError(CollectorError):
    """A source of prices has no answer that can be used."""

    def __init__(self, message: str) -> None:
        hint = "nothing is lost: the next run asks for what is lacking, 30 days back"
        super().__init__(message, hint=hint)


def fetch(zone: str, wanted: range, hours: int, token: str) -> Market:
    """Ask the first source, with a token the second for what it lacks. Raises `MarketError`.

    `wanted` are quarter hours, in seconds since 1970; `hours` is the offset of winter time.
    """
    try:
        found = energy_charts(zone, wanted, hours)
    except MarketError:
        if not token:
            raise
        found = {}
    if token and any(second not in found for second in wanted):
        found = {**entsoe(zone, wanted, token), **found}
    return found


def energy_charts(zone: str, wanted: range, hours: int) -> Market:
    first, last = (local(second, hours).date() for second in (wanted.start, wanted.stop - 1))
    query = {"bzn": zone, "start": f"{first}", "end": f"{last}"}
    body = _asked(ENERGY_CHARTS, query)
    try:
        answer = json.loads(body, parse_float=Decimal)
        if re.sub(r"\s", "", answer["unit"]) != "EUR/MWh":
            raise ValueError(f"the unit is `{answer['unit']}`")  # noqa: TRY301  told below
        return _spread(list(zip(answer["unix_seconds"], answer["price"], strict=True)))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise MarketError(f"what {ENERGY_CHARTS} answers cannot be used: {error}") from error


def entsoe(zone: str, wanted: range, token: str) -> Market:
    if zone not in ZONES:
        return {}
    start, end = (
        f"{datetime.fromtimestamp(s, UTC):%Y%m%d%H%M}" for s in (wanted.start, wanted.stop)
    )
    domain = ZONES[zone]
    query = {"documentType": "A44", "in_Domain": domain, "out_Domain": domain}
    query |= {"periodStart": start, "periodEnd": end, "securityToken": token}
    body = _asked(ENTSOE, query)
    try:
        root = ET.fromstring(body)  # noqa: S314  expat bounds what entities grow to
        series = sorted(_series(root), key=lambda each: -each[0])
        return {
            time + n: price
            for step, prices in series  # the finer over the coarser
            for time, price in prices.items()
            for n in range(0, step, QUARTER_SECONDS)
        }
    except (ValueError, TypeError, AttributeError, ArithmeticError, ET.ParseError) as error:
        raise MarketError(f"what {ENTSOE} answers cannot be used: {error}") from error


def _asked(url: str, query: Mapping[str, str]) -> bytes:
    pool = urllib3.PoolManager(timeout=_SECONDS, retries=False)
    try:
        answer = pool.request("GET", url, fields=dict(query), preload_content=False)
        body = answer.read(_LARGEST)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise MarketError(f"no answer from {url}: {type(error).__name__}") from error
    if answer.status != _OK:
        raise MarketError(f"{url} answers {answer.status}")
    return bytes(body)


def _spread(rows: Sequence[tuple[Any, Any]]) -> Market:
    """Give each quarter hour its price; one that is None is not known."""
    times = [time for time, _ in rows]
    if any(type(t) is not int or t % QUARTER_SECONDS for t in times) or times != sorted(times):
        raise ValueError("the times are no quarter hours in their order")
    steps = [_HOUR, *(b - a for a, b in pairwise(times)), _HOUR]
    return {
        time + n: _price(price)
        for (time, price), before, after in zip(rows, steps, steps[1:], strict=False)
        for n in range(0, min(_HOUR, before, after), QUARTER_SECONDS)
        if price is not None
    }


def _price(value: Any) -> Decimal:
    price = Decimal(value)
    if not -_MOST < price < _MOST:
        raise ValueError(f"`{value}` is no price in €/MWh")
    return price


def _series(root: ET.Element) -> Iterator[tuple[int, dict[int, Decimal]]]:
    """Give the steps and prices of the day-ahead auction; its second sequence is another's."""
    for series in root.iterfind("{*}TimeSeries"):  # whatever their namespace: its number changes
        sequence = _text(series, "classificationSequence_AttributeInstanceComponent.position", "1")
        if sequence != "1" or _text(series, "currency_Unit.name") != "EUR":
            continue
        if _text(series, "contract_MarketAgreement.type", "A01") != "A01":
            continue
        for period in series.iterfind("{*}Period"):
            step = _RESOLUTIONS.get(_text(period, "resolution"))
            if step:
                yield step, _points(period, step)


def _points(period: ET.Element, step: int) -> dict[int, Decimal]:
    """Give the prices by their times; a position that is left out has the price before it."""
    start, end = (
        int(datetime.fromisoformat(_text(period, f"timeInterval/{{*}}{edge}")).timestamp())
        for edge in ("start", "end")
    )
    if not start < end <= start + 400 * 24 * _HOUR:
        raise ValueError("a period without a length")
    given = {
        int(_text(point, "position")): _price(_text(point, "price.amount"))
        for point in period.iterfind("{*}Point")
    }
    found: dict[int, Decimal] = {}
    price = None
    for position, time in enumerate(range(start, end, step), start=1):
        price = given.get(position, price)
        if price is not None:
            found[time] = price
    return found


def _text(element: ET.Element, path: str, without: str | None = None) -> str:
    text = element.findtext(f"{{*}}{path}", without)
    if text is None:
        raise ValueError(f"it has no `{path}`")
    return text
