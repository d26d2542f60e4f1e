"""Both programs at one telegram a second, side by side: first with InfluxDB there, then without.

Both have a card of their own, an ext4 on a loop device, and everything else in RAM. The collector
reads telegrams from a serial line; Telegraf, which cannot, is fed the lines that the collector
makes of the same telegrams, in the same second.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Final

from bed.influxd import Influxd
from bed.service import Service
from bench import process
from bench.cable import Cable
from bench.card import CountedCard, Written, inserted
from bench.process import Memory
from bench.running import running
from bench.telegraf import Telegraf
from collector.p1.framing import Framer
from collector.p1.telegram import parse
from collector.points import Points, encode
from collector.simulate.stream import stream_like
from collector.simulate.wire import Outcome

OURS: Final = "p1-collector"
THEIRS: Final = "Telegraf"
SETTLE_SECONDS: Final = 20
POLL_SECONDS: Final = 0.03
PATIENCE_SECONDS: Final = 60
_NEWEST: Final = "SELECT LAST(power_import_kw) FROM electricity"


@dataclass(frozen=True, slots=True)
class Look:
    """What one program had used when it was looked at."""

    cpu_seconds: float
    wakes: int
    to_disk: int
    card: Written
    memory: Memory


@dataclass(frozen=True, slots=True)
class Stretch:
    """What one program did between two looks, and for how many telegrams."""

    before: Look
    after: Look
    telegrams: int

    @property
    def cpu_micros(self) -> float:
        """CPU time a telegram."""
        return (self.after.cpu_seconds - self.before.cpu_seconds) / self.telegrams * 1e6

    @property
    def wakes(self) -> float:
        """Wake-ups a telegram."""
        return (self.after.wakes - self.before.wakes) / self.telegrams

    @property
    def to_disk(self) -> int:
        """Bytes that the process sent to a disk, by the kernel's count."""
        return self.after.to_disk - self.before.to_disk

    @property
    def card(self) -> Written:
        return self.after.card - self.before.card


@dataclass(slots=True)
class Party:
    """One program, its card and bucket; when each second's telegram came, and how long it took."""

    name: str
    pid: int
    card: CountedCard
    bucket: str
    came: dict[int, float] = field(default_factory=dict)
    waits: list[float] = field(default_factory=list)

    def look(self) -> Look:
        card = self.card.written()
        used, wakes = process.cpu_seconds(self.pid), process.wakes(self.pid)
        disk, memory = process.written(self.pid), process.memory(self.pid)
        return Look(used, wakes, disk, card, memory)


@dataclass(frozen=True, slots=True)
class Pace:
    """What was measured, by the program's name."""

    online: dict[str, Stretch]
    offline: dict[str, Stretch]
    waits: dict[str, list[float]]


class Feed:
    """The meter's line, and behind it Telegraf's."""

    def __init__(self, cable: Cable, telegraf: Telegraf, ours: Party, theirs: Party) -> None:
        self._cable = cable
        self._telegraf = telegraf
        self._ours, self._theirs = ours, theirs
        self._framer, self._points = Framer(), Points(site="home")
        self.telegrams = 0

    def send(self, telegram: bytes, stopping: Event) -> Outcome:
        second, lines = self._read(telegram)
        began = time.monotonic()
        outcome = self._cable.send(telegram, stopping)
        if outcome is Outcome.TAKEN:
            self._ours.came[second] = began
            self._theirs.came[second] = time.monotonic()
            self._telegraf.feed(lines)
            self.telegrams += 1
        return outcome

    def _read(self, telegram: bytes) -> tuple[int, bytes]:
        (frame,) = self._framer.feed(telegram)
        said = parse(frame)
        assert said.time is not None
        return int(said.time.timestamp()), encode(self._points.lines(said, said.time) or ())


