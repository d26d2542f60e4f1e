"""In Flux, what energy costs by the contracts: what `contract` asks in InfluxQL."""

from collections.abc import Mapping, Sequence
from typing import Final

from dashboards.build import look, moments
from dashboards.build.contract import BY_DAY, BY_QUARTER, DEVICES, PARTS, TARIFFS, TAXED
from dashboards.build.figures import cost, cost_figures, figures
from dashboards.build.flux import (
    BY_NAME,
    BY_TIME,
    CLOSED,
    Ask,
    beside,
    expression,
    fields_of,
    hourly,
    named,
    per,
    source,
)
from dashboards.build.priced import SUMMED, USES, netted

_OF_CONTRACT: Final = '  |> filter(fn: (r) => r.meter == "contract")\n'
_EACH: Final = '  |> group(columns: ["_field"])\n'
_YEAR: Final = f"""\
found = {source("readings", ["contract_year"], begin="date.sub(d: 32d, from: end)")}{_OF_CONTRACT}\
  |> last()
  |> findRecord(fn: (key) => true, idx: 0)
hour = date.sub(d: 1h, from: end)
yearBegan = if exists found._value then time(v: found._value * 1000000000) else hour

"""


def _of_contract(measurement: str, fields: Sequence[str], begin: str) -> str:
    """Prices; the one at the begin is that of the quarter hour before."""
    behind = f"date.add(d: 1s, to: {begin})"
    return source(measurement, fields, begin=behind, end=CLOSED) + _OF_CONTRACT


def _by_day(
    columns: Mapping[str, str], measurement: str = "readings", begin: str = "begin"
) -> str:
    """Use and price of each day beside each other, in the columns that are made of them."""
    fields = fields_of(columns)
    uses = [name for name in fields if name.endswith(USES)]
    summed = [name for name in fields if name in SUMMED]
    prices = [name for name in fields if name not in {*uses, *summed}]
    streams = [hourly(measurement, uses, begin=begin) + _EACH + per("1d")] if uses else []
    streams += [
        f"""\
{_of_contract(measurement, names, begin)}\
  |> aggregateWindow(every: 1h, offset: 5m, fn: {how}, timeSrc: "_start", createEmpty: false)
  |> timeShift(duration: -5m)
{_EACH}{per("1d", how)}"""
        for names, how in ((summed, "sum"), (prices, "last"))
        if names
    ]
    both = streams[0] if len(streams) == 1 else f"union(tables: [{', '.join(streams)}])\n"
    return both + beside(columns)


def _by_quarter(columns: Mapping[str, str], begin: str = "begin") -> str:
    """The same of each quarter hour: a price has a point for each.

    Of several meters within one the last counts, and the sum so far has them all. The
    difference leaves the first away: that is the quarter hour before the begin.
    """
    fields = fields_of(columns)
    uses = [name for name in fields if name.endswith(USES)]
    prices = [name for name in fields if name not in uses]
    differing = ", ".join(f'"{name}"' for name in uses)
    before = f"date.sub(d: 15m, from: {begin})"
    made = "".join(f'    "{name}": {expression(text)},\n' for name, text in columns.items())
    return f"""\
union(
  tables: [
    {hourly("readings", uses, begin=before, every="15m")}{_EACH}\
  |> sort(columns: ["_time"])
  |> cumulativeSum()
  |> timeShift(duration: -5m),
    {_of_contract("readings", prices, begin)}  |> timeShift(duration: -15m)
{_EACH.rstrip()},
  ],
)
  |> group()
{BY_TIME}  |> sort(columns: ["_time"])
  |> difference(columns: [{differing}])
  |> map(fn: (r) => ({{
    _time: r._time,
{made}  }}))
"""


_ROWS: Final = "  |> experimental.unpivot()\n"


def _parts(begin: str = "begin") -> list[str]:
    """What each part of the electricity's bill comes to, by the day or the quarter hour."""
    return [
        *(_by_day(part, begin=begin) + _ROWS for part in BY_DAY),
        _by_quarter({**BY_QUARTER[0], **BY_QUARTER[1]}, begin) + _ROWS + _EACH + per("1d"),
    ]


_EVERY: Final = (
    *_parts(),
    *(_by_day(part, name) + _ROWS for name, part in DEVICES.items()),
)


