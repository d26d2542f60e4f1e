"""The `spool` command: what waits, whether it is sound, and how to get it out or back in.

It only reads, so it works beside a running service; `resend` hands files over by rename.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from collector.commands.output import complain, counted, keep_private, put
from collector.errors import CollectorError
from collector.service.lock import Lock
from collector.service.status import FILE_NAME, read
from collector.spool.disk import Disk
from collector.spool.identities import Identities
from collector.spool.inbox import Inbox
from collector.spool.record import Contents, RecordId, decode
from collector.spool.segment import segments
from collector.spool.spool import Directories
from collector.spool.stock import TRAY

FAILURE: Final = 1


@dataclass(slots=True)
class Shelf:
    """What a directory of segments holds now: files, records of telegrams, bytes of good lines."""

    name: str
    files: int = 0
    records: Identities = field(default_factory=Identities)
    size: int = 0

    def add(self, contents: Contents) -> None:
        self.files += 1
        self.size += contents.size
        for record in contents.ids:
            if record.counted:
                self.records.add(record)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, text in {
        "status": "say what waits, and the accounting of the running service",
        "verify": "read every segment and report damage; exit 1 if there is any",
        "export": "write all lines that wait to standard output, as line protocol",
        "resend": "hand what InfluxDB refused to the service once more",
        "take-over": "bring in what waits in spools that are no longer used",
    }.items():
        action = actions.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        action.add_argument("--spool-dir", type=Path, help="default: from the settings")
        action.add_argument("--hot-dir", type=Path, help="default: from the settings")
        if name == "take-over":
            words = "such a spool (default: those that P1_SPOOL_DIR named before, and the default)"
            action.add_argument("directory", type=Path, nargs="*", help=words)
        if name == "status":
            action.add_argument("--json", action="store_true", help="for programs")


def main(options: argparse.Namespace) -> int:
    spool, hot = options.spool_dir, options.hot_dir
    if options.action == "take-over":
        return _take_over(spool, options.directory)
    if spool is None or hot is None:
        from collector.settings.settings import load_strictly  # noqa: PLC0415  only if it is needed

        settings = load_strictly()
        spool, hot = spool or settings.spool, hot or settings.hot
    actions = {"status": _status, "verify": _verify, "export": _export, "resend": _resend}
    return actions[options.action](Directories(spool), hot, options)


def waiting(directories: Directories, hot: Path) -> set[RecordId]:
    """Give the identities of all records that wait for InfluxDB now, each once."""
    return set().union(*(shelf.records for shelf in _waiting(_shelves(directories, hot))))


def _rooms(directories: Directories, hot: Path) -> dict[str, Path]:
    """Name the directories in the order in which records move, so that none slips past."""
    return {
        "hot": hot,
        "spool": directories.spool,
        "tray": hot / TRAY,
        "inbox": directories.inbox,
        "rejected": directories.rejected,
    }


def _shelves(directories: Directories, hot: Path) -> list[Shelf]:
    shelves = []
    for name, directory in _rooms(directories, hot).items():
        shelf = Shelf(name)
        for _, contents in _files(directory):
            shelf.add(contents)
        shelves.append(shelf)
    return shelves


def _waiting(shelves: list[Shelf]) -> list[Shelf]:
    return [shelf for shelf in shelves if shelf.name != "rejected"]


def _files(directory: Path) -> Iterator[tuple[Path, Contents]]:
    """Read a directory's segments one at a time, oldest first.

    One that is closed while we look is met under its new name, one that is delivered is gone.
    """
    disk = Disk()
    opened = segments(disk, directory, ".open")
    closed = segments(disk, directory)
    for path in sorted({p.with_suffix(".lp") for p in [*closed, *opened]}):
        for name in (path.with_suffix(".open"), path):
            with suppress(FileNotFoundError):
                yield name, decode(disk.read(name))
                break


def _status(directories: Directories, hot: Path, options: argparse.Namespace) -> int:
    shelves = _shelves(directories, hot)
    service = read(hot / FILE_NAME)
    waits = len(Identities(i for shelf in _waiting(shelves) for i in shelf.records))
    if options.json:
        facts = {s.name: {"files": s.files, "records": len(s.records)} for s in shelves}
        put(json.dumps({"waiting": waits, **facts, "service": service.get("counts")}))
        return 0
    for shelf in shelves:
        text = f"{shelf.files:>6} files {len(shelf.records):>9} telegrams {_size(shelf.size)}"
        put(f"{shelf.name:<9}{text}")
    damaged = Disk().names(directories.damaged)
    put(f"{'damaged':<9}{len(damaged):>6} files")
    put(f"{counted(waits, 'telegram')} waiting for InfluxDB, in {directories.spool} and {hot}")
    if service:
        put(_accounting(service))
    return 0


def _accounting(service: dict[str, Any]) -> str:
    counts = service["counts"]
    outcomes = ("delivered", "waiting", "rejected", "dropped", "damaged")
    right = " + ".join(f"{counts[name]} {name}" for name in outcomes)
    left = f"{counts['found']} found at start + {counts['read']} read"
    return f"service ({service['state']}, process {service['pid']}): {left} = {right}"


def _verify(directories: Directories, hot: Path, options: argparse.Namespace) -> int:
    del options
    damaged, sound = 0, Identities()
    for name, directory in _rooms(directories, hot).items():
        for path, contents in _files(directory):
            for record in contents.ids:
                if record.counted and name != "rejected":
                    sound.add(record)
            damaged += _report(path, contents)
    put(f"{counted(len(sound), 'telegram')} sound, {damaged} damaged")
    return FAILURE if damaged else 0


def _report(path: Path, contents: Contents) -> int:
    """Print the damage in a file; gives how many records it was."""
    damaged = 0
    for damage in contents.damage:
        if path.suffix == ".open" and damage.offset >= contents.end:
            continue  # a record that is just being written
        damaged += damage.records
        put(f"{path}: {len(damage.data)} damaged bytes at byte {damage.offset}")
    return damaged


def _export(directories: Directories, hot: Path, options: argparse.Namespace) -> int:
    """Write the lines of every waiting record once: the backlog, then what is hot."""
    del options
    keep_private()
    # Read first what moves first; the RAM disk is small enough to be held.
    newest = list(_files(hot))
    seen = Identities()
    for directory in (directories.spool, hot / TRAY, directories.inbox):
        for _, contents in _files(directory):
            _write(contents, seen)
    for _, contents in newest:
        _write(contents, seen)
    sys.stdout.flush()
    return 0


def _write(contents: Contents, seen: Identities) -> None:
    for record in contents.records:
        if not record.id.counted or seen.add(record.id):
            sys.stdout.buffer.write(record.body)


def _resend(directories: Directories, hot: Path, options: argparse.Namespace) -> int:
    """Move refused segments to the inbox; each is always in one place at least."""
    del hot, options
    disk = Disk()
    inbox = Inbox(directories, disk, free=0)
    refused = segments(disk, directories.rejected)
    for path in refused:
        inbox.move(path)
    complain(f"{counted(len(refused), 'refused file')} handed to the service again")
    return 0


def _take_over(spool: Path | None, directories: list[Path]) -> int:
    """Move what waits elsewhere to the inbox. Raises `CollectorError`; then the rest stays."""
    from collector.commands.served import inbox_of  # noqa: PLC0415  only if it is needed
    from collector.service import former  # noqa: PLC0415  as above
    from collector.settings.settings import load_strictly  # noqa: PLC0415  as above

    settings = load_strictly().model_copy(update={"spool_dir": spool} if spool else {})
    inbox, disk = inbox_of(settings), Disk()
    spools = directories or former.left(settings, disk)
    if not spools:
        complain("nothing waits in a spool of before")
    for old in spools:
        try:
            number = _taken(inbox, old, former.backlog(old, disk))
        except OSError as error:
            words = f"the rest stays in `{old}`: {error.strerror}: `{error.filename}`"
            hint = "make room, or run it as the user of the service; then call it again"
            raise CollectorError(words, hint=hint) from error
        complain(f"{counted(number, 'file')} of `{old}` handed to the service")
    return 0


def _taken(inbox: Inbox, old: Path, paths: list[Path]) -> int:
    lock = Lock(old)
    try:
        for path in paths:
            inbox.take(path)
    finally:
        lock.release()
    return len(paths)


def _size(size: int) -> str:
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:  # noqa: PLR2004  bytes in a KiB
            return f"{size:.0f} {unit}"
        size //= 1024
    return f"{size} GiB"
