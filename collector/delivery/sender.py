"""The sender: owns the network. Newest hot segment first, then the backlog, then the inbox.

One request at a time. `tenacity` alone decides about another one; the wait between two is full
jitter over an exponential bound, so that a thousand collectors do not come back together. Hot and
backlog take turns, so that a line too slow for both keeps up with neither, but starves neither.
"""

import logging
import random
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event
from typing import Final, Protocol

from tenacity import Retrying, retry_if_exception_type, stop_when_event_set
from tenacity.nap import sleep_using_event

from collector.delivery.answer import REFUSED, Answer, Meaning, describe, meaning
from collector.delivery.backoff import Backoff
from collector.delivery.conflicts import Conflicts
from collector.delivery.doubts import ASIDE_SECONDS, Doubts
from collector.delivery.jobs import Ahead, Job, Ready
from collector.delivery.leftovers import Leftovers
from collector.delivery.narrowing import Interrupted, Narrowing, lines_of
from collector.delivery.pace import Pace
from collector.errors import Troubles
from collector.spool.account import Account, Outcome
from collector.spool.handoff import Handoff, HotSegment
from collector.spool.keeper import Keeper
from collector.spool.record import Record
from collector.spool.segment import MAX_LINES
from collector.spool.spool import Spool

log: Final = logging.getLogger(__name__)

QUIET_SECONDS: Final = 600.0
"""A network that comes and goes every few seconds gets two lines in the log in so long; an outage
that is still there after that is told."""

MOST_NARROWINGS: Final = 4
"""Half-sent segments whose state is kept in memory; the others begin again."""

IDLE_SECONDS: Final = 1.0
PATIENCE_SECONDS: Final = 30.0
"""While InfluxDB is away: how long to wait for a hot segment to knock with, before the segment
that the keeper is filling is closed for that."""


class Link(Protocol):
    """What sends one request; `collector.delivery.influx.Influx` outside of tests."""

    def write(self, lines: bytes) -> Answer: ...


