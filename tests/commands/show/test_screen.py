"""The screen: what a person can read off it, at any width."""

import re
from datetime import UTC, timedelta, timezone
from typing import Any

import pytest

from collector.commands.show.screen import Status, render, summary
from commands.show.statuses import COUNTS, ELECTRICITY, NOW, status, telegram

WINTER_TIME = timezone(timedelta(hours=1))
NO_SOLAR = {
    name: value if "export" not in name else "0.000" for name, value in ELECTRICITY.items()
}
BELGIAN = ELECTRICITY | {"demand_kw": "0.612", "demand_month_peak_kw": "3.836"}
ONE_PHASE = {
    name: v for name, v in ELECTRICITY.items() if "_l2_" not in name and "_l3_" not in name
}
OUTAGE: dict[str, Any] = {
    "lag_s": 7300,
    "counts": COUNTS | {"waiting": 7300},
    "delivery": {
        "state": "retrying",
        "url": "http://influx.example.net:8086",
        "message": "connection refused: is InfluxDB running there?",
    },
}
MISCONFIGURED: dict[str, Any] = {
    "delivery": {
        "state": "misconfigured",
        "url": "http://influx:8086",
        "message": "401 unauthorized\n\nhint: `P1_INFLUX_TOKEN` is not a token of this server",
    }
}
STARTING = {"state": "starting", "url": "http://influx:8086", "message": None}
UNPLUGGED: dict[str, Any] = {
    "state": "port closed",
    "trouble": "the port `/dev/ttyUSB0` is gone\n\nhint: plug the cable in again",
}
CASES = {
    "sun": status(),
    "no solar": status(telegram=telegram(NO_SOLAR), power=[[NOW, 0.4, 0.0]]),
    "Belgium": status(telegram=telegram(BELGIAN, water=True)),
    "one phase": status(telegram=telegram(ONE_PHASE)),
    "heat only": status(telegram=telegram({}), power=[]),
    "nothing yet": status(telegram=None, power=[], state="waiting for data"),
    "outage": status(**OUTAGE),
    "misconfigured": status(**MISCONFIGURED),
    "just started": status(delivery=STARTING),
    "no InfluxDB": status(delivery={"state": "off", "url": None, "message": None}),
    "unplugged": status(**UNPLUGGED),
    "a long path": status(source="/dev/serial/by-id/" + "usb-FTDI_P1_cable_" * 5),
}


def drawn(content: Status, width: int = 80, height: int | None = None) -> list[str]:
    return render(content, width, height, colour=False, zone=UTC)


def test_before_the_first_request_it_says_where_it_goes() -> None:
    assert "connecting to http://influx:8086" in drawn(CASES["just started"])


@pytest.mark.parametrize("width", [20, 40, 60, 76, 80, 200])
@pytest.mark.parametrize("case", CASES)
def test_no_line_is_wider_than_the_terminal(case: str, width: int) -> None:
    widths = [len(line) for line in drawn(CASES[case], width)]

    assert max(widths) <= width


@pytest.mark.parametrize("case", CASES)
def test_it_fits_24_lines_of_80(case: str) -> None:
    lines = drawn(CASES[case])

    assert len(lines) <= 22  # two are left for a note


@pytest.mark.parametrize("height", [1, 5, 12, 16, 22])
@pytest.mark.parametrize("case", CASES)
def test_it_is_cut_to_the_height(case: str, height: int) -> None:
    assert len(drawn(CASES[case], 40, height)) <= height


def test_the_pipeline_stays_where_there_is_little_room() -> None:
    lines = drawn(status(**UNPLUGGED), 40, 12)

    assert [line for line in lines if "gone" in line or "hint" in line] == [
        "the port `/dev/ttyUSB0` is gone",
        "hint: plug the cable in again",
    ]


def test_the_whole_screen_at_80_columns() -> None:
    assert drawn(status(telegram=telegram(BELGIAN, water=True))) == [
        "p1-collector  home                                          reading /dev/ttyUSB0",
        "",
        "POWER  15:00:05                                                    5 min, █ 2 kW",
        "import   0.000 kW",
        "export   1.671 kW  ▅▅▅▅▅▅▅▅▅▅▅▅▅▅▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇████████████████",
        "this quarter hour 0.612 kW   month's peak 3.836 kW",
        "",
        "READINGS     import kWh  export kWh     PHASES       V      A   imp kW   exp kW",
        "tariff 1      22241.734    9090.008     L1       228.2      0    0.097    0.000",
        "tariff 2 ◂    19610.269   14359.736     L2       232.5      0    0.060    0.000",
        "total         41852.003   23449.744     L3       235.0      7    0.000    1.828",
        "",
        "gas           2930.570 m³  15:00        water          313.186 m³  15:00",
        "",
        "PIPELINE",
        "read 3000           delivered 2990      waiting 10          lag 5 s",
        "rejected 0          dropped 0           damaged 0",
        "delivering to http://influx:8086",
    ]


