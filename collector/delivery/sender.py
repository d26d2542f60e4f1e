"""The sender: owns the network. Newest hot segment first, then the backlog, then the inbox.

One request at a time. `tenacity` alone decides about another one; the wait between two is full
jitter over an exponential bound, so that a thousand collectors do not come back together. Hot and
backlog take turns, so that a line too slow for both keeps up with neither, but starves neither.
"""

import logging
import random
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from math import inf
from threading import Event
from typing import Final, Protocol

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_when_event_set
from tenacity.nap import sleep_using_event

from collector.delivery.answer import REFUSED, Answer, Meaning, describe, meaning
from collector.delivery.backoff import Backoff
from collector.delivery.conflicts import Conflicts
from collector.delivery.doubts import ASIDE_SECONDS, Doubts, Key
from collector.delivery.jobs import Backlog, Job, Learnt, Ready
from collector.delivery.leftovers import Leftovers
from collector.delivery.narrowing import Interrupted, Narrowing, lines_of
from collector.delivery.pace import Pace
from collector.errors import SELDOM_SECONDS, Troubles
from collector.spool.account import Account, Outcome
from collector.spool.errands import Errands, HangingError
from collector.spool.handoff import Handoff, HotSegment
from collector.spool.keeper import Keeper
from collector.spool.record import RecordId
from collector.spool.refusals import kind
from collector.spool.spool import Spool
from collector.spool.stock import File

log: Final = logging.getLogger(__name__)

QUICK_SECONDS: Final = 0.1
"""A server that takes no longer for a request can have one for each telegram."""

