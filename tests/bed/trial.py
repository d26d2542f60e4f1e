"""A meter, the collector and a database, what happens to them on the way, and the reckoning.

The meter holds its end of the line open and writes the next telegram when the last was taken, so
that it is known what was read. What a real meter sends meanwhile would be lost; here it waits.
"""

import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import takewhile
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final, Self

from bed.influxd import Influxd, Row
from bed.printed import COUNTERS, REGISTERS, Printed
from bed.service import UNIT_STOP_SECONDS, Service
from collector.simulate.stream import stream_like
from collector.simulate.wire import Outcome, Terminal
from collector.spool.record import RecordId, decode

QUARTER: Final = 900
LIVE: Final = 200
"""So many telegrams are not deleted."""
SITE: Final = "test"

# The clocks go back at 01:00 UTC in this hour, so the telegrams' local times repeat.
START: Final = datetime(2026, 10, 25, 0, 25, 30, tzinfo=UTC)

Events = Mapping[int, Sequence[Callable[[], object]]]
"""What happens once so many telegrams were taken."""


@dataclass
class Line:
    """The meter's line: notes each telegram that was taken, and what happens at which."""

    terminal: Terminal
    events: Events = field(default_factory=dict)
    taken: list[Printed] = field(default_factory=list)
    taken_at: dict[int, float] = field(default_factory=dict)
    """By the telegram's time, when it was taken on the monotonic clock."""

    def send(self, telegram: bytes, stopping: Event) -> Outcome:
        outcome = self.transmit(telegram, stopping)
        if outcome is Outcome.TAKEN:
            self.taken.append(Printed(telegram))
            self.taken_at[self.taken[-1].time] = time.monotonic()
            for happen in self.events.get(len(self.taken), ()):
                happen()
        return outcome

    def transmit(self, telegram: bytes, stopping: Event) -> Outcome:
        """Send it down the wire; another kind of line does it in another way."""
        return self.terminal.send(telegram, stopping)