def _netted(tariff: str, name: str) -> str:
    """What netting has made of the contract's year, day by day."""
    return f"""\
{_by_day(netted(tariff), begin="yearBegan")}\
  |> filter(fn: (r) => exists r.v and exists r.e)
  |> sort(columns: ["_time"])
  |> cumulativeSum(columns: ["i", "e", "v"])
  |> filter(fn: (r) => r.i > 0.0)
  |> map(fn: (r) => ({{
    _time: r._time,
    _field: "{name}",
    _value: -r.v / r.i * (if r.i < r.e then r.i else r.e),
  }}))
"""


def _netting() -> str:
    made = "".join(f"net{n} = {_netted(*each)}" for n, each in enumerate(TARIFFS.items()))
    return f"{_YEAR}{made}\nnetting = union(tables: [net0, net1, net2])\n{_EACH}"


def _course() -> Ask:
    return Ask(f"{_netting()}\nnetting\n{BY_NAME}", tuple(TARIFFS.values()))


def _year() -> Ask:
    streams = _parts("yearBegan")
    made = "".join(f"part{n} = {text}" for n, text in enumerate(streams))
    sums = "  |> group()\n  |> sum()\n"
    field = '  |> map(fn: (r) => ({{_time: end, _field: "{}", _value: r._value}}))\n'
    body = f"""\
{_netting()}
{made}
parts = union(tables: [{", ".join(f"part{n}" for n in range(len(streams)))}])
{sums}{field.format("not netted")}
off = netting
  |> last()
{sums}{field.format("netting")}
all = union(tables: [parts, off])
{sums}{field.format("netted")}
union(tables: [parts, off, all])
{BY_NAME}"""
    return Ask(body, ("not netted", "netting", "netted"))


def _paid() -> Ask:
    """What a kWh cost, beside the mean of all quarter hours."""
    taxed = "{import_price} + {energy_tax}"
    columns = {
        "cost": f"{{energy_import_kwh}} * ({taxed})",
        "used": "{energy_import_kwh} + 0 * {import_price}",
    }
    prices = _of_contract("readings", fields_of({"": taxed}), "begin")
    mean = beside({"mean": taxed})
    body = f"""\
paid = {_by_quarter(columns)}\
  |> filter(fn: (r) => exists r.cost)
  |> reduce(
    identity: {{cost: 0.0, used: 0.0}},
    fn: (r, accumulator) => ({{
      cost: accumulator.cost + r.cost,
      used: accumulator.used + r.used,
    }}),
  )
  |> map(fn: (r) => ({{_time: end, _field: "paid", _value: r.cost / r.used}}))

meant = {prices}{mean}\
  |> filter(fn: (r) => exists r.mean)
  |> mean(column: "mean")
  |> map(fn: (r) => ({{_time: end, _field: "mean of all hours", _value: r.mean}}))

union(tables: [paid, meant])
{BY_NAME}"""
    return Ask(body, ("paid", "mean of all hours"))


def _capacity() -> Ask:
    """By month: the mean of twelve peaks, and what it costs."""
    begin = "date.sub(d: 400d, from: end)"
    rates = _by_day({"rate": "{capacity}"}, begin=begin)
    log, _, both = moments.log_and_running().rpartition("union(")
    body = f"""\
{log}peaks = union({both}\
  |> map(fn: (r) => ({{
    _time: date.truncate(t: date.sub(d: 5m, from: r._time), unit: 1mo, location: location),
    _field: "peak",
    _value: if r._value < {look.PEAK_FLOOR_KW} then {look.PEAK_FLOOR_KW} else r._value,
  }}))
  |> group(columns: ["_time", "_field"])
  |> max()
  |> group()
  |> sort(columns: ["_time"])

means = peaks
  |> range(start: {begin}, stop: date.add(d: 13mo, to: end))
  |> aggregateWindow(
    every: 1mo,
    period: 12mo,
    fn: mean,
    location: location,
    timeSrc: "_stop",
    createEmpty: false,
  )
  |> map(fn: (r) => ({{
    _time: date.truncate(t: date.sub(d: 1h, from: r._time), unit: 1mo, location: location),
    _field: "mean of twelve months",
    _value: r._value,
  }}))
  |> filter(fn: (r) => r._time <= end)
rates = {rates}\
  |> map(fn: (r) => ({{
    _time: date.truncate(t: r._time, unit: 1mo, location: location),
    _field: "rate",
    _value: r.rate,
  }}))
  |> group(columns: ["_time", "_field"])
  |> sum()

both = union(tables: [means, rates])
  |> group()
{BY_TIME}  |> filter(fn: (r) => exists r.rate and exists r["mean of twelve months"])
  |> map(fn: (r) => ({{
    _time: r._time,
    _field: "cost",
    _value: r.rate * r["mean of twelve months"],
  }}))

union(tables: [peaks, means, both])
"""
    return figures(body, "1mo", ("cost", "mean of twelve months", "peak"))


