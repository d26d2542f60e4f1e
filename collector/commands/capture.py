"""`p1-collector capture`: record a meter, so that the recording can be published.

What is written are whole telegrams, decrypted, with every number of a meter, EAN and message
replaced (see `collector.p1.disguise`); what came between them keeps its length and line ends.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from math import inf
from pathlib import Path
from typing import BinaryIO, Final

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
from collector.settings.settings import load_strictly

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
    place = settings.model_copy(update={"source": args.source or settings.source}).place
    line = Line(
        place,
        silence_seconds=settings.silence_seconds,
        monotonic=time.monotonic,
        pause=time.sleep,
    )
    recording = Recording(settings.keys, os.urandom(_SALT), args.count, raw=args.raw)
    if args.file == "-" and args.raw:
        keep_private()
    with closing(_Output(args.file)) as output:
        try:
            with suppress(KeyboardInterrupt, EOFError):
                _record(line, recording, args, Policy(settings.crc), output.write)
        finally:
            line.close()
        output.write(recording.finish()[0])
    if not recording.count:
        raise recording.nothing(line.name)
    where = "" if args.file == "-" else f" in `{args.file}`"
    advice = (
        "with the numbers of the meters and all messages in clear: keep them to yourself"
        if args.raw
        else "with the numbers of the meters and all messages replaced: look through them before"
        " you publish them"
    )
    complain(f"telegrams recorded{where}: {recording.count}, {advice}")
    return 0


def _record(
    line: Line,
    recording: "Recording",
    args: argparse.Namespace,
    policy: Policy,
    write: Callable[[bytes], None],
) -> None:
    """Record so many telegrams, or so long. Raises SourceError if the port cannot be opened.

    A line that breaks later is opened again, as the service does.
    """
    seconds = args.seconds or (inf if args.count else _SECONDS)
    end = time.monotonic() + seconds
    while time.monotonic() < end and recording.wants_more:
        data = line.read()
        if not recording.sample and (trouble := line.trouble) and not line.is_open:
            hint = trouble.hint
            if IN_USE_WORDS in trouble.message:
                hint = "is it the service? Stop it meanwhile: `sudo systemctl stop p1-collector`"
            raise SourceError(trouble.message, hint=hint)
        new, frames = recording.take(data)
        write(new)
        if any(acceptable(parse(frame), policy) for frame in frames):
            line.telegram()


class _Output:
    """Where the recording goes. A file is made when there is something to write."""

    def __init__(self, name: str) -> None:
        self._path = Path(name)
        self._file: BinaryIO | None = sys.stdout.buffer if name == "-" else None
        if self._file is None and self._path.exists():
            raise UsageError(f"`{name}` is there already", hint="choose another name")

    def close(self) -> None:
        if self._file not in (None, sys.stdout.buffer):
            self._file.close()

    def write(self, data: bytes) -> None:
        if not data:
            return
        if self._file is sys.stdout.buffer and sys.stdout.isatty():
            data = visible(data.decode("latin-1").replace("\r", "")).encode()
        if self._file is None:
            try:
                file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except OSError as error:
                raise UsageError(f"cannot write `{self._path}`: {error.strerror}") from error
            self._file = os.fdopen(file, "wb")
        self._file.write(data)
        self._file.flush()


class Recording:
    """Bytes from the line to bytes fit to be published, up to so many telegrams.

    `take` gives what can be written by now and the telegrams in it. What came before the first
    telegram is left out: it is the rest of another. At most what is not yet complete is held back.
    `raw` gives the bytes as they came; then telegrams are only counted.
    """

    def __init__(
        self, keys: Keys | None, salt: bytes, most: int | None = None, *, raw: bool = False
    ) -> None:
        self.count = 0
        self.sample = b""
        self._decryptor = Decryptor(keys)
        self._framer = Framer()
        self._disguise = Disguise(salt)
        self._most = most
        self._raw = raw
        self._held = b""

    @property
    def wants_more(self) -> bool:
        return self._most is None or self.count < self._most

    def take(self, data: bytes) -> tuple[bytes, list[Frame]]:
        """Take the next bytes of the line."""
        self.sample = (self.sample + data)[:_SAMPLE]
        readable = self._decryptor.feed(data)
        return self._written(data, readable, self._framer.feed(readable))

    def finish(self) -> tuple[bytes, list[Frame]]:
        """Give the rest, now that the line is closed."""
        rest = self._decryptor.flush()
        return self._written(b"", rest, self._framer.feed(rest) + self._framer.flush())

    def nothing(self, name: str) -> SourceError:
        """Say why there was no telegram on the line of this name."""
        refusal = self._decryptor.refusal
        if refusal and not is_foreign(self.sample):
            return SourceError(refusal.message, hint=refusal.hint)
        return SourceError(f"no telegram from `{name}`", hint=diagnose(self.sample))

    def _written(
        self, data: bytes, readable: bytes, frames: list[Frame]
    ) -> tuple[bytes, list[Frame]]:
        if self._raw:
            self.count += len(frames)
            return data, frames
        self._held += readable
        out = b"".join(self._telegram(frame) for frame in frames if self.wants_more)
        return out + self._gap(max(0, len(self._held) - self._framer.pending)), frames

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
        if not self.wants_more:
            gap = gap[: len(gap) - len(gap.lstrip(_LINE_END))]
        return between(gap) if self.count else b""
