"""One run of the `import` command: its files, one after the other."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from collector.commands.imports.database import Database, is_database
from collector.commands.imports.job import Job, Note, Progress, Tally
from collector.commands.imports.recording import Place, Recording, Telegrams
from collector.commands.output import counted, put, visible
from collector.commands.served import inbox_of, is_served, why_it_waits
from collector.costs.prices import prices_of
from collector.errors import CollectorError, SourceError
from collector.memory import Memory
from collector.p1.telegram import Policy
from collector.points import Points
from collector.settings.settings import Settings
from collector.spool.disk import Disk
from collector.spool.inbox import BOUND

_WIDTH: Final = 30
_STEP: Final = 10  # per cent between two lines
WAIT_SECONDS: Final = 1.0
_PACKED: Final = (b"\x1f\x8b", b"\xfd7zXZ", b"BZh", b"PK\x03\x04", b"(\xb5/\xfd")
_HINTS: Final = {
    Telegrams.kind: "a recording starts with `/` and ends with `!`;"
    " `p1-collector decode FILE` shows what is in it"
}


@dataclass(slots=True)
class Bar:
    """Draws how much of `size` is done; what is said besides keeps its own lines."""

    stream: TextIO
    name: str
    size: int
    _drawn: bool = False
    _said: int = 0
    _words: str = ""

    def draw(self, position: int, number: int, words: str = "") -> None:
        """Show the state: a place in the file, telegrams up to it, and anything else."""
        percent = min(100, 100 * position // self.size) if self.size else 100
        text = f"{percent:3d} %  {counted(number, 'telegram')}"
        if self.stream.isatty():
            full = _WIDTH * percent // 100
            bar = "#" * full + "-" * (_WIDTH - full)
            self._write(f"\r[{bar}] {text}{f'  {words}' if words else ''}\x1b[K")
            self._drawn = True
        elif percent >= self._said + _STEP or words not in ("", self._words):
            self._said = percent - percent % _STEP
            self._words = words
            self._write(f"{self.name}: {text}{f', {words}' if words else ''}\n")

    def say(self, text: str) -> None:
        self.close()
        self._write(f"{visible(text)}\n")

    def close(self) -> None:
        if self._drawn:
            self._write("\r\x1b[K")
        self._drawn = False

    def _write(self, text: str) -> None:
        self.stream.write(text)
        self.stream.flush()


@dataclass(frozen=True, slots=True)
class Session:
    """What all files of a run share; `bound` is how many bytes may wait in the inbox."""

    settings: Settings
    dry: bool = False
    again: bool = False
    bound: int = BOUND
    pause: Callable[[float], object] = time.sleep
    stream: TextIO = sys.stderr

    def run(self, path: Path) -> Tally:
        """Import one file, and say what came of it. Raises `CollectorError`."""
        recording = opened(path, self.settings)
        bar = Bar(self.stream, path.name, recording.size)
        try:
            tally = self._import(path, recording, bar)
        except OSError as error:
            words = f"the import of `{path}` stopped: {error.strerror}: `{error.filename}`"
            hint = "run it as the user of the service, or as root; it goes on where it stopped"
            raise CollectorError(words, hint=hint) from error
        finally:
            bar.close()
        put(
            "\n".join([f"{path} ({recording.kind}): {self._done(tally)}", *_found(tally)]),
            self.stream,
        )
        return tally

    def _import(self, path: Path, recording: Recording, bar: Bar) -> Tally:
        settings, inbox, note = self.settings, None, None
        progress = Progress(Place(), Memory())
        if not self.dry:
            inbox = inbox_of(settings, bound=self.bound)
            under = f"{settings.site} {settings.meter} {settings.influx_bucket}"
            note = Note(settings.spool, path, under, Disk())
            if not self.again and (found := note.read()):
                progress = found
                bar.say(f"{path}: goes on behind telegram {progress.place.number}")
        points = Points(
            site=settings.site,
            meter=settings.meter,
            salt=settings.salt,
            memory=progress.memory,
            priced=prices_of(settings.contracts, settings.site, settings.utc_offset_hours),
        )

        def wait() -> str:
            """Wait for the service: what is old never pushes out what is live."""
            self.pause(WAIT_SECONDS)
            return why_it_waits(settings, inbox)

        job = Job(recording, points, bar, inbox=inbox, note=note, wait=wait)
        tally = job.run(progress.place)
        if not (progress.place.number or tally.telegrams or tally.unusable):
            raise SourceError(f"`{path.name}` holds no telegram", hint=_HINTS.get(recording.kind))
        return tally

    def _done(self, tally: Tally) -> str:
        what, one = counted(tally.new, "telegram"), tally.new == 1
        rest = f", {tally.repeated} repeated, {tally.unusable} left out"
        if self.dry:
            return f"{what} would be handed to the service{rest}"
        if is_served(self.settings) or not tally.new:
            return f"{what} handed to the service{rest}"
        later = f"the service delivers {'it' if one else 'them'} when it runs"
        return f"{what} {'is' if one else 'are'} in the inbox; {later}{rest}"


def opened(path: Path, settings: Settings) -> Recording:
    """Open a recording of either kind. Raises `SourceError`."""
    offset = settings.utc_offset_hours
    try:
        with path.open("rb") as file:
            packed = file.read(6).startswith(_PACKED)
        if packed:
            hint = "unpack it first, with `gunzip -k`, `unxz -k`, `bunzip2 -k` or `unzip`"
            raise SourceError(f"`{path}` is compressed", hint=hint)
        if is_database(path):
            return Database(path, utc_offset_hours=offset)
        policy = Policy(settings.crc)
        return Telegrams(path, utc_offset_hours=offset, policy=policy, keys=settings.keys)
    except OSError as error:
        raise SourceError(f"cannot read `{path}`: {error.strerror}") from error


def _found(tally: Tally) -> list[str]:
    if tally.first is None or tally.last is None:
        return []
    measurements = ", ".join(f"{n} {name}" for name, n in sorted(tally.written.items()))
    return [
        "  (a point that InfluxDB has already, of an earlier import, stays the same point)",
        f"  from {tally.first:%Y-%m-%d %H:%M:%S} to {tally.last:%Y-%m-%d %H:%M:%S} UTC",
        f"  points: {measurements or 'none'}",
    ]
