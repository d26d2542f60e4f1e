"""The `spool` command: what waits, whether it is sound, and how to get it out or back in.

It only reads, so it works beside a running service; `resend` hands files over by rename.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from itertools import chain
from pathlib import Path
from typing import Any, Final

from collector.commands.output import complain, counted, keep_private, put
from collector.errors import CollectorError, IncompleteSetting
from collector.service.lock import Lock
from collector.service.status import FILE_NAME, newest
from collector.spool.disk import Disk
from collector.spool.identities import Identities
from collector.spool.inbox import Inbox
from collector.spool.record import Contents, RecordId, decode
from collector.spool.segment import segments
from collector.spool.spool import Directories
from collector.spool.stock import TRAY

FAILURE: Final = 1
ROOMS: Final = ("hot", "spool", "tray", "inbox", "rejected")


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

        settings = load_strictly(IncompleteSetting)
        spool, hot = spool or settings.spool, hot or settings.hot
    actions = {"status": _status, "verify": _verify, "export": _export, "resend": _resend}
    return actions[options.action](Directories(spool), hot, options)


def waiting(directories: Directories, hot: Path) -> set[RecordId]:
    """Give the identities of all records that wait for InfluxDB now, each once."""
    found = _everything(directories, hot)
    return {r for name, _, contents in found if name != "rejected" for r in _telegrams(contents)}


def _everything(directories: Directories, hot: Path) -> Iterator[tuple[str, Path, Contents]]:
    """Read what lies in all rooms, in the order in which records move, so that none slips past."""
    rooms = (hot, directories.spool, hot / TRAY, directories.inbox, directories.rejected)
    for name, directory in zip(ROOMS, rooms, strict=True):
        for path, contents in _files(directory):
            yield name, path, contents


def _telegrams(contents: Contents) -> Iterator[RecordId]:
    return (record for record in contents.ids if record.counted)


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
    files, sizes, records = Counter[str](), Counter[str](), {n: Identities() for n in ROOMS}
    for name, _, contents in _everything(directories, hot):
        files[name] += 1
        sizes[name] += contents.size
        for record in _telegrams(contents):
            records[name].add(record)
    service = newest(hot / FILE_NAME)
    waits = len(Identities(i for name in ROOMS if name != "rejected" for i in records[name]))
    if options.json:
        facts = {n: {"files": files[n], "records": len(records[n])} for n in ROOMS}
        put(json.dumps({"waiting": waits, **facts, "service": service.get("counts")}))
        return 0
    for name in ROOMS:
        text = f"{files[name]:>6} files {len(records[name]):>9} telegrams {_size(sizes[name])}"
        put(f"{name:<9}{text}")
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
    left = f"{counts['found']} found or handed over + {counts['read']} read"
    return f"service ({service['state']}, process {service['pid']}): {left} = {right}"


def _verify(directories: Directories, hot: Path, options: argparse.Namespace) -> int:
    del options
    damaged, sound = 0, Identities()
    for name, path, contents in _everything(directories, hot):
        for record in _telegrams(contents):
            if name != "rejected":
                sound.add(record)
        for damage in contents.damage:
            if path.suffix == ".open" and damage.offset >= contents.end:
                continue  # a record that is just being written
            damaged += damage.records
            put(f"{path}: {len(damage.data)} damaged bytes at byte {damage.offset}")
    put(f"{counted(len(sound), 'telegram')} sound, {damaged} damaged")
    return FAILURE if damaged else 0


def _export(directories: Directories, hot: Path, options: argparse.Namespace) -> int:
    """Write the lines of every waiting record once: the backlog, then what is hot."""
    del options
    keep_private()
    # Read first what moves first; the RAM disk is small enough to be held.
    newest, seen = list(_files(hot)), Identities()
    backlog = map(_files, (directories.spool, hot / TRAY, directories.inbox))
    for _, contents in chain(*backlog, newest):
        for record in contents.records:
            if not record.id.counted or seen.add(record.id):
                sys.stdout.buffer.write(record.body)
    sys.stdout.flush()
    return 0


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

    elsewhere = {"spool_dir": spool} if spool else {}
    settings = load_strictly(IncompleteSetting).model_copy(update=elsewhere)
    inbox, disk = inbox_of(settings), Disk()
    spools = directories or former.left(settings, disk)
    if not spools:
        complain("nothing waits in a spool of before")
    for old in spools:
        try:
            paths = former.backlog(old, disk)
            with ExitStack() as stack:
                stack.callback(Lock(old).release)
                for path in paths:
                    inbox.take(path)
        except OSError as error:
            words = f"the rest stays in `{old}`: {error.strerror}: `{error.filename}`"
            hint = "make room, or run it as the user of the service; then call it again"
            raise CollectorError(words, hint=hint) from error
        complain(f"{counted(len(paths), 'file')} of `{old}` handed to the service")
    return 0


def _size(size: int) -> str:
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:  # noqa: PLR2004  bytes in a KiB
            return f"{size:.0f} {unit}"
        size //= 1024
    return f"{size} GiB"
