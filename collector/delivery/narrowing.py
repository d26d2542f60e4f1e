"""Finding the bad lines of a segment that InfluxDB refused, in few requests.

A refusal names at best some of the bad lines, and what it says about the others differs between
servers: some stored the good ones, some nothing. So nothing is believed but a 204: the lines are
halved until each good part had its own 204 and each bad line stands alone with its own refusal.
Lines that a refusal tells stand alone at once. A refusal by retention is monotone in time, so
there one bisection over the sorted lines will do.

Where it is unclear whose fault a refusal is, it is the lines' only if others pass: until then a
few lines far apart are tried, and if each is refused the whole waits, with nothing decided.
"""

import re
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from collector.delivery.answer import REFUSED, Answer, Meaning, describe, meaning, words
from collector.spool.record import Record, RecordId
from collector.spool.segment import MAX_LINES

MOST_REQUESTS: Final = 64
MOST_PROBES: Final = 8

_MEASUREMENT: Final = re.compile(rb"(?:\\.|[^\\, ])*")
_LINE: Final = re.compile(rb"[^\n]+\n?")
_TIME: Final = re.compile(rb" (-?\d{1,19})\s*$")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a segment: its text, and which record it belongs to."""

    text: bytes
    record: RecordId

    @property
    def time(self) -> int | None:
        match = _TIME.search(self.text)
        return int(match[1]) if match else None

    @property
    def measurement(self) -> str:
        match = _MEASUREMENT.match(self.text)
        return match[0].decode(errors="replace") if match else ""


def lines_of(records: Iterable[Record]) -> list[Line]:
    """Take records apart into their lines."""
    return [Line(text, record.id) for record in records for text in _LINE.findall(record.body)]


class Interrupted(Exception):  # noqa: N818  it is no error: the rest is tried later
    """An answer that decides nothing; the narrowing goes on from where it is, later."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(describe(answer))
        self.answer = answer


