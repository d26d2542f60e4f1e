"""A line of somebody else's is taken as it stands, or not at all, with its time in seconds."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from collector.commands.put.lines import PARTS, Rules, Series
from collector.p1.framing import Framer
from collector.p1.telegram import parse
from collector.points import MEASUREMENTS, Points
from collector.protocol import LineError, read

TELEGRAMS = Path(__file__).parents[3] / "telegrams"
NOW = 1_764_360_000.9
SECOND = 1_700_000_000


def taken(text: str, **rules: object) -> str | None:
    line = Rules(**rules).in_seconds(text.encode(), NOW, {})  # type: ignore[arg-type]
    return None if line is None else line.decode()


def refused(text: str, **rules: object) -> tuple[str, int]:
    with pytest.raises(LineError) as caught:
        taken(text, **rules)
    return str(caught.value).rpartition(", at column")[0], caught.value.column


@pytest.mark.parametrize("text", ["", "  \t", "# a comment", "\r"])
def test_what_says_nothing_is_nothing(text: str) -> None:
    assert taken(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "solar power_kw=1.5",
        "bat,room=a\\ 5 soc=97i",
        'note text="since 5"',
        "solar power_kw=1.5  \r",
        "  solar on=T",
    ],
)
def test_a_line_without_a_time_gets_now(text: str) -> None:
    assert taken(text) == f"{text.strip()} {int(NOW)}\n"


def test_lines_without_a_time_that_come_in_one_second_are_a_second_apart() -> None:
    """Of two values of one series in one second InfluxDB keeps one."""
    last: dict[Series, int] = {}

    def second(text: str) -> int:
        line = Rules().in_seconds(text.encode(), NOW, last)
        assert line is not None
        return int(line.split()[-1]) - int(NOW)

    of_one = [second(f"thermo,room=bath,floor=1 temp_c={n}") for n in range(61)]
    assert of_one == list(range(61))
    assert second("thermo,room=bath temp_c=9") == 0
    assert second("thermo,room=bath,floor=1 humidity=50") == 0
    with pytest.raises(LineError, match="no time, and too many for one a second"):
        second("thermo,floor=1,room=bath temp_c=9")


@pytest.mark.parametrize("parts", PARTS.values(), ids=PARTS)
def test_what_a_time_is_counted_in_is_recognised(parts: int) -> None:
    assert taken(f"solar power_kw=1.5 {SECOND * parts}") == f"solar power_kw=1.5 {SECOND}\n"


@pytest.mark.parametrize(("name", "parts"), PARTS.items())
def test_it_may_be_said_for_times_of_long_ago(name: str, parts: int) -> None:
    assert taken(f"solar p=1 {60 * parts}", precision=name) == "solar p=1 60\n"


@pytest.mark.parametrize("time", [SECOND * 1000 + 500, -SECOND * 1000 - 500])
def test_a_time_within_a_second_is_refused_unless_it_may_be_rounded(time: int) -> None:
    words, column = refused(f"solar p=1 {time}")
    assert words == "a time within a second (`--round` stores it under the second)"
    assert column == 11
    assert taken(f"solar p=1 {time}", rounds=True) == f"solar p=1 {time // 1000}\n"


@given(st.integers(-(2**63), 2**63 - 1))
def test_whatever_the_time_the_second_is_the_same_or_it_is_refused(time: int) -> None:
    try:
        line = Rules("ns").in_seconds(f"solar p=1 {time}".encode(), NOW, {})
    except LineError:
        assert time % 10**9
    else:
        assert line is not None
        assert read(line.decode().rstrip()).time * 10**9 == time


def test_a_time_that_influxdb_cannot_hold_is_refused() -> None:
    assert refused(f"solar p=1 {2**63 // 10**9}", precision="s") == (
        "a time that InfluxDB cannot hold (`--precision`?)",
        11,
    )


@pytest.mark.parametrize(
    ("text", "words", "column"),
    [
        ("solar", "no field", 5),
        ("solar p=", "no value", 8),
        ("solar p=abc", "`abc` is no value (a text stands in quotes)", 9),
        ("solar p=1 now", "no time", 11),
        ("solar p=1 5 7", "no time", 11),
        ("solar,a= p=1", "a tag without a value", 9),
        ("solar,site p=1", "`site` has no value", 11),
        ('solar t="a', '`"a` is no value (a text stands in quotes)', 9),
        ("solar p=1,p=2", "`p` comes twice", 12),
    ],
)
def test_what_is_no_line_says_where(text: str, words: str, column: int) -> None:
    assert refused(text) == (words, column)


def test_what_is_no_text_says_where() -> None:
    with pytest.raises(LineError, match="no UTF-8, at column 9"):
        Rules().in_seconds(b"solar t=\xff 1", NOW, {})


def test_a_line_without_an_end_is_refused() -> None:
    assert refused("solar t=" + "1" * 70_000)[0] == "longer than 65536 bytes"


@pytest.mark.parametrize("name", sorted(MEASUREMENTS))
def test_the_collectors_own_measurements_are_its_own(name: str) -> None:
    assert refused(f"{name} p=1")[0] == f"`{name}` is the collector's own (`--own` writes there)"
    assert taken(f"{name} p=1 5", own=True) == f"{name} p=1 5\n"


@pytest.mark.parametrize("file", sorted(TELEGRAMS.glob("*.txt")), ids=lambda file: file.stem)
def test_its_own_are_all_that_a_telegram_writes_to(file: Path) -> None:
    points, framer = Points(site="home"), Framer()
    lines = [
        line
        for frame in framer.feed(file.read_bytes()) + framer.flush()
        for line in points.lines(parse(frame), datetime.fromtimestamp(SECOND, UTC)) or []
    ]
    assert {line.partition(",")[0] for line in lines} <= MEASUREMENTS
