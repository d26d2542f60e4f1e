"""Colours and units: what they mean, in one place, in Grafana and in InfluxDB's UI alike.

A series is coloured by its name: `import` is the same orange on every panel.
"""

from typing import Final

# Grafana's names of units. A unit that stands behind the number stays what it is: Grafana's own
# kilowatt would say "867 W" under an axis in kW, its kilowatt-hour "2.32 MWh", its euro "€1.27K".
WATT: Final = "suffix:W"
KILOWATT: Final = "suffix:kW"
KILOWATT_HOUR: Final = "suffix:kWh"
VOLT: Final = "suffix:V"
AMPERE: Final = "suffix:A"
HERTZ: Final = "suffix:Hz"
KILOVAR: Final = "suffix:kvar"
CUBIC_METRE: Final = "suffix:m³"
GIGAJOULE: Final = "suffix:GJ"
EURO: Final = "prefix:€ "
EURO_PER_KWH: Final = "suffix:€/kWh"
SECONDS: Final = "s"
MINUTES: Final = "suffix:min"
BYTES: Final = "bytes"
NUMBER: Final = "none"
PERCENT: Final = "suffix:%"
PART: Final = "percentunit"
AGE: Final = "dateTimeFromNow"
CLOCK: Final = "dateTimeAsIsoNoDateIfToday"
"""The time of day; the date too when that is not today."""
TEXT: Final = "string"

WORDS: Final = {
    "import": ("from the grid into the house", "levering, verbruik", "afname"),
    "export": ("from the house into the grid", "teruglevering", "injectie"),
    "net": ("import less export", "saldo", "saldo"),
    "tariff 1": ("low in the Netherlands, day in Belgium", "laag, dal", "dag"),
    "tariff 2": ("normal in the Netherlands, night in Belgium", "normaal", "nacht"),
    "demand": ("the mean power of a quarter hour", "-", "kwartiervermogen"),
    "peak": ("the highest quarter hour of a month", "-", "maandpiek"),
    "solar": ("what the own panels make", "opwek", "eigen productie"),
    "used at home": ("solar less export", "eigen verbruik", "zelfverbruik"),
}
"""Each thing has one word: in both UIs, in the fields' names, in `show` and in the README. With it
what it means, and what bills call it in the Netherlands and in Flanders."""

IMPORT: Final = "#FF9830"
EXPORT: Final = "#73BF69"
GOOD: Final = "#56A64B"
CARE: Final = "#F2CC0C"
BAD: Final = "#E02F44"
PLAIN: Final = "#8E8E8E"

SERIES: Final = {
    "import": IMPORT,
    "export": EXPORT,
    "net": "#808C99",
    "solar": "#FADE2A",
    "used at home": "#37872D",
    "share": PLAIN,
    "tariff 1": "#FFB357",
    "tariff 2": "#FA6400",
    "import tariff 1": "#FFB357",
    "import tariff 2": "#FA6400",
    "export tariff 1": "#96D98D",
    "export tariff 2": "#37872D",
    "gas": "#5794F2",
    "water": "#33A2E5",
    "heat": "#F2495C",
    "cooling": "#8AB8FF",
    "gas, standing": "#8AB8FF",
    "water, standing": "#9BD3F5",
    "heat, standing": "#FF9CA8",
    "standing charge": "#8E8E8E",
    "energy tax": "#B877D9",
    "export fee": "#AD0317",
    "netting": "#56A64B",
    "netting, one price": "#96D98D",
    "netting tariff 1": "#96D98D",
    "netting tariff 2": "#37872D",
    "total": "#808C99",
    "standby": "#A352CC",
    "L1": "#F2CC0C",
    "L2": "#1CB5B5",
    "L3": "#B877D9",
    "demand": "#FFB357",
    "quarter hour": IMPORT,
    "peak of this month": "#FA6400",
    "peak": "#FA6400",
    "mean of twelve months": "#5794F2",
    "so far": "text",
    "before": PLAIN,
    "difference": PLAIN,
    "read": "#5794F2",
    "delivered": GOOD,
    "delivered late": CARE,
    "waiting": CARE,
    "lag": CARE,
    "spool": "#B877D9",
    "bad checksums": "#FF7383",
    "bad lines": "#FFA6B0",
    "repeated": "#8AB8FF",
    "rejected": BAD,
    "dropped": "#AD0317",
    "damaged": "#C4162A",
    "retries": "#FADE2A",
}
"""What a series' name means in colour. A name that is not here gets the next of the palette."""

YEARS: Final = ("#FF9830", "#5794F2", "#B877D9", "#F2CC0C", "#56A64B")
"""Five years beside each other are told apart; a year keeps its colour."""

HEAT: Final = (
    (None, "#FFF7BC"),
    (0.2, "#FEE391"),
    (0.4, "#FEC44F"),
    (0.7, "#FE9929"),
    (1.0, "#EC7014"),
    (1.5, "#CC4C02"),
    (2.5, "#8C2D04"),
)
"""kWh in an hour: a scale of its own, which one outlier does not darken."""

AGE_STEPS: Final = ((None, GOOD), (60, CARE), (300, BAD))
"""Seconds since the last reading."""

LOWEST_VOLT, HIGHEST_VOLT = 207, 253
"""EN 50160: 230 V and ten per cent either way."""

PEAK_FLOOR_KW: Final = 2.5
"""Belgium charges no less than this for a month's peak."""