@dataclass(slots=True)
class Narrowing:
    """The state of one segment: parts still to be sent, lines refused so far with the reason.

    `known` is the answer that the first part as a whole already had. `since` is how many requests
    had been stored by then. `is_by_age` if lines were refused because they are too old.
    """

    parts: deque[Sequence[Line]]
    known: Answer | None = None
    since: int = 0
    refused: list[tuple[Line, str]] = field(default_factory=list)
    held: list[Line] = field(default_factory=list)
    requests: int = 0
    most: int = MOST_REQUESTS
    is_by_age: bool = False
    _ask: Callable[[bytes], Answer] = field(init=False)
    _conflict: Callable[[str, Answer], None] = field(init=False)

    @property
    def finished(self) -> bool:
        return not self.parts and not self.held

    @property
    def may_go_on(self) -> bool:
        """Whether only the turn of others ended it."""
        return bool(self.parts) and self.requests < self.most

    @property
    def has_learnt(self) -> bool:
        """Whether it would cost more than a request to begin again."""
        return bool(self.parts or self.refused)

    def go_on(
        self,
        post: Callable[[bytes], Answer],
        *,
        paused: Callable[[str], bool],
        conflict: Callable[[str, Answer], None],
        most_lines: Callable[[], int] = lambda: MAX_LINES,
        turn: Callable[[], bool] = lambda: False,
        others_pass: Callable[[], bool] = lambda: True,
    ) -> None:
        """Send parts until none is left, `MOST_REQUESTS` were made, or it is the turn of others.

        Lines of a measurement that is `paused` are held. `conflict` is told of each refusal that
        may be by a field's type: measurement and answer. A part that has more than `most_lines`
        goes in pieces. Raises `Interrupted` when the server cannot decide, or may not mean the
        lines: unless `others_pass`.
        """
        self._ask, self._conflict = post, conflict
        self.parts.extend([self.held] if self.held else [])
        self.held = []
        if self.requests >= self.most:
            self.most = self.requests + MOST_REQUESTS
        while self.parts and self.requests < self.most:
            if len(self.parts[0]) > (most := most_lines()):
                self.known = None  # all of it was too much for the line
                self._halve(self.parts[0], most)
            if part := self._unpaused(self.parts.popleft(), paused):
                self.parts.appendleft(part)
                try:
                    answer = self._post(part)
                    if meaning(answer) is Meaning.UNCLEAR and not others_pass():
                        self._probe(part, answer)
                    else:
                        self._judge(part, answer)
                except Interrupted:
                    self.requests -= 1  # what says nothing of the lines is none of their requests
                    raise
            if turn():
                break

    def _probe(self, part: Sequence[Line], answer: Answer) -> None:
        """Try lines far apart. Raises `Interrupted` if they are all alike to the server."""
        for line in _far_apart(part):
            verdict = self._post([line])
            if meaning(verdict) is Meaning.STORED:
                self.parts[0] = [other for other in part if other != line]
                return
            if meaning(verdict) not in REFUSED:
                raise Interrupted(verdict)
        raise Interrupted(answer)

    def refused_records(self) -> dict[str, list[Record]]:
        """Give the refused lines as records, by the server's words."""
        lines: dict[tuple[str, RecordId], list[bytes]] = {}
        for line, reason in self.refused:
            lines.setdefault((reason, line.record), []).append(line.text)
        refused: dict[str, list[Record]] = {}
        for (reason, identity), texts in lines.items():
            refused.setdefault(reason, []).append(Record(identity, b"".join(texts)))
        return refused

    def _unpaused(self, part: Sequence[Line], paused: Callable[[str], bool]) -> Sequence[Line]:
        waiting = set(filter(paused, {line.measurement for line in part}))
        if not waiting:
            return part
        self.held += [line for line in part if line.measurement in waiting]
        return [line for line in part if line.measurement not in waiting]

    def _judge(self, part: Sequence[Line], answer: Answer) -> None:
        """Take the first part for what was said of it, and put what is left of it back."""
        what = meaning(answer)
        self.is_by_age |= what is Meaning.OLD
        if what is Meaning.STORED:
            self.parts.popleft()
        elif what not in REFUSED:
            raise Interrupted(answer)
        elif len(part) == 1:
            if what in (Meaning.CONFLICT, Meaning.UNCLEAR):
                self._conflict(part[0].measurement, answer)
            self.parts.popleft()
            self.refused.append((part[0], words(answer)))
        elif what is Meaning.OLD and all(line.time is not None for line in part):
            self._bisect(sorted(part, key=lambda line: line.time or 0), answer)
        elif told := _told(part, answer):
            # They stand alone, behind the others.
            rest = [line for n, line in enumerate(part) if n not in told]
            self.parts.popleft()
            self.parts.extendleft([[part[n]] for n in sorted(told, reverse=True)])
            self.parts.extendleft([rest] if rest else [])
        else:
            self._halve(part, len(part) // 2)

    def _halve(self, part: Sequence[Line], middle: int) -> None:
        self.parts.popleft()
        self.parts.extendleft([part[middle:], part[:middle]])

    def _bisect(self, part: Sequence[Line], answer: Answer) -> None:
        """Find the first line that is young enough: all from there on had a 204 together."""
        low, high, reason = 0, len(part), words(answer)
        while low < high:
            middle = (low + high) // 2
            verdict = self._post(part[middle:])
            what = meaning(verdict)
            if what is Meaning.STORED:
                high = middle
            elif what is Meaning.OLD:
                low, reason = middle + 1, words(verdict)
            elif what in REFUSED:
                # Something else is wrong as well: let halving separate the two.
                self._halve(part, middle or 1)
                return
            else:
                raise Interrupted(verdict)
        self.parts.popleft()
        self.refused += [(line, reason) for line in part[:high]]

    def _post(self, part: Sequence[Line]) -> Answer:
        known, self.known = self.known, None
        if known is not None:
            return known
        self.requests += 1
        return self._ask(b"".join(line.text for line in part))


def _far_apart(part: Sequence[Line]) -> list[Line]:
    """Give the first line of each measurement, one in the middle and the last; none of one."""
    if len(part) == 1:
        return []
    firsts = {line.measurement: line for line in reversed(part)}
    chosen = [part[0], part[len(part) // 2], part[-1], *firsts.values()]
    return list(dict.fromkeys(chosen))[:MOST_PROBES]


def _told(part: Sequence[Line], answer: Answer) -> set[int]:
    """Give the places of the lines that a refusal speaks of."""
    numbers = {told - 1 for told in answer.told if isinstance(told, int)}
    texts = {told.encode() for told in answer.told if isinstance(told, str)}
    quoted = {n for n, line in enumerate(part) if texts and line.text.rstrip(b"\n") in texts}
    return quoted | numbers & set(range(len(part)))
