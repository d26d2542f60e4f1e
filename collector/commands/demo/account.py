"""The accounts at the end of the demo: every telegram that was sent is somewhere, or lost."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from collector.commands.show.screen import Status
from collector.p1.telegram import Telegram

Rows = Mapping[int, Mapping[str, Any]]
"""What is stored of `electricity`, by second: the value of each field."""


@dataclass(frozen=True, slots=True)
class Account:
    sent: int
    read: int
    delivered: int
    waiting: int
    rejected: int
    dropped: int
    damaged: int

    @classmethod
    def of(cls, status: Status, *, sent: int, waiting: int) -> Self:
        """After a run that found nothing when it began.

        `sent` is what the meter counted, `waiting` what is in the files: neither is taken from
        the collector, so that a telegram which it does not know of shows as lost.
        """
        names = ("read", "delivered", "rejected", "dropped", "damaged")
        return cls(sent=sent, waiting=waiting, **{n: status["counts"][n] for n in names})

    @property
    def kept(self) -> int:
        return self.waiting + self.rejected + self.dropped + self.damaged

    @property
    def lost(self) -> int:
        return self.sent - self.delivered - self.kept

    def lines(self) -> list[str]:
        names = ("read", "delivered", "waiting", "rejected", "dropped", "damaged", "lost")
        rows = [("sent by the meter", self.sent), *((n, getattr(self, n)) for n in names)]
        return [f"{name:<20}{count:>8}" for name, count in rows]


def missing(sent: Iterable[Telegram], stored: Rows) -> list[Telegram]:
    """Give the telegrams of which a value is not stored as the meter printed it."""
    return [telegram for telegram in sent if not _is_in(telegram, stored)]


def _is_in(telegram: Telegram, stored: Rows) -> bool:
    row = stored.get(int(telegram.time.timestamp()), {}) if telegram.time else {}
    return all(row.get(name) == value for name, value in telegram.electricity.items())