class Watch:
    """Asks InfluxDB again and again for the newest second of a bucket, until it is left."""

    def __init__(
        self, influxd: Influxd, bucket: str, came: dict[int, float], waits: list[float]
    ) -> None:
        self._influxd = influxd
        self._bucket = bucket
        self._came = came
        self._waits = waits
        self._seen = 0

    def once(self) -> None:
        rows = self._influxd.influxql(self._bucket, _NEWEST)
        now, newest = time.monotonic(), rows[0]["time"] if rows else 0
        came = self._came
        for second in [second for second in list(came) if self._seen < second <= newest]:
            self._waits.append(now - came[second])
        self._seen = max(self._seen, newest)

    def run(self, over: Event) -> None:
        while not over.wait(POLL_SECONDS):
            self.once()


def measure(influxd: Influxd, ram: Path, disk: Path, minutes: float, away: float) -> Pace:
    """Let both run `minutes` with InfluxDB, then `away` minutes without."""
    with (
        inserted(disk / "ours") as our_card,
        inserted(disk / "theirs") as their_card,
        Cable(ram / "meter") as cable,
        collector(influxd, ram, our_card) as service,
        peer(influxd, ram, their_card) as telegraf,
    ):
        ours = Party(OURS, service.process.pid, our_card, "ours")
        theirs = Party(THEIRS, telegraf.pid, their_card, "theirs")
        feed = Feed(cable, telegraf, ours, theirs)
        with metering(feed):
            return _measured(influxd, feed, (ours, theirs), minutes, away)


def _measured(
    influxd: Influxd, feed: Feed, parties: tuple[Party, Party], minutes: float, away: float
) -> Pace:
    watches = [Watch(influxd, each.bucket, each.came, each.waits) for each in parties]
    for watch, party in zip(watches, parties, strict=True):
        _wait_for_the_first(watch, party)
    with watching(watches):
        online = _stretch(feed, parties, minutes)
    waits = {party.name: list(party.waits) for party in parties}
    influxd.kill()
    time.sleep(SETTLE_SECONDS)
    return Pace(online, _stretch(feed, parties, away), waits)


def _stretch(feed: Feed, parties: tuple[Party, Party], minutes: float) -> dict[str, Stretch]:
    sent, before = feed.telegrams, [party.look() for party in parties]
    time.sleep(minutes * 60)
    sent, after = feed.telegrams - sent, [party.look() for party in parties]
    looks = zip(parties, before, after, strict=True)
    return {party.name: Stretch(first, last, sent) for party, first, last in looks}


def _wait_for_the_first(watch: Watch, party: Party) -> None:
    give_up = time.monotonic() + PATIENCE_SECONDS
    while not party.waits:
        assert time.monotonic() < give_up, f"{party.name} delivers nothing"
        time.sleep(POLL_SECONDS)
        watch.once()
    party.waits.clear()


@contextmanager
def collector(influxd: Influxd, ram: Path, card: CountedCard) -> Iterator[Service]:
    """Run the service as it is installed: the spool on the card, the rest in RAM."""
    influxd.new_bucket("ours")
    service = Service(
        ram / "service",
        P1_SOURCE=str(ram / "meter"),
        P1_SPOOL_DIR=str(card.place / "spool"),
        P1_INFLUX_URL=influxd.url,
        P1_INFLUX_TOKEN=influxd.token,
        P1_INFLUX_ORG=influxd.org,
        P1_INFLUX_BUCKET="ours",
        PYTHONDONTWRITEBYTECODE="1",
    )
    service.start()
    try:
        yield service
    finally:
        service.stop()


def peer(influxd: Influxd, ram: Path, card: CountedCard) -> Telegraf:
    influxd.new_bucket("theirs")
    return Telegraf(
        ram / "telegraf",
        card.place / "buffer",
        url=influxd.url,
        token=influxd.token,
        org=influxd.org,
        bucket="theirs",
    )


@contextmanager
def metering(feed: Feed) -> Iterator[None]:
    """Let the meter send, a telegram a second, by the host's clock."""
    stopping = Event()
    stream = stream_like("dsmr5", period=1)
    with running(lambda: stream.run(feed, stopping), stopping):
        yield


@contextmanager
def watching(watches: list[Watch]) -> Iterator[None]:
    over = Event()
    first, second = watches
    with running(lambda: first.run(over), over), running(lambda: second.run(over), over):
        yield
