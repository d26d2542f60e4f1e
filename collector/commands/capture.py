"""`p1-collector capture`: record a meter, so that the recording can be published.

What is written are whole telegrams with every number of a meter, EAN and message replaced (see
`collector.p1.disguise`); what came between them keeps its length and line ends and says nothing.
Encrypted telegrams are decrypted first, with the key of the settings. `--raw` writes the bytes as
they came, secrets and all.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Self

from collector.commands.arguments import whole
from collector.commands.output import complain, keep_private, visible
from collector.errors import SourceError, UsageError
from collector.p1.decryption import Decryptor, Keys
from collector.p1.diagnosis import diagnose, is_foreign
from collector.p1.disguise import Disguise, between
from collector.p1.framing import Frame, Framer
from collector.p1.telegram import Policy, acceptable, parse
from collector.reading.line import Line
from collector.reading.sources import IN_USE_WORDS
from collector.settings.settings import Settings, load_strictly

_SECONDS: Final = 60.0
_SAMPLE: Final = 4096
_SALT: Final = 32
_LINE_END: Final = b"\0\r\n"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file",
        metavar="FILE",
        nargs="?",
        default="-",
        help="the file to write, which must not be there yet (default: standard output)",
    )
    parser.add_argument(
        "--source", metavar="SOURCE", help="the meter, or a recording (default: P1_SOURCE)"
    )
    parser.add_argument("--count", metavar="N", type=whole, help="stop after so many telegrams")
    parser.add_argument(
        "--seconds",
        metavar="S",
        type=whole,
        help="stop after so many seconds (default: 60, unless --count says when)",
    )
    parser.add_argument(
        "--raw", action="store_true", help="the bytes as they came, secrets and all: keep them"
    )


def main(args: argparse.Namespace) -> int:
    """Record until the count or the time is reached, the recording ends, or Ctrl-C."""
    settings = load_strictly()
    line = _line(settings, args.source or settings.source)
    seconds = args.seconds or (None if args.count else _SECONDS)
    kind = Raw if args.raw else Recording
    recording = kind(settings.keys, os.urandom(_SALT), args.count)
    if args.file == "-" and args.raw:
        keep_private()
    with _Output(args.file) as output:
        capture = Capture(line, recording, settings, output.write, time.monotonic)
        try:
            with suppress(KeyboardInterrupt):
                capture.run(args.count, seconds)
        finally:
            line.close()
        capture.finish()
    _say(args, capture)
    return 0


def _line(settings: Settings, source: str) -> Line:
    place = settings.model_copy(update={"source": source}).place
    return Line(
        place,
        silence_seconds=settings.silence_seconds,
        monotonic=time.monotonic,
        pause=time.sleep,
    )


def _say(args: argparse.Namespace, capture: "Capture") -> None:
    where = "" if args.file == "-" else f" in `{args.file}`"
    advice = (
        "with the numbers of the meters and all messages in clear: keep them to yourself"
        if args.raw
        else "with the numbers of the meters and all messages replaced: look through them before"
        " you publish them"
    )
    complain(f"telegrams recorded{where}: {capture.recording.count}, {advice}")


class _Output:
    """Where the recording goes. A file is made when there is something to write."""

    def __init__(self, name: str) -> None:
        self._path = Path(name)
        self._file: BinaryIO | None = sys.stdout.buffer if name == "-" else None
        if self._file is None and self._path.exists():
            raise UsageError(f"`{name}` is there already", hint="choose another name")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file not in (None, sys.stdout.buffer):
            self._file.close()

    def write(self, data: bytes) -> None:
        if not data:
            return
        if self._file is sys.stdout.buffer and sys.stdout.isatty():
            data = visible(data.decode("latin-1").replace("\r", "")).encode()
        if self._file is None:
            self._file = self._made()
        self._file.write(data)
        self._file.flush()

    def _made(self) -> BinaryIO:
        try:
            file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise UsageError(f"cannot write `{self._path}`: {error.strerror}") from error
        return os.fdopen(file, "wb")


class Recording:
    """Bytes from the line to bytes fit to be published, up to so many telegrams.

    `take` gives what can be written by now and the telegrams in it. What came before the first
    telegram is left out: it is the rest of another. At most what is not yet complete is held back.
    """

    def __init__(self, keys: Keys | None, salt: bytes, most: int | None = None) -> None:
        self.count = 0
        self.decryptor = Decryptor(keys)
        self._framer = Framer()
        self._disguise = Disguise(salt)
        self._most = most
        self._held = b""

    def take(self, data: bytes) -> tuple[bytes, list[Frame]]:
        """Take the next bytes of the line."""
        return self._taken(data, self.decryptor.feed(data))

    def finish(self) -> tuple[bytes, list[Frame]]:
        """Give the rest, now that the line is closed."""
        return self._taken(b"", self.decryptor.flush(), last=True)

    def _taken(
        self, data: bytes, readable: bytes, *, last: bool = False
    ) -> tuple[bytes, list[Frame]]:
        self._held += readable
        frames = self._framer.feed(readable) + (self._framer.flush() if last else [])
        return self._written(data, frames), frames

    def _written(self, data: bytes, frames: list[Frame]) -> bytes:
        del data  # as it came
        out = b"".join(self._telegram(frame) for frame in frames if self._wanted)
        return out + self._gap(max(0, len(self._held) - self._framer.pending))

    @property
    def _wanted(self) -> bool:
        return self._most is None or self.count < self._most

    def _telegram(self, frame: Frame) -> bytes:
        before = self._gap(self._held.index(frame.data))
        self._held = self._held[len(frame.data) + len(frame.checksum) :]
        self.count += 1
        disguised = self._disguise.disguised(frame)
        return before + disguised.data + disguised.checksum

    def _gap(self, size: int) -> bytes:
        """Give what stands between telegrams, made to say nothing.

        The line end behind the last telegram counts, nothing else behind it.
        """
        gap, self._held = self._held[:size], self._held[size:]
        if not self._wanted:
            gap = gap[: len(gap) - len(gap.lstrip(_LINE_END))]
        return between(gap) if self.count else b""


class Raw(Recording):
    """Bytes from the line as they came; telegrams are only counted."""

    def _written(self, data: bytes, frames: list[Frame]) -> bytes:
        self._held = b""
        self.count += len(frames)
        return data


@dataclass(slots=True)
class Capture:
    """Records one line."""

    line: Line
    recording: Recording
    settings: Settings
    write: Callable[[bytes], None]
    monotonic: Callable[[], float]
    _sample: bytes = b""

    def run(self, count: int | None, seconds: float | None) -> None:
        """Record so many telegrams, or so long. Raises SourceError if the port cannot be opened.

        A line that breaks later is opened again, as the service does.
        """
        end = self.monotonic() + seconds if seconds else float("inf")
        with suppress(EOFError):
            while self.monotonic() < end and not self._enough(count):
                data = self.line.read()
                if not self._sample:
                    self._check()
                self._sample = (self._sample + data)[:_SAMPLE]
                self._keep(*self.recording.take(data))

    def finish(self) -> None:
        """Write the rest. Raises SourceError if there was no telegram."""
        self._keep(*self.recording.finish())
        refusal = self.recording.decryptor.refusal
        if self.recording.count:
            return
        if refusal and not is_foreign(self._sample):
            raise SourceError(refusal.message, hint=refusal.hint)
        what = diagnose(self._sample)
        raise SourceError(f"no telegram from `{self.line.name}`", hint=what)

    def _enough(self, count: int | None) -> bool:
        return count is not None and self.recording.count >= count

    def _check(self) -> None:
        """Stop at once if the port cannot be opened."""
        trouble = self.line.trouble
        if trouble is None or self.line.is_open:
            return
        hint = trouble.hint
        if IN_USE_WORDS in trouble.message:
            hint = "is it the service? Stop it meanwhile: `sudo systemctl stop p1-collector`"
        raise SourceError(trouble.message, hint=hint)

    def _keep(self, data: bytes, frames: list[Frame]) -> None:
        self.write(data)
        if any(acceptable(parse(frame), Policy(self.settings.crc)) for frame in frames):
            self.line.telegram()