PAUSE_SECONDS: Final = 1.0
IDLE_SECONDS: Final = 5.0
"""How long to wait where there is nothing to send. What comes ends it, the end of a pause not."""
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
        errands: Errands | None = None,
        beat: Callable[[float], None] = lambda _: None,
    ) -> None:
        """Have the disk's calls made by `errands`; tell `beat` how long the next wait may be."""
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
        self._errands = errands or Errands()
        self._beat = beat
        self._doubts = Doubts(Troubles(monotonic, again=ASIDE_SECONDS))
        self.learnt = Learnt(self._exists)
        self._conflicts = Conflicts(monotonic)
        self._nothing_since: float | None = None
        self._closed_at = -inf
        self._backlog_next = False
        self._pace = Pace(draw=draw, monotonic=monotonic)
        self._leftovers = Leftovers(spool.remove, self._errands, monotonic=monotonic)
        known = (self._doubts, self._leftovers, self._pace, self._conflicts)
        self.backlog = Backlog(spool, account, self._errands, *known, monotonic)
        self._place = place
        self._troubles = Troubles(monotonic)
        self._faults = Troubles(monotonic, again=ASIDE_SECONDS)
        self._refusals = Troubles(monotonic, again=ASIDE_SECONDS)
        self._retrying = Retrying(
            retry=retry_if_exception_type(NotNowError),
            wait=self._wait,
            stop=stop_when_event_set(stopping),
            sleep=self._sleep,
            reraise=True,
        )
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
                self._sleep(PAUSE_SECONDS)

    def step(self) -> None:
        """Send one segment, as often as it takes, or wait a moment if there is none."""
        try:
            for attempt in self._retrying:
                with attempt:
                    self._attempt(attempt.retry_state.attempt_number)
        except NotNowError:
            return  # the program stops; the segment stays where it is

    def _wait(self, state: RetryCallState) -> float:
        """Say how long to wait after an attempt that failed."""
        answer = state.outcome.exception().answer  # type: ignore[union-attr]  # there is one
        seconds = self._backoff.wait(answer, state.attempt_number, self._draw())
        self._beat(seconds)
        return seconds

    def _attempt(self, number: int) -> None:
        job = None
        while job is None and not self._stopping.is_set():
            job = self._next_job()
            if number == 1:
                break
        self.delivery.retries += job is not None and number > 1
        if isinstance(job, Ready):
            self._send_together(job.files, job.ids, job.body)
        elif job is not None:
            self._send(job)

    # What to send.

    def _next_job(self) -> Job | Ready | None:
        """Give the next segment to send, or wait a moment and give none."""
        seen = self._handoff.news
        self._leftovers.sweep()
        takers = [self._hot_job, self._spool_job]
        if self._backlog_next:
            takers.reverse()
        job = takers[0]() or takers[1]()
        if job is None:
            is_away, pauses = self.delivery.message is not None, self._pace.pauses
            self._knock(is_away=is_away, pauses=pauses)
            seconds = PAUSE_SECONDS if is_away or pauses else IDLE_SECONDS
            self._beat(seconds)
            self._handoff.wait(seconds, seen)
        else:
            self._nothing_since = None
        return job

    def _knock(self, *, is_away: bool, pauses: bool) -> None:
        """Have the keeper close the segment that it fills: there is nothing else to send.

        Not while the backlog `pauses`, and not yet where InfluxDB `is_away`. While a measurement
        waits, what comes to the disk is what waits for it: a few files a day.
        """
        now = self._monotonic()
        if not self._keeper.has_open or pauses:
            self._nothing_since = None
            return
        since = self._nothing_since = now if self._nothing_since is None else self._nothing_since
        seldom = self._conflicts.lasts and now - self._closed_at < SELDOM_SECONDS
        if now - since >= (PATIENCE_SECONDS if is_away else 0.0) and not seldom:
            self._closed_at = now
            self._keeper.close_wanted = True

    def _hot_job(self) -> Job | None:
        aside = self._doubts.set_aside_now(self._monotonic())
        segment = self._handoff.take_newest(aside, copied_too=self._keeper.hangs)
        if segment is None:
            return None
        try:
            return Job((), self._account.unsettled(self._spool.read_hot(segment)), segment)
        except OSError as error:
            if self._faults.came(str(error)):
                log.error("cannot read a segment, others go on, tried in an hour: %s", error)
            self._doubts.set_aside(segment.path, self._monotonic())
            self._release(segment)
            return None

    def _spool_job(self) -> Job | Ready | None:
        joined = self.delivery.message is None
        return None if self._pace.pauses else self.backlog.next(self.learnt, joined=joined)

    # Sending it.

    def _send_together(self, files: Sequence[File], ids: Iterable[RecordId], lines: bytes) -> None:
        """Send segments in one request as they stand. Of what is not stored, each goes alone."""
        job = Job(tuple(files), ())
        answer = self._post(lines, live=False)
        if meaning(answer) is Meaning.STORED:
            self._passed(job)
            self._account.settle(Outcome.DELIVERED, ids)
            self._leftovers.remove(files)
        elif meaning(answer) not in REFUSED:
            self._put_off(job, answer)
        elif len(files) > 1:
            self._doubts.failed_together(files)
        else:
            with suppress(HangingError):
                if again := self.backlog.load(files):
                    self._send(again)
        self._spool.in_flight = frozenset()

    def _put_off(self, job: Job, answer: Answer, narrowing: Narrowing | None = None) -> None:
        """Leave what was not taken now for another attempt."""
        self._failed(job, answer)
        self._give_back(job, narrowing)
        raise NotNowError(answer)

    def _send(self, job: Job) -> None:
        if len(job.files) > 1:
            lines = b"".join(record.body for record in job.records)
            self._send_together(job.files, [record.id for record in job.records], lines)
            return
        post = partial(self._post_unless_too_old, live=job.hot is not None)
        narrowing = self.learnt.take(job)
        try:
            narrowing = narrowing or self._send_whole(job, post)
            since = narrowing.since
            narrowing.go_on(
                post,
                paused=self._conflicts.pauses,
                conflict=partial(self._conflicts.note, of=job.keys[0], since=since),
                most_lines=lambda: self._pace.lines,
                turn=lambda: job.hot is None and self._is_turn_of_others(),
                others_pass=lambda: self._conflicts.stored > since,
            )
        except Interrupted as interrupted:
            self._put_off(job, interrupted.answer, narrowing)
            return
        self._passed(job)
        if narrowing.finished and self._reject(narrowing):
            self._finish(job, narrowing)
            self._note_age(job, narrowing)
            return
        if narrowing.may_go_on:
            # The newest goes in between, however many requests a segment takes.
            self.learnt.keep(job, narrowing)
            self._spool.in_flight = frozenset()
            return
        self._give_back(job, narrowing)
        key = job.keys[0]
        if isinstance(key, File) and narrowing.held and not narrowing.parts:
            self.backlog.hold(key, narrowing.held)
            return
        goes_on = bool(narrowing.parts) and key in self.learnt
        self._doubts.set_aside(key, self._monotonic(), for_long=not goes_on)

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
                self._errands.do(partial(self._spool.reject, records, reason))
            except OSError as error:
                if self._faults.came(f"aside: {error}"):
                    log.error("cannot keep refused readings aside, they wait: %s", error)
                return False
            if self._refusals.came(kind(reason)):
                log.error("%d records were refused and kept aside: %s", len(records), reason)
        return True

    def _note_age(self, job: Job, narrowing: Narrowing) -> None:
        """See whether readings that are new are refused for their age, whatever else passes."""
        read = {record.id for record in job.records if record.id.counted}
        if job.hot is not None and read:
            refused = {line.record for line, _ in narrowing.refused}
            self._conflicts.read_just_now(too_old=narrowing.is_by_age and read <= refused)

    def _finish(self, job: Job, narrowing: Narrowing) -> None:
        """Count what became of a segment, and remove it."""
        self.tell_refused(line.text for line, _ in narrowing.refused)
        rejected = {line.record for line, _ in narrowing.refused}
        self._account.settle(Outcome.REJECTED, rejected)
        delivered = [r.id for r in job.records if r.id not in rejected]
        self._account.settle(Outcome.DELIVERED, delivered)
        if job.hot is None:
            self._leftovers.remove(job.files)
        elif self._handoff.sent(job.hot, done=True):
            self._spool.remove_hot(job.hot)
        self._spool.in_flight = frozenset()

    def _give_back(self, job: Job, narrowing: Narrowing | None) -> None:
        """Leave a segment for later. The state of a hot one is not worth keeping: it moves on."""
        if job.hot is not None:
            self._release(job.hot)
        elif narrowing is not None and narrowing.has_learnt:
            self.learnt.keep(job, narrowing)
        self._spool.in_flight = frozenset()

    def _release(self, segment: HotSegment) -> None:
        if self._handoff.sent(segment, done=False):
            self._spool.remove_hot(segment)

    def _exists(self, key: Key) -> bool:
        return key in self._spool.stock if isinstance(key, File) else key in self._handoff

    # What came of it.

    def _passed(self, job: Job) -> None:
        self._backlog_next = job.hot is not None
        for key in job.keys:
            self._doubts.passed(key, self._monotonic(), self._exists)
        if self._troubles.went():
            log.info("InfluxDB takes readings again")
            self._closed_at = -inf  # what was kept meanwhile is for it
        self.delivery.state, self.delivery.message = "delivering", None

    def _failed(self, job: Job, answer: Answer) -> None:
        self._backlog_next = False
        blamed = self._pace.failed(answer)
        if len(job.keys) > 1:
            self._doubts.failed_together(job.keys)
        else:
            self._doubts.failed(job.keys[0], blamed=blamed)
        words, what = describe(answer), meaning(answer)
        # A page that answers may have a number in it that is another one each time.
        if self._troubles.came(str(answer.status or words)):
            level = logging.WARNING if what is Meaning.NOT_NOW else logging.ERROR
            log.log(level, "InfluxDB did not take the readings, they are kept: %s", words)
        wrong = what is Meaning.MISCONFIGURED or what in REFUSED
        self.delivery.state = "misconfigured" if wrong else "retrying"
        self.delivery.message = words

    def _post(self, lines: bytes, *, live: bool) -> Answer:
        self.delivery.requests += 1
        self._beat(0)
        self._handoff.quick, began = False, self._monotonic()
        answer = self._link.write(lines)
        if meaning(answer) is Meaning.STORED:
            took = self._monotonic() - began
            self._handoff.quick = live and took <= QUICK_SECONDS
            if not self._conflicts.stored:
                log.info("delivering to %s", self._place)
            self._pace.quota.stored(lines, live=live)
            if not live:
                self._pace.passed(took)
            if self._conflicts.passed(lines, others_wait=bool(self.learnt)):
                self._doubts.aside.clear()  # what waits for its measurement is among them
        return answer

    def _post_unless_too_old(self, lines: bytes, *, live: bool) -> Answer:
        answer = self._post(lines, live=live)
        if self._conflicts.all_too_old and meaning(answer) is Meaning.OLD:
            raise Interrupted(answer)
        return answer
