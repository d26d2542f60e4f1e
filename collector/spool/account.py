"""What became of each record: found + read = delivered + waiting + rejected, dropped, damaged."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from threading import Lock
from typing import Final

from collector.spool.identities import Identities
from collector.spool.record import Record, RecordId


class Outcome(StrEnum):
    """The ways in which a record's wait ends."""

    DELIVERED = "delivered"
    REJECTED = "rejected"
    DROPPED = "dropped"
    DAMAGED = "damaged"


WAITING: Final = "waiting"
_ANSWERED: Final = (Outcome.DELIVERED, Outcome.REJECTED)
_LOST: Final = (Outcome.DROPPED, Outcome.DAMAGED)


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts of records since the start of this run."""

    found: int
    read: int
    delivered: int
    rejected: int
    dropped: int
    damaged: int

    @property
    def waiting(self) -> int:
        """What is neither delivered nor otherwise accounted for."""
        gone = self.delivered + self.rejected + self.dropped + self.damaged
        return self.found + self.read - gone

    def as_dict(self) -> dict[str, int]:
        return asdict(self) | {"waiting": self.waiting}


class Account:
    """Counts records by identity, so that one that lies in several files counts once.

    A record can lie in two files for three reasons: a crash between the sync in the spool and the
    removal of the hot file, a request that was in flight when the keeper came, and a sync that
    failed. So the account knows every record by name; in ranges, which takes no room.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._found = 0
        self._read = 0
        self._gone = dict.fromkeys(Outcome, 0)
        self._known = Identities()
        self._settled = {outcome: Identities() for outcome in Outcome}
        self.news = 0
        """How often the fate of records that were read before may have changed."""

    def read(self, record: RecordId) -> None:
        with self._lock:
            self._read += record.counted and self._known.add(record)

    def found(self, records: Iterable[RecordId]) -> None:
        """Count what an earlier run left in a file, unless it was met before."""
        with self._lock:
            self.news += 1
            self._found += self._met(_counted(records))

    def handed_in(self, records: Iterable[RecordId]) -> None:
        """Count what another command put into the inbox: it waits, whatever it did before."""
        these = _counted(records)
        with self._lock:
            self.news += 1
            self._found += self._met(these)
            for settled in self._settled.values():
                again = these.common(settled)
                settled.remove(again)
                self._found += len(again)

    def found_damaged(self, records: int) -> None:
        """Count damage in a file that nobody had counted before."""
        with self._lock:
            self._found += records
            self._gone[Outcome.DAMAGED] += records

    def settle(self, outcome: Outcome, records: Iterable[RecordId]) -> int:
        """Count records that stopped waiting; each once, whatever file it comes from.

        Gives how many of them waited until now. What was given up for lost, and turns up in
        another file after all, changes from lost to delivered.
        """
        these = _counted(records)
        with self._lock:
            self.news += 1
            for answered in _ANSWERED:
                these.remove(these.common(self._settled[answered]))
            waited = len(these)
            for lost in _LOST:
                again = these.common(self._settled[lost])
                waited -= len(again)
                if outcome in _ANSWERED:
                    self._settled[lost].remove(again)
                    self._gone[lost] -= len(again)
                else:
                    these.remove(again)
            self._settled[outcome].update(these)
            self._gone[outcome] += len(these)
            return waited

    def fate(self, record: RecordId) -> str | None:
        """Give a record's outcome, `WAITING`, or None if this run has not met it."""
        with self._lock:
            for outcome, settled in self._settled.items():
                if record in settled:
                    return outcome
            return WAITING if record in self._known else None

    def any_settled(self, records: Iterable[RecordId]) -> bool:
        """Whether one of these was delivered or refused."""
        return bool(self._answered(records))

    def unsettled(self, records: tuple[Record, ...]) -> tuple[Record, ...]:
        """Leave out what came from another file already."""
        answered = self._answered(record.id for record in records)
        if not answered:
            return records
        return tuple(r for r in records if not any(r.id in some for some in answered))

    def _answered(self, records: Iterable[RecordId]) -> list[Identities]:
        """Give those that were delivered, and those that were refused, where there are any."""
        these = _counted(records)
        with self._lock:
            found = [these.common(self._settled[outcome]) for outcome in _ANSWERED]
        return [some for some in found if some.ranges]

    def _met(self, records: Identities) -> int:
        """Give how many were not known before; now they are."""
        new = len(records) - len(records.common(self._known))
        self._known.update(records)
        return new

    def totals(self) -> Totals:
        with self._lock:
            gone = {outcome.value: number for outcome, number in self._gone.items()}
            return Totals(found=self._found, read=self._read, **gone)


def _counted(records: Iterable[RecordId]) -> Identities:
    return Identities(record for record in records if record.counted)
