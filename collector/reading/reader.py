"""The reader: owns the port and the hot files. It never touches the disk or the network.

bytes → frames → telegram → time → lines → record in the hot segment, one telegram after another.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from collector.errors import Troubles
from collector.p1.checksum import Checksum
from collector.p1.decryption import Decryptor, Keys
from collector.p1.diagnosis import is_foreign
from collector.p1.framing import Frame, Framer
from collector.p1.obis import Nation
from collector.p1.telegram import Policy, Telegram, acceptable, parse
from collector.points import CrowdedError, Points, encode
from collector.reading.clock import Clock, Stamped
from collector.reading.debt import Debt
from collector.reading.gaps import Gaps
from collector.reading.line import Line
from collector.reading.sources import READ_SECONDS
from collector.spool.early import Early
from collector.spool.hot import Hot
from collector.spool.record import Record, RecordId

CLOCK: Final = "clock"
"""The name of the clock that is chosen, in what is kept."""

log: Final = logging.getLogger(__name__)

_BAD_CHECKSUM_LOG_SECONDS: Final = 3600.0
_CROWDED_LOG_SECONDS: Final = 6 * 3600.0


@dataclass(slots=True)
class Counters:
    """What came down the line since the start of this run."""

    telegrams: int = 0
    repeated: int = 0
    torn: int = 0
    bad_checksums: int = 0
    unchecked: int = 0
    missed: int = 0
    bad_lines: int = 0
    unknown_lines: int = 0


@dataclass(frozen=True, slots=True)
class Rules:
    """How telegrams are read, from the settings.

    `utc_offset_hours` is that of winter time; `sample_seconds` keeps one telegram, the last, of
    each interval, 0 every one; `keys` are for telegrams that come encrypted.
    """

    policy: Policy
    utc_offset_hours: int
    sample_seconds: int
    keys: Keys | None = None


class Reader:
    """Reads one line until it ends. `step` is one round, a moment at most if nothing comes."""

    def __init__(
        self,
        line: Line,
        clock: Clock,
        points: Points,
        hot: Hot,
        identities: Iterator[RecordId],
        early: Early,
        rules: Rules,
        monotonic: Callable[[], float],
    ) -> None:
        self.counters = Counters()
        self.last: Stamped | None = None
        self.share: Callable[[bytes], object] = lambda _: None
        self.line = line
        self.points = points
        self._clock = clock
        self._hot = hot
        self._early = early
        self._identities = identities
        self._rules = rules
        self._checksums = Troubles(monotonic, again=_BAD_CHECKSUM_LOG_SECONDS)
        self._crowded = Troubles(monotonic, again=_CROWDED_LOG_SECONDS)
        self._refusals = Troubles(monotonic)
        self._decryptor = Decryptor(rules.keys)
        self._framer = Framer()
        self._debt = Debt(points.memory, monotonic)
        header = points.memory.header or ""
        nation = next((one for one in Nation if one == points.memory.nation), None)
        self._told = {header: nation} if nation else {}
        self._gaps = Gaps()
        self._owed = 0
        self._held: Stamped | None = None

    @property
    def clock_changes(self) -> int:
        return self._clock.changes

    @property
    def unset_clock(self) -> int:
        return self._clock.unset

    def kept(self) -> dict[str, Any]:
        """Give what the next run is to know, as plain data."""
        return self.points.memory.as_dict() | {CLOCK: self._clock.chosen}

    def step(self) -> None:
        """Read what has come and store what is complete. Raises `EOFError` when a file ends."""
        was_open = self.line.is_open
        data = self.line.read(min(READ_SECONDS, self._hot.patience))
        self.share(data)
        if data:
            for frame in self._framer.feed(self._decryptor.feed(data)):
                self._take(frame)
        self._say_refusal()
        if was_open and not self.line.is_open:
            # Opening the port may block for long: nothing must wait in an open segment for that.
            self._decryptor.reset()
            self._framer.break_off()
            self._hot.seal()
        self.counters.torn = self._framer.torn + self._owed
        self._store_early()
        self._hot.tick()

    def finish(self) -> None:
        """Store what was still held back, and seal."""
        rest = self._decryptor.flush()
        for frame in self._framer.feed(rest) + self._framer.flush():
            self._take(frame)
        if self._held is not None:
            self._store(self._held)
            self._held = None
        self._hot.seal()

    def _say_refusal(self) -> None:
        """Say why encrypted telegrams are not read, once until one is."""
        refusal = self._decryptor.refusal
        if refusal is None:
            self._refusals.went()
        elif not is_foreign(self.line.sample) and self._refusals.came(refusal.message):
            log.warning("%s (%s)", refusal.message, refusal.hint)

    def _parse(self, frame: Frame) -> Telegram:
        return parse(frame, utc_offset_hours=self._rules.utc_offset_hours, told=self._told)

    def _take(self, frame: Frame) -> None:
        telegram = self._parse(frame)
        if not acceptable(telegram, self._rules.policy):
            if self._decryptor.refusal is None:
                self._complain(frame, telegram)
            return
        if self._owes(telegram):
            self._owed += 1
            return
        self._learn(telegram)
        counters = self.counters
        counters.telegrams += 1
        counters.unchecked += telegram.checksum is not Checksum.OK
        counters.bad_lines += len(telegram.errors)
        counters.unknown_lines += len(telegram.unknown)
        counters.missed += self._gaps.missed(telegram.time)
        self.line.telegram()
        stamped = self._clock.stamp(telegram)
        if stamped is not None:
            self._keep(stamped)
            return
        clock = self._clock
        record = next(self._identities)
        self._early.hold(record, frame, monotonic=clock.monotonic(), wall=clock.wall())

    def _store_early(self) -> None:
        """Store what waited for the clock, if it waits no more."""
        timed = self._early.timed(self._clock.offset)
        for held, wall in timed:
            telegram = self._parse(held.frame)
            self._keep(Stamped(telegram, self._clock.rounded(wall), held.id))
        if timed:
            self._hot.seal()
            self._early.stored(self._clock.monotonic())

    def _owes(self, telegram: Telegram) -> bool:
        """Tell whether the telegram lacks the checksum that this line has given before."""
        if not self.line.live or self._rules.policy is not Policy.REQUIRE:
            return False
        refused = self._debt.refuses(telegram)
        if refused and not telegram.errors:
            # The line and its speed are right.
            self.line.telegram()
        return refused

    def _learn(self, telegram: Telegram) -> None:
        """Remember whose meanings the codes have, until another meter is checked."""
        if telegram.checksum is not Checksum.OK:
            return
        memory = self.points.memory
        memory.header, memory.nation = telegram.header, telegram.nation
        self._told = {telegram.header: telegram.nation} if telegram.nation else {}

    def _complain(self, frame: Frame, telegram: Telegram) -> None:
        """Count a telegram that cannot be trusted; say so once an hour, not every second."""
        self.counters.bad_checksums += 1
        if not self._checksums.came("checksum"):
            return
        what = "wrong" if telegram.checksum is Checksum.BAD else "missing"
        said = (
            "checksum %s, telegram of %d bytes thrown away, %d so far (a bad cable or a lost byte;"
            " `p1-collector decode` shows a recorded telegram, `P1_CRC` says what is accepted)"
        )
        log.warning(said, what, len(frame.data), self.counters.bad_checksums)

    def _keep(self, stamped: Stamped) -> None:
        """Store every telegram, or the last of each interval."""
        self.last = stamped
        seconds = self._rules.sample_seconds
        if not seconds:
            self._store(stamped)
            return
        held, self._held = self._held, stamped
        if held and _interval(held, seconds) != _interval(stamped, seconds):
            self._store(held)

    def _store(self, stamped: Stamped) -> None:
        try:
            lines = self.points.lines(stamped.telegram, stamped.time)
        except CrowdedError:
            self._hot.give_up(stamped.record or next(self._identities))
            if self._crowded.came(""):
                log.warning(
                    "readings are dropped, and counted: a clock was set back, and others have"
                    " their seconds (`P1_CLOCK` says whose time is stored)"
                )
            return
        if lines is None:
            self.counters.repeated += 1
        elif lines:
            record = Record(stamped.record or next(self._identities), encode(lines))
            self._hot.append(record)
            self.points.memory.carried(record.id)


def _interval(stamped: Stamped, seconds: int) -> int:
    return int(stamped.time.timestamp()) // seconds