class NotNowError(Exception):
    """A request that is worth repeating."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(describe(answer))
        self.answer = answer


@dataclass(slots=True)
class DeliveryState:
    """What `show` and the log say about the delivery."""

    state: str = "delivering"
    message: str | None = None
    requests: int = 0
    retries: int = 0


class Sender:
    """Delivers segments until `stopping` is set; `step` is one round, for tests and the thread."""

    def __init__(
        self,
        link: Link,
        spool: Spool,
        handoff: Handoff,
        account: Account,
        keeper: Keeper,
        *,
        place: str,
        stopping: Event,
        monotonic: Callable[[], float],
        backoff: Backoff | None = None,
        draw: Callable[[], float] = random.random,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self._link = link
        self._spool = spool
        self._handoff = handoff
        self._account = account
        self._keeper = keeper
        self._stopping = stopping
        self._monotonic = monotonic
        self._backoff = backoff or Backoff()
        self._draw = draw
        self._sleep = sleep or sleep_using_event(stopping)
        self.tell_refused: Callable[[Iterable[bytes]], None] = lambda _: None
        self.ahead = Ahead(spool, account, self._following)
        self._doubts = Doubts(Troubles(monotonic, again=ASIDE_SECONDS))
        self._narrowings: dict[Path, Narrowing] = {}
        self._conflicts = Conflicts(monotonic)
        self._knocking_since: float | None = None
        self._backlog_next = False
        self._pace = Pace(draw=draw, monotonic=monotonic)
        self._leftovers = Leftovers(spool.remove, monotonic=monotonic)
        self._place = place
        self._troubles = Troubles(monotonic, quiet=QUIET_SECONDS)
        self._faults = Troubles(monotonic, again=ASIDE_SECONDS)
        self.delivery = DeliveryState()

    def run(self) -> None:
        """Send until the program stops. A failing disk costs time, never the thread."""
        while not self._stopping.is_set():
            try:
                self.step()
            except OSError as error:
                if self._faults.came(str(error)):
                    log.error("cannot read or remove a segment, trying again: %s", error)
                self._backlog_next = False  # what is in RAM need not wait for a disk
                self._sleep(IDLE_SECONDS)

    def step(self) -> None:
        """Send one segment, as often as it takes, or wait a moment if there is none."""
        failures = 0

        def wait(state: object) -> float:
            error = state.outcome.exception()  # type: ignore[attr-defined]  # tenacity's own type
            return self._backoff.wait(error.answer, failures, self._draw())

        retrying = Retrying(
            retry=retry_if_exception_type(NotNowError),
            wait=wait,
            stop=stop_when_event_set(self._stopping),
            sleep=self._sleep,
            reraise=True,
        )
        try:
            for attempt in retrying:
                with attempt:
                    failures += 1
                    self._attempt(failures)
        except NotNowError:
            return  # the program stops; the segment stays where it is

    def _attempt(self, number: int) -> None:
        job = None
        while job is None and not self._stopping.is_set():
            job = self._next_job()
            if number == 1:
                break
        if job is None:
            return
        if number > 1:
            self.delivery.retries += 1
        if isinstance(job, Ready):
            self._send_ready(job)
        else:
            self._send(job)

    # What to send.

    def _next_job(self) -> Job | Ready | None:
        """Give the next segment to send, or wait a moment and give none."""
        self._leftovers.sweep()
        takers = [self._hot_job, self._spool_job]
        if self._backlog_next:
            takers.reverse()
        job = takers[0]() or takers[1]()
        if job is None:
            self._ask_keeper()
            self._handoff.wait(IDLE_SECONDS)
        else:
            self._knocking_since = None
        return job

    def _hot_job(self) -> Job | None:
        segment = self._handoff.take_newest(self._doubts.set_aside_now(self._monotonic()))
        if segment is None:
            return None
        try:
            return Job(segment.path, self._spool.read_hot(segment), segment)
        except OSError as error:
            log.error("cannot read a segment, others go on, tried again in an hour: %s", error)
            self._doubts.set_aside(segment.path, self._monotonic())
            self._release(segment)
            return None

    def _spool_job(self) -> Job | Ready | None:
        for path in () if self._pace.pauses else self._waiting():
            self._spool.in_flight = path
            if ready := self._made_ready(path):
                return ready
            if records := self._load(path):
                return Job(path, records)
        self._spool.in_flight = None
        return None

    def _waiting(self) -> list[Path]:
        aside = self._doubts.set_aside_now(self._monotonic())
        every = [*self._spool.waiting(), *self._spool.inbox()]
        waiting = [path for path in every if path not in aside and path not in self._leftovers]
        # After a failure another one goes first: the fault may be the segment's, not the server's.
        waiting.sort(key=lambda path: path in self._doubts.suspects)
        return waiting

    def _following(self) -> Path | None:
        """Give the segment that probably goes after the one that is in flight, as a whole."""
        if self._pace.lines < MAX_LINES:
            return None
        return next((path for path in self._waiting() if path != self._spool.in_flight), None)

    def _made_ready(self, path: Path) -> Ready | None:
        """Give a segment that is ready, unless something is known that asks for its lines."""
        in_parts = self._narrowings or self._pace.lines < MAX_LINES
        if in_parts or self._conflicts.any_doubt:
            return None
        return self.ahead.take(path)

    def _load(self, path: Path) -> tuple[Record, ...]:
        """Read what waits in a segment; where nothing does, it is removed."""
        contents = self._spool.load(path)
        records = self._unsettled(path, contents.records) if contents is not None else ()
        if not records:
            self._leftovers.remove(path)
        return records

    def _unsettled(self, path: Path, records: tuple[Record, ...]) -> tuple[Record, ...]:
        """Leave out what came from another file already.

        Not in the inbox: there a record may lie in parts, one a reason for which it was refused.
        """
        if path.parent == self._spool.directories.inbox:
            return records
        if not self._account.any_settled(record.id for record in records):
            return records
        return tuple(record for record in records if not self._account.is_settled(record.id))

    def _ask_keeper(self) -> None:
        """Have the keeper close the segment it fills: there is nothing else to send."""
        now = self._monotonic()
        if not self._keeper.has_open or self._pace.pauses:
            self._knocking_since = None
            return
        self._knocking_since = now if self._knocking_since is None else self._knocking_since
        patience = 0.0 if self.delivery.message is None else PATIENCE_SECONDS
        if now - self._knocking_since >= patience:
            self._keeper.close_wanted = True

    # Sending it.

    def _send_ready(self, ready: Ready) -> None:
        answer = self._post_backlog(ready.body)
        what = meaning(answer)
        if what is Meaning.STORED:
            self._passed(Job(ready.path, ()))
            self._account.settle(Outcome.DELIVERED, ready.ids)
            self._leftovers.remove(ready.path)
        elif what not in REFUSED:
            self._failed(ready.path, answer)
            self._spool.in_flight = None
            raise NotNowError(answer)
        elif records := self._load(ready.path):
            self._send(Job(ready.path, records))
        self._spool.in_flight = None

    def _send(self, job: Job) -> None:
        narrowing = self._narrowings.pop(job.path, None)
        post = self._post_backlog if job.hot is None else self._post
        try:
            narrowing = narrowing or self._send_whole(job, post)
            since = narrowing.since
            narrowing.go_on(
                post,
                paused=self._conflicts.pauses,
                conflict=partial(self._conflicts.note, of=job.path, since=since),
                most_lines=lambda: self._pace.lines,
                turn=lambda: job.hot is None and self._is_turn_of_others(),
                others_pass=lambda: self._conflicts.stored > since,
            )
        except Interrupted as interrupted:
            self._failed(job.path, interrupted.answer)
            self._give_back(job, narrowing)
            raise NotNowError(interrupted.answer) from None
        self._passed(job)
        if narrowing.finished and self._reject(narrowing):
            self._finish(job, narrowing)
            return
        if narrowing.may_go_on:
            # The newest goes in between, however many requests a segment takes.
            self._narrowings[job.path] = narrowing
            self._spool.in_flight = None
            return
        self._give_back(job, narrowing)
        goes_on = bool(narrowing.parts) and job.path in self._narrowings
        self._doubts.set_aside(job.path, self._monotonic(), for_long=not goes_on)

    def _is_turn_of_others(self) -> bool:
        return self._pace.pauses or self._handoff.waits(
            self._doubts.set_aside_now(self._monotonic())
        )

    def _send_whole(self, job: Job, post: Callable[[bytes], Answer]) -> Narrowing:
        """Try all at once, which is nearly always all there is to do."""
        if not job.records:
            return Narrowing(deque())
        number = sum(record.lines for record in job.records)
        if number > self._pace.lines or self._conflicts.any_pauses:
            return Narrowing(deque([lines_of(job.records)]))
        answer = post(b"".join(record.body for record in job.records))
        what = meaning(answer)
        if what is Meaning.STORED:
            return Narrowing(deque())
        if what in REFUSED:
            since = self._conflicts.stored
            return Narrowing(deque([lines_of(job.records)]), known=answer, since=since)
        raise Interrupted(answer)

    def _reject(self, narrowing: Narrowing) -> bool:
        """Sync refused lines aside; False if the disk does not take them, and they must wait."""
        for reason, records in narrowing.refused_records().items():
            try:
                self._spool.reject(records, reason)
            except OSError as error:
                log.error("cannot keep refused readings aside, they wait: %s", error)
                return False
            log.error("%d records were refused and kept aside: %s", len(records), reason)
        return True

    def _finish(self, job: Job, narrowing: Narrowing) -> None:
        """Count what became of a segment, and remove it."""
        self.tell_refused(line.text for line, _ in narrowing.refused)
        rejected = {line.record for line, _ in narrowing.refused}
        self._account.settle(Outcome.REJECTED, rejected)
        delivered = [r.id for r in job.records if r.id not in rejected]
        self._account.settle(Outcome.DELIVERED, delivered)
        if job.hot is None:
            self._leftovers.remove(job.path)
        elif self._handoff.sent(job.hot, done=True):
            self._spool.remove_hot(job.hot)
        self._spool.in_flight = None

    def _give_back(self, job: Job, narrowing: Narrowing | None) -> None:
        """Leave a segment for later. The state of a hot one is not worth keeping: it moves on."""
        if job.hot is not None:
            self._release(job.hot)
        elif narrowing is not None and narrowing.has_learnt:
            kept = {path: n for path, n in self._narrowings.items() if self._exists(path)}
            if len(kept) < MOST_NARROWINGS:
                kept[job.path] = narrowing
            self._narrowings = kept
        self._spool.in_flight = None

    def _release(self, segment: HotSegment) -> None:
        if self._handoff.sent(segment, done=False):
            self._spool.remove_hot(segment)

    def _exists(self, path: Path) -> bool:
        try:
            return self._spool.disk.size(path) > 0
        except OSError:
            return True

    # What came of it.

    def _passed(self, job: Job) -> None:
        self._backlog_next = job.hot is not None
        self._doubts.passed(job.path, self._monotonic(), self._exists)
        if self._troubles.went():
            log.info("InfluxDB takes readings again")
        self.delivery.state, self.delivery.message = "delivering", None

    def _failed(self, path: Path, answer: Answer) -> None:
        self._backlog_next = False
        self._doubts.failed(path, blamed=self._pace.failed(answer))
        words, what = describe(answer), meaning(answer)
        # A page that answers may have a number in it that is another one each time.
        if self._troubles.came(str(answer.status or words)):
            level = logging.WARNING if what is Meaning.NOT_NOW else logging.ERROR
            log.log(level, "InfluxDB did not take the readings, they are kept: %s", words)
        wrong = what in (Meaning.MISCONFIGURED, Meaning.UNCLEAR)
        self.delivery.state = "misconfigured" if wrong else "retrying"
        self.delivery.message = words

    def _post(self, lines: bytes, *, live: bool = True) -> Answer:
        self.delivery.requests += 1
        answer = self._link.write(lines)
        if meaning(answer) is Meaning.STORED:
            self._pace.quota.stored(lines, live=live)
            self._stored(lines)
        return answer

    def _stored(self, lines: bytes) -> None:
        if not self._conflicts.stored:
            log.info("delivering to %s", self._place)
        if self._conflicts.passed(lines, others_wait=bool(self._narrowings)):
            self._doubts.aside.clear()  # what waits for its measurement is among them

    def _post_backlog(self, lines: bytes) -> Answer:
        began = self._monotonic()
        answer = self._post(lines, live=False)
        if meaning(answer) is Meaning.STORED:
            self._pace.passed(self._monotonic() - began)
        return answer
