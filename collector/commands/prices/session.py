"""One run of the `prices` command.

A note in the spool says which quarter hours of the last 30 days have their dynamic price: so a run
asks the market for what is lacking alone. It is written behind the lines: a crash between the two
costs lines that are sent twice.
"""

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal  # noqa: TC003  an annotation names it
from typing import Final

from collector.commands.output import complain
from collector.commands.prices.market import fetch
from collector.commands.served import inbox_of
from collector.costs.contracts import read
from collector.costs.prices import Market, Prices, midnight
from collector.errors import CollectorError
from collector.p1.time import local
from collector.points import QUARTER_SECONDS, encode
from collector.settings.settings import Settings
from collector.spool.disk import Disk
from collector.spool.record import Record, new_run, numbering

NOTE: Final = "prices.json"
BACK: Final = timedelta(days=30)
PUBLISHED: Final = 13  # the hour after which the market may have said what tomorrow costs
LONGEST_SECONDS: Final = 360 * 24 * 3600  # what is asked for at once: ENTSO-E gives a year
_LINES: Final = 1000


@dataclass(frozen=True, slots=True)
class Session:
    settings: Settings
    now: datetime

    def latest(self) -> int:
        """Ask for what dynamic contracts lack, and hand it over. Raises `CollectorError`."""
        prices, known = self._prices(), self._noted()
        start = self._midnight(self._clock().date() - BACK)
        lacking = [s for s in prices.wanted(start, self._end()) if s not in known]
        market = self._fetched(prices, lacking)
        priced = self._prices(market)
        new = [s for s in lacking if s in market]
        self._hand_over(line for s in new for line in priced.lines(s, s + QUARTER_SECONDS))
        self._note([s for s in sorted({*known, *new}) if s >= start])
        rest = len(lacking) - len(new)
        then = f", {rest} are not published" if rest else ""
        complain(f"{len(new)} dynamic prices are handed to the service{then}")
        return 0

    def since(self, day: date) -> int:
        """Write the price of each quarter hour from a day on. Raises `CollectorError`."""
        start, prices = self._midnight(day), self._prices()
        ends = (int(self.now.timestamp()) // QUARTER_SECONDS + 1) * QUARTER_SECONDS
        market = self._fetched(prices, prices.wanted(start, self._end()))
        known = [s for s in market if s >= ends]
        end = max([ends, *(s + QUARTER_SECONDS for s in known)])
        lines = self._prices(market).lines(start, end)
        self._hand_over(lines)
        complain(f"{len(lines)} prices are handed to the service")
        return 0

    def _prices(self, market: Market | None = None) -> Prices:
        settings, contracts = self.settings, read(self.settings.contracts)
        if not contracts:
            words = f"there are no contracts in `{settings.contracts}`"
            raise CollectorError(words, hint="infra/contracts.toml is an example with comments")
        return Prices(settings.site, contracts, settings.utc_offset_hours, market or {})

    def _fetched(self, prices: Prices, lacking: Sequence[int]) -> Market:
        """Ask for each zone once, of a long time year by year."""
        found: dict[int, Decimal] = {}
        secret = self.settings.entsoe_token
        token = secret.get_secret_value() if secret else ""
        for zone in sorted({prices.zone(second) for second in lacking}):
            own = [second for second in lacking if prices.zone(second) == zone]
            for start in range(own[0], own[-1] + 1, LONGEST_SECONDS):
                end = min(start + LONGEST_SECONDS, own[-1] + QUARTER_SECONDS)
                wanted = range(start, end, QUARTER_SECONDS)
                priced = fetch(zone, wanted, self.settings.utc_offset_hours, token)
                found |= {s: p for s, p in priced.items() if start <= s < end}
        return found

    def _hand_over(self, lines: Iterable[str]) -> None:
        every, identities = list(lines), numbering(new_run())
        groups = (every[n : n + _LINES] for n in range(0, len(every), _LINES))
        records = [Record(next(identities), encode(group)) for group in groups]
        if records:
            inbox_of(self.settings).put(records, _full)

    def _end(self) -> int:
        """Give the end of what may be published."""
        days = 2 if self._clock().hour >= PUBLISHED else 1
        return self._midnight(self._clock().date() + timedelta(days=days))

    def _clock(self) -> datetime:
        return local(int(self.now.timestamp()), self.settings.utc_offset_hours)

    def _midnight(self, day: date) -> int:
        return midnight(day, self.settings.utc_offset_hours)

    def _noted(self) -> set[int]:
        """Give what the note says; a damaged one says nothing, and all is sent once more."""
        with suppress(OSError, ValueError, TypeError):
            return set(json.loads((self.settings.spool / NOTE).read_bytes()))
        return set()

    def _note(self, known: Sequence[int]) -> None:
        disk, path = Disk(), self.settings.spool / NOTE
        if not path.parent.is_dir():
            return
        disk.write_whole(path, json.dumps(known).encode())
        disk.give_to_owner_of(path.parent, path)


def _full() -> None:
    words = "the inbox of the spool is full"
    raise CollectorError(words, hint="start the service, or make room on the disk, and repeat it")
