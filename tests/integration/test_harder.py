"""A bad year, drawn at random: kills, outages, a token taken away, a poisoned file.

`P1_TEST_SEED` repeats a draw, `P1_TEST_REPEAT` draws so many (`./tests/run repeat 20`).
"""

import random
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from bed.influxd import Influxd
from bed.seed import seeds
from bed.service import UNIT_STOP_SECONDS
from bed.trial import START, Trial
from collector.spool.disk import Disk
from collector.spool.inbox import Inbox
from collector.spool.record import Record, RecordId
from collector.spool.segment import segments
from collector.spool.spool import Directories

pytestmark = [pytest.mark.influxdb, pytest.mark.slow, pytest.mark.timeout(300)]

TELEGRAMS: Final = 2500
KILLS: Final = 5
HANDED_IN: Final = 100
SECOND: Final = int(START.timestamp())
POISON: Final = b"electricity,site=import,meter=M power_import_kw=1i %d\n" % (SECOND + 50)


class Year:
    """What happens when, by a seed: at so many telegrams, a list of things."""

    def __init__(self, trial: Trial, seed: int) -> None:
        self.trial = trial
        self.draw = random.Random(seed)  # noqa: S311  no secret
        self.events: dict[int, list[Callable[[], None]]] = {}
        first, second, token = self._spans(3)
        for begin, end in (first, second):
            self._at(begin, trial.influxd.kill)
            self._at(end, trial.influxd.start)
        self._at(token[0], lambda: trial.influxd.activate(trial.token, active=False))
        self._at(token[1], lambda: trial.influxd.activate(trial.token, active=True))
        self._at(self.draw.randrange(*self.draw.choice([first, second])), self.stop_and_restart)
        for _ in range(KILLS):
            self._at(self.draw.randrange(100, TELEGRAMS), self.kill_and_restart)
        # The first point of all says which type a field has: not the poison.
        self._at(99, lambda: trial.service.wait_for("delivered"))
        self._at(self.draw.randrange(100, TELEGRAMS), self.poison)

    def _spans(self, number: int) -> list[tuple[int, int]]:
        """Draw spans that do not overlap, in any order."""
        bounds = sorted(self.draw.sample(range(100, TELEGRAMS), 2 * number))
        spans = list(zip(bounds[::2], bounds[1::2], strict=True))
        self.draw.shuffle(spans)
        return spans

    def _at(self, telegrams: int, happen: Callable[[], None]) -> None:
        self.events.setdefault(telegrams, []).append(happen)

    def pause(self) -> None:
        """Let some time pass, or none, so that the service is met at anything."""
        time.sleep(self.draw.choice([0, 0, 0.01, 0.1, 0.5, 1.5]) * self.draw.random())

    def kill_and_restart(self) -> None:
        self.pause()
        self.trial.kill_and_restart()
        self.pause()

    def stop_and_restart(self) -> None:
        """End it as systemd does, while InfluxDB is away: nothing in flight is lost."""
        self.pause()
        assert self.trial.service.stop(UNIT_STOP_SECONDS) == 0, self.trial.service.tail()
        self.trial.service.start()

    def poison(self) -> None:
        """Hand in a file as another command does, with a value of the wrong type in it."""
        lines = [
            b"electricity,site=import,meter=M power_import_kw=0.%03d %d\n" % (n, SECOND + n)
            for n in range(HANDED_IN)
        ]
        lines[50] = POISON
        inbox = Inbox(Directories(self.trial.service.spool), Disk(), free=0)
        run = secrets.token_hex(6)
        records = [Record(RecordId(run, n), line) for n, line in enumerate(lines, 1)]
        inbox.put(records, wait=self.pause)


@pytest.mark.parametrize("seed", seeds(), ids=lambda seed: f"P1_TEST_SEED={seed}")
def test_nothing_is_lost_in_a_bad_year(own_influxd: Influxd, tmp_path: Path, seed: int) -> None:
    with Trial(own_influxd, tmp_path) as trial:
        year = Year(trial, seed)
        trial.run(TELEGRAMS, year.events)
        trial.check(trial.drain(), rejected=1)
        # Twice, if it was killed when the file was there and what it came from was there still.
        for refused in segments(Disk(), trial.service.spool / "rejected"):
            words, poison, _ = refused.read_bytes().splitlines(keepends=True)
            assert words.startswith(b"# rejected: answer 422: ")
            assert b"field type conflict" in words
            assert poison == POISON
        handed_in = own_influxd.influxql(
            trial.bucket, "SELECT power_import_kw FROM electricity WHERE site = 'import'"
        )
        assert {row["time"] for row in handed_in} == {
            SECOND + n for n in range(HANDED_IN) if n != 50
        }