class Trial:
    """A context manager: the collector has ended with it."""

    def __init__(self, influxd: Influxd, home: Path, **settings: str) -> None:
        self.influxd = influxd
        self.bucket = influxd.new_bucket(f"trial-{secrets.token_hex(4)}")
        self.token = influxd.write_token(self.bucket)
        self.left: set[str] = set()
        """Buckets that it delivered to before."""
        self.line = Line(Terminal(home / "meter"))
        usual = {
            "P1_SOURCE": str(home / "meter"),
            "P1_SITE": SITE,
            "P1_CLOCK": "meter",  # a meter this fast is never as late as the host
            "P1_KEEP_SECONDS": "1",
            "P1_RETRY_SECONDS": "1",
            "P1_INFLUX_URL": influxd.url,
            "P1_INFLUX_TOKEN": self.token.text,
            "P1_INFLUX_ORG": influxd.org,
            "P1_INFLUX_BUCKET": self.bucket,
        }
        self.service = Service(home / "service", **{**usual, **settings})
        self.in_flight: set[int] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.service.running:
            self.service.kill()
        self.line.terminal.close()

    def run(self, telegrams: int, events: Events) -> None:
        """Let the meter send, and things happen."""
        self.line.events = events
        self.service.start()
        stream_like("dsmr5", start=START, period=1, speed=0).run(self.line, Event(), telegrams)

    @contextmanager
    def sending(self, telegrams_a_second: float) -> Iterator[None]:
        """Let the meter send all the while, in its own thread; end it before the reckoning."""
        stopping = Event()
        stream = stream_like("dsmr5", start=START, period=1, speed=telegrams_a_second)
        thread = Thread(target=stream.run, args=(self.line, stopping))
        thread.start()
        try:
            yield
        finally:
            stopping.set()
            thread.join()

    def kill_and_restart(self) -> None:
        """Kill the collector; the telegram it has just taken may not be in a file yet."""
        self.service.kill()
        self.in_flight.add(self.line.taken[-1].time)
        self.service.start()

    def drain(self) -> Mapping[str, Any]:
        """Wait until nothing waits, end the service, and give its last status."""
        last = self.line.taken[-1].time
        status = self.service.wait_until(
            lambda status: (
                status["telegram"]
                and status["telegram"]["time"] == last
                and status["counts"]["waiting"] == 0
                and status["uncounted_segments"] == 0
                and not self.service.segments()
            ),
            seconds=180,
        )
        assert self.service.stop(UNIT_STOP_SECONDS) == 0, self.service.tail()
        return status

    def stored(self, measurement: str) -> list[Row]:
        """Give the points of this site, in whichever bucket."""
        found = (self.stored_in(bucket, measurement) for bucket in {*self.left, self.bucket})
        return [row for rows in found for row in rows]

    def stored_in(self, bucket: str, measurement: str) -> list[Row]:
        query = f"SELECT * FROM {measurement} WHERE site = '{SITE}'"  # noqa: S608  ours
        return self.influxd.influxql(bucket, query)

    def go_to(self, bucket: str, token: str) -> None:
        """Have it deliver to another bucket from its next start on."""
        self.left.add(self.bucket)
        self.bucket = bucket
        self.service.set(P1_INFLUX_BUCKET=bucket, P1_INFLUX_TOKEN=token)

    def empty_bucket(self) -> None:
        """Delete what is in the bucket, up to the first telegram that is in none.

        So what waits can come meanwhile. Of each line of points the newest stay.
        """
        query = f"SELECT tariff FROM electricity WHERE site = '{SITE}'"  # noqa: S608  ours
        buckets = {*self.left, self.bucket}
        stored = {row["time"] for b in buckets for row in self.influxd.influxql(b, query)}
        gone = list(takewhile((stored | self.in_flight).__contains__, self.times[:-LIVE]))
        if gone:
            self.influxd.empty(self.bucket, datetime.fromtimestamp(gone[-1], UTC))
            self.in_flight |= stored & set(gone)

    @property
    def times(self) -> list[int]:
        """The times of the telegrams that were taken."""
        return [printed.time for printed in self.line.taken]

    def shows_all(self) -> None:
        """See that its bucket has what the meter shows over and over."""
        rows = self.stored_in(self.bucket, "power_failure")
        failures = {row["time"]: row["duration_s"] for row in rows}
        assert failures == self.line.taken[-1].failures

    def newest(self) -> int:
        """Give the time of the newest point of this site, 0 if there is none."""
        query = f"SELECT last(tariff) FROM electricity WHERE site = '{SITE}'"  # noqa: S608  ours
        rows = self.influxd.influxql(self.bucket, query)
        return max((int(row["time"]) for row in rows), default=0)

    def check(self, status: Mapping[str, Any], *, rejected: int = 0) -> None:
        """See that InfluxDB holds what the meter printed, and that the accounts say so."""
        stored = {row["time"]: row for row in self.stored("electricity")}
        kept = [printed for printed in self.line.taken if printed.time in stored]
        missing = sorted({*self.times} - self.in_flight - stored.keys())
        assert missing == [], f"{status['counts']}\n{self.service.tail()}"
        assert len(stored) == len(kept)
        for printed in kept:
            assert values(stored[printed.time]) == printed.electricity
        assert {(row["site"], row["meter"]) for row in stored.values()} == {(SITE, kept[0].meter)}
        self._check_types()
        self._check_once_only(kept)
        self._check_readings(kept)
        self._check_accounts(status, rejected)

    def check_the_rest(self, status: Mapping[str, Any]) -> set[int]:
        """Where something had to be lost: see that the accounts say how much, and no more.

        Gives the times of the telegrams that InfluxDB does not have. The others are as printed.
        """
        stored = {row["time"]: row for row in self.stored("electricity")}
        for printed in self.line.taken:
            if printed.time in stored:
                assert values(stored[printed.time]) == printed.electricity
        assert stored.keys() <= {*self.times}
        counts = status["counts"]
        lost = counts["dropped"] + counts["damaged"]
        assert counts["found"] + counts["read"] == counts["delivered"] + lost
        assert counts["waiting"] == counts["rejected"] == counts["bad_checksums"] == 0
        assert telegrams_in(self.service.segments()) == set()
        return {*self.times} - stored.keys()

    def _check_types(self) -> None:
        """Counters and codes are integers; everything else that is a number is a float."""
        keys = self.influxd.influxql(self.bucket, "SHOW FIELD KEYS FROM electricity")
        assert {row["fieldKey"]: row["fieldType"] for row in keys} == {
            name: "integer" if name in COUNTERS else "float"
            for name in self.line.taken[0].electricity
        }

    def _check_once_only(self, kept: Sequence[Printed]) -> None:
        gas = dict(printed.gas for printed in kept)
        assert {row["time"]: Decimal(row["volume_m3"]) for row in self.stored("gas")} == gas
        failures = {row["time"]: row["duration_s"] for row in self.stored("power_failure")}
        assert failures == kept[-1].failures

    def _check_readings(self, kept: Sequence[Printed]) -> None:
        """The registers of the first telegram of each quarter hour are in `readings`."""
        readings = {row["time"]: values(row) for row in self.stored("readings")}
        quarters = {printed.time // QUARTER: printed for printed in reversed(kept)}
        for printed in quarters.values():
            registers = {
                name: value
                for name, value in printed.electricity.items()
                if name.startswith(REGISTERS)
            }
            assert readings[printed.time] == registers

    def _check_accounts(self, status: Mapping[str, Any], rejected: int) -> None:
        counts = status["counts"]
        assert counts["found"] + counts["read"] == counts["delivered"] + counts["rejected"]
        lost = ("waiting", "dropped", "damaged", "bad_checksums", "bad_lines")
        assert {name: counts[name] for name in lost} == dict.fromkeys(lost, 0)
        assert counts["rejected"] <= rejected
        assert telegrams_in(self.service.segments()) == set()
        # One that was killed before it removed what it had kept aside does that once more.
        kept_aside = list((self.service.spool / "rejected").glob("*.lp"))
        assert len(telegrams_in(kept_aside)) == rejected


def telegrams_in(segments: Sequence[Path]) -> set[RecordId]:
    """Give what lies in files, but for the collector's own state: that is none of the meter's.

    Once a minute it writes that down, be it in the moment before its end.
    """
    ids = (identity for path in segments for identity in decode(path.read_bytes()).ids)
    return {identity for identity in ids if identity.counted}


def values(row: Row) -> Mapping[str, Decimal]:
    tags = {"time", "site", "meter", "channel"}
    return {name: Decimal(value) for name, value in row.items() if name not in tags}
