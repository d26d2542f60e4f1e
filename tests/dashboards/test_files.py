"""The dashboards that are shipped: made by the builder, whole, and right in themselves."""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from collector.p1.obis import FIELDS, Kind
from collector.service import status
from dashboards.build import look
from dashboards.node import Packages
from dashboards.shipped import GRAFANA, INFLUXDB, ROOT, Json, dashboards, panels, range_of

DASHBOARDS: Final = dashboards()
PANELS: Final = [
    pytest.param(name, panel, id=f"{name}: {panel['title']} {panel['id']}")
    for name, dashboard in DASHBOARDS.items()
    for panel in panels(dashboard)
]

OWN_FIELDS: Final = {
    *("lag_s", "version", "read", "repeated", "bad_checksums", "bad_lines", "delivered"),
    *("waiting", "rejected", "dropped", "damaged", "retries", "spool_bytes"),
}
UNITS: Final = {
    *("none", "string", "dateTimeFromNow", "dateTimeAsIsoNoDateIfToday"),
    *("s", "bytes"),  # a backlog may be seconds or days, bytes or gigabytes
    "percentunit",
}
ENERGY: Final = {f.name for f in FIELDS if re.fullmatch(r"energy_(im|ex)port_(t\d_)?kwh", f.name)}
OF_METER: Final = {
    f.name
    for f in FIELDS
    if f.kind in {Kind.REGISTER, Kind.COUNTER, Kind.CODE, Kind.PEAK} and ":24." not in f.code
}
OF_CONTRACT: Final = {
    *(f"{way}port{tariff}_price" for way in ("im", "ex") for tariff in ("", "_t1", "_t2")),
    *("netting", "netting_t1", "netting_t2"),
    *("energy_tax", "export_fee", "standing", "capacity", "contract_year"),
}
OF_DEVICE: Final = {"volume_m3", "energy_gj", "energy_kwh", "valve"}
KNOWN: Final = {
    "electricity": OF_METER,
    "readings": ENERGY | OF_CONTRACT,
    "gas": OF_DEVICE | {"price", "standing"},
    "water": OF_DEVICE | {"price", "standing"},
    "heat": OF_DEVICE | {"price", "standing"},
    "cooling": OF_DEVICE,
    "submeter": OF_DEVICE,
    "solar": {"power_kw", "energy_kwh"},
    "demand_peak": {"power_kw"},
    "power_failure": {"duration_s"},
    "message": {"text", "code"},
    "collector": OWN_FIELDS,
}
LOOKED_AT: Final = {
    *("energy_import_kwh", "energy_export_kwh", "tariff"),
    *(f"energy_{way}port_t{n}_kwh" for way in ("im", "ex") for n in (1, 2)),
    *(f"power_{way}port_kw" for way in ("im", "ex")),
    *(f"power_{way}port_l{n}_kw" for way in ("im", "ex") for n in (1, 2, 3)),
    *(f"voltage_l{n}_v" for n in (1, 2, 3)),
    *(f"current_l{n}_a" for n in (1, 2, 3)),
    *(f"voltage_{what}_l{n}" for what in ("sags", "swells") for n in (1, 2, 3)),
    *("power_failures", "long_power_failures", "demand_kw", "demand_month_peak_kw"),
    *("frequency_hz", "power_factor", "reactive_power_import_kvar", "reactive_power_export_kvar"),
    *("volume_m3", "energy_gj", "energy_kwh", "power_kw", "duration_s", "text", "code", "price"),
    *OF_CONTRACT,
    *OWN_FIELDS,
}


def queries(thing: Any) -> list[str]:
    """Every query in a dashboard or panel: of targets, annotations and variables."""
    if isinstance(thing, dict):
        own = [thing["query"]] if "SELECT" in str(thing.get("query")) else []
        return own + [query for value in thing.values() for query in queries(value)]
    if isinstance(thing, list):
        return [query for value in thing for query in queries(value)]
    return []


def fields_of(query: str) -> dict[str, set[str]]:
    """What a query takes from which measurement; names that it gives itself are left out."""
    given = set(re.findall(r' AS "([^"]+)"', query))
    found: dict[str, set[str]] = {}
    for part in re.findall(r'SELECT (.*?) FROM "(\w+)"', query):
        text = part[0].rsplit("SELECT ", 1)[-1]
        names = set(re.findall(r'(?<!AS )"(\w+)"', text))
        found.setdefault(part[1], set()).update(names - (given - KNOWN[part[1]]))
    return found


def test_the_files_are_what_the_builder_makes() -> None:
    command = [sys.executable, "-m", "dashboards.build", "--check"]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")


