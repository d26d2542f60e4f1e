"""The whole service against each product that cannot be had, as its document says it answers.

`test_end_to_end.py` does the same with those that can.
"""

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import pytest

from bed.influxd import Database
from bed.standin import CORE, PRODUCTS, SERVERLESS, TROUBLES, Product, StandIn
from bed.trial import START, Trial
from collector.protocol import LineError, read
from collector.spool.disk import Disk
from collector.spool.inbox import Inbox
from collector.spool.record import Record, RecordId
from collector.spool.spool import Directories

if TYPE_CHECKING:
    from bed.influxd import Influxd

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SECOND: Final = int(START.timestamp())
PATIENCE: Final = 120
YEAR: Final = 365 * 86_400
OLD: Final = SECOND - 30 * YEAR


def by_name(products: tuple[Product, ...]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("product", products, ids=[one.name for one in products])


def imported(second: int, value: str) -> bytes:
    return b"electricity,site=import,meter=M power_import_kw=%s %d\n" % (value.encode(), second)


def trial_of(server: StandIn, home: Path, **settings: str) -> Trial:
    """Give a trial; it asks of its server no more than the stand-in can."""
    return Trial(cast("Influxd", server), home, **settings)


def hand_in(trial: Trial, lines: list[bytes]) -> Callable[[], None]:
    """Put lines into the inbox, once the first point has said which type a field has."""

    def put() -> None:
        trial.service.wait_for("delivered")
        inbox = Inbox(Directories(trial.service.spool), Disk(), free=0)
        run = secrets.token_hex(6)
        records = [Record(RecordId(run, n), body) for n, body in enumerate(lines, 1)]
        inbox.put(records, wait=lambda: None)

    return put


@by_name(PRODUCTS)
def test_what_the_meter_said_is_there_and_nothing_good_is_in_rejected(
    product: Product, tmp_path: Path
) -> None:
    good = [imported(SECOND + n, "0.5") for n in range(200)]
    bad = [imported(SECOND, "NaN")]
    if not product.later:
        bad.append(imported(SECOND, "1i"))
    if not product.hides_old:
        bad.append(imported(OLD, "0.5"))
    with StandIn(product) as server, trial_of(server, tmp_path) as trial:
        server.buckets[trial.bucket].oldest = SECOND - 20 * YEAR

        def trouble() -> None:
            server.trouble = TROUBLES[product.name]

        def end_of_trouble() -> None:
            trial.service.wait_until(
                lambda status: bool(status["delivery"]["message"]), seconds=PATIENCE
            )
            server.trouble = None

        trial.run(
            600,
            {
                100: [hand_in(trial, [*good[:80], *bad, *good[80:]])],
                200: [trouble],
                300: [end_of_trouble],
                400: [trial.kill_and_restart],
            },
        )
        trial.check(trial.drain(), rejected=len(bad))
        rows = server.influxql(trial.bucket, "SELECT * FROM electricity WHERE site = 'import'")
        assert {row["time"] for row in rows} == {SECOND + n for n in range(200)}


@by_name((SERVERLESS, CORE))
def test_a_fault_of_the_settings_said_with_400_is_told_and_heals_by_itself(
    product: Product, tmp_path: Path
) -> None:
    refusal = (400, b'{"error": "table electricity is not in the schema of this database"}')
    with StandIn(product) as server, trial_of(server, tmp_path, P1_RETRY_SECONDS="0.2") as trial:
        server.trouble = refusal

        def mend() -> None:
            trial.service.wait_until(
                lambda status: status["delivery"]["state"] == "misconfigured", seconds=PATIENCE
            )
            server.trouble = None

        trial.run(300, {200: [mend]})
        trial.check(trial.drain())


TAKEN: Final = (
    'gas,meter=a\\ b\\,c v=1.50,n=-3i,t=true,s="a, b=\\"c\\"" 1700000000',
    r"my\ gas,a\=b=c v=1e3 1700000000",
    "gas v=-0.1,w=9223372036854775807i 1700000000",
)
REFUSED: Final = (
    *(
        "gas 1700000000",
        "gas v= 1",
        "gas v=NaN 1",
        "gas v=1e400 1",
        "gas,a= v=1 1",
        "gas v=1.5i 1",
    ),
    *("gas,a=1,a=2 v=1 1", 'gas v="a 1', "gas v=9223372036854775808i 1", "gas,a v=1 1"),
)


@pytest.mark.influxdb
@pytest.mark.every_influxdb
def test_what_the_strict_reader_takes_and_refuses_a_real_server_does(influxd: Database) -> None:
    bucket = influxd.new_bucket(f"read-{secrets.token_hex(4)}")
    for line in TAKEN:
        assert influxd.write(bucket, line).status == 204
        read(line)
    for line in REFUSED:
        assert influxd.write(bucket, line).status == 400, line
        with pytest.raises(LineError):
            read(line)
    (row,) = influxd.influxql(bucket, "SELECT s, n FROM gas WHERE meter = 'a b,c'")
    assert (row["s"], row["n"]) == (read(TAKEN[0]).fields["s"], -3)