def test_the_whole_screen_at_40_columns() -> None:
    assert drawn(CASES["no solar"], 40) == [
        "p1-collector  home  reading /dev/ttyUSB0",
        "",
        "POWER  15:00:05          5 min, █ 0.5 kW",
        "import   0.000 kW                     ▇",
        "",
        "READINGS     import kWh",
        "tariff 1      22241.734",
        "tariff 2 ◂    19610.269",
        "total         41852.003",
        "",
        "PHASES       V      A   imp kW",
        "L1       228.2      0    0.097",
        "L2       232.5      0    0.060",
        "L3       235.0      7    0.000",
        "",
        "gas           2930.570 m³  15:00",
        "",
        "PIPELINE",
        "read 3000           delivered 2990",
        "waiting 10          lag 5 s",
        "rejected 0          dropped 0",
        "damaged 0",
        "delivering to http://influx:8086",
    ]


def test_import_and_export_have_one_colour_each() -> None:
    text = "\n".join(render(status(), 80, colour=True, zone=UTC))
    yellow = re.findall(r"\x1b\[33m\s*([^\x1b]+)", text)
    green = re.findall(r"\x1b\[32m\s*([^\x1b]+)", text)

    assert yellow[:4] == ["import   0.000 kW  ", "22241.734", "0.097", "19610.269"]
    assert green[0] == "export   1.671 kW  "
    assert green[2:5] == ["9090.008", "0.000", "14359.736"]


@pytest.mark.parametrize("case", CASES)
def test_without_colours_there_are_no_escape_codes(case: str) -> None:
    assert "\x1b" not in "".join(drawn(CASES[case]))


@pytest.mark.parametrize("case", CASES)
def test_colours_change_nothing_but_the_colour(case: str) -> None:
    coloured = render(CASES[case], 80, colour=True, zone=UTC)
    bare = [re.sub(r"\x1b\[[0-9;]*m", "", line).rstrip() for line in coloured]

    assert bare == drawn(CASES[case])


def test_an_outage_is_told_in_words_with_the_backlog() -> None:
    lines = drawn(status(**OUTAGE))

    assert lines[-4:] == [
        "read 3000           delivered 2990      waiting 7300        lag 2 h",
        "rejected 0          dropped 0           damaged 0",
        "trying http://influx.example.net:8086 again: connection refused: is InfluxDB",
        "running there?",
    ]


def test_a_refusal_comes_with_its_hint() -> None:
    assert drawn(status(**MISCONFIGURED))[-2:] == [
        "http://influx:8086 refuses the settings: 401 unauthorized",
        "hint: `P1_INFLUX_TOKEN` is not a token of this server",
    ]


def test_a_collector_that_went_silent_is_told() -> None:
    lines = render(status(), 80, colour=False, now=NOW + 500, zone=UTC)

    assert lines[1] == "no news from the collector for 8 min"


def test_a_collector_that_was_stopped_has_no_news() -> None:
    stopped = status(state="stopped", trouble="the port is gone", **OUTAGE)
    lines = render(stopped, 80, colour=False, now=NOW + 500, zone=UTC)

    assert lines[0].split() == ["p1-collector", "home", "stopped"]
    assert lines[-2:] == [
        "read 3000           delivered 2990      waiting 7300        lag 2 h",
        "rejected 0          dropped 0           damaged 0",
    ]


def test_bad_checksums_show_only_when_there_are_some() -> None:
    clean = "\n".join(drawn(status()))
    dirty = "\n".join(drawn(status(counts=COUNTS | {"bad_checksums": 3})))

    assert ("bad checksums" in clean, "bad checksums 3" in dirty) == (False, True)


def test_a_reading_of_another_day_has_its_date() -> None:
    content = telegram(ELECTRICITY)
    content["devices"][0]["time"] = NOW - 86400
    lines = drawn(status(telegram=content))

    assert [line for line in lines if line.startswith("gas")] == [
        "gas           2930.570 m³  10-06 15:00"
    ]


def test_times_are_those_where_the_person_is() -> None:
    lines = render(status(), 80, colour=False, zone=WINTER_TIME)

    assert lines[2].startswith("POWER  16:00:05")


def test_a_number_that_grows_moves_nothing() -> None:
    small = drawn(status(counts=COUNTS | {"read": 9}))[-3]
    large = drawn(status(counts=COUNTS | {"read": 1_000_000}))[-3]

    assert small.index("delivered") == large.index("delivered")


def test_the_summary_is_one_line() -> None:
    assert summary(status(), zone=UTC) == (
        "15:00:05  import 0.000 kW  export 1.671 kW  "
        "read 3000  delivered 2990  waiting 10  lag 5 s"
    )


def test_the_summary_has_what_went_wrong() -> None:
    content = status(counts=COUNTS | {"dropped": 4}, **UNPLUGGED)

    assert summary(content, zone=UTC).endswith(
        "lag 5 s  dropped 4  the port `/dev/ttyUSB0` is gone hint: plug the cable in again"
    )