def test_those_for_the_cloud_ask_nothing_by_themselves(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "dashboards.build", "--cloud", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    made = {path.stem: json.loads(path.read_text()) for path in tmp_path.iterdir()}

    assert made == {name: {**each, "refresh": ""} for name, each in DASHBOARDS.items()}


@pytest.mark.parametrize(("name", "panel"), PANELS)
def test_a_panel_over_more_than_three_days_says_what_version_3_does(
    name: str, panel: Json
) -> None:
    """Core opens some three days of files a query; more is an empty panel, not an error."""
    said = panel["fieldConfig"]["defaults"]["noValue"]
    saturday = datetime(2026, 10, 24, 18, tzinfo=UTC)
    own = re.findall(r"now\(\) - (\d+)d", panel["targets"][0]["query"])
    if own:
        asked = timedelta(days=max(map(int, own)))
    else:
        asked = saturday - range_of(panel, DASHBOARDS[name], saturday).begin

    if "no readings" in said:
        assert ("3 Core" in said) == (asked > timedelta(days=3))


def test_the_readme_has_the_words_and_what_now_asks() -> None:
    readme = (ROOT / "dashboards" / "README.md").read_text()
    rows = {
        word: tuple(cell.strip() for cell in cells.split("|")[:3])
        for word, cells in re.findall(r"^\| ([\w ]+) \| (.*?) \|$", readme, re.MULTILINE)
    }
    now = DASHBOARDS["now"]
    asked = sum(len(panel.get("targets", ())) for panel in now["panels"])  # none that is folded
    asked += sum("target" in each for each in now["annotations"]["list"])

    assert {word: rows.get(word) for word in look.WORDS} == look.WORDS
    assert f"*Now* asks {asked}:" in readme


def test_a_series_has_a_name_of_the_projects_words() -> None:
    """Import is never "taken", and export never "returned"."""
    for path in (*GRAFANA.glob("*.json"), INFLUXDB / "p1-collector.json"):
        for word in ("return", "taken", "given", "surplus", "consumption"):
            found = re.findall(rf"[^\\n]{{0,30}}\\b{word}[^\\n]{{0,10}}", path.read_text())
            assert [each for each in found if "=> {" not in each and "return {" not in each] == []


def test_there_are_the_six() -> None:
    assert {name: dashboard["uid"] for name, dashboard in DASHBOARDS.items()} == {
        name: f"p1-{name}"
        for name in ("now", "history", "cost", "peak-demand", "power-quality", "collector")
    }


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_dashboard_can_be_imported_anywhere(name: str) -> None:
    dashboard = DASHBOARDS[name]

    assert dashboard["id"] is None
    assert "__inputs" not in dashboard
    assert dashboard["timezone"] == "Europe/Amsterdam"
    rows = [panel for panel in dashboard["panels"] if panel["type"] == "row"]
    numbers = [panel["id"] for panel in (*rows, *panels(dashboard))]
    assert len(set(numbers)) == len(numbers)
    sources = set(re.findall(r'"uid": "([^"]+)"', (GRAFANA / f"{name}.json").read_text()))
    assert sources == {"${datasource}", "-- Grafana --", dashboard["uid"]}


@pytest.mark.parametrize(("name", "panel"), PANELS)
def test_a_panel_says_what_it_shows(name: str, panel: Json) -> None:
    defaults = panel["fieldConfig"]["defaults"]

    assert defaults["unit"], name
    assert len(panel["description"]) > 10
    assert defaults["noValue"]
    assert panel["targets"]
    assert panel["gridPos"]["h"] >= 4
    assert panel["gridPos"]["w"] >= 3


@pytest.mark.parametrize(("name", "panel"), PANELS)
def test_a_number_that_is_not_there_is_neither_good_nor_bad(name: str, panel: Json) -> None:
    """Grafana would write its no-data text in the colour of nought."""
    defaults = panel["fieldConfig"]["defaults"]
    if panel["type"] not in {"stat", "gauge"}:
        return

    (mapping,) = defaults["mappings"]
    assert mapping["options"]["match"] == "null", name
    assert mapping["options"]["result"]["text"] == defaults["noValue"]
    assert mapping["options"]["result"]["color"] == "text"


@pytest.mark.parametrize(("name", "panel"), PANELS)
def test_a_table_of_several_tags_has_its_columns_in_an_order(name: str, panel: Json) -> None:
    """Grafana gives the tags' columns in another order each time that it asks."""
    grouped = [
        re.search(r' GROUP BY ("\w+"(?:, "\w+")+)$', target["query"])
        for target in panel["targets"]
    ]
    if panel["type"] != "table" or not any(grouped):
        return

    tags = {tag for match in grouped if match for tag in re.findall(r"\w+", match[1])}
    (step,) = (one for one in panel["transformations"] if one["id"] == "organize")
    assert tags <= set(step["options"]["indexByName"]), name


@pytest.mark.parametrize(("name", "panel"), PANELS)
def test_a_unit_is_the_same_for_small_and_large_numbers(name: str, panel: Json) -> None:
    """One axis never says Wh and kWh; a register reads as on the meter."""
    units = [panel["fieldConfig"]["defaults"]["unit"]]
    for override in panel["fieldConfig"]["overrides"]:
        units += [each["value"] for each in override["properties"] if each["id"] == "unit"]

    for unit in units:
        assert unit.startswith(("suffix:", "prefix:")) or unit in UNITS, name


@pytest.mark.parametrize("name", DASHBOARDS)
def test_no_two_panels_lie_on_each_other(name: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARDS[name]["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells


@pytest.mark.parametrize("name", DASHBOARDS)
def test_every_field_that_is_asked_for_exists(name: str) -> None:
    asked = [fields_of(query) for query in queries(DASHBOARDS[name])]

    assert any(asked)
    for one in asked:
        for measurement, names in one.items():
            assert names <= KNOWN[measurement]


def test_every_field_that_people_look_at_is_on_a_panel() -> None:
    shown = {
        name
        for dashboard in DASHBOARDS.values()
        for query in queries(dashboard)
        for names in fields_of(query).values()
        for name in names
    }

    assert shown >= LOOKED_AT


def test_the_collectors_own_fields_are_those_that_it_writes() -> None:
    line = status.collector_line(
        {
            "counts": dict.fromkeys(OWN_FIELDS - {"lag_s", "version"}, 1),
            "lag_s": 1,
            "version": "1",
            "site": "home",
            "updated": 1,
        }
    )

    assert set(re.findall(r"[ ,](\w+)=", line.split(" ", 1)[1].join((" ", "")))) == OWN_FIELDS


def test_a_series_has_one_colour_everywhere() -> None:
    colours: dict[str, set[str]] = {}
    for dashboard in DASHBOARDS.values():
        for panel in panels(dashboard):
            for override in panel["fieldConfig"]["overrides"]:
                for each in override["properties"]:
                    if each["id"] == "color":
                        name = override["matcher"]["options"]
                        colours.setdefault(name, set()).add(each["value"]["fixedColor"])

    assert {name for name, found in colours.items() if len(found) > 1} == set()
    assert len(colours) > 20


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_files_have_the_types_that_grafana_publishes(packages: Packages) -> None:
    """TypeScript's compiler holds each file against the schema of classic dashboards."""
    parts = ["import type { Dashboard, Panel } from '@grafana/schema';", _PLAIN]
    kinds = {panel["type"] for dashboard in DASHBOARDS.values() for panel in panels(dashboard)}
    for kind in sorted(kinds):
        path = f"@grafana/schema/dist/esm/raw/composable/{kind}/panelcfg/x"
        parts.append(f"import type * as {kind} from '{path}/{CLASSES[kind]}PanelCfg_types.gen';")
    for number, dashboard in enumerate(DASHBOARDS.values()):
        bare = {**dashboard, "panels": []}
        bare = json.loads(json.dumps(bare))
        for annotation in bare["annotations"]["list"]:
            # As with a panel's, what a query is made of is the data source's own business.
            annotation.pop("target", None)
        text = json.dumps(bare)
        parts.append(f"const d{number} = {text} satisfies Plain<Partial<Dashboard>>;")
        for panel in panels(dashboard):
            name = f"p{number}_{panel['id']}"
            rest = {key: value for key, value in panel.items() if key != "targets"}
            kind = panel["type"]
            parts.append(f"const {name} = {json.dumps(rest)} satisfies Plain<Partial<Panel>>;")
            options = json.dumps(panel["options"])
            parts.append(f"const {name}o = {options} satisfies Plain<Partial<{kind}.Options>>;")
            if kind in {"timeseries", "barchart", "table"}:
                custom = json.dumps(panel["fieldConfig"]["defaults"]["custom"])
                parts.append(
                    f"const {name}c = {custom} satisfies Plain<Partial<{kind}.FieldConfig>>;"
                )

    assert not packages.complaints("\n".join(parts))


_PLAIN: Final = """
type Plain<T> = T extends string ? `${T}` : T extends (infer U)[] ? Plain<U>[]
  : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;
"""
"""A type as JSON has it: an enumeration's member is its text."""

CLASSES: Final = {
    "barchart": "BarChart",
    "gauge": "Gauge",
    "stat": "Stat",
    "table": "Table",
    "timeseries": "TimeSeries",
}
