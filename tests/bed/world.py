"""Everything that a collector lives with, and what can happen to each part of it.

What lasts is a context manager: the trouble comes with it and goes with it. What is over at once
is a method. All of it happens between two telegrams, in the thread of the meter.
"""

import math
import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Final, Self

from bed.computer import Computer
from bed.influxd import Influxd
from bed.printed import Printed
from bed.ram import fill_names
from bed.service import UNIT_STOP_SECONDS, Status
from bed.toxiproxy import (
    Proxy,
    Stream,
    Toxic,
    bandwidth,
    black_hole,
    latency,
    limit,
    reset,
    trickle,
)
from bed.trial import SITE, Line
from collector.p1.checksum import crc16
from collector.simulate.wire import Outcome, Terminal
from collector.spool.disk import Disk
from collector.spool.keeper import RETRY_SECONDS
from collector.spool.record import Record, RecordId
from collector.spool.segment import closed_name

KEEP_SECONDS: Final = 10
"""As it is set by default: a fifth of it, less two ticks, is for a machine that stands still."""
LONGEST_PAUSE: Final = 3.0

Lasting = Callable[[], AbstractContextManager[None]]
Passing = Callable[[], None]


@dataclass
class Wire(Line):
    """A meter's line on which something else may come before the next telegram."""

    happen: Callable[[], None] = lambda: None
    """Called behind each telegram."""
    before: bytes = b""
    spoilt: set[int] = field(default_factory=set)
    """The times of telegrams that began within a line of what came before: they are none."""
    standing_since: float | None = None
    stood: float = 0.0
    """How long the collector did not run, in seconds: nothing gets older then."""

    @property
    def clock(self) -> float:
        """Give the seconds in which the collector ran, more or less."""
        return time.monotonic() - self.stood

    def send(self, telegram: bytes, stopping: Event) -> Outcome:
        outcome = super().send(telegram, stopping)
        if outcome is Outcome.TAKEN:
            self._goes_on()
            self.taken_at[self.taken[-1].time] = self.clock
            self.happen()
        return outcome

    def stands(self) -> None:
        """Say that the collector stands still from now on, until it takes a telegram again."""
        self.standing_since = self.standing_since or time.monotonic()

    def _goes_on(self) -> None:
        if self.standing_since is not None:
            self.stood += time.monotonic() - self.standing_since
            self.standing_since = None

    def transmit(self, telegram: bytes, stopping: Event) -> Outcome:
        outcome = self.terminal.send(self.before + telegram, stopping)
        if outcome is Outcome.TAKEN:
            if self.before[-1:] not in b"\n":
                self.spoilt.add(Printed(telegram).time)
            self.before = b""
        return outcome


