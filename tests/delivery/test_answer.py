"""The delivery table, row by row."""

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Final

import pytest
from hypothesis import given, strategies as st

from collector.delivery.answer import (
    Answer,
    Meaning,
    Target,
    describe,
    meaning,
    retry_after,
    shown,
    told,
)

NOW: Final = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
TABLE: Final = {
    **dict.fromkeys(range(100, 600), Meaning.UNKNOWN),
    **dict.fromkeys(range(500, 600), Meaning.NOT_NOW),
    **dict.fromkeys((0, 408, 429), Meaning.NOT_NOW),
    **dict.fromkeys((401, 403, 404), Meaning.MISCONFIGURED),
    **dict.fromkeys((400, 422), Meaning.UNCLEAR),
    413: Meaning.TOO_LARGE,
    204: Meaning.STORED,
}


def test_every_status_means_what_the_table_says() -> None:
    assert {status: meaning(Answer(status, "words")) for status in TABLE} == TABLE


def test_only_204_is_stored() -> None:
    stored = [status for status in range(1000) if meaning(Answer(status, "")) is Meaning.STORED]
    assert stored == [204]


def test_a_page_of_somebody_else_says_nothing_of_lines() -> None:
    pages = {status: meaning(Answer(status, "<html>", is_page=True)) for status in TABLE}
    assert pages == TABLE | {400: Meaning.UNKNOWN, 422: Meaning.UNKNOWN}


@pytest.mark.parametrize(
    ("status", "words", "found"),
    [
        (400, "unable to parse 'gas v=\"error from wal\" 1': bad timestamp", Meaning.BAD),
        (400, "line protocol parse failed", Meaning.BAD),
        (400, "failed to parse line protocol: errors encountered on line(s): …", Meaning.BAD),
        (400, "parsing for line protocol failed", Meaning.UNCLEAR),  # a type conflict, perhaps
        (422, "partial write: field type conflict: input field …", Meaning.CONFLICT),
        (400, "partial write: field type conflict: input field …", Meaning.CONFLICT),
        (400, "… invalid column type for column 'power', expected …", Meaning.CONFLICT),
        (422, "partial write: dropped 3 points outside retention policy of …", Meaning.OLD),
        (400, "partial write: points beyond retention policy dropped=1", Meaning.OLD),
        (422, "data in table gas is outside of the retention period", Meaning.OLD),
        (403, "data in table gas is outside of the retention period", Meaning.OLD),
        (422, "… outside retention policy … Write Window Upper Bound …", Meaning.UNCLEAR),
        (400, "error from wal: … No space left on device", Meaning.NOT_NOW),
        (400, "catalog update error: …", Meaning.NOT_NOW),
        (400, "object store error: …", Meaning.NOT_NOW),
        (400, "database p1 is soft-deleted", Meaning.NOT_NOW),
        (400, "Update to schema would exceed limit of 5 databases", Meaning.MISCONFIGURED),
        (400, "namespace name p/1 has an invalid character", Meaning.MISCONFIGURED),
        (400, "db name did not start with a number or letter", Meaning.MISCONFIGURED),
        (400, "db name length must be between 1 and 64", Meaning.MISCONFIGURED),
        (400, "missing bucket", Meaning.MISCONFIGURED),
        (400, "missing org/bucket value", Meaning.MISCONFIGURED),
        (400, "what no product has said so far", Meaning.UNCLEAR),
    ],
)
def test_whose_fault_a_refusal_is_say_the_words_of_each_product(
    status: int, words: str, found: Meaning
) -> None:
    assert meaning(Answer(status, words)) is found


@pytest.mark.parametrize(
    ("message", "lines"),
    [
        (
            "unable to parse 'gas,a=b': missing fields\nunable to parse 'it's': x",
            ("gas,a=b", "it's"),
        ),
        ("errors encountered on line(s): error parsing line 2 (1-based): Invalid", (2,)),
        ('{"data": [{"line_number": 7, "error_message": "…"}, {"line_number": 9}]}', (7, 9)),
        ("field type conflict", ()),
    ],
)
def test_the_lines_that_a_refusal_speaks_of(message: str, lines: tuple[int | str, ...]) -> None:
    assert told(message) == lines


