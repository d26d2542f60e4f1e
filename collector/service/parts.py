"""Each thread's part, made from the settings; `service` connects them."""

import logging
import os
import time
from functools import partial
from pathlib import Path
from threading import Event
from typing import Final

from collector.costs.prices import prices_of
from collector.memory import Memory, Seconds
from collector.p1.telegram import Policy
from collector.points import Points
from collector.reading.clock import Choice, Clock, HostClock
from collector.reading.line import Line
from collector.reading.reader import CLOCK, Reader, Rules
from collector.reading.share import Share, end_of
from collector.reading.sources import Address
from collector.service import status
from collector.settings.settings import Settings
from collector.spool.account import Account
from collector.spool.early import Early
from collector.spool.errands import Errands
from collector.spool.handoff import Handoff
from collector.spool.hot import Hot, take_over
from collector.spool.keeper import Keeper, Limits
from collector.spool.record import Damage, RecordId, new_run, numbering
from collector.spool.spool import Spool

log: Final = logging.getLogger(__name__)

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
SEAL_SECONDS: Final = 5.0
_MIB: Final = 1024 * 1024


def keeper(settings: Settings, spool: Spool, handoff: Handoff) -> Keeper:
    return Keeper(
        spool,
        handoff,
        Limits(settings.spool_mib * _MIB, settings.free_mib * _MIB),
        keep_seconds=settings.keep_seconds,
        monotonic=time.monotonic,
    )


def hot(
    settings: Settings, spool: Spool, handoff: Handoff, account: Account, errands: Errands
) -> Hot:
    """Make the hot segments, with what an earlier run left of them handed over."""
    made = Hot(
        settings.hot,
        handoff,
        account,
        limit=settings.hot_mib * _MIB,
        seal_seconds=min(SEAL_SECONDS, settings.keep_seconds / 2),
        quick_seconds=settings.send_seconds,
        monotonic=time.monotonic,
        disk=spool.disk,
    )
    take_over(
        settings.hot,
        handoff,
        spool,
        since=_since,
        keep_aside=partial(_keep_aside, spool, errands),
    )
    return made


def reader(
    settings: Settings,
    place: Address,
    hot: Hot,
    early: Early,
    account: Account,
    run: str,
    stopping: Event,
) -> Reader:
    """Make the reader with all that it needs; `run` is what its records are numbered under."""
    line = Line(
        place,
        silence_seconds=settings.silence_seconds,
        monotonic=time.monotonic,
        pause=stopping.wait,
    )
    kept = status.read(settings.hot / status.MEMORY_NAME)
    clock = Clock(
        Choice(settings.clock),
        live=place.live,
        tolerance_seconds=settings.clock_tolerance_seconds,
        wall=time.time,
        monotonic=time.monotonic,
        synchronised=HostClock(time.monotonic).synchronised,
        kept=kept.get(CLOCK),
    )
    points = Points(
        site=settings.site,
        meter=settings.meter,
        salt=settings.salt,
        memory=Memory.from_dict(
            kept,
            target=settings.target.key if settings.target else "",
            fate=lambda record: account.fate(RecordId(*record)),
            news=lambda: account.news,
        ),
        seconds=_seconds(settings.hot) if place.live else None,
        priced=prices_of(settings.contracts, settings.site, settings.utc_offset_hours),
    )
    rules = Rules(
        place.policy(Policy(settings.crc)),
        settings.utc_offset_hours,
        settings.sample_seconds,
        settings.keys,
    )
    made = Reader(line, clock, points, hot, numbering(run), early, rules, time.monotonic)
    if settings.share:
        made.share = Share(end_of(settings.share), time.monotonic).give
    return made


def _seconds(hot: Path) -> Seconds:
    try:
        return Seconds((hot / status.SECONDS_NAME).read_bytes())
    except OSError:
        return Seconds()


def boot() -> str:
    """Give this boot's name; where nobody says it (`/proc` is hidden), every start is another."""
    try:
        name = os.environ.get("BOOT_ID") or _BOOT_ID.read_text()
    except OSError:
        return new_run()
    plain = name.strip().replace("-", "")
    return plain if plain and not plain.strip("0123456789abcdef") else new_run()


def _since(path: Path) -> float:
    """Say when the first record of a hot file was read, on the monotonic clock.

    Its last record is as old as the file says; the first is at most `SEAL_SECONDS` older. If the
    host's clock was set back meanwhile, nobody knows: then it counts as old.
    """
    age = time.time() - path.stat().st_mtime
    return time.monotonic() - age - SEAL_SECONDS if age >= 0 else 0.0


def _keep_aside(spool: Spool, errands: Errands, damage: Damage) -> None:
    def keep() -> None:
        spool.prepare()
        spool.keep_aside(spool.next_number(), damage)

    try:
        errands.do(keep)
    except OSError as error:
        log.error("cannot keep damaged bytes aside: %s", error)