class World:
    """A context manager: with it, everything has ended and is unmounted."""

    def __init__(
        self, influxd: Influxd, proxy: Proxy, home: Path, blank: Path, draw: random.Random
    ) -> None:
        self.influxd = influxd
        self.computer = Computer(
            influxd,
            home,
            blank,
            P1_INFLUX_URL=f"http://{proxy.address}",
            P1_KEEP_SECONDS=str(KEEP_SECONDS),
            P1_REQUEST_SECONDS="2",
        )
        self.trial = self.computer.trial
        self.line = Wire(self.trial.line.terminal)
        self.trial.line = self.line
        self.service = self.trial.service
        other = influxd.new_bucket(f"{self.trial.bucket}-other")
        here, there = self.trial.token.text, influxd.write_token(other).text
        self._buckets = {self.trial.bucket: here, other: there}
        self._proxy = proxy
        self._meter = home / "meter"
        self._draw = draw
        self._card_works_from = 0.0
        self._card_hangs = False
        self._influxdb_sleeps = False
        self._emptied: set[str] = set()
        """Buckets that it did not fill again: that takes a day, also if it was away."""
        self._handed_in: str | None = None
        self.lasting: dict[str, dict[str, Lasting]] = {
            "network": {
                "refused": self._refused,
                **{name: self._bad(*toxics) for name, toxics in TOXICS.items()},
            },
            "InfluxDB": {
                "killed": self._influxdb_killed,
                "hung": self._influxdb_hung,
                "token revoked": self._token_revoked,
            },
            "card": {
                "no names left": self._card_full,
                "frozen": self._card_frozen,
                "hung": self._card_hung,
            },
        }
        self.passing: dict[str, dict[str, Passing]] = {
            "collector": {
                "killed": self._kill,
                "stopped and started": self.restart,
                "hung": self._hang,
            },
            "power": {"cut": self._cut_power},
            "settings": {"another bucket": self._another_bucket},
            "bucket": {"emptied": self._empty_bucket},
            "inbox": {"a name again": self._hand_in},
            "line": {
                "unplugged": self._unplug,
                "noise": self._noise,
                "torn telegram": self._torn,
                "half a line": self._half,
            },
        }

    def __enter__(self) -> Self:
        self.computer.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._card_answers()
        if self.influxd.running:
            self.influxd.resume()
        self.computer.__exit__()

    def reckoning(self, status: Status) -> set[int]:
        """See that InfluxDB holds what the meter printed, but for what nobody promised.

        Gives the times of the telegrams that are not there.
        """
        trial = self.trial
        trial.in_flight |= self.line.spoilt
        lost = trial.check_the_rest(status)
        assert lost <= trial.in_flight, sorted(lost - trial.in_flight)
        if trial.bucket not in self._emptied:
            trial.shows_all()
        there = {row["what"] for row in trial.stored("handed_in")}
        assert self._handed_in is None or self._handed_in in there
        return lost - self.line.spoilt

    def pause(self) -> None:
        """Let some time pass, so that what happens next meets the collector at anything."""
        time.sleep(self._draw.choice([0, 0.01, 0.1, 1.0]) * LONGEST_PAUSE * self._draw.random())

    # The network.

    @contextmanager
    def _refused(self) -> Iterator[None]:
        self._proxy.disable()
        yield
        self._proxy.enable()

    def _bad(self, *toxics: Toxic) -> Lasting:
        @contextmanager
        def bad() -> Iterator[None]:
            self._proxy.become(*toxics)
            yield
            self._proxy.become()

        return bad

    # InfluxDB.

    @contextmanager
    def _influxdb_killed(self) -> Iterator[None]:
        self.influxd.kill()
        yield
        self.influxd.start()

    @contextmanager
    def _influxdb_hung(self) -> Iterator[None]:
        self._influxdb_sleeps = True
        self.influxd.suspend()
        yield
        self.influxd.resume()
        self._influxdb_sleeps = False

    @contextmanager
    def _token_revoked(self) -> Iterator[None]:
        self.influxd.activate(self.trial.token, active=False)
        yield
        self.influxd.activate(self.trial.token, active=True)

    def _empty_bucket(self) -> None:
        """Delete, as its owner may, all that has come until lately."""
        if self.influxd.running and not self._influxdb_sleeps:
            self.trial.empty_bucket()
            self._handed_in = None
            self._emptied.add(self.trial.bucket)

    # The SD card.

    @contextmanager
    def _card_full(self) -> Iterator[None]:
        """No file can be made, though there is room, so that nothing may be dropped for it."""
        with self._ill():
            somebody = fill_names(self.computer.card.place)
            yield
            shutil.rmtree(somebody)

    @contextmanager
    def _card_frozen(self) -> Iterator[None]:
        """No file can be made or removed in the spool."""
        with self._ill():
            self.computer.card.freeze_directory(self.service.spool, yes=True)
            yield
            self.computer.card.freeze_directory(self.service.spool, yes=False)

    @contextmanager
    def _card_hung(self) -> Iterator[None]:
        """Whoever changes something on it waits, for as long as it lasts."""
        with self._ill():
            self.computer.card.hang(yes=True)
            self._card_hangs = True
            yield
            self._card_answers()

    def _card_answers(self) -> None:
        """Let it go on: who waits for a disk cannot be ended, not even by a kill."""
        if self._card_hangs:
            self._card_hangs = False
            self.computer.card.hang(yes=False)

    def _hand_in(self) -> None:
        """Put a file of other readings into the inbox, always under the same name."""
        if self.line.clock < self._card_works_from:
            return
        self._handed_in = run = f"{self._draw.getrandbits(48):012x}"
        records = (
            Record(RecordId(run, n), f"handed_in,site={SITE},what={run} v=1 {n}\n".encode())
            for n in range(1, self._draw.randrange(2, 50))
        )
        data = b"".join(record.encode() for record in records)
        inbox = self.service.spool / "inbox"
        Disk().make_directory(inbox)  # as every command does: the keeper may not have begun
        Disk().write_whole(inbox / closed_name(1), data)

    @contextmanager
    def _ill(self) -> Iterator[None]:
        self._card_works_from = math.inf
        yield
        self._card_works_from = self.line.clock + 2 * RETRY_SECONDS

    # The collector and its machine.

    def restart(self) -> None:
        """End it as systemd does: nothing in flight is lost."""
        self._stop()
        self.service.start()

    def _stop(self) -> None:
        self._card_answers()
        self.pause()
        self.line.stands()
        assert self.service.stop(UNIT_STOP_SECONDS) == 0, self.service.tail()

    def _another_bucket(self) -> None:
        """Start it with the settings of another bucket; what waits goes there."""
        self._stop()
        bucket = next(name for name in self._buckets if name != self.trial.bucket)
        self.trial.go_to(bucket, self._buckets[bucket])
        self.service.start()

    def _kill(self) -> None:
        self._card_answers()
        self.line.stands()
        self.trial.kill_and_restart()

    def _hang(self) -> None:
        self.line.stands()
        os.kill(self.service.process.pid, signal.SIGSTOP)
        self.pause()
        os.kill(self.service.process.pid, signal.SIGCONT)

    def _cut_power(self) -> None:
        """Lose what is promised to be lost at most.

        It is more if the card took nothing, or has not been tried again since: so not then.
        """
        if self.line.clock < self._card_works_from:
            return
        self.pause()
        promised = self.computer.cut_power().at - self.line.stood - KEEP_SECONDS
        self.trial.in_flight |= {
            time for time, taken in self.line.taken_at.items() if taken > promised
        }
        self.computer.give_power()

    # The cable.

    def _unplug(self) -> None:
        self.line.terminal.close()
        self.pause()
        self.line.terminal = Terminal(self._meter)

    def _noise(self) -> None:
        noise = self._draw.randbytes(self._draw.randrange(1, 60))
        self.line.before = noise.replace(b"/", b"?") + b"\r\n"

    def _torn(self) -> None:
        self.line.before = self._piece(b"\n")

    def _half(self) -> None:
        """Stop within a line. One piece in 65,536 has no effect on the checksum: another one."""
        self.line.before = b""
        while not crc16(self.line.before):
            self.line.before = self._piece(b"(")

    def _piece(self, end: bytes) -> bytes:
        telegram = self.line.taken[-1].telegram
        return telegram[: telegram.index(end, self._draw.randrange(len(telegram) - 100)) + 1]


TOXICS: Final = {
    "slow": [latency(Stream.DOWN, 700, jitter=600)],
    "like a bad mobile line": [bandwidth(Stream.UP, 4), latency(Stream.DOWN, 300)],
    "trickling up": [trickle(Stream.UP, 40, 200)],
    "trickling down": [trickle(Stream.DOWN, 4, 300)],
    "a black hole": [black_hole(Stream.UP)],
    "deaf": [black_hole(Stream.DOWN)],
    "reset": [reset(Stream.UP)],
    "reset later": [reset(Stream.UP, after=100)],
    "cut within the request": [limit(Stream.UP, 900)],
    "cut within the answer": [limit(Stream.DOWN, 20)],
}