def _prices(columns: Mapping[str, str], least: str) -> str:
    """The prices of the quarter hours from this one on."""
    fields = fields_of(columns)
    return source("readings", fields, begin="end", end=f"date.add(d: {least}, to: end)") + (
        f"{_OF_CONTRACT}  |> filter(fn: (r) => r._time > end)\n"
    )


_NEXT: Final = {"price": TAXED["import"]}
_PRICE: Final = f"{_prices(_NEXT, '1d')}{named(_NEXT)}  |> group()\n"


def _price_now() -> Ask:
    return Ask(f"{_prices(TAXED, '16m')}  |> first()\n{named(TAXED)}{BY_NAME}", tuple(TAXED))


def _hour() -> Ask:
    """What an hour costs with the power and the price of this moment."""
    power = ("power_import_kw", "power_export_kw", "tariff")
    body = f"""\
rate = (r, flat, low, high) => if exists flat then flat else if r.tariff == 1.0 then low else high

power = {source("electricity", power, begin=moments.RECENT)}\
  |> last()
  |> toFloat()
  |> group(columns: ["_field"])
  |> sort(columns: ["_time"])
  |> last()
prices = {_prices(TAXED, "16m")}  |> first()

union(tables: [power, prices])
  |> map(fn: (r) => ({{_time: end, _field: r._field, _value: r._value}}))
  |> group()
{BY_TIME}  |> filter(fn: (r) => exists r.energy_tax and exists r.power_import_kw)
  |> map(fn: (r) => {{
    price = rate(r: r, flat: r.import_price, low: r.import_t1_price, high: r.import_t2_price)
    paid = rate(r: r, flat: r.export_price, low: r.export_t1_price, high: r.export_t2_price)

    return {{
      _time: r._time,
      _field: "€ an hour",
      _value: r.power_import_kw * (price + r.energy_tax)
        - r.power_export_kw * (paid - r.export_fee),
    }}
  }})
"""
    return Ask(body, ("€ an hour",))


def _next() -> Ask:
    """The prices of the next day."""
    body = f"""\
{_PRICE}  |> map(fn: (r) => ({{r with Begin: clock(t: date.sub(d: 15m, from: r._time))}}))
  |> rename(columns: {{_value: "price"}})
  |> keep(columns: ["Begin", "price"])
  |> sort(columns: ["Begin"])
"""
    return Ask(body, ("price",), table=True, labels=("Begin",), order="Begin")


def _extremes() -> Ask:
    """The lowest and the highest of these."""
    body = f"""\
price = {_PRICE}
union(tables: [price |> min(), price |> max()])
  |> group()
  |> map(fn: (r) => ({{from: clock(t: date.sub(d: 15m, from: r._time)), price: r._value}}))
  |> sort(columns: ["price"])
"""
    return Ask(body, ("price",), table=True, labels=("from",))


COST: Final[Mapping[str, Ask]] = {
    "This contract's year": _year(),
    "Price of a kWh": _paid(),
    "Each day by the contracts": cost("1d", _EVERY),
    "The months by the contracts": cost_figures("1mo", _EVERY, PARTS),
    "Netting as it builds up": _course(),
    "Capacity tariff": _capacity(),
}
NOW: Final[Mapping[str, Ask]] = {
    "Price of this quarter hour": _price_now(),
    "An hour like this": _hour(),
    "Cheapest and dearest to come": _extremes(),
    "The next 24 hours": _next(),
}
