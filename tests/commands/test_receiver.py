"""The demo's stand-in for InfluxDB: it takes, keeps and refuses what a real one does."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from bed.influxd import Database
from collector.commands.demo.receiver import Receiver
from collector.delivery.answer import Answer, Target, meaning
from collector.delivery.influx import Influx

pytestmark = pytest.mark.influxdb

GOOD = b"electricity,site=demo,meter=E1 power_import_kw=0.512,tariff=2i 1700000000\n"
LATER = b"electricity,site=demo,meter=E1 power_import_kw=0.600,tariff=1i 1700000001\n"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def said(target: Target, *bodies: bytes) -> list[Answer]:
    write = Influx(target, deadline=30).write
    return [write(body) for body in bodies]


def real(influxd: Database, bucket: str) -> Target:
    return Target(influxd.url, influxd.org, bucket, influxd.token)


def stored(influxd: Database, bucket: str) -> dict[int, dict[str, object]]:
    rows = influxd.influxql(bucket, "SELECT power_import_kw, tariff FROM electricity")
    names = ("power_import_kw", "tariff")
    return {
        row["time"]: {name: row[name] for name in names if row[name] is not None} for row in rows
    }


BODIES = {
    "two points": [GOOD + LATER],
    "comments and empty lines": [b"# p1 5f0c 42 712 c3ee\n\n" + GOOD],
    "a comment alone": [b"# p1-collector check\n"],
    "the same point again": [GOOD, GOOD],
    "another field of the same point": [
        b"electricity,site=demo,meter=E1 power_import_kw=0.512 1700000000\n",
        b"electricity,site=demo,meter=E1 tariff=2i 1700000000\n",
    ],
    "tags in another order": [GOOD, GOOD.replace(b"site=demo,meter=E1", b"meter=E1,site=demo")],
    "no field": [b"electricity,site=demo 1700000000\n"],
    "a bare word for a value": [b"electricity,site=demo power_import_kw=much 1700000000\n"],
    "a field of another type": [GOOD, LATER.replace(b"=1i", b"=1.5")],
    "a field of another type among good ones": [GOOD, LATER.replace(b"=1i", b"=1.5") + GOOD],
}


@pytest.mark.parametrize("bodies", BODIES.values(), ids=BODIES)
def test_it_answers_and_keeps_as_a_real_influxdb_does(
    receiver: Receiver, influxd: Database, bucket: str, bodies: list[bytes]
) -> None:
    theirs, ours = said(real(influxd, bucket), *bodies), said(receiver.target, *bodies)

    assert [answer.status for answer in ours] == [answer.status for answer in theirs]
    assert [meaning(answer) for answer in ours] == [meaning(answer) for answer in theirs]
    assert receiver.stored == stored(influxd, bucket)


@pytest.mark.parametrize(
    "other",
    [{"token": "another"}, {"bucket": "another"}],
    ids=["a token that it does not know", "a bucket that is not there"],
)
def test_it_refuses_whom_a_real_influxdb_refuses(
    receiver: Receiver, influxd: Database, bucket: str, other: dict[str, str]
) -> None:
    theirs, ours = (
        said(replaced(target, other), GOOD) for target in (real(influxd, bucket), receiver.target)
    )
    assert [answer.status for answer in ours] == [answer.status for answer in theirs]
    assert [answer.message for answer in ours] == [
        answer.message.replace(bucket, "demo") for answer in theirs
    ]
    assert receiver.points == {}


def replaced(target: Target, other: dict[str, str]) -> Target:
    bucket, token = other.get("bucket", target.bucket), other.get("token", target.token)
    return Target(target.url, target.org, bucket, token)


def test_a_shut_door_refuses_connections_and_an_open_one_is_where_it_was(
    receiver: Receiver,
) -> None:
    before = receiver.target
    receiver.shut()
    (away,) = said(before, GOOD)
    receiver.open()
    (back,) = said(before, GOOD)

    assert (away.status, "refused" in away.message) == (0, True)
    assert (back.status, receiver.target) == (204, before)


@pytest.mark.parametrize("status", [0, 204, 401, 429, 503])
def test_what_stands_behind_it_has_the_word_and_what_it_takes_is_known(status: int) -> None:
    behind = Answer(status, "its own words", 7 if status == 429 else None)
    with Receiver(lambda _: behind) as receiver:
        (answer,) = said(receiver.target, GOOD)

    assert (answer.status, answer.retry_after) == (status or 502, behind.retry_after)
    assert receiver.stored == (
        {1700000000: {"power_import_kw": Decimal("0.512"), "tariff": 2}} if status == 204 else {}
    )