def test_a_400_for_want_of_an_organisation_is_a_setting() -> None:
    answer = Answer(400, "Please provide either orgID or org")
    assert meaning(answer) is Meaning.MISCONFIGURED
    assert describe(answer) == (
        "answer 400: Please provide either orgID or org"
        " (InfluxDB 2 wants to know the organisation: set `P1_INFLUX_ORG`)"
    )


@pytest.mark.parametrize(
    ("status", "settings"),
    [
        (401, ["P1_INFLUX_TOKEN"]),
        (403, ["P1_INFLUX_TOKEN", "P1_INFLUX_BUCKET"]),
        (404, ["P1_INFLUX_BUCKET", "P1_INFLUX_ORG"]),
        (200, ["P1_INFLUX_URL"]),
        (302, ["P1_INFLUX_URL"]),
        (418, ["P1_INFLUX_URL"]),
        (503, []),
        (0, []),
    ],
)
def test_the_words_name_the_settings_to_mend(status: int, settings: list[str]) -> None:
    assert re.findall(r"P1_\w+", describe(Answer(status, "so it is"))) == settings


def test_the_words_have_the_status_and_what_was_said() -> None:
    assert describe(Answer(503, "shutting down")) == "answer 503: shutting down"
    assert describe(Answer(503, "")) == "answer 503"
    assert describe(Answer(0, "Connection refused")) == "no answer: Connection refused"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("600", 600.0),
        ("601", 600.0),
        ("1e9", 600.0),
        ("inf", 600.0),
        ("nan", None),
        ("-5", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("Mon, 99 Foo 2026 25:61:61 GMT", None),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None),
        ("Mon, 01 Jan 2026 00:00:00 +99999999999999999999", None),
    ],
)
def test_retry_after_in_seconds_is_bounded(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, now=NOW) == seconds


@pytest.mark.parametrize(("later", "seconds"), [(90, 90.0), (-90, 0.0), (86_400, 600.0)])
def test_retry_after_as_a_date_is_bounded(later: int, seconds: float) -> None:
    moment = NOW + timedelta(seconds=later)
    assert retry_after(format_datetime(moment, usegmt=True), now=NOW) == seconds
    elsewhere = moment.astimezone(timezone(timedelta(hours=2)))
    assert retry_after(format_datetime(elsewhere), now=NOW) == seconds
    assert retry_after(moment.strftime("%a, %d %b %Y %H:%M:%S -0000"), now=NOW) == seconds


@given(st.text() | st.from_regex(r"\A\w{3}, \d{1,3} \w{3} \d+ [\d:]+ [+-]\d+\Z"))
def test_retry_after_takes_any_text(value: str) -> None:
    seconds = retry_after(value, now=NOW)
    assert seconds is None or 0 <= seconds <= 600


def test_the_token_does_not_show() -> None:
    target = Target("http://localhost:8086", "home", "p1", "not-to-be-seen")
    assert repr(target) == ("Target(org='home', bucket='p1', ca_file=None)")


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://nas:8086/db", "https://nas:8086/db"),
        ("https://me:kept/to@ourselves@nas:8086/db", "https://nas:8086/db"),
        ("https://me:kept?to#our://selves@nas:8086", "https://nas:8086"),
        ("https://nas:8086/?u=me&p=kept#ourselves", "https://nas:8086/"),
        ("me:kept@nas", "nas"),
        ("htp:/me:kept@nas:8086", "nas:8086"),
        ("me:ke\npt@nas", "nas"),
    ],
)
def test_an_address_is_shown_without_its_password(url: str, place: str) -> None:
    assert shown(url) == place
    assert Target(url, "home", "p1", "made-up").place == f"`{place}`, bucket `p1`"
    assert "kept" not in repr(Target(url, "home", "p1", "made-up"))
